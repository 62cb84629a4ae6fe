package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"qconv/runtime"
	"qconv/runtime/picture"
	"qconv/runtime/printable"
)

// result is what the network says about one sample.
type result struct {
	// Input is the file without folders, with the sample's number where it holds several; of several files that of the
	// first input.
	Input   string   `json:"input"`
	Top     []class  `json:"top,omitempty"` // best class first
	Outputs []output `json:"outputs,omitempty"`
	// Warmup says that the step is one of a window that is not full yet.
	Warmup bool `json:"warmup,omitempty"`
	// Error says why there is no result; Input is then what the command line calls the file.
	Error string `json:"error,omitempty"`
}

// class is a class and its score: an accumulator, or a level index.
type class struct {
	Index int    `json:"index"`
	Label string `json:"label,omitempty"`
	Score int32  `json:"score"`
	// Probability is that of a network that ends in a Softmax; nil for others.
	Probability *float64 `json:"probability,omitempty"`
	// Number is what Score stands for; nil where there is a Probability or the program does not know.
	Number *float64 `json:"number,omitempty"`
}

// output is an exact output: level indices, or accumulators where Levels is 0. Value v
// stands for ScaleMant * 2^ScaleExp * (v - Zero).
type output struct {
	Name      string  `json:"name"`
	Shape     [3]int  `json:"shape"`
	Levels    int     `json:"levels"`
	Zero      int     `json:"zero"`
	ScaleMant uint32  `json:"scale_mant"`
	ScaleExp  int32   `json:"scale_exp"`
	Values    []int32 `json:"values"`
	// Numbers are what Values stand for, where the program knows and they are not the same.
	Numbers []float64 `json:"numbers,omitempty"`
	// After names the normalization that the network ends in, whose results are Normalized; Values are the scores
	// before it.
	After      string    `json:"after,omitempty"`
	Normalized []float64 `json:"normalized,omitempty"`
}

// classify runs every sample.
func classify(p *runtime.Program, r *runtime.Runner, s *samples, top int) ([]result, error) {
	e := newEntrance(p, r, s.levels)
	results := make([]result, 0, len(s.names[0]))
	for i, name := range s.names[0] {
		for k := range e.inputs {
			e.inputs[k] = s.inputs[k][i]
		}
		outs, err := e.run()
		if err != nil {
			return nil, inputf("%s: %w", s.describe(i), err)
		}
		results = append(results, newResult(p, name, outs, top))
	}
	return results, nil
}

// entrance brings samples into a program.
type entrance struct {
	program *runtime.Program
	runner  *runtime.Runner
	levels  []bool   // by input
	inputs  [][]byte // of the next sample, [C][H][W]
	room    [][]byte // what they become
	step    bool     // samples are the steps of a stream
}

func newEntrance(p *runtime.Program, r *runtime.Runner, levels []bool) *entrance {
	e := &entrance{program: p, runner: r, levels: levels, inputs: make([][]byte, len(p.Inputs))}
	for i := range p.Inputs {
		e.room = append(e.room, make([]byte, p.Tensors[p.Inputs[i].Tensor].Elems()))
	}
	return e
}

// run runs the next sample.
func (e *entrance) run() ([][]int32, error) {
	numbers := slices.Contains(e.levels, true)
	parts := make([][]byte, len(e.inputs))
	for k, in := range e.inputs {
		port := &e.program.Inputs[k]
		switch {
		case e.levels[k] || !numbers && !port.Interleaved:
			parts[k] = in
			continue
		case len(in) != len(e.room[k]):
			return nil, fmt.Errorf("got %d bytes, want %d", len(in), len(e.room[k]))
		case numbers:
			e.program.PixelLevels(e.room[k], k, in)
		default:
			picture.Interleave(e.room[k], in, e.program.Tensors[port.Tensor].Shape[0])
		}
		parts[k] = e.room[k]
	}
	switch {
	case numbers && e.step:
		return e.runner.StepLevels(parts...)
	case numbers:
		return e.runner.RunLevels(parts...)
	case e.step:
		return e.runner.Step(parts...)
	}
	return e.runner.Run(parts...)
}

