package onnx

import "slices"

// Exporters of networks whose channels stand last put a Transpose before and behind every
// convolution. These rewrites move a Transpose behind the node that reads it, until it
// meets its opposite and both go.

// pushTranspose moves the Transpose that all computed operands of a node come from behind
// the node; one that meets another becomes one with it. A Transpose of a graph input stays where it is.
func (s *simplifier) pushTranspose(n *Node) error {
	if err := s.mergeTranspose(n); err != nil {
		return err
	}
	perm := s.commonPerm(n)
	if perm == nil {
		return nil
	}
	op, after := permuted(n, perm)
	if op == nil {
		return nil
	}
	inverse := make([]int, len(perm))
	for i, p := range perm {
		inverse[p] = i
	}
	s.logf("moved a Transpose behind %s", title(n))
	n.Op = op
	for i, v := range n.Inputs {
		if v.Const == nil {
			s.setInput(n, i, s.from[v].Inputs[0])
			continue
		}
		c := v.Const
		if len(c.Shape) == 0 {
			continue
		}
		shape := append(slices.Repeat([]int{1}, len(perm)-len(c.Shape)), c.Shape...)
		t := &Tensor{Type: c.Type, Floats: transpose(c.Floats, shape, inverse), Ints: transpose(c.Ints, shape, inverse)}
		for _, p := range inverse {
			t.Shape = append(t.Shape, shape[p])
		}
		s.setConst(n, i, "const", t)
	}
	for i, out := range slices.Clone(n.Outputs) {
		if slices.IsSorted(after) {
			break
		}
		s.appendNode(n, i, out, &Transpose{Perm: slices.Clone(after)}, "transpose")
	}
	if err := n.infer(); err != nil {
		return n.wrap(err, s.g.Opset)
	}
	return s.inferAdded(n)
}

// commonPerm is the permutation of the Transpose nodes that all computed operands of a node
// come from; nil if there is no such permutation.
func (s *simplifier) commonPerm(n *Node) []int {
	var perm []int
	for _, v := range n.Inputs {
		if v == nil {
			return nil
		}
		if v.Const != nil {
			continue
		}
		from := s.from[v]
		if from == nil {
			return nil
		}
		t, ok := from.Op.(*Transpose)
		if !ok || s.from[from.Inputs[0]] == nil || perm != nil && !slices.Equal(perm, t.Perm) {
			return nil
		}
		perm = t.Perm
	}
	for _, v := range n.Inputs {
		if v.Const != nil && len(v.Const.Shape) > len(perm) {
			return nil
		}
	}
	return perm
}

// permuted is the operator of a node for operands that are not permuted, and the
// permutation left for its results; nil for operators that a Transpose does not pass.
func permuted(n *Node, perm []int) (Op, []int) {
	mapped := func(axes []int) []int {
		out := make([]int, len(axes))
		for i, a := range axes {
			out[i] = perm[a]
		}
		slices.Sort(out)
		return out
	}
	switch op := n.Op.(type) {
	case Scalar:
		return op, perm
	case *Add, *Sub, *Mul, *Div, *Max, *Min, *Sum, *Mean, *Pow, *PRelu, *Where:
		return op, perm
	case *Pad:
		pads := make([]int, len(op.Pads))
		for i, p := range perm {
			pads[p], pads[len(perm)+p] = op.Pads[i], op.Pads[len(perm)+i]
		}
		return &Pad{Pads: pads, Mode: op.Mode, Value: op.Value}, perm
	case *Concat:
		for _, v := range n.Inputs {
			if len(v.Shape) != len(perm) {
				return nil, nil
			}
		}
		return &Concat{Axis: perm[op.Axis]}, perm
	case *Softmax:
		return &Softmax{Axis: perm[op.Axis]}, perm
	case *LogSoftmax:
		return &LogSoftmax{Axis: perm[op.Axis]}, perm
	case *Split:
		return &Split{Axis: perm[op.Axis], Sizes: op.Sizes}, perm
	case *Slice:
		out := &Slice{Axes: mapped(op.Axes)}
		for _, axis := range out.Axes {
			k := slices.IndexFunc(op.Axes, func(a int) bool { return perm[a] == axis })
			out.Starts, out.Ends, out.Steps = append(out.Starts, op.Starts[k]), append(out.Ends, op.Ends[k]), append(out.Steps, op.Steps[k])
		}
		return out, perm
	case *Resize:
		out := *op
		out.Scales, out.Sizes, out.ROI = slices.Clone(op.Scales), slices.Clone(op.Sizes), slices.Clone(op.ROI)
		for i, p := range perm {
			out.Scales[p], out.Sizes[p] = op.Scales[i], op.Sizes[i]
			if op.ROI != nil {
				out.ROI[p], out.ROI[len(perm)+p] = op.ROI[i], op.ROI[len(perm)+i]
			}
		}
		return &out, perm
	case *Reduce:
		out := &Reduce{Kind: op.Kind, Axes: mapped(op.Axes), KeepDims: op.KeepDims}
		if op.KeepDims {
			return out, perm
		}
		return out, without(perm, op.Axes)
	case *ArgMax:
		out := &ArgMax{Axis: perm[op.Axis], KeepDims: op.KeepDims, SelectLast: op.SelectLast, Least: op.Least}
		if op.KeepDims {
			return out, perm
		}
		return out, without(perm, []int{op.Axis})
	case *Squeeze:
		return &Squeeze{Axes: mapped(op.Axes)}, without(perm, op.Axes)
	}
	return nil, nil
}

// without is a permutation after the dimensions axes of its result are gone.
func without(perm, axes []int) []int {
	var kept []int
	for i, p := range perm {
		if !slices.Contains(axes, i) {
			kept = append(kept, p)
		}
	}
	sorted := slices.Sorted(slices.Values(kept))
	for i, p := range kept {
		kept[i] = slices.Index(sorted, p)
	}
	return kept
}

// mergeTranspose makes one Transpose of two in a row.
func (s *simplifier) mergeTranspose(n *Node) error {
	op, ok := n.Op.(*Transpose)
	if !ok {
		return nil
	}
	from := s.from[n.Inputs[0]]
	if from == nil {
		return nil
	}
	first, ok := from.Op.(*Transpose)
	if !ok {
		return nil
	}
	perm := make([]int, len(op.Perm))
	for i, p := range op.Perm {
		perm[i] = first.Perm[p]
	}
	s.logf("merged %s into %s", title(from), title(n))
	n.Op = &Transpose{Perm: perm}
	s.setInput(n, 0, from.Inputs[0])
	return nil
}

// appendNode puts a node with the operator op between n and the readers of its output i.
func (s *simplifier) appendNode(n *Node, i int, out *Value, op Op, role string) {
	between := &Value{Name: s.freshName(n.Name + ".out"), Type: out.Type}
	n.Outputs[i] = between
	added := &Node{Name: s.freshName(n.Name + "." + role), Op: op, Inputs: []*Value{between}, Outputs: []*Value{out}}
	s.uses[between] = []*Node{added}
	s.from[between], s.from[out] = n, added
	s.added[n] = append(s.added[n], added)
}

// inferAdded infers the shapes of nodes put behind n.
func (s *simplifier) inferAdded(n *Node) error {
	for _, a := range s.added[n] {
		if err := a.infer(); err != nil {
			return a.wrap(err, s.g.Opset)
		}
	}
	return nil
}
