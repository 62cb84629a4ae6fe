package onnx

// repeatMean repeats the mean that a value is reduced by before it is squared, as normalizations do: a difference of equal shapes is
// one sum for whoever computes with integers, where one of two shapes is a function of two numbers.
func (s *simplifier) repeatMean(n *Node) error {
	if _, ok := n.Op.(*Sub); !ok || !s.squares(n.Outputs[0]) {
		return nil
	}
	x, m := n.Inputs[0], n.Inputs[1]
	mean := s.from[m]
	if mean == nil || mean.Inputs[0] != x || x.Shape.Equal(m.Shape) || len(x.Shape) != len(m.Shape) || !n.Outputs[0].Shape.Equal(x.Shape) {
		return nil
	}
	switch op := mean.Op.(type) {
	case *GlobalAveragePool:
	case *Reduce:
		if op.Kind != ReduceMean {
			return nil
		}
	default:
		return nil
	}
	dims := make([]int, len(x.Shape))
	for i, d := range x.Shape {
		if dims[i] = 1; m.Shape[i] != d {
			dims[i] = d
		}
	}
	by := newSpelling(n)
	by.add(&Sub{}, x, by.add(&Expand{Dims: dims}, m))
	return s.spell(n, by)
}

// squares says whether a reader of v multiplies it by itself.
func (s *simplifier) squares(v *Value) bool {
	for _, n := range s.uses[v] {
		if IsSquare(n) {
			return true
		}
	}
	return false
}

// IsSquare says whether a node multiplies its first operand by itself.
func IsSquare(n *Node) bool {
	switch n.Op.(type) {
	case *Mul:
		return len(n.Inputs) == 2 && n.Inputs[0] == n.Inputs[1]
	case *Pow:
		c := n.Inputs[1].Const
		return c != nil && c.Type == Float && len(c.Floats) == 1 && c.Floats[0] == 2
	}
	return false
}
