package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/finetune/dataset"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var (
	inputFlag  = &cli.StringSliceFlag{Name: "input", Aliases: []string{"i"}, Category: catData, Usage: "`FILE` to run: a picture, a folder or .zip of pictures, .csv, .npy, .npz#key, .wav, IDX, or raw bytes; #7 and #0:100 choose samples. For each of several inputs NAME=FILE, or an .npz that holds arrays of their names"}
	tensorFlag = &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catResult, Usage: "write the first output to `FILE`, as .npy, or else as raw little-endian float32"}
	expectFlag = &cli.StringFlag{Name: "expect", Category: catResult, Usage: "compare the first output with `FILE` (.npy or .npz#key); exit with 1 where it differs"}
	atolFlag   = &cli.StringFlag{Name: "atol", Category: catResult, Value: "1e-4", Usage: "largest difference `X` that --expect lets pass"}
	topFlag    = &cli.IntFlag{Name: "top", Category: catResult, Value: 3, Usage: "print the best `N` classes"}
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "run a model on a file or folder",
	ArgsUsage: "MODEL.{onnx,qlut}",
	Description: "Pixels are preprocessed as the model says; float values enter as they are. The outputs of a .qlut " +
		"are printed as the real numbers they stand for, after the Softmax that the network ends in.\n\n" +
		example("qconv run model.qlut --input picture.png"),
	Flags:  flagList([]cli.Flag{inputFlag, taskFlag, tensorFlag, expectFlag, atolFlag, topFlag, maxMemoryFlag, jsonFlag, layoutFlag}, sequenceFlags, preprocessFlags),
	Action: runRun,
}

// runReport is what run prints.
type runReport struct {
	Model  string         `json:"model"`
	Inputs []sampleReport `json:"inputs"`
	Expect *difference    `json:"expect,omitempty"`
}

type sampleReport struct {
	Input   string         `json:"input"`
	Top     []classScore   `json:"top,omitempty"`
	Outputs []outputReport `json:"outputs"`
}

type classScore struct {
	Index int    `json:"index"`
	Label string `json:"label,omitempty"`
	Score number `json:"score"`
}

// outputReport is an output of one sample: real numbers, and for a program the exact
// integers behind them.
type outputReport struct {
	Name   string  `json:"name"`
	Shape  []int   `json:"shape"`
	Values numbers `json:"values"`
	// Integers are what the program delivered.
	Integers []int32 `json:"integers,omitempty"`
	// After says which normalization made Values of the scores that Integers stand for; empty for none.
	After string `json:"after,omitempty"`
}

// difference is the outcome of --expect.
type difference struct {
	File    string  `json:"file"`
	Largest float64 `json:"largest_difference"`
	Index   []int   `json:"index"` // sample, then the position in the output
	Got     float64 `json:"got"`
	Want    float64 `json:"want"`
	OK      bool    `json:"ok"`
}

func runRun(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL")
	if err != nil {
		return err
	}
	specs := c.StringSlice(inputFlag.Name)
	if len(specs) == 0 || slices.Contains(specs, "") {
		return usagef("flag --%s is required", inputFlag.Name)
	}
	atol, err := parseNumber(c.String(atolFlag.Name))
	if err != nil || atol < 0 {
		return usagef("flag --%s: got %q, want a number of at least 0", atolFlag.Name, c.String(atolFlag.Name))
	}
	if c.Int(topFlag.Name) < 1 {
		return usagef("flag --%s: got %d, want at least 1", topFlag.Name, c.Int(topFlag.Name))
	}
	var out *atomicfile.File
	if name := c.String(tensorFlag.Name); name != "" {
		if err := checkKind(name, ".npy"); err != nil {
			return err
		}
		if out, err = claim(c, name, append([]string{path}, specs...)...); err != nil {
			return err
		}
		defer out.Release()
	}
	integer, err := isProgram(c, path)
	if err != nil {
		return err
	}
	r := &runReport{Model: path}
	if integer {
		err = r.runProgram(c, path, specs)
	} else {
		err = r.runFloat(c, path, specs)
	}
	if err != nil {
		return err
	}
	if out != nil {
		if err := r.write(out); err != nil {
			return err
		}
	}
	if file := c.String(expectFlag.Name); file != "" {
		if r.Expect, err = r.compare(c, file, atol); err != nil {
			return err
		}
	}
	if err := report(c, r, r.print); err != nil {
		return err
	}
	if e := r.Expect; e != nil && !e.OK {
		return fmt.Errorf("the output differs from %s: largest difference %g at %v, got %g, want %g, at most %g apart",
			printable.Name(e.File), e.Largest, e.Index, e.Got, e.Want, atol)
	}
	return nil
}

