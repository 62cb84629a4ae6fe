package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/cmd/qconv/internal/page"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
)

var (
	historyFlag        = &cli.StringFlag{Name: "log", Category: catResult, Usage: "show with --html the course of the training that finetune --log wrote to `FILE`"}
	inspectAgainstFlag = &cli.StringFlag{Name: "against", Category: catResult, Usage: "compare on the samples of --data with `OTHER`, an .onnx or .qlut of the same network, and show that with --html"}
)

// inspection is what --html of inspect is about; nil where that is not given.
type inspection struct {
	c       *cli.Context
	path    string
	file    *atomicfile.File
	history *tuneHistory // nil without --log
}

// newInspection checks the flags of --html, and takes hold of its file.
func newInspection(c *cli.Context, path string, integer bool) (*inspection, error) {
	if c.String(htmlFlag.Name) == "" {
		if name := anySet(c, flagList([]cli.Flag{historyFlag, inspectAgainstFlag}, dataFlags, preprocessFlags)); name != "" {
			return nil, usagef("flag --%s is for the page of --%s, which is not given", name, htmlFlag.Name)
		}
		return nil, nil
	}
	data, other := c.String(dataFlag.Name), c.String(inspectAgainstFlag.Name)
	if other != "" && data == "" {
		return nil, usagef("flag --%s needs --%s, the samples to compare on", inspectAgainstFlag.Name, dataFlag.Name)
	}
	if data == "" {
		if name := anySet(c, flagList(dataFlags, preprocessFlags)); name != "" {
			return nil, usagef("flag --%s needs --%s", name, dataFlag.Name)
		}
	} else if err := checkPreprocessFlags(c, path, other); err != nil {
		return nil, err
	}
	s := &inspection{c: c, path: path}
	inputs := []string{path, other}
	if log := c.String(historyFlag.Name); log != "" {
		var err error
		if s.history, err = readHistory(log); err != nil {
			return nil, err
		}
		inputs = append(inputs, log)
	}
	var err error
	s.file, err = claimHTML(c, inputs...)
	return s, err
}

func (s *inspection) release() {
	if s != nil {
		s.file.Release()
	}
}

// program writes the page of a program.
func (s *inspection) program(p *qrt.Program, r *programReport) error {
	if s == nil {
		return nil
	}
	out := page.New(pageNames(s.path)[0], "integer program, "+r.Producer)
	summary := out.Section("Summary")
	where := "this machine"
	if r.Target != "" {
		where = r.Target
	}
	summary.Facts("file", grouped(r.FileBytes)+" bytes", "weights", fmt.Sprintf("%s, %d different", grouped(r.Weights), r.UniqueWeights), "bits per weight", fmt.Sprintf("%.2f", r.BitsPerWeight),
		"RAM", grouped(r.RAMBytes)+" bytes on "+where, "multiply-accumulates", grouped(r.MACs), "instructions", grouped(len(p.Instrs)), "table entries", grouped(r.Tables.Total))
	for _, in := range r.Inputs {
		summary.Text("Input %v", in)
	}
	for _, line := range r.Left {
		summary.Text("%s.", upperFirst(line))
	}
	if len(r.Labels) > 0 {
		summary.Text("Classes: %s", firstNames(r.Labels))
	}
	summary.Text("Made from the ONNX file with SHA-256 %s.", r.Source)
	if err := addGraph(out.Section("Network"), programGraph(p, &r.programInfo)); err != nil {
		return err
	}
	if err := s.addSizes(out.Section("Size"), &r.programInfo); err != nil {
		return err
	}
	weights, err := programWeights(p, &r.programInfo)
	if err != nil {
		return err
	}
	if len(weights) > 0 {
		if err := addWeights(out.Section("Weights"), weights); err != nil {
			return err
		}
	}
	if err := addArena(out.Section("RAM"), p, &r.programInfo); err != nil {
		return err
	}
	addKernels(out.Section("Kernels"), &r.programInfo, where)
	return s.finish(out)
}

// addSizes adds the bytes of a program's file by purpose and by layer.
func (s *inspection) addSizes(section *page.Section, info *programInfo) error {
	data, err := os.ReadFile(s.path)
	if err != nil {
		return &inputError{err}
	}
	parts, err := qrt.FileParts(data)
	if err != nil {
		return named(s.path, err)
	}
	t := section.Table(page.Left("purpose"), page.Right("bytes"), page.Right("share"))
	for _, p := range parts {
		part := float64(p.Bytes) / float64(len(data))
		t.Row(p.Name, grouped(p.Bytes), page.Share{Part: part, Text: percent(part)})
	}
	t = section.Table(page.Left("layer"), page.Right("weights"), page.Right("bytes of weights"), page.Right("share"))
	for _, l := range info.Layers {
		if l.Weights > 0 {
			part := float64(l.CodedBytes) / float64(max(info.Purposes.Weights, 1))
			t.Row(l.Name, grouped(l.Weights), grouped(l.CodedBytes), page.Share{Part: part, Text: percent(part)})
		}
	}
	return nil
}

