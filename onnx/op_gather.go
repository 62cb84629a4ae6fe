package onnx

import (
	"fmt"
	"slices"
)

// Gather picks constant positions along Axis of its input: the output has the dimensions
// of Indices in place of that axis, none for a single index (rank 0).
type Gather struct {
	Axis    int
	Indices *Tensor // Int; elements in [0, size of the axis)
}

// Type returns "Gather".
func (*Gather) Type() string { return "Gather" }

// InferShape returns x[:Axis], the shape of Indices, x[Axis+1:].
func (op *Gather) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if op.Axis < 0 || op.Axis >= len(x) || op.Indices == nil {
		return nil, fmt.Errorf("axis %d is outside input %v", op.Axis, x)
	}
	if x[op.Axis] == Batch {
		return nil, refusef("it would pick samples of the batch of input %v", x)
	}
	for _, i := range op.Indices.Ints {
		if i < 0 || i >= int64(x[op.Axis]) {
			return nil, fmt.Errorf("index %d is outside dimension %d of input %v", i, op.Axis, x)
		}
	}
	return []Shape{slices.Concat(x[:op.Axis], op.Indices.Shape, x[op.Axis+1:])}, nil
}

// readGather makes negative indices positions from the start.
func readGather(r *nodeReader) Op {
	op := &Gather{Axis: r.axis("axis", 0, 0), Indices: &Tensor{Type: Int, Shape: Shape{}, Ints: []int64{0}}}
	t := r.operand(1, "indices")
	x := r.shapes[0]
	r.keep(1)
	if t == nil || x == nil || op.Axis >= len(x) {
		return op
	}
	if t.Type != Int {
		r.failf("indices have elements of type %v, want %v", t.Type, Int)
		return op
	}
	op.Indices = &Tensor{Type: Int, Shape: t.Shape, Ints: slices.Clone(t.Ints)}
	for i, v := range t.Ints {
		if v < 0 {
			op.Indices.Ints[i] = v + int64(x[op.Axis])
		}
	}
	return op
}

func (op *Gather) write(w *nodeWriter) {
	w.int("axis", op.Axis)
	w.operand("indices", op.Indices)
}
