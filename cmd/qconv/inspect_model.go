package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime/printable"
)

// modelReport is what inspect prints of an ONNX file.
type modelReport struct {
	Model      string            `json:"model"`
	Imported   bool              `json:"imported"`
	Parameters int               `json:"parameters"`
	MACs       int               `json:"macs"`
	Preprocess *quant.Preprocess `json:"preprocess,omitempty"`
	// Features says which features of sound enter.
	Features  string       `json:"features,omitempty"`
	Labels    []string     `json:"labels,omitempty"`
	Codebooks []int        `json:"codebooks"` // centres of each
	Sites     []siteInfo   `json:"levels"`
	Weights   []weightInfo `json:"weights"`
}

// siteInfo is a value that carries levels; Levels is 0 before calibration.
type siteInfo struct {
	Value  string  `json:"value"`
	Levels int     `json:"levels"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// weightInfo is a layer's weight tensor and how many different values it has.
type weightInfo struct {
	Layer    string     `json:"layer"`
	Name     string     `json:"name"`
	Shape    onnx.Shape `json:"shape"`
	Elements int        `json:"elements"`
	Unique   int        `json:"unique"`
	Min      float32    `json:"min"`
	Max      float32    `json:"max"`
}

func inspectONNX(c *cli.Context, path string, shown *inspection) error {
	g, err := readGraph(c, path, onnx.ReadOptions{})
	if err != nil {
		return err
	}
	imported := quant.IsImported(g)
	m, err := quant.FromGraph(g)
	if err != nil {
		return named(path, err)
	}
	r := modelReport{Model: path, Imported: imported, Parameters: parameters(m.Graph), Features: m.Input.Features, Labels: m.Labels, Codebooks: []int{}}
	if m.Input.Given {
		r.Preprocess = &m.Input
	}
	cost := onnx.Costs(m.Graph)
	for _, n := range m.Graph.Nodes {
		_, macs := cost(n)
		r.MACs += macs
	}
	for _, centres := range m.Codebooks {
		r.Codebooks = append(r.Codebooks, len(centres))
	}
	for _, s := range m.Sites {
		info := siteInfo{Value: s.Value.Name}
		if l, ok := m.Levels[s.Value.Name]; ok {
			info.Levels, info.Min, info.Max = l.Count, l.Min(), l.Max()
		}
		r.Sites = append(r.Sites, info)
	}
	for _, l := range m.Layers() {
		r.Weights = append(r.Weights, describeWeights(l))
	}
	if err := shown.model(m, &r); err != nil {
		return err
	}
	return report(c, r, r.print)
}

func describeWeights(l quant.Layer) weightInfo {
	v := l.Weights
	info := weightInfo{Layer: l.Name, Name: v.Name, Shape: v.Shape, Elements: len(v.Const.Floats)}
	unique := map[float32]bool{}
	for i, w := range v.Const.Floats {
		unique[w] = true
		if i == 0 {
			info.Min, info.Max = w, w
		}
		info.Min, info.Max = min(info.Min, w), max(info.Max, w)
	}
	info.Unique = len(unique)
	return info
}

func (r modelReport) print(w io.Writer) {
	state := "as exported"
	if r.Imported {
		state = "imported"
	}
	fmt.Fprintf(w, "%s: %s, %s parameters, %s MACs\n", printable.Name(r.Model), state, grouped(r.Parameters), grouped(r.MACs))
	if p := r.Preprocess; p != nil {
		fmt.Fprintf(w, "preprocessing: scale %v, mean %v, std %v\n", p.Scale, p.Mean, p.Std)
	}
	if r.Features != "" {
		fmt.Fprintf(w, "features: %s\n", printable.Text(r.Features))
	}
	if len(r.Labels) > 0 {
		fmt.Fprintf(w, "labels: %s\n", printable.Names(r.Labels))
	}
	if len(r.Codebooks) > 0 {
		fmt.Fprintf(w, "codebooks: %v centres\n", r.Codebooks)
	}
	fmt.Fprintln(w)
	t := table{left: 1}
	t.add("value", "levels", "min", "max")
	for _, s := range r.Sites {
		if s.Levels == 0 {
			t.add(printable.Name(s.Value), "-", "", "")
			continue
		}
		t.add(printable.Name(s.Value), s.Levels, fmt.Sprintf("%.4g", s.Min), fmt.Sprintf("%.4g", s.Max))
	}
	t.print(w)
	fmt.Fprintln(w)
	t = table{left: 3}
	t.add("layer", "weights", "shape", "elements", "different", "min", "max")
	for _, x := range r.Weights {
		t.add(printable.Name(x.Layer), printable.Name(x.Name), x.Shape, grouped(x.Elements), grouped(x.Unique), fmt.Sprintf("%.4g", x.Min), fmt.Sprintf("%.4g", x.Max))
	}
	t.print(w)
}
