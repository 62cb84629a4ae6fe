package onnx

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
	size := t.Shape.Elems()
	if t.Type == Float {
		t.Floats = make([]float32, size)
	} else {
		t.Ints = make([]int64, size)
	}
	at := make([]int, len(in))
	index := make([]int, rank)
	x := make([]float64, len(in))
	for i := range size {
		for k := range in {
			x[k] = in[k].number(at[k])
		}
		if y := f(x); t.Type == Float {
			t.Floats[i] = float32(y)
		} else {
			t.Ints[i] = int64(y)
		}
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

// number is element i.
func (t *Tensor) number(i int) float64 {
	if t.Type == Float {
		return float64(t.Floats[i])
	}
	return float64(t.Ints[i])
}
