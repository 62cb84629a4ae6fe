package quant

import (
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// argMax lowers a node to comparisons along a dimension. They see accumulators where the operand has no levels of
// its own: scores are compared exactly.
func (c *compiler) argMax(n *onnx.Node) (state, error) {
	op, out := n.Op.(*onnx.ArgMax), n.Outputs[0]
	st, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return state{}, err
	}
	if st.sum != nil {
		if st, err = c.deliver(st); err != nil {
			return state{}, err
		}
	}
	in := n.Inputs[0].Shape.WithBatch(1)
	c.prog.Tensors = append(c.prog.Tensors, runtime.Tensor{Shape: imageShape(out.Shape), Scale: runtime.ScaleOf(1)})
	id := len(c.prog.Tensors) - 1
	c.prog.Instrs = append(c.prog.Instrs, &runtime.ArgMax{
		Out: id, In: st.tensor, Length: in[op.Axis], Inner: in[op.Axis+1:].Elems(), Last: op.SelectLast, Least: op.Least,
	})
	return state{shape: out.Shape, tensor: id}, nil
}

// misreader is a node that does more with positions than hand on all of them in their order; nil if there is none.
func (a *analysis) misreader(v *onnx.Value) *onnx.Node {
	for _, n := range a.consumers[v] {
		if n.Inputs[0] != v || !keepsElements(n) {
			return n
		}
		if deeper := a.misreader(n.Outputs[0]); deeper != nil {
			return deeper
		}
	}
	return nil
}

// keepsElements says whether a node hands on the elements of its first input in their order, as numbers.
func keepsElements(n *onnx.Node) bool {
	switch op := n.Op.(type) {
	case onnx.View:
		return true
	case *onnx.Cast:
		return op.To != onnx.Bool
	}
	moves := onnx.MovesOf(n, 1)
	if len(moves) != 1 {
		return false
	}
	next, kept := 0, true
	moves[0].Each(func(from int) {
		kept = kept && from == next
		next++
	})
	return kept && next == n.Inputs[0].Shape.Elems()
}

// compareScores makes ArgMax nodes read what their operand rises with: a Softmax over the same dimension, and
// rising functions of one number, keep the order. It says whether there were any.
func compareScores(g *onnx.Graph) bool {
	producers := g.Producers()
	found := false
	var nodes []*onnx.Node
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*onnx.ArgMax); ok {
			from, shape := scores(producers, n.Inputs[0], op), n.Inputs[0].Shape
			found = found || from != n.Inputs[0]
			if !from.Shape.Equal(shape) {
				view := &onnx.Node{Name: n.Name + ".scores", Inputs: []*onnx.Value{from}}
				dims := slices.Clone([]int(shape))
				if dims[0] == onnx.Batch {
					dims[0] = 0
				}
				view.Op = &onnx.Reshape{Dims: dims}
				view.Outputs = []*onnx.Value{{Name: view.Name, Shape: shape, Type: from.Type}}
				nodes = append(nodes, view)
				from = view.Outputs[0]
			}
			n.Inputs[0] = from
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return found
}

// scores is the first value on the way to v whose elements are ordered along the lines of op as those of v are.
func scores(producers map[*onnx.Value]*onnx.Node, v *onnx.Value, op *onnx.ArgMax) (from *onnx.Value) {
	length, inner := v.Shape[op.Axis], v.Shape[op.Axis+1:].Elems()
	from = v
	for n := producers[v]; n != nil; n = producers[v] {
		along := -1
		switch f := n.Op.(type) {
		case *onnx.Softmax:
			along = f.Axis
		case *onnx.LogSoftmax:
			along = f.Axis
		case onnx.View:
			v = n.Inputs[0]
			continue
		case *onnx.Sigmoid, *onnx.Tanh, *onnx.Exp, *onnx.Log, *onnx.Softplus, *onnx.Softsign:
		default:
			return from
		}
		if along >= 0 && (v.Shape[along] != length || v.Shape[along+1:].Elems() != inner) {
			return from
		}
		v = n.Inputs[0]
		from = v
	}
	return from
}
