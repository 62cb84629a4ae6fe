package onnx

import (
	"fmt"
	"slices"
)

// Squeeze removes the dimensions Axes, all of size 1. Axes ascend.
type Squeeze struct{ Axes []int }

// Unsqueeze inserts dimensions of size 1, so that they are the dimensions Axes of the
// output. Axes ascend.
type Unsqueeze struct{ Axes []int }

// Type returns "Squeeze".
func (*Squeeze) Type() string { return "Squeeze" }

// Type returns "Unsqueeze".
func (*Unsqueeze) Type() string { return "Unsqueeze" }

// InferShape returns the shape without Axes.
func (op *Squeeze) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if err := checkAxes(op.Axes, len(x)); err != nil {
		return nil, err
	}
	out := Shape{}
	for i, d := range x {
		switch {
		case !slices.Contains(op.Axes, i):
			out = append(out, d)
		case d == Batch:
			return nil, refusef("axes %v would remove the batch of input %v", op.Axes, x)
		case d != 1:
			return nil, fmt.Errorf("axes %v: dimension %d of input %v is %d, want 1", op.Axes, i, x, d)
		}
	}
	return []Shape{out}, nil
}

// InferShape returns the shape with Axes inserted.
func (op *Unsqueeze) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	rank := len(x) + len(op.Axes)
	if err := checkAxes(op.Axes, rank); err != nil {
		return nil, err
	}
	out := make(Shape, 0, rank)
	for i := range rank {
		if slices.Contains(op.Axes, i) {
			out = append(out, 1)
			continue
		}
		out = append(out, x[0])
		x = x[1:]
		if i > 0 && out[i] == Batch {
			return nil, refusef("axes %v move the batch of input %v to dimension %d", op.Axes, in[0], i)
		}
	}
	return []Shape{out}, nil
}

// checkAxes verifies that axes ascend strictly in [0, rank).
func checkAxes(axes []int, rank int) error {
	if rank > maxRank {
		return fmt.Errorf("%d dimensions, want at most %d", rank, maxRank)
	}
	for i, a := range axes {
		if a < 0 || a >= rank || i > 0 && a <= axes[i-1] {
			return fmt.Errorf("axes %v: want ascending numbers in [0, %d)", axes, rank)
		}
	}
	return nil
}

// readAxes takes the axes: an attribute before opset 13, operand 1 since. It is nil when
// they are not given.
func readAxes(r *nodeReader) []int {
	if r.opset < 13 {
		return r.ints("axes")
	}
	if !r.given(1) {
		return nil
	}
	axes := r.operandInts(1, "axes")
	r.keep(1)
	return axes
}

// readSqueeze removes all dimensions of size 1 but the batch when no axes are given.
func readSqueeze(r *nodeReader) Op {
	axes := readAxes(r)
	x := r.shapes[0]
	if axes == nil {
		axes = []int{}
		for i, d := range x {
			if d == 1 {
				axes = append(axes, i)
			}
		}
	}
	r.keep(1)
	if x == nil {
		return &Squeeze{}
	}
	return &Squeeze{Axes: r.axes(axes, len(x))}
}

func readUnsqueeze(r *nodeReader) Op {
	axes := readAxes(r)
	if axes == nil && r.opset < 13 {
		r.failf("attribute %q is missing", "axes")
	}
	r.keep(1)
	if r.shapes[0] == nil {
		return &Unsqueeze{}
	}
	return &Unsqueeze{Axes: r.axes(axes, len(r.shapes[0])+len(axes))}
}

func (op *Squeeze) write(w *nodeWriter)   { w.operandInts("axes", op.Axes) }
func (op *Unsqueeze) write(w *nodeWriter) { w.operandInts("axes", op.Axes) }
