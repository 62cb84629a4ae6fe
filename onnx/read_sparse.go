package onnx

import (
	"fmt"

	"qconv/onnx/internal/pb"
)

// sparse makes a tensor of one that lists the elements other than 0, with their positions: one number each, or
// one for each dimension.
func (d *decoder) sparse(p *pb.SparseTensorProto) (*Tensor, error) {
	shape, elems, err := tensorShape(p.GetDims())
	if err != nil {
		return nil, err
	}
	values, err := d.tensor(p.GetValues())
	if err != nil {
		return nil, err
	}
	at, err := d.tensor(p.GetIndices())
	if err != nil {
		return nil, err
	}
	n := values.Shape.Elems()
	rank := len(shape)
	switch {
	case len(values.Shape) != 1 || at.Type != Int:
		return nil, fmt.Errorf("values %v at indices %v of type %v, want two lists", values.Shape, at.Shape, at.Type)
	case len(at.Shape) == 1 && at.Shape[0] == n:
		rank = 1
	case len(at.Shape) != 2 || at.Shape[0] != n || at.Shape[1] != rank:
		return nil, fmt.Errorf("indices %v, want [%d] or [%d,%d]", at.Shape, n, n, rank)
	}
	t := &Tensor{Type: values.Type, Shape: shape}
	if err := d.budget.take(elems, t.Type.size()); err != nil {
		return nil, err
	}
	if t.Type == Float {
		t.Floats = make([]float32, elems)
	} else {
		t.Ints = make([]int64, elems)
	}
	if d.kinds != nil {
		d.kinds[t] = d.kinds[values]
	}
	for i := range n {
		to := int64(0)
		for k, v := range at.Ints[i*rank:][:rank] {
			size := int64(elems)
			if len(at.Shape) == 2 {
				size = int64(shape[k])
			}
			if v < 0 || v >= size {
				return nil, fmt.Errorf("element %d has the position %v in shape %v", i, at.Ints[i*rank:][:rank], shape)
			}
			to = to*size + v
		}
		if t.Type == Float {
			t.Floats[to] = values.Floats[i]
		} else {
			t.Ints[to] = values.Ints[i]
		}
	}
	return t, nil
}
