package onnx

import "fmt"

// Expand broadcasts its input together with a tensor of shape Dims; a 1 in Dims keeps the
// input's dimension.
type Expand struct{ Dims []int }

// Tile repeats its input Repeats[i] times along every dimension i.
type Tile struct{ Repeats []int }

// Type returns "Expand".
func (*Expand) Type() string { return "Expand" }

// Type returns "Tile".
func (*Tile) Type() string { return "Tile" }

// InferShape returns the shape that the input and Dims broadcast to.
func (op *Expand) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	for _, d := range op.Dims {
		if d < 1 {
			return nil, fmt.Errorf("target %v: want sizes of at least 1", op.Dims)
		}
	}
	if x := in[0]; x.batched() && len(op.Dims) == len(x) && op.Dims[0] != 1 {
		return nil, refusef("target %v fixes the batch of input %v", op.Dims, x)
	}
	out, err := broadcast(in[0], op.Dims)
	if err != nil {
		return nil, err
	}
	return []Shape{out}, nil
}

// InferShape returns the input's dimensions times Repeats.
func (op *Tile) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	out := in[0].clone()
	if len(op.Repeats) != len(out) {
		return nil, fmt.Errorf("%d repeats for input %v", len(op.Repeats), out)
	}
	for i, n := range op.Repeats {
		switch {
		case out[i] == Batch && n != 1:
			return nil, refusef("repeats %v would copy samples of the batch of input %v", op.Repeats, in[0])
		case n < 1 || out[i] > maxDim/n:
			return nil, fmt.Errorf("repeats %v of input %v: want at least 1 and fewer than 2^31 elements", op.Repeats, in[0])
		case out[i] != Batch:
			out[i] *= n
		}
	}
	return []Shape{out}, nil
}

// readExpand takes the target from operand 1. The batch size may stand where the input has
// its batch.
func readExpand(r *nodeReader) Op {
	op := &Expand{Dims: []int{}}
	x := r.shapes[0]
	var target *ints
	if r.given(1) {
		target = r.exact(r.in[1])
	}
	if target == nil {
		r.operandInts(1, "shape") // says why
	} else {
		for i, d := range target.v {
			switch {
			case x.batchAt() >= 0 && i == len(target.v)-len(x)+x.batchAt() && (d == dim{batch: 1} || x.batchAt() > 0 && r.isBatch(d)):
				op.Dims = append(op.Dims, 1)
			case d.batch != 0:
				r.refusef("dimension %d of the target depends on the batch size", i)
			default:
				op.Dims = append(op.Dims, clampInt(d.n))
			}
		}
	}
	r.keep(1)
	return op
}

// readTile takes the repeats from operand 1.
func readTile(r *nodeReader) Op {
	if r.opset < 6 {
		return readTileBefore6(r)
	}
	op := &Tile{Repeats: r.operandInts(1, "repeats")}
	r.keep(1)
	return op
}

func (op *Expand) write(w *nodeWriter) { w.operandInts("shape", op.Dims) }
func (op *Tile) write(w *nodeWriter)   { w.operandInts("repeats", op.Repeats) }
