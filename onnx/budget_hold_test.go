package onnx

import (
	"errors"
	"testing"
)

// TestHold demands that results count as long as they are read, and all together no more than defaultResults.
func TestHold(t *testing.T) {
	chain := func(length, size int) *Graph {
		v := &Value{Name: "x", Type: Float, Shape: Shape{1, size}}
		g := &Graph{Opset: 17, Inputs: []*Value{v}}
		for range length {
			n := &Node{Op: &Relu{}, Inputs: []*Value{v}, Outputs: []*Value{{Type: Float, Shape: v.Shape}}}
			g.Nodes, v = append(g.Nodes, n), n.Outputs[0]
		}
		g.Outputs = []*Value{v}
		return g
	}
	spend := func(g *Graph, size int64) error {
		b := newBudget(0, size)
		for _, n := range g.Nodes {
			if err := b.compute(n); err != nil {
				return err
			}
		}
		return b.hold(g)
	}
	const mega = 1 << 20
	if err := spend(chain(40, 10*mega), 100); err != nil { // 1.6 GB together, 80 MB at a time
		t.Error(err)
	}
	wide := chain(40, 10*mega)
	for _, n := range wide.Nodes {
		wide.Outputs = append(wide.Outputs, n.Outputs[0])
	}
	var limit *LimitError
	if err := spend(wide, 100); !errors.As(err, &limit) {
		t.Errorf("results that are all kept: got %v, want a LimitError", err)
	}
	if err := spend(chain(60, 10*mega), 100); !errors.As(err, &limit) { // 2.4 GB
		t.Errorf("more than may be together: got %v, want a LimitError", err)
	}
}