// newResult copies the outputs, which belong to the Runner.
func newResult(p *runtime.Program, name string, outs [][]int32, top int) result {
	res := result{Input: name}
	for i, values := range outs {
		t := &p.Tensors[p.Outputs[i].Tensor]
		res.Outputs = append(res.Outputs, output{
			Name: p.Outputs[i].Name, Shape: t.Shape, Levels: t.Levels, Zero: t.Zero,
			ScaleMant: t.Scale.Mant, ScaleExp: t.Scale.Exp,
			Values: append([]int32(nil), values...),
		})
		if n := p.Normalization(i); n != nil {
			o := &res.Outputs[i]
			o.After, o.Normalized = n.String(), normalized(values, t, n)
		} else if t.Scale.Mant != 0 && (t.Scale.Float() != 1 || t.Zero != 0) {
			res.Outputs[i].Numbers = numbers(values, t)
		}
	}
	if p.IsClassifier() {
		res.Top = best(p, &res.Outputs[0], top)
	}
	return res
}

// normalized is what the network makes of scores, rounded to six places: this is for people, computed in floating
// point behind the program and not by it.
func normalized(scores []int32, t *runtime.Tensor, n *runtime.Normalization) []float64 {
	values := numbers(scores, t)
	n.Apply(values)
	for i, v := range values {
		values[i] = math.Round(v*1e6) / 1e6
	}
	return values
}

// numbers are what integers of t stand for, rounded to seven digits.
func numbers(values []int32, t *runtime.Tensor) []float64 {
	list := make([]float64, len(values))
	t.Real(list, values)
	for i, x := range list {
		list[i], _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 7, 64), 64)
	}
	return list
}

// best returns the top classes with what their scores stand for.
func best(p *runtime.Program, o *output, top int) []class {
	classes := make([]class, 0, top)
	for _, k := range p.Top(o.Values, top) {
		c := class{Index: k.Index, Label: k.Label, Score: k.Score}
		switch {
		case o.Normalized != nil:
			c.Probability = &o.Normalized[k.Index]
		case o.Numbers != nil:
			c.Number = &o.Numbers[k.Index]
		}
		classes = append(classes, c)
	}
	return classes
}

// print writes one line for a classification, or the outputs as they are.
func (r result) print(w io.Writer) {
	if len(r.Top) > 0 {
		fmt.Fprintf(w, "%s: %s", printable.Name(r.Input), r.Top[0].name())
		for i, c := range r.Top {
			separator := ", "
			if i == 0 {
				separator = "  ("
			}
			fmt.Fprintf(w, "%s%s %d", separator, c.name(), c.Score)
			switch {
			case c.Number != nil:
				fmt.Fprintf(w, " = %.4g", *c.Number)
			case c.Probability != nil:
				fmt.Fprintf(w, " = %.4g after %s", *c.Probability, strings.Fields(r.Outputs[0].After)[0])
			}
		}
		io.WriteString(w, ")\n")
		return
	}
	for _, o := range r.Outputs {
		fmt.Fprintf(w, "%s: %s %v", printable.Name(r.Input), printable.Name(o.Name), o.Shape)
		for _, v := range o.Values {
			io.WriteString(w, " ")
			io.WriteString(w, strconv.Itoa(int(v)))
		}
		io.WriteString(w, "\n")
		if o.Numbers != nil {
			fmt.Fprintf(w, "%s: %s in numbers", printable.Name(r.Input), printable.Name(o.Name))
			for _, v := range o.Numbers {
				fmt.Fprintf(w, " %.4g", v)
			}
			io.WriteString(w, "\n")
		}
		if o.After != "" {
			fmt.Fprintf(w, "%s: %s after %s", printable.Name(r.Input), printable.Name(o.Name), o.After)
			for _, v := range o.Normalized {
				fmt.Fprintf(w, " %.4g", v)
			}
			io.WriteString(w, "\n")
		}
	}
}

func (c class) name() string {
	if c.Label != "" {
		return printable.Name(c.Label)
	}
	return strconv.Itoa(c.Index)
}