// checkResults reports more samples than the size of their file lets expect: a packed file can hold any number of equal
// ones, and the results of all are in memory at the same time.
func checkResults(c *cli.Context, in *dataset.Input, outputs int) error {
	const perSample, perOutput = 512, 8 + 4
	need := int64(in.Count) * (perSample + int64(outputs)*perOutput)
	if allowed := readOptions(c, nil).Allowance(in.FileBytes); need > allowed {
		return inputf("%s: the results of %d samples take %d bytes of memory, want at most %d; choose some with #, such as #0:1000", printable.Name(in.Name), in.Count, need, allowed)
	}
	return nil
}

// runFloat runs an ONNX file on all samples of a file.
func (r *runReport) runFloat(c *cli.Context, path string, specs []string) error {
	f, err := openFloatModel(c, path)
	if err != nil {
		return err
	}
	ports := networkPorts(f.graph, f.input)
	inputs, err := loadInputs(c, ports, f.input, specs)
	if err != nil {
		return err
	}
	var values [][]float32
	for i, in := range inputs {
		x, err := inputValues(in, ports[i], f.input)
		if err != nil {
			return err
		}
		values = append(values, x)
	}
	a, err := networkAim(c, f.graph)
	if err != nil {
		return err
	}
	in := inputs[0]
	if err := checkResults(c, in, f.graph.Outputs[0].Shape.Elems()); err != nil {
		return err
	}
	exec, err := finetune.NewExecutor(f.graph, finetune.BatchFor(f.graph, min(in.Count, floatBatch)), finetune.ExecOptions{Levels: f.levels, OutputsOnly: true})
	if err != nil {
		return named(path, err)
	}
	for i := 0; i < in.Count; i += exec.Batch() {
		count := min(exec.Batch(), in.Count-i)
		part := make([][]float32, len(values))
		for k, v := range values {
			size := len(v) / in.Count
			part[k] = v[i*size:][:count*size]
		}
		outs, err := exec.Run(part...)
		if err != nil {
			return err
		}
		for k := range count {
			s := sampleReport{Input: in.SampleName(i + k)}
			for o, v := range f.graph.Outputs {
				per := len(outs[o]) / count
				report := outputReport{Name: v.Name, Shape: slices.Clone(quant.SampleShape(v.Shape))}
				for _, x := range outs[o][k*per:][:per] {
					report.Values = append(report.Values, float64(x))
				}
				s.Outputs = append(s.Outputs, report)
			}
			s.rank(c.Int(topFlag.Name), a, len(values[0])/in.Count, f.labels)
			r.Inputs = append(r.Inputs, s)
		}
	}
	return nil
}

// runProgram runs a .qlut file on all samples of a file.
func (r *runReport) runProgram(c *cli.Context, path string, specs []string) error {
	if err := refusePreprocess(c, path); err != nil {
		return err
	}
	p, err := readProgram(c, path)
	if err != nil {
		return err
	}
	ports := programPorts(p)
	inputs, err := loadInputs(c, ports, quant.Preprocess{Features: p.Features}, specs)
	if err != nil {
		return err
	}
	a, err := programAim(c, p)
	if err != nil {
		return err
	}
	in := inputs[0]
	runner, err := qrt.NewRunner(p, qrt.Options{Limits: programLimits(c)})
	if err != nil {
		return named(path, err)
	}
	if err := checkResults(c, in, p.Tensors[p.Outputs[0].Tensor].Elems()); err != nil {
		return err
	}
	var pixels []bool
	for k, in := range inputs {
		pixels = append(pixels, in.Kind == dataset.Pixels && ports[k].pixels)
		if in.Kind == dataset.Pixels && !ports[k].pixels {
			in.Floats = bytesAsNumbers(in.Pixels)
		}
	}
	e := newEntrance(p, runner, pixels)
	for i := range in.Count {
		for k, in := range inputs {
			size := elems(ports[k].shape)
			if pixels[k] {
				copy(e.room(k), in.Pixels[i*size:][:size])
			} else {
				e.numbers(k, in.Floats[i*size:][:size])
			}
		}
		outs, err := e.run()
		if err != nil {
			return err
		}
		s := sampleReport{Input: in.SampleName(i)}
		for o, ints := range outs {
			t := &p.Tensors[p.Outputs[o].Tensor]
			report := outputReport{
				Name: p.Outputs[o].Name, Shape: slices.Clone(t.Shape[:]),
				Values: make([]float64, len(ints)), Integers: slices.Clone(ints),
			}
			t.Real(report.Values, ints)
			if n := p.Normalization(o); n != nil {
				n.Apply(report.Values)
				report.After = n.String()
			}
			s.Outputs = append(s.Outputs, report)
		}
		s.rank(c.Int(topFlag.Name), a, elems(ports[0].shape), p.Labels)
		r.Inputs = append(r.Inputs, s)
	}
	return nil
}

