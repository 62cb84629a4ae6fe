package onnx

import "fmt"

// broadcast returns the shape both shapes stretch to: aligned at the last dimension,
// dimensions of size 1 repeat. The result is never nil.
func broadcast(a, b Shape) (Shape, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := a.clone()
	shift := len(a) - len(b)
	for i, d := range b {
		switch e := out[shift+i]; {
		case d == e || d == 1:
		case e == 1:
			out[shift+i] = d
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast: dimensions %s and %s from the end", a, b, Shape{e}, Shape{d})
		}
	}
	for i, d := range out {
		if d == Batch && i > 0 {
			return nil, refusef("shapes %v and %v: the batch would become dimension %d of the result", a, b, i)
		}
	}
	return out, nil
}

// broadcastAll is InferShape of elementwise operators with any number of inputs.
func broadcastAll(in []Shape, lo, hi int) ([]Shape, error) {
	if err := arity(in, lo, hi); err != nil {
		return nil, err
	}
	out := in[0].clone()
	for i, s := range in {
		if s == nil {
			return nil, fmt.Errorf("input %d is missing", i)
		}
		var err error
		if out, err = broadcast(out, s); err != nil {
			return nil, err
		}
	}
	return []Shape{out}, nil
}
