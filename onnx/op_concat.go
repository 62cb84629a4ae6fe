package onnx

import "fmt"

// Concat joins its inputs along Axis; all other dimensions are equal.
type Concat struct{ Axis int }

// Type returns "Concat".
func (*Concat) Type() string { return "Concat" }

// InferShape returns the joined shape.
func (op *Concat) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, -1); err != nil {
		return nil, err
	}
	out := in[0].clone()
	if op.Axis < 0 || op.Axis >= len(out) {
		return nil, fmt.Errorf("axis %d is outside input %v", op.Axis, out)
	}
	for i, s := range in {
		if s == nil {
			return nil, fmt.Errorf("input %d is missing", i)
		}
		if len(s) == len(out) && s[op.Axis] == Batch && len(in) > 1 {
			return nil, refusef("input %v: joining along the batch would mix samples", s)
		}
		if i == 0 {
			continue
		}
		if len(s) != len(out) {
			return nil, fmt.Errorf("inputs %v and %v have different ranks", in[0], s)
		}
		for d := range s {
			if d != op.Axis && s[d] != out[d] && (s[d] == Batch || out[d] == Batch) {
				return nil, refusef("inputs %v and %v: only one of them has the batch", in[0], s)
			}
			if d != op.Axis && s[d] != out[d] {
				return nil, fmt.Errorf("inputs %v and %v differ in dimension %d, want them equal but for axis %d", in[0], s, d, op.Axis)
			}
		}
		out[op.Axis] += s[op.Axis]
	}
	return []Shape{out}, nil
}

func readConcat(r *nodeReader) Op {
	if r.opset < 4 {
		return &Concat{Axis: r.axis("axis", 1, 0)}
	}
	if !r.has("axis") {
		r.failf("attribute %q is missing", "axis")
	}
	return &Concat{Axis: r.axis("axis", 0, 0)}
}

func (op *Concat) write(w *nodeWriter) { w.int("axis", op.Axis) }
