package onnx

import "fmt"

// Split cuts its input along Axis into parts of the given Sizes, one output each.
type Split struct {
	Axis  int
	Sizes []int
}

// Type returns "Split".
func (*Split) Type() string { return "Split" }

// InferShape returns the shapes of the parts.
func (op *Split) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if op.Axis < 0 || op.Axis >= len(x) {
		return nil, fmt.Errorf("axis %d is outside input %v", op.Axis, x)
	}
	if x[op.Axis] == Batch {
		return nil, refusef("it would cut the batch of input %v", x)
	}
	var out []Shape
	left := x[op.Axis]
	for _, n := range op.Sizes {
		if n < 0 || n > left {
			return nil, fmt.Errorf("parts of %v along axis %d of input %v", op.Sizes, op.Axis, x)
		}
		left -= n
		s := x.clone()
		s[op.Axis] = n
		out = append(out, s)
	}
	if left != 0 {
		return nil, fmt.Errorf("parts of %v along axis %d of input %v", op.Sizes, op.Axis, x)
	}
	return out, nil
}

// readSplit takes the sizes from an attribute before opset 13, from operand 1 since. When
// they are not given the parts are equal, but for a smaller last one since opset 18.
func readSplit(r *nodeReader) Op {
	op := &Split{Axis: r.axis("axis", 0, 0)}
	r.outputs = r.results
	switch {
	case r.opset < 13:
		op.Sizes = r.ints("split")
	case r.given(1):
		op.Sizes = r.operandInts(1, "split")
		if op.Sizes == nil {
			return op
		}
	}
	r.keep(1)
	n := r.int("num_outputs", r.results)
	x := r.shapes[0]
	if op.Sizes == nil && x != nil && op.Axis < len(x) && x[op.Axis] != Batch {
		size := x[op.Axis]
		part := (size + n - 1) / max(n, 1)
		if n != r.results || r.opset < 18 && size%n != 0 || part*(n-1) > size {
			r.failf("dimension %d of input %v cannot be cut into %d equal parts", op.Axis, x, r.results)
			return op
		}
		for range n {
			op.Sizes = append(op.Sizes, min(part, size))
			size -= min(part, size)
		}
	}
	if op.Sizes != nil && len(op.Sizes) != r.results {
		r.failf("%d parts for %d outputs", len(op.Sizes), r.results)
	}
	return op
}

func (op *Split) write(w *nodeWriter) {
	w.int("axis", op.Axis)
	w.operandInts("split", op.Sizes)
}
