package onnx

import "fmt"

// arity checks that between lo and hi inputs are there and that the first lo are not left
// out; hi < 0 means any number.
func arity(in []Shape, lo, hi int) error {
	if len(in) < lo || hi >= 0 && len(in) > hi {
		switch {
		case lo == hi:
			return fmt.Errorf("got %d inputs, want %d", len(in), lo)
		case hi < 0:
			return fmt.Errorf("got %d inputs, want at least %d", len(in), lo)
		}
		return fmt.Errorf("got %d inputs, want %d to %d", len(in), lo, hi)
	}
	for i := range lo {
		if in[i] == nil {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return nil
}

// optional is the shape of input i, nil when it is left out.
func optional(in []Shape, i int) Shape {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// sameShape is InferShape of every operator with one input and an output of its shape.
func sameShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	return []Shape{in[0].clone()}, nil
}

// clone returns a copy that is never nil.
func (s Shape) clone() Shape { return append(make(Shape, 0, len(s)), s...) }

// Equal says whether both shapes have the same dimensions.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// batched says whether dimension 0 is the batch.
func (s Shape) batched() bool { return len(s) > 0 && s[0] == Batch }

// resolveAxis turns a negative axis of a tensor of the given rank into the one meant;
// ok is false when there is no such axis.
func resolveAxis(axis, rank int) (int, bool) {
	if axis < 0 {
		axis += rank
	}
	return axis, axis >= 0 && axis < rank
}

// product multiplies dimensions with Batch counted as 1.
func product(dims []int) int { return Shape(dims).Elems() }
