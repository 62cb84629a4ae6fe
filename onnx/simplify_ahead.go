package onnx

import "slices"

// foldAhead folds a node that computes scale*x + shift, with constants along one dimension, into the linear operators behind it
// where these are all that read it, also through transpositions, and their input channels are that dimension:
//
//	w'[o][c] = w[o][c] * scale[c],  bias'[o] = bias[o] + sum over c of w[o][c] * shift[c]
//
// It is how the scale and bias of a LayerNormalization go: what is before it has no weights.
func (s *simplifier) foldAhead(n *Node) error {
	switch n.Op.(type) {
	case *Add, *Sub, *Mul, *Div:
	default:
		return nil
	}
	x := n.Inputs[0]
	if x.Const != nil {
		x = n.Inputs[1]
	}
	out := n.Outputs[0]
	from := s.from[x]
	if from == nil || x == out || s.output[out] || constantLinear(from) {
		return nil // the input of a network stays as it is, and foldAffine is there for what is behind a linear operator
	}
	axis := s.constantAxis(n, x)
	if axis < 0 {
		return nil
	}
	readers := s.linearReaders(out, axis)
	if len(readers) == 0 {
		return nil
	}
	// As affine sees it, the dimension is that of the channels.
	size := x.Shape[axis]
	c := n.Inputs[0]
	if c == x {
		c = n.Inputs[1]
	}
	value := &Value{Shape: Shape{Batch, size}, Type: Float}
	seen := &Node{Op: n.Op, Inputs: slices.Clone(n.Inputs), Outputs: []*Value{{Shape: value.Shape}}}
	for i, v := range n.Inputs {
		seen.Inputs[i] = value
		if v == c {
			flat := &Value{Type: Float}
			flat.setConst(c.Const.as(len(c.Const.Floats)))
			seen.Inputs[i] = flat
		}
	}
	scale, shift, err := affine(seen, value)
	if scale == nil || err != nil {
		return err
	}
	for _, r := range readers {
		s.scaleInputs(r, scale, shift)
		s.logf("folded %s into %s", title(n), title(r))
	}
	s.replace(out, x)
	s.drop(n)
	return nil
}

// constantAxis is the dimension of x along which the constant operand of n differs; -1 where there is none, or several.
func (s *simplifier) constantAxis(n *Node, x *Value) int {
	if len(n.Inputs) != 2 || !x.Shape.Equal(n.Outputs[0].Shape) || x.Type != Float {
		return -1
	}
	c := n.Inputs[0]
	if c == x {
		c = n.Inputs[1]
	}
	if c.Const == nil || c.Const.Type != Float || len(c.Const.Shape) > len(x.Shape) {
		return -1
	}
	axis := -1
	for i, d := range c.Const.Shape {
		if d == 1 {
			continue
		}
		if axis >= 0 {
			return -1
		}
		axis = len(x.Shape) - len(c.Const.Shape) + i
	}
	return axis
}

// linearReaders are all readers of v if every one of them is a linear operator at each position alone, whose input channels are dimension
// axis of v; nil else.
func (s *simplifier) linearReaders(v *Value, axis int) []*Node {
	if s.output[v] {
		return nil
	}
	var list []*Node
	for _, r := range s.uses[v] {
		if t, ok := r.Op.(*Transpose); ok {
			deeper := s.linearReaders(r.Outputs[0], slices.Index(t.Perm, axis))
			if deeper == nil {
				return nil
			}
			list = append(list, deeper...)
			continue
		}
		if axis != 1 || !constantLinear(r) || r.Inputs[0] != v || s.clustered(r.Inputs[1]) {
			return nil
		}
		switch op := r.Op.(type) {
		case *Conv:
			if op.Groups != 1 || product(op.Kernel) != 1 || slices.Max(op.Pads) != 0 || slices.Min(op.Pads) != 0 {
				return nil
			}
		case *Gemm:
		default:
			return nil
		}
		list = append(list, r)
	}
	return list
}

// scaleInputs makes a linear operator of scale*x + shift one of x.
func (s *simplifier) scaleInputs(n *Node, scale, shift []float64) {
	w := n.Inputs[1].Const
	weights := &Tensor{Type: Float, Shape: w.Shape, Floats: make([]float32, len(w.Floats))}
	bias := make([]float64, w.Shape[0])
	if len(n.Inputs) > 2 && n.Inputs[2] != nil {
		for o, b := range n.Inputs[2].Const.Floats {
			bias[o] = float64(b)
		}
	}
	for i, v := range w.Floats {
		weights.Floats[i] = float32(float64(v) * scale[i%len(scale)])
		bias[i/len(scale)] += float64(v) * shift[i%len(scale)]
	}
	if slices.ContainsFunc(scale, func(f float64) bool { return f != 1 }) {
		s.setConst(n, 1, "weight", weights)
	}
	if slices.ContainsFunc(bias, func(b float64) bool { return b != 0 }) {
		s.setConst(n, 2, "bias", vector(bias))
	}
}
