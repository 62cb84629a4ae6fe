package onnx

import "slices"

// fold computes the results of a node whose operands are all constants. It returns nil for
// operators it does not know.
func fold(n *Node) []*Tensor {
	in := make([]*Tensor, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil || v.Const == nil {
			return nil
		}
		in[i] = v.Const
	}
	if len(in) == 0 {
		return nil
	}
	outs := make([]*Tensor, len(n.Outputs))
	for i, v := range n.Outputs {
		if v.Shape.batched() {
			return nil
		}
		outs[i] = &Tensor{Type: v.Type, Shape: v.Shape}
	}
	out := outs[0]
	if moves := MovesOf(n, 1); moves != nil {
		for k, m := range moves {
			outs[k].Floats = apply(m, in[0].Floats, float32(m.FillValue))
			outs[k].Ints = apply(m, in[0].Ints, int64(m.FillValue))
		}
		return outs
	}
	switch op := n.Op.(type) {
	case View:
		out.Floats, out.Ints = slices.Clone(in[0].Floats), slices.Clone(in[0].Ints)
		return outs
	case *Concat:
		out.concat(in, op.Axis)
		return outs
	case *Reduce:
		if out.Type == Float {
			out.reduce(in[0], op)
			return outs
		}
		return nil
	}
	if f := intFunc(n.Op); f != nil && out.Type == Int {
		return out.integers(in, f, outs)
	}
	if f := ElementFunc(n.Op); f != nil && (out.Type != Int || !slices.ContainsFunc(in, func(t *Tensor) bool { return t.Type == Float })) {
		out.elementwise(in, f)
		return outs
	}
	return nil
}

// each calls f with the index of every element, in order.
func (t *Tensor) each(f func(index []int)) {
	index := make([]int, len(t.Shape))
	for range t.Shape.Elems() {
		f(index)
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < t.Shape[d] {
				break
			}
			index[d] = 0
		}
	}
}

// reaches returns the position in an operand, which broadcasts to t's shape, of the element
// for an index of t.
func (t *Tensor) reaches(x *Tensor, index []int) int {
	at := 0
	for d, n := range x.Shape {
		at = at*n + index[len(index)-len(x.Shape)+d]%n
	}
	return at
}

// integers fills t, of integers, with f of the operands; nil if f is not defined on one.
func (t *Tensor) integers(in []*Tensor, f func(a, b int64) (int64, bool), outs []*Tensor) []*Tensor {
	if len(in) != 2 || in[0].Type != Int || in[1].Type != Int {
		return nil
	}
	good := true
	t.each(func(index []int) {
		v, ok := f(in[0].Ints[t.reaches(in[0], index)], in[1].Ints[t.reaches(in[1], index)])
		good = good && ok
		t.Ints = append(t.Ints, v)
	})
	if !good {
		return nil
	}
	return outs
}

// intFunc is the function an operator applies to two integers; nil for other operators.
func intFunc(op Op) func(a, b int64) (int64, bool) {
	switch op.(type) {
	case *Add:
		return func(a, b int64) (int64, bool) { return a + b, true }
	case *Sub:
		return func(a, b int64) (int64, bool) { return a - b, true }
	case *Mul:
		return func(a, b int64) (int64, bool) { return a * b, true }
	case *Div:
		return func(a, b int64) (int64, bool) {
			if b == 0 {
				return 0, false
			}
			return a / b, true
		}
	case *Max:
		return func(a, b int64) (int64, bool) { return max(a, b), true }
	case *Min:
		return func(a, b int64) (int64, bool) { return min(a, b), true }
	}
	return nil
}

// reduce fills t by a reduction of x.
func (t *Tensor) reduce(x *Tensor, op *Reduce) {
	groups := make([][]float64, t.Shape.Elems())
	kept := 0
	x.each(func(index []int) {
		at := 0
		for d, n := range x.Shape {
			if !slices.Contains(op.Axes, d) {
				at = at*n + index[d]
			}
		}
		groups[at] = append(groups[at], float64(x.Floats[kept]))
		kept++
	})
	t.Floats = make([]float32, len(groups))
	for i, g := range groups {
		t.Floats[i] = float32(op.Apply(g))
	}
}
