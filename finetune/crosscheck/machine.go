package crosscheck

import (
	"fmt"

	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	G "gorgonia.org/gorgonia"
)

// machine is a [G.VM] that computes node after node in the goroutine that calls it.
// Gorgonia's tape machine has a goroutine of its own, and a panic there ends the program.
type machine struct{ graph *G.ExprGraph }

// evaluate runs the graph of an onnx-go backend.
func evaluate(backend *gorgonnx.Graph) error {
	graph, err := backend.GetExprGraph()
	if err != nil {
		return err
	}
	backend.SetVM(machine{graph})
	return backend.Run()
}

// RunAll computes all nodes and binds the results to them.
func (m machine) RunAll() error {
	sorted, err := G.Sort(m.graph) // consumers first
	if err != nil {
		return err
	}
	children := func(n *G.Node) []*G.Node {
		var out []*G.Node
		for it := m.graph.From(n.ID()); it.Next(); {
			out = append(out, it.Node().(*G.Node))
		}
		return out
	}
	for i := len(sorted) - 1; i >= 0; i-- {
		n := sorted[i]
		if n.Op() == nil || n.Value() != nil {
			continue
		}
		if mode, ok := n.Op().(G.TrainModeOp); ok {
			if err := mode.SetTraining(false); err != nil {
				return err
			}
		}
		var in []G.Value
		for _, c := range children(n) {
			if c.Value() == nil {
				return fmt.Errorf("node %v has an input without value", n)
			}
			in = append(in, c.Value())
		}
		v, err := n.Op().Do(in...)
		if err != nil {
			return err
		}
		if err := G.UnsafeLet(n, v); err != nil {
			return err
		}
	}
	return nil
}

// Reset does nothing: nothing is kept between runs.
func (machine) Reset() {}

// Close does nothing.
func (machine) Close() error { return nil }