// rank lists the best classes, where the first output holds scores: --task says so, or it has a label per
// element, or is a vector that is not as large as the input.
func (s *sampleReport) rank(top int, a aim, input int, labels []string) {
	scores := s.Outputs[0].Values
	plain := len(withoutOnes(s.Outputs[0].Shape)) == 1
	switch {
	case a.asked == finetune.TaskValues:
		return
	case a.asked == finetune.TaskClasses:
	case len(labels) != len(scores) && (!plain || len(scores) == input):
		return
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	for _, i := range order[:min(top, len(order))] {
		class := classScore{Index: i, Score: number(scores[i])}
		if i < len(labels) {
			class.Label = labels[i]
		}
		s.Top = append(s.Top, class)
	}
}

func (k classScore) name() string {
	if k.Label != "" {
		return printable.Name(k.Label)
	}
	return fmt.Sprint(k.Index)
}

func withoutOnes(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(d int) bool { return d == 1 })
}

// shownValues is how many values of an output are printed.
const shownValues = 8

func (r *runReport) print(w io.Writer) {
	for _, s := range r.Inputs {
		if len(s.Top) > 0 {
			var best []string
			for _, k := range s.Top {
				best = append(best, fmt.Sprintf("%s %.4g", k.name(), k.Score))
			}
			fmt.Fprintf(w, "%s: %s  (%s)\n", printable.Name(s.Input), s.Top[0].name(), strings.Join(best, ", "))
		}
		for i, o := range s.Outputs {
			if i == 0 && len(s.Top) > 0 {
				continue
			}
			fmt.Fprintf(w, "%s: %s %v", printable.Name(s.Input), printable.Name(o.Name), o.Shape)
			if o.After != "" {
				fmt.Fprintf(w, " after %s", o.After)
			}
			fmt.Fprint(w, ":")
			for _, v := range o.Values[:min(len(o.Values), shownValues)] {
				fmt.Fprintf(w, " %.4g", v)
			}
			if more := len(o.Values) - shownValues; more > 0 {
				fmt.Fprintf(w, " and %d more (--%s or --%s for all)", more, tensorFlag.Name, jsonFlag.Name)
			}
			fmt.Fprintln(w)
		}
	}
	if r.Expect != nil && r.Expect.OK {
		fmt.Fprintf(w, "as in %s: largest difference %.3g\n", printable.Name(r.Expect.File), r.Expect.Largest)
	}
}

// write stores the first output of all samples.
func (r *runReport) write(out *atomicfile.File) error {
	shape := append([]int{len(r.Inputs)}, r.Inputs[0].Outputs[0].Shape...)
	var values []float32
	for _, s := range r.Inputs {
		for _, v := range s.Outputs[0].Values {
			values = append(values, float32(v))
		}
	}
	return writeResult(out, encodeTensor(out.Path(), shape, values))
}

// compare finds the largest difference between the first output of all samples and an
// array. A value that is no number differs from everything.
func (r *runReport) compare(c *cli.Context, file string, atol float64) (*difference, error) {
	want, err := dataset.LoadArray(file, readOptions(c, nil))
	if err != nil {
		return nil, err
	}
	shape := r.Inputs[0].Outputs[0].Shape
	per := elems(shape)
	if want.Len() != per*len(r.Inputs) {
		return nil, inputf("%s has shape %v, the output has %d samples of %v", printable.Name(file), want.Shape, len(r.Inputs), shape)
	}
	d := &difference{File: file, OK: true, Largest: -1}
	for n, s := range r.Inputs {
		for i, got := range s.Outputs[0].Values {
			diff := math.Abs(got - want.At(n*per+i))
			if math.IsNaN(diff) {
				diff = math.MaxFloat64 // JSON knows no infinity
			}
			if diff > d.Largest {
				d.Largest, d.Got, d.Want = diff, got, want.At(n*per+i)
				d.Index = append([]int{n}, position(i, shape)...)
			}
		}
	}
	d.OK = d.Largest <= atol
	return d, nil
}

// position is the index of element i of a tensor in every dimension.
func position(i int, shape []int) []int {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return at
}
