package onnx

import "fmt"

// Transpose reorders dimensions: dimension i of the output is dimension Perm[i] of the input.
type Transpose struct{ Perm []int }

// Type returns "Transpose".
func (*Transpose) Type() string { return "Transpose" }

// InferShape returns the permuted shape.
func (op *Transpose) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(op.Perm) != len(x) {
		return nil, fmt.Errorf("perm %v has %d entries, input %v has rank %d", op.Perm, len(op.Perm), x, len(x))
	}
	seen := make([]bool, len(x))
	out := make(Shape, len(x))
	for i, p := range op.Perm {
		if p < 0 || p >= len(x) || seen[p] {
			return nil, fmt.Errorf("perm %v is not a permutation of 0..%d", op.Perm, len(x)-1)
		}
		seen[p] = true
		out[i] = x[p]
		if out[i] == Batch && i > 0 {
			return nil, refusef("perm %v moves the batch of input %v to dimension %d", op.Perm, x, i)
		}
	}
	return []Shape{out}, nil
}

// readTranspose reverses the dimensions when perm is absent.
func readTranspose(r *nodeReader) Op {
	perm := r.ints("perm")
	if perm == nil {
		perm = make([]int, len(r.shapes[0]))
		for i := range perm {
			perm[i] = len(perm) - 1 - i
		}
	}
	return &Transpose{Perm: perm}
}

func (op *Transpose) write(w *nodeWriter) { w.ints("perm", op.Perm) }
