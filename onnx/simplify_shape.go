package onnx

import "slices"

// mergeReshape makes one Reshape of two nodes in a row that only give elements another
// shape, or of such a node behind a Transpose that moves nothing but dimensions of size 1.
func (s *simplifier) mergeReshape(n *Node) error {
	if !reshapes(n) {
		return nil
	}
	from := s.from[n.Inputs[0]]
	if from == nil || !reshapes(from) && !movesOnes(from) {
		return nil
	}
	x, out := from.Inputs[0], n.Outputs[0].Shape
	if x.Shape.batched() != out.batched() {
		return nil
	}
	s.logf("merged %s into %s", title(from), title(n))
	dims := slices.Clone([]int(out))
	if out.batched() {
		dims[0] = 0
	}
	n.Op = &Reshape{Dims: dims}
	s.setInput(n, 0, x)
	return nil
}

// reshapes says whether a node gives the elements of its operand another shape, and does
// nothing else.
func reshapes(n *Node) bool {
	switch n.Op.(type) {
	case *Reshape, *Flatten, *Squeeze, *Unsqueeze:
		return true
	}
	return false
}

// movesOnes says whether a node is a Transpose that keeps the order of all dimensions that
// are not 1.
func movesOnes(n *Node) bool {
	op, ok := n.Op.(*Transpose)
	if !ok {
		return false
	}
	last := -1
	for _, p := range op.Perm {
		if n.Inputs[0].Shape[p] == 1 {
			continue
		}
		if p < last {
			return false
		}
		last = p
	}
	return true
}

// removeNeutral removes arithmetic with a constant that changes nothing: x+0, x-0, x*1,
// x/1, x^1.
func (s *simplifier) removeNeutral(n *Node) error {
	neutral, swap := float32(0), false
	switch n.Op.(type) {
	case *Add:
		swap = true
	case *Sub:
	case *Mul:
		neutral, swap = 1, true
	case *Div, *Pow:
		neutral = 1
	default:
		return nil
	}
	for i, c := range n.Inputs {
		x := n.Inputs[1-i]
		if c.Const == nil || c.Type != Float || x.Const != nil || i == 0 && !swap || !x.Shape.Equal(n.Outputs[0].Shape) {
			continue
		}
		if slices.ContainsFunc(c.Const.Floats, func(v float32) bool { return v != neutral }) {
			continue
		}
		s.logf("removed the constant of %s, which changes nothing", title(n))
		for _, v := range n.Inputs {
			s.unuse(n, v)
		}
		n.Op, n.Inputs = &Identity{}, []*Value{x}
		s.uses[x] = append(s.uses[x], n)
		return nil
	}
	return nil
}

// reduceToPool makes the mean or maximum over all spatial dimensions a global pooling.
func (s *simplifier) reduceToPool(n *Node) error {
	op, ok := n.Op.(*Reduce)
	if !ok || n.Inputs[0].Type != Float {
		return nil
	}
	rank := len(n.Inputs[0].Shape)
	if rank < 3 || rank > 2+maxSpatial || len(op.Axes) != rank-2 || op.Axes[0] != 2 {
		return nil
	}
	var pool Op
	switch op.Kind {
	case ReduceMean:
		pool = &GlobalAveragePool{}
	case ReduceMax:
		pool = &GlobalMaxPool{}
	default:
		return nil
	}
	s.logf("made %s a %s", title(n), pool.Type())
	n.Op = pool
	if !op.KeepDims {
		s.appendNode(n, 0, n.Outputs[0], &Squeeze{Axes: op.Axes}, "squeeze")
	}
	if err := n.infer(); err != nil {
		return n.wrap(err, s.g.Opset)
	}
	return s.inferAdded(n)
}
