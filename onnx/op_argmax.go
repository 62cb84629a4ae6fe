package onnx

import "slices"

// ArgMax is the position of the largest element along Axis, an Int: the first of several,
// or the last with SelectLast. With Least it is that of the smallest. KeepDims leaves the axis in the output, with size 1.
type ArgMax struct {
	Axis                 int
	KeepDims, SelectLast bool
	Least                bool // ArgMin
}

// Type returns "ArgMax", or "ArgMin" where the smallest element is looked for.
func (op *ArgMax) Type() string {
	if op.Least {
		return "ArgMin"
	}
	return "ArgMax"
}

// InferShape returns the shape without Axis, or with 1 in its place.
func (op *ArgMax) InferShape(in []Shape) ([]Shape, error) {
	out, err := softmaxShape(in, op.Axis)
	if err != nil {
		return nil, err
	}
	if op.KeepDims {
		out[0][op.Axis] = 1
	} else {
		out[0] = slices.Delete(out[0], op.Axis, op.Axis+1)
	}
	return out, nil
}

func readArgMax(r *nodeReader) Op { return readPosition(r, false) }
func readArgMin(r *nodeReader) Op { return readPosition(r, true) }

func readPosition(r *nodeReader, least bool) Op {
	return &ArgMax{Least: least, Axis: r.axis("axis", 0, 0), KeepDims: r.bool("keepdims", true), SelectLast: r.bool("select_last_index", false)}
}

func (op *ArgMax) write(w *nodeWriter) {
	w.int("axis", op.Axis)
	w.bool("keepdims", op.KeepDims)
	w.bool("select_last_index", op.SelectLast)
}
