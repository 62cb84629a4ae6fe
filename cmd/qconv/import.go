package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime/printable"
)

var (
	dimFlag       = &cli.StringSliceFlag{Name: "dim", Category: catResult, Usage: "bind a symbolic dimension, `NAME=SIZE`; may be repeated"}
	bindFlag      = &cli.StringSliceFlag{Name: "bind", Category: catResult, Usage: "make an input a constant, `NAME=VALUE`: a number, an .npy file or .npz#key; may be repeated"}
	importOutFlag = &cli.StringFlag{Name: "o", Aliases: []string{"out"}, Category: catResult, Usage: "write the result to `FILE`"}
	pickFlag      = &cli.StringSliceFlag{Name: "output", Category: catResult, Usage: "keep the output `NAME` alone, or make any computed value one; may be repeated. What ends in .onnx is the FILE of -o"}
	overFlag      = &cli.IntFlag{Name: "window", Category: catData, Usage: "make a network of one step, whose states --state names, one over `W` steps"}
	overStateFlag = &cli.StringSliceFlag{Name: stateFlag.Name, Category: catData, Usage: "with --window, `IN=OUT`: the input IN of a step is what output OUT was at the step before; several may be given, as in h=hn,c=cn"}
	verboseFlag   = &cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Category: catResult, Usage: "list every simplification"}
	checkOnlyFlag = &cli.BoolFlag{Name: "check-only", Category: catResult, Usage: "write nothing"}
)

var importCommand = &cli.Command{
	Name:      "import",
	Usage:     "read an ONNX file, check it, simplify it",
	ArgsUsage: "MODEL.onnx",
	Description: "Writes MODEL.q.onnx, an ONNX file with BatchNormalization and constants folded, that carries the " +
		"preprocessing and the class labels from here on. Reports every node that qconv cannot take, and " +
		"compares the network with an independent executor.\n\n" +
		example("qconv import model.onnx --scale 1/255"),
	Flags:  flagList([]cli.Flag{importOutFlag, pickFlag, checkOnlyFlag, dimFlag, bindFlag, overFlag, overStateFlag, verboseFlag, maxMemoryFlag, jsonFlag}, preprocessFlags),
	Action: runImport,
}

// importReport is what import prints.
type importReport struct {
	Model    string `json:"model"`
	Output   string `json:"output,omitempty"`
	Producer string `json:"producer,omitempty"`
	Opset    int    `json:"opset"`
	// Ops and Parameters count the file as it is; the rest describes the simplified graph.
	Ops         map[string]int    `json:"ops"`
	Unsupported []unsupportedNode `json:"unsupported"`
	Parameters  int               `json:"parameters"`
	// FoldedParameters are those left after simplification.
	FoldedParameters int         `json:"folded_parameters"`
	MACs             int         `json:"macs"`
	Inputs           []valueInfo `json:"inputs"`
	Outputs          []valueInfo `json:"outputs"`
	Nodes            []nodeInfo  `json:"nodes"`
	Changes          []string    `json:"changes"`
	Warnings         []string    `json:"warnings,omitempty"`
	Check            *checkInfo  `json:"check,omitempty"`
	// Pixels is the range of pixels that the network suggests, where it tells one.
	Pixels *pixelsInfo `json:"pixels,omitempty"`
}

// pixelsInfo is what pixels 0 and 255 should be when they enter, as far as the network tells.
type pixelsInfo struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Reason string  `json:"reason"`
	// Contradicted says that the preprocessing given brings pixels far from that.
	Contradicted bool `json:"contradicted"`
}

type unsupportedNode struct {
	Name   string `json:"name"`
	Op     string `json:"op"`
	Opset  int    `json:"opset"`
	Reason string `json:"reason"`
}

type valueInfo struct {
	Name  string     `json:"name"`
	Shape onnx.Shape `json:"shape"` // -1 = batch
}

type nodeInfo struct {
	Name       string     `json:"name"`
	Op         string     `json:"op"`
	Shape      onnx.Shape `json:"shape"`
	Parameters int        `json:"parameters"`
	MACs       int        `json:"macs"`
}

