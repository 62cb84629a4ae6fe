package onnx

import "slices"

// foldProduct computes a Gemm or MatMul of constants, in double precision and rounded once; nil for other operators.
// A step of a recurrence that begins with zeros has one, and so has a linear layer over learned queries.
func foldProduct(n *Node) []*Tensor {
	last := len(n.Inputs)
	for last > 0 && n.Inputs[last-1] == nil {
		last--
	}
	for _, v := range n.Inputs[:last] {
		if v == nil || v.Const == nil || v.Type != Float {
			return nil
		}
	}
	shape := n.Outputs[0].Shape
	if last < 2 || shape.batched() {
		return nil
	}
	a, b := n.Inputs[0].Const, n.Inputs[1].Const
	out := &Tensor{Type: Float, Shape: shape}
	switch op := n.Op.(type) {
	case *Gemm:
		a, b = a.matrix(op.TransA), b.matrix(op.TransB)
		out.multiply(a, b, op.Alpha)
		if last > 2 {
			c := n.Inputs[2].Const
			at := 0
			out.each(func(index []int) {
				out.Floats[at] = float32(float64(out.Floats[at]) + op.Beta*float64(c.Floats[out.reaches(c, index)]))
				at++
			})
		}
	case *MatMul:
		// An operand of one dimension is a row or a column, whose dimension of one the result lacks.
		full := slices.Clone(shape)
		if len(b.Shape) == 1 {
			b = &Tensor{Type: Float, Shape: Shape{b.Shape[0], 1}, Floats: b.Floats}
			full = append(full, 1)
		}
		if len(a.Shape) == 1 {
			a = &Tensor{Type: Float, Shape: Shape{1, a.Shape[0]}, Floats: a.Floats}
			full = slices.Insert(full, len(full)-1, 1)
		}
		out.Shape = full
		out.multiply(a, b, 1)
		out.Shape = shape
	default:
		return nil
	}
	return []*Tensor{out}
}

// matrix is t, transposed if turned.
func (t *Tensor) matrix(turned bool) *Tensor {
	if !turned {
		return t
	}
	out := &Tensor{Type: Float, Shape: Shape{t.Shape[1], t.Shape[0]}}
	for c := range t.Shape[1] {
		for r := range t.Shape[0] {
			out.Floats = append(out.Floats, t.Floats[r*t.Shape[1]+c])
		}
	}
	return out
}

// multiply fills t with alpha times the products of the matrices of a and b.
func (t *Tensor) multiply(a, b *Tensor, alpha float64) {
	inner, columns := a.Shape[len(a.Shape)-1], b.Shape[len(b.Shape)-1]
	t.Floats = make([]float32, 0, t.Shape.Elems())
	first := make([]int, len(t.Shape)) // of the row of a, and of the column of b
	t.each(func(index []int) {
		copy(first, index)
		first[len(first)-1] = 0
		row := t.reaches(a, first)
		copy(first, index)
		first[len(first)-2] = 0
		at := t.reaches(b, first)
		sum := 0.0
		for k := range inner {
			sum += float64(a.Floats[row+k]) * float64(b.Floats[at+k*columns])
		}
		t.Floats = append(t.Floats, float32(alpha*sum))
	})
}
