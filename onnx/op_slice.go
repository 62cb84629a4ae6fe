package onnx

import (
	"fmt"
	"math"
)

// Slice keeps the elements Starts[i], Starts[i]+Steps[i], ... of dimension Axes[i] as long
// as they lie before Ends[i] (behind it where the step is negative). All lists have one
// entry per dimension that is cut. Starts lie in [0, size), Ends in [0, size] or, with a
// negative step, in [-1, size).
type Slice struct{ Starts, Ends, Axes, Steps []int }

// Type returns "Slice".
func (*Slice) Type() string { return "Slice" }

// InferShape returns the shape that is kept.
func (op *Slice) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	n := len(op.Axes)
	if len(op.Starts) != n || len(op.Ends) != n || len(op.Steps) != n {
		return nil, fmt.Errorf("%d starts, %d ends and %d steps for %d axes", len(op.Starts), len(op.Ends), len(op.Steps), n)
	}
	if err := checkAxes(op.Axes, len(x)); err != nil {
		return nil, err
	}
	out := x.clone()
	for i, axis := range op.Axes {
		start, end, step, size := op.Starts[i], op.Ends[i], op.Steps[i], x[axis]
		if size == Batch {
			return nil, refusef("a slice would take samples out of the batch of input %v", x)
		}
		count := sliceCount(start, end, step)
		if count == 0 && step != 0 {
			return nil, refusef("nothing is left of dimension %d of input %v", axis, x)
		}
		if step == 0 || start < 0 || start >= size || end < -1 || end > size || end < 0 && step > 0 {
			return nil, fmt.Errorf("slice %d:%d by steps of %d of dimension %d of input %v", start, end, step, axis, x)
		}
		out[axis] = count
	}
	return []Shape{out}, nil
}

// sliceCount is the number of elements of a slice with resolved bounds.
func sliceCount(start, end, step int) int {
	switch {
	case step > 0 && end > start:
		return (end-start-1)/step + 1
	case step < 0 && end < start:
		return (start-end-1)/-step + 1
	}
	return 0
}

// readSlice takes the bounds from attributes before opset 10, from operands since. Axes
// that are kept whole are left out.
func readSlice(r *nodeReader) Op {
	op := &Slice{}
	starts, ends, axes, steps := sliceOperands(r)
	r.keep(1)
	x := r.shapes[0]
	if starts == nil || ends == nil || x == nil {
		return op
	}
	if len(ends) != len(starts) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		r.failf("%d starts, %d ends, %d axes, %d steps, want as many of each", len(starts), len(ends), len(axes), len(steps))
		return op
	}
	at := map[int]int{} // position in the lists
	for k := range starts {
		axis := k
		if axes != nil {
			axis = axes[k]
		}
		a, ok := resolveAxis(axis, len(x))
		if !ok {
			r.failf("axis %d is outside a tensor of rank %d", axis, len(x))
			return op
		}
		if _, twice := at[a]; twice {
			r.failf("axis %d is there twice", axis)
			return op
		}
		at[a] = k
	}
	for axis, size := range x {
		k, ok := at[axis]
		if !ok {
			continue
		}
		step := 1
		if steps != nil {
			step = steps[k]
		}
		if step == 0 {
			r.failf("the step along axis %d is 0", axis)
			return op
		}
		if size == Batch {
			if starts[k] == 0 && step == 1 && ends[k] == maxDim {
				continue
			}
			r.refusef("it takes samples out of the batch of input %v", x)
			return op
		}
		start, end := sliceBounds(starts[k], ends[k], size, step)
		if start == 0 && end == size && step == 1 {
			continue
		}
		op.Starts, op.Ends = append(op.Starts, start), append(op.Ends, end)
		op.Axes, op.Steps = append(op.Axes, axis), append(op.Steps, step)
	}
	return op
}

// sliceOperands takes the four lists of a slice; axes and steps are nil when left out.
func sliceOperands(r *nodeReader) (starts, ends, axes, steps []int) {
	if r.opset < 10 {
		return r.ints("starts"), r.ints("ends"), r.ints("axes"), nil
	}
	starts, ends = r.operandInts(1, "starts"), r.operandInts(2, "ends")
	if r.given(3) {
		axes = r.operandInts(3, "axes")
	}
	if r.given(4) {
		steps = r.operandInts(4, "steps")
	}
	return starts, ends, axes, steps
}

// write gives an end before the first element as a number far below it, since -1 would be
// the last element.
func (op *Slice) write(w *nodeWriter) {
	ends := make([]int, len(op.Ends))
	for i, e := range op.Ends {
		ends[i] = e
		if e < 0 {
			ends[i] = math.MinInt32
		}
	}
	w.operandInts("starts", op.Starts)
	w.operandInts("ends", ends)
	w.operandInts("axes", op.Axes)
	w.operandInts("steps", op.Steps)
}