func runImport(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.onnx")
	if err != nil {
		return err
	}
	dims, err := parseDims(c.StringSlice(dimFlag.Name))
	if err != nil {
		return err
	}
	o, err := readBindings(c)
	if err != nil {
		return err
	}
	o.Dims = dims
	out := c.String(importOutFlag.Name)
	for _, name := range c.StringSlice(pickFlag.Name) {
		switch {
		case !strings.HasSuffix(name, ".onnx"):
			o.Outputs = append(o.Outputs, name)
		case out != "":
			return usagef("two files to write, %q and %q", out, name)
		default:
			out = name
		}
	}
	if err := checkOver(c); err != nil {
		return err
	}
	labels, err := readLabels(c)
	if err != nil {
		return err
	}
	if out == "" {
		out = outputName(path, ".q.onnx")
	}
	if err := checkKind(out, ".onnx"); err != nil {
		return err
	}
	var file *atomicfile.File
	if c.Bool(checkOnlyFlag.Name) {
		out = ""
	} else if file, err = claim(c, out, path); err != nil {
		return err
	}
	defer file.Release()

	// Where weights are most of what is held, they are held once: collect what is dropped early.
	if info, err := os.Stat(path); err == nil && info.Size() > fewBytes {
		defer debug.SetGCPercent(debug.SetGCPercent(10))
	}
	r := &importReport{Model: path, Output: out, Ops: map[string]int{}, Unsupported: []unsupportedNode{}}
	done := working(c, "read, simplify and check")
	m, err := r.load(c, path, o)
	done()
	if err != nil {
		// A machine wants the list of unsupported nodes as much as that of supported ones.
		var unsupported *onnx.UnsupportedError
		if errors.As(err, &unsupported) && c.Bool(jsonFlag.Name) {
			for _, n := range unsupported.Nodes {
				r.Unsupported = append(r.Unsupported, unsupportedNode(n))
			}
			return errors.Join(printJSON(c.App.Writer, r), err)
		}
		return err
	}
	if err := setPreprocess(c, &m.Input); err != nil {
		return err
	}
	if labels != nil {
		m.Labels = labels
	}
	if err := checkPreprocess(m); err != nil {
		return err
	}
	if h := m.Pixels; h != nil {
		r.Pixels = &pixelsInfo{h.Low, h.High, h.Reason, contradicts(m.Input, h)}
		switch {
		case r.Pixels.Contradicted && m.Input.Given:
			note(c, "warning: with these flags pixels 0..255 enter as %.4g..%.4g; %s", m.Input.Apply(0, 0), m.Input.Apply(0, 255), suggestion(h))
		case r.Pixels.Contradicted:
			note(c, "warning: without flags pixels enter as 0..255; %s", suggestion(h))
		}
	}
	if r.Check.Outcome == disagrees {
		note(c, "warning: onnx-go computes other outputs for this file, by %.3g: check some with qconv run --expect", *r.Check.Difference)
	}
	if file != nil {
		if err := writeModel(file, m); err != nil {
			return err
		}
	}
	for _, w := range r.Warnings {
		note(c, "warning: %s", w)
	}
	return report(c, r, func(w io.Writer) { r.print(w, c.Bool(verboseFlag.Name)) })
}

// elements counts those of all computed values.
func elements(g *onnx.Graph) int {
	n := 0
	for _, node := range g.Nodes {
		for _, v := range node.Outputs {
			n += v.Shape.Elems()
		}
	}
	return n
}

// fewBytes is the size of weights and values from which on memory is worth more than time.
const fewBytes = 4 << 20

// load reads and simplifies the model and fills the report as far as it gets.
func (r *importReport) load(c *cli.Context, path string, o onnx.ReadOptions) (*quant.Model, error) {
	g, err := readGraph(c, path, o)
	if err != nil {
		return nil, err
	}
	r.Producer, r.Opset, r.Warnings = g.Producer, g.Opset, g.Warnings
	for _, n := range g.Nodes {
		r.Ops[n.Op.Type()]++
	}
	r.Parameters = parameters(g)
	if 4*(r.Parameters+elements(g)) > fewBytes {
		defer debug.SetGCPercent(debug.SetGCPercent(10))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &inputError{err}
	}
	p, err := newProbe(g, info.Size())
	if err != nil {
		return nil, named(path, err)
	}
	pixels := quant.PixelsOf(g)
	if r.Changes, err = onnx.Simplify(g); err != nil {
		return nil, named(path, err)
	}
	r.describe(g)
	m, err := quant.FromGraph(g)
	if err != nil {
		return nil, named(path, err)
	}
	if !quant.IsImported(g) {
		m.Pixels = pixels // before simplification, the network tells more
	}
	if r.Check, err = p.check(path, modelOptions(c, o), m.Graph); err != nil || !c.IsSet(overFlag.Name) {
		return m, err
	}
	over, err := overWindow(c, m)
	if err != nil {
		return nil, named(path, err)
	}
	over.Pixels = m.Pixels
	// What was said of the states is true no more.
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w string) bool {
		return slices.ContainsFunc(statePairs(c), func(p quant.StatePair) bool {
			return strings.HasPrefix(w, fmt.Sprintf("graph input %q is [", p.Input)) || strings.HasPrefix(w, fmt.Sprintf("graph output %q is [", p.Output))
		})
	})
	if in, out := likelyState(m.Graph); in != "" {
		r.Warnings = append(r.Warnings, fmt.Sprintf("input %q and output %q are of one shape and handed over as data: if the one becomes the other, say so with --%s %s=%s", in, out, stateFlag.Name, in, out))
	}
	r.Inputs, r.Outputs, r.Nodes, r.MACs = nil, nil, nil, 0
	r.describe(over.Graph)
	return over, nil
}

