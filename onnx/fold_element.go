package onnx

import "math"

// elementFunc is the function an operator applies to the elements of its operands; nil for
// other operators.
func elementFunc(op Op) func(x []float64) float64 {
	over := func(f func(a, b float64) float64) func([]float64) float64 {
		return func(x []float64) float64 {
			r := x[0]
			for _, v := range x[1:] {
				r = f(r, v)
			}
			return r
		}
	}
	add := over(func(a, b float64) float64 { return a + b })
	switch op := op.(type) {
	case Scalar:
		return func(x []float64) float64 { return op.Apply(x[0]) }
	case *Add, *Sum:
		return add
	case *Sub:
		return over(func(a, b float64) float64 { return a - b })
	case *Mul:
		return over(func(a, b float64) float64 { return a * b })
	case *Div:
		return over(func(a, b float64) float64 { return a / b })
	case *Pow:
		return over(math.Pow)
	case *PRelu:
		return over(func(x, slope float64) float64 {
			if x < 0 {
				return slope * x
			}
			return x
		})
	case *Max:
		return over(math.Max)
	case *Min:
		return over(math.Min)
	case *Mean:
		return func(x []float64) float64 { return add(x) / float64(len(x)) }
	}
	return nil
}

// elementwise fills t with f of the operands, which broadcast to t's shape.
func (t *Tensor) elementwise(in []*Tensor, f func([]float64) float64) {
	rank := len(t.Shape)
	strides := make([][]int, len(in)) // 0 where a dimension repeats
	for k, x := range in {
		strides[k] = make([]int, rank)
		step := 1
		for i := len(x.Shape) - 1; i >= 0; i-- {
			if x.Shape[i] > 1 {
				strides[k][rank-len(x.Shape)+i] = step
			}
			step *= x.Shape[i]
		}
	}
	t.Floats = make([]float32, t.Shape.Elems())
	at := make([]int, len(in))
	index := make([]int, rank)
	x := make([]float64, len(in))
	for i := range t.Floats {
		for k := range in {
			x[k] = float64(in[k].Floats[at[k]])
		}
		t.Floats[i] = float32(f(x))
		for d := rank - 1; d >= 0; d-- {
			index[d]++
			for k := range at {
				at[k] += strides[k][d]
			}
			if index[d] < t.Shape[d] {
				break
			}
			for k := range at {
				at[k] -= strides[k][d] * index[d]
			}
			index[d] = 0
		}
	}
}

// concat joins the operands along an axis.
func (t *Tensor) concat(in []*Tensor, axis int) {
	for outer := range product(t.Shape[:axis]) {
		for _, x := range in {
			size := product(x.Shape[axis:])
			if t.Type == Float {
				t.Floats = append(t.Floats, x.Floats[outer*size:(outer+1)*size]...)
			} else {
				t.Ints = append(t.Ints, x.Ints[outer*size:(outer+1)*size]...)
			}
		}
	}
}

// transpose permutes the dimensions of row-major data; nil stays nil.
func transpose[T any](data []T, shape Shape, perm []int) []T {
	if data == nil {
		return nil
	}
	strides := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= shape[i]
	}
	out := make([]T, 0, len(data))
	index := make([]int, len(perm))
	at := 0
	for range data {
		out = append(out, data[at])
		for d := len(perm) - 1; d >= 0; d-- {
			index[d]++
			at += strides[perm[d]]
			if index[d] < shape[perm[d]] {
				break
			}
			at -= strides[perm[d]] * index[d]
			index[d] = 0
		}
	}
	return out
}