// addKernels adds how every instruction is carried out, and its share of the work.
func addKernels(s *page.Section, info *programInfo, where string) {
	s.Text("How every instruction is carried out on %s, and the multiply-accumulates that it stands for; qconv bench measures times.", where)
	t := s.Table(page.Left("instruction"), page.Left("kernel"), page.Left("output"), page.Right("levels"), page.Right("MACs"), page.Right("share"))
	for _, l := range info.Layers {
		levels := "-"
		if l.Levels > 0 {
			levels = fmt.Sprint(l.Levels)
		}
		part := float64(l.MACs) / float64(max(info.MACs, 1))
		t.Row(l.Name, l.Kernel, dims(l.Output[:]), levels, grouped(l.MACs), page.Share{Part: part, Text: percent(part)})
	}
}

// model writes the page of an ONNX file.
func (s *inspection) model(m *quant.Model, r *modelReport) error {
	if s == nil {
		return nil
	}
	state := "ONNX file as exported"
	switch {
	case isTuned(m):
		state = "ONNX file with levels and clustered weights"
	case r.Imported:
		state = "imported ONNX file"
	}
	out := page.New(pageNames(s.path)[0], state)
	summary := out.Section("Summary")
	summary.Facts("parameters", grouped(r.Parameters), "multiply-accumulates", grouped(r.MACs), "nodes", grouped(len(m.Graph.Nodes)), "values with levels", fmt.Sprintf("%d of %d", len(m.Levels), len(m.Sites)),
		"codebooks", grouped(len(m.Codebooks)))
	if p := r.Preprocess; p != nil {
		summary.Text("Pixels: scale %v, mean %v, std %v", p.Scale, p.Mean, p.Std)
	}
	if len(r.Labels) > 0 {
		summary.Text("Classes: %s", firstNames(r.Labels))
	}
	if err := addGraph(out.Section("Network"), modelGraph(m.Graph, m.Levels)); err != nil {
		return err
	}
	addNodes(out.Section("Size and cost"), m.Graph)
	if weights := modelWeights(m); len(weights) > 0 {
		if err := addWeights(out.Section("Weights"), weights); err != nil {
			return err
		}
	}
	if len(m.Levels) > 0 {
		addLevels(out.Section("Levels"), r.Sites)
	}
	return s.finish(out)
}

// addNodes adds parameters and multiply-accumulates of all nodes that have any.
func addNodes(s *page.Section, g *onnx.Graph) {
	parameters, macs := 0, 0
	cost := onnx.Costs(g)
	for _, n := range g.Nodes {
		p, m := cost(n)
		parameters, macs = parameters+p, macs+m
	}
	t := s.Table(page.Left("node"), page.Left("operator"), page.Left("output"), page.Right("parameters"), page.Right("share"), page.Right("MACs"), page.Right("share"))
	for _, n := range g.Nodes {
		p, m := cost(n)
		if p == 0 && m == 0 {
			continue
		}
		weight, work := float64(p)/float64(max(parameters, 1)), float64(m)/float64(max(macs, 1))
		t.Row(n.Name, n.Op.Type(), dims(n.Outputs[0].Shape), grouped(p), page.Share{Part: weight, Text: percent(weight)}, grouped(m), page.Share{Part: work, Text: percent(work)})
	}
}

func addLevels(s *page.Section, sites []siteInfo) {
	t := s.Table(page.Left("value"), page.Right("levels"), page.Right("lowest"), page.Right("highest"))
	for _, x := range sites {
		if x.Levels > 0 {
			t.Row(x.Value, x.Levels, fmt.Sprintf("%.4g", x.Min), fmt.Sprintf("%.4g", x.Max))
		}
	}
}

// finish adds what data and logs tell, and writes the page.
func (s *inspection) finish(out *page.Page) error {
	if data := s.c.String(dataFlag.Name); data != "" {
		if err := s.addData(out, data); err != nil {
			return err
		}
	}
	if s.history != nil {
		if err := addHistory(out.Section("Training"), s.history); err != nil {
			return err
		}
	}
	return writePage(s.file, out)
}

// addData adds what samples show: the use of levels, and the comparison with another network.
func (s *inspection) addData(out *page.Page, data string) error {
	net, err := openNetwork(s.c, s.path, data)
	if err != nil {
		return err
	}
	defer net.data().set.Close()
	list, err := measureActivations(s.c.Context, net)
	if err != nil {
		return err
	}
	if list != nil {
		if err := addActivations(out.Section("Activations"), list, net.data().Len()); err != nil {
			return err
		}
	}
	other := s.c.String(inspectAgainstFlag.Name)
	if other == "" {
		return nil
	}
	p := &evalPart{partHead: partHead{Model: s.path, Data: data}, Against: other}
	if err := p.measure(s.c, net, shard{}, nil); err != nil {
		return err
	}
	p.doubts(s.c)
	r := p.report()
	section := out.Section("Against " + pageNames(s.path, other)[1])
	section.Text("On %d samples of %s.", r.Samples, data)
	r.addResult(section)
	if len(r.Against.Layers) > 0 {
		return addLayerNoise(section, r.Against.Layers, r.FirstLost)
	}
	return nil
}