// checkOver demands that the flags that make a network of one step one over a window come together.
func checkOver(c *cli.Context) error {
	switch {
	case c.IsSet(overFlag.Name) && c.Int(overFlag.Name) < 1:
		return usagef("flag --%s: got %d, want at least 1", overFlag.Name, c.Int(overFlag.Name))
	case c.IsSet(stateFlag.Name) && !c.IsSet(overFlag.Name):
		return usagef("flag --%s: import takes it with --%s alone; finetune and convert take it for a network of one step", stateFlag.Name, overFlag.Name)
	case len(statePairs(c)) < len(stateTexts(c)):
		return usagef("flag --%s: got %q, want IN=OUT for each", stateFlag.Name, strings.Join(c.StringSlice(stateFlag.Name), " "))
	}
	return nil
}

// likelyState is an input beside the first, and an output beside the first, of the same shape; empty names for none.
func likelyState(g *onnx.Graph) (in, out string) {
	for _, v := range g.Inputs[min(1, len(g.Inputs)):] {
		for _, o := range g.Outputs[min(1, len(g.Outputs)):] {
			if v.Shape.Equal(o.Shape) {
				return v.Name, o.Name
			}
		}
	}
	return "", ""
}

// overWindow makes the network one over a window of steps.
func overWindow(c *cli.Context, m *quant.Model) (*quant.Model, error) {
	if err := quant.OverWindow(m.Graph, statePairs(c), c.Int(overFlag.Name)); err != nil {
		return nil, err
	}
	if _, err := onnx.Simplify(m.Graph); err != nil {
		return nil, err
	}
	return quant.FromGraph(m.Graph)
}

// describe lists the nodes of the simplified graph.
func (r *importReport) describe(g *onnx.Graph) {
	r.FoldedParameters = parameters(g)
	for _, v := range g.Inputs {
		r.Inputs = append(r.Inputs, valueInfo{v.Name, v.Shape})
	}
	for _, v := range g.Outputs {
		r.Outputs = append(r.Outputs, valueInfo{v.Name, v.Shape})
	}
	cost := onnx.Costs(g)
	for _, n := range g.Nodes {
		params, macs := cost(n)
		r.MACs += macs
		r.Nodes = append(r.Nodes, nodeInfo{n.Name, n.Op.Type(), n.Outputs[0].Shape, params, macs})
	}
}

// parameters counts the elements of the float constants of a graph, each constant once.
func parameters(g *onnx.Graph) int {
	seen := map[*onnx.Value]bool{}
	total := 0
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v != nil && v.Const != nil && v.Const.Type == onnx.Float && !seen[v] {
				seen[v] = true
				total += len(v.Const.Floats)
			}
		}
	}
	return total
}

// phrase is s, which may be of several words, quoted where it holds what would not be seen.
func phrase(s string) string {
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}

// shownChanges is how many simplifications are printed unless all are asked for.
const shownChanges = 10

func (r *importReport) print(w io.Writer, verbose bool) {
	fmt.Fprintf(w, "%s: opset %d", printable.Name(r.Model), r.Opset)
	if r.Producer != "" {
		fmt.Fprintf(w, ", by %s", phrase(r.Producer))
	}
	fmt.Fprintln(w)
	for _, v := range r.Inputs {
		fmt.Fprintf(w, "input   %s %s\n", printable.Name(v.Name), v.Shape)
	}
	if p := r.Pixels; p != nil {
		fmt.Fprintf(w, "pixels  %s: %s\n", rangeText(&quant.PixelHint{Low: p.Low, High: p.High}), printable.Text(p.Reason))
	}
	for _, v := range r.Outputs {
		fmt.Fprintf(w, "output  %s %s\n", printable.Name(v.Name), v.Shape)
	}
	fmt.Fprintln(w)
	t := table{left: 3}
	t.add("node", "op", "output", "parameters", "MACs")
	sum := 0
	for _, n := range r.Nodes {
		t.add(printable.Name(n.Name), n.Op, n.Shape, grouped(n.Parameters), grouped(n.MACs))
		sum += n.Parameters
	}
	t.add("total", "", "", grouped(sum), grouped(r.MACs))
	t.print(w)
	fmt.Fprintf(w, "\nparameters: %s in the file, %s after simplification\n", grouped(r.Parameters), grouped(r.FoldedParameters))
	shown := len(r.Changes)
	if !verbose {
		shown = min(shown, shownChanges)
	}
	for _, line := range r.Changes[:shown] {
		fmt.Fprintf(w, "simplified: %s\n", line)
	}
	if more := len(r.Changes) - shown; more > 0 {
		fmt.Fprintf(w, "simplified: %d more changes, listed with -v\n", more)
	}
	if r.Check != nil {
		fmt.Fprintf(w, "check: %s\n", r.Check)
	}
	if r.Output != "" {
		fmt.Fprintf(w, "written: %s\n", printable.Name(r.Output))
	}
}
