package onnx

import (
	"fmt"
	"math"
)

// Reshape gives the elements of its input another shape, without moving them. In Dims,
// 0 copies the input's dimension at that place and one -1 takes what is left.
//
// Samples of the batch stay apart: a leading 1 of Dims, as written by exporters that saw
// a batch of one, stands for the whole batch.
type Reshape struct{ Dims []int }

// Flatten makes a matrix: dimensions before Axis become the rows, the others the columns.
type Flatten struct{ Axis int }

// Type returns "Reshape".
func (*Reshape) Type() string { return "Reshape" }

// Type returns "Flatten".
func (*Flatten) Type() string { return "Flatten" }

// InferShape returns Dims with 0 and -1 replaced.
func (op *Reshape) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	out := make(Shape, len(op.Dims))
	rest, batch := -1, false
	for i, d := range op.Dims {
		switch {
		case d == 0 && i < len(x):
			out[i] = x[i]
		case d == 0:
			return nil, fmt.Errorf("target %v copies dimension %d, input %v has rank %d", op.Dims, i, x, len(x))
		case d == -1 && rest < 0:
			rest = i
			out[i] = 1
		case d < 0 || d > maxDim:
			return nil, fmt.Errorf("target %v: dimension %d is %d", op.Dims, i, d)
		case d == 1 && i == 0 && x.batched():
			out[i] = Batch
		default:
			out[i] = d
		}
		batch = batch || out[i] == Batch
	}
	have, want := x.Elems(), 1
	for _, d := range out {
		if d != Batch && want > math.MaxInt32/max(d, 1) {
			return nil, fmt.Errorf("target %v does not fit input %v", op.Dims, x)
		}
		if d != Batch {
			want *= d
		}
	}
	if rest >= 0 && want > 0 {
		out[rest] = have / want
		want *= out[rest]
		if x.batched() && !batch && rest == 0 && out[0] == 1 {
			out[0], batch = Batch, true
		}
	}
	if have != want {
		return nil, fmt.Errorf("target %v does not fit input %v: %d elements against %d", op.Dims, x, want, have)
	}
	if x.batched() != batch {
		return nil, refusef("target %v would mix samples of the batch of input %v", op.Dims, x)
	}
	return []Shape{out}, nil
}

// InferShape returns [rows][columns].
func (op *Flatten) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if op.Axis < 0 || op.Axis > len(x) {
		return nil, fmt.Errorf("axis %d is outside input %v", op.Axis, x)
	}
	rows, columns := product(x[:op.Axis]), product(x[op.Axis:])
	if x.batched() {
		if op.Axis == 0 || rows != 1 {
			return nil, refusef("axis %d would mix samples of the batch of input %v", op.Axis, x)
		}
		rows = Batch
	}
	return []Shape{{rows, columns}}, nil
}

// readReshape takes the target from operand 1. A dimension of the target that is the batch
// size must stand where the input has its batch, and copies it.
func readReshape(r *nodeReader) Op {
	op := &Reshape{Dims: []int{}}
	allowZero := r.bool("allowzero", false)
	x := r.shapes[0]
	var target *ints
	switch {
	case r.opset < 5:
		target = &ints{}
		for _, n := range r.ints("shape") {
			target.v = append(target.v, dim{n: int64(n)})
		}
	case r.given(1):
		target = r.exact(r.in[1])
	}
	if rows := r.rejoin(target); rows != nil && !allowZero {
		r.keep(1)
		return rows
	}
	if target == nil {
		r.operandInts(1, "shape") // says why
	} else {
		for i, d := range target.v {
			switch {
			case i == 0 && x.batched() && r.isBatch(d):
				op.Dims = append(op.Dims, 0)
			case i == 0 && x.batched() && r.batch > 1 && d == dim{n: 1}:
				r.refusef("the target joins the batch of input %v", x)
			case x.batchAt() > 0 && r.isBatch(d) && product(op.Dims) == product(x[:x.batchAt()]):
				op.Dims = append(op.Dims, 1)
			case d.batch != 0:
				r.refusef("dimension %d of the target depends on the batch size", i)
			case d.n == 0 && allowZero:
				r.refusef("dimension %d of the target is empty (allowzero)", i)
			default:
				op.Dims = append(op.Dims, clampInt(d.n))
			}
		}
	}
	r.keep(1)
	return op
}

// isBatch says whether a number is the batch size.
func (r *nodeReader) isBatch(d dim) bool {
	return d == dim{batch: 1} || r.batch > 0 && d == dim{n: int64(r.batch)}
}

func (op *Reshape) write(w *nodeWriter) { w.operandInts("shape", op.Dims) }

// readFlatten accepts an axis equal to the rank: everything becomes rows.
func readFlatten(r *nodeReader) Op {
	axis := r.int("axis", 1)
	if axis < 0 {
		axis += len(r.shapes[0])
	}
	return &Flatten{Axis: axis}
}

func (op *Flatten) write(w *nodeWriter) { w.int("axis", op.Axis) }
