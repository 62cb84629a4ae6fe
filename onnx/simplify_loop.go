package onnx

import "slices"

// What is read of the sequence that a loop leaves is often its last step, which the loop hands out anyway: then the sequence need not
// be kept.

// onlyPosition is the position that a node takes of a dimension of its operand, if it takes a single one; kept says
// that the dimension stays, with size 1.
func onlyPosition(n *Node) (axis, at int, kept, ok bool) {
	switch op := n.Op.(type) {
	case *Gather:
		if len(op.Indices.Ints) == 1 && len(op.Indices.Shape) <= 1 {
			return op.Axis, int(op.Indices.Ints[0]), len(op.Indices.Shape) == 1, true
		}
	case *Slice:
		if len(op.Axes) == 1 && n.Outputs[0].Shape[op.Axes[0]] == 1 {
			return op.Axes[0], op.Starts[0], true, true
		}
	}
	return 0, 0, false, false
}

// takeLastStep reads the last step of a sequence from the loop's state instead.
func (s *simplifier) takeLastStep(n *Node) error {
	axis, at, kept, ok := onlyPosition(n)
	if !ok {
		return nil
	}
	put := s.from[n.Inputs[0]]
	if put == nil {
		return nil
	}
	if c, ok := put.Op.(*Concat); ok {
		return s.pickBeforeConcat(n, put, c, axis, kept)
	}
	last := s.lastOf(put, axis, at)
	if last == nil {
		return nil
	}
	s.logf("made %s read what %s ends with", title(n), title(put))
	n.Op = &Identity{}
	if kept {
		n.Op = &Unsqueeze{Axes: []int{axis}}
	}
	s.setInput(n, 0, last)
	return nil
}

// lastOf is what a loop hands out at its end that is the position at of a dimension of the sequence of put; nil if there is none.
func (s *simplifier) lastOf(put *Node, axis, at int) *Value {
	op, ok := put.Op.(*LoopPut)
	if !ok || op.Axis != axis || at != 0 && op.Reverse || at != op.Loop.Steps-1 && !op.Reverse {
		return nil
	}
	for _, m := range s.uses[put.Inputs[0]] {
		if next, ok := m.Op.(*LoopNext); ok && next.Loop == op.Loop && !s.dropped[m] {
			return m.Outputs[0]
		}
	}
	return nil
}

// pickBeforeConcat takes a position of each of the sequences that stand side by side, as those of two directions do.
func (s *simplifier) pickBeforeConcat(n, from *Node, c *Concat, axis int, kept bool) error {
	isPut := func(v *Value) bool {
		put := s.from[v]
		if put == nil {
			return false
		}
		_, is := put.Op.(*LoopPut)
		return is
	}
	if c.Axis == axis || !s.sole(from.Outputs[0]) || !slices.ContainsFunc(from.Inputs, isPut) {
		return nil
	}
	by := newSpelling(n)
	var parts []*Value
	for _, v := range from.Inputs {
		parts = append(parts, by.add(cloneOp(n.Op), v))
	}
	to := c.Axis
	if !kept && axis < to {
		to--
	}
	by.add(&Concat{Axis: to}, parts...)
	s.logf("moved %s before %s", title(n), title(from))
	return s.spell(n, by)
}

// joinDirections makes values that stand side by side along a dimension of their own, which a Reshape joins with the next, stand side by side along that.
func (s *simplifier) joinDirections(n *Node) error {
	if !reshapes(n) {
		return nil
	}
	from := s.from[n.Inputs[0]]
	if from == nil {
		return nil
	}
	c, ok := from.Op.(*Concat)
	if !ok {
		return nil
	}
	var parts []*Value
	for _, v := range from.Inputs {
		m := s.from[v]
		if m == nil || v.Shape[c.Axis] != 1 {
			return nil
		}
		if op, ok := m.Op.(*Unsqueeze); !ok || len(op.Axes) != 1 || op.Axes[0] != c.Axis {
			return nil
		}
		parts = append(parts, m.Inputs[0])
	}
	join := &Concat{Axis: c.Axis}
	var shapes []Shape
	for _, v := range parts {
		if len(v.Shape) <= c.Axis {
			return nil
		}
		shapes = append(shapes, v.Shape)
	}
	out, err := join.InferShape(shapes)
	if err != nil || !out[0].Equal(n.Outputs[0].Shape) {
		return nil
	}
	s.logf("joined the directions of %s", title(from))
	n.Op = join
	for i, v := range parts {
		s.setInput(n, i, v)
	}
	return nil
}
