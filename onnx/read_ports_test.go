package onnx

import (
	"slices"
	"strings"
	"testing"
)

// TestReadPorts reads a file of three inputs, one of which nothing uses, and two outputs.
func TestReadPorts(t *testing.T) {
	data := marshal(t, file(13, in("x", "N", 3), in("gain", "N", 3), in("spare", "N", "unbound"), out("y"), out("z"),
		call("Mul", "x gain", "m"), call("Relu", "m", "y"), call("Softmax", "m", "z")))
	for _, c := range []struct {
		name            string
		o               ReadOptions
		inputs, outputs string
		want            string // of the warnings, or the error
	}{
		{"as it is", ReadOptions{}, "x gain", "y z", `"spare" is left out`},
		{"one output", ReadOptions{Outputs: []string{"z"}}, "x gain", "z", ""},
		{"another order", ReadOptions{Outputs: []string{"z", "y"}}, "x gain", "z y", ""},
		{"a computed value", ReadOptions{Outputs: []string{"m"}}, "x gain", "m", ""},
		{"no such value", ReadOptions{Outputs: []string{"w"}}, "", "", `those of the file are "y", "z"`},
		{"twice", ReadOptions{Outputs: []string{"y", "y"}}, "", "", "twice"},
		{"a number", ReadOptions{Numbers: map[string]float64{"gain": 2}}, "x", "y z", ""},
		{"an array without the batch", ReadOptions{Constants: map[string]*Tensor{"gain": counting(3)}}, "x", "y z", ""},
		{"integers", ReadOptions{Constants: map[string]*Tensor{"gain": {Type: Int, Shape: Shape{1, 3}, Ints: []int64{1, 2, 3}}}}, "x", "y z", ""},
		{"what nothing uses", ReadOptions{Numbers: map[string]float64{"spare": 1}}, "x gain", "y z", ""},
		{"no such input", ReadOptions{Numbers: map[string]float64{"loss": 1}}, "", "", `no graph input "loss"`},
	} {
		g, err := DecodeWith(data, c.o)
		if err != nil || c.inputs == "" {
			if err == nil || c.inputs != "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.want)
			}
			continue
		}
		names := func(values []*Value) string {
			var list []string
			for _, v := range values {
				list = append(list, v.Name)
			}
			return strings.Join(list, " ")
		}
		if names(g.Inputs) != c.inputs || names(g.Outputs) != c.outputs {
			t.Errorf("%s: inputs %q, outputs %q, want %q and %q", c.name, names(g.Inputs), names(g.Outputs), c.inputs, c.outputs)
		}
		if c.want != "" && !slices.ContainsFunc(g.Warnings, func(w string) bool { return strings.Contains(w, c.want) }) {
			t.Errorf("%s: warnings %q, want %q", c.name, g.Warnings, c.want)
		}
		if gain := g.Nodes[0].Inputs[1]; len(g.Inputs) == 1 && (gain.Const == nil || gain.Const.Type != Float || len(gain.Const.Shape) != 2) {
			t.Errorf("%s: the bound input is %+v", c.name, gain)
		}
	}
}
