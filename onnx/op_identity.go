package onnx

import "qconv/onnx/internal/pb"

// Identity passes its input on.
type Identity struct{}

// Dropout passes its input on: it acts in training only, which [Read] refuses.
type Dropout struct{}

// Type returns "Identity".
func (*Identity) Type() string { return "Identity" }

// Type returns "Dropout".
func (*Dropout) Type() string { return "Dropout" }

// InferShape returns the shape of the input.
func (*Identity) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }

// InferShape returns the shape of the input.
func (*Dropout) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }

// readDropout refuses training mode, operand 2 since opset 12, unless it drops nothing (ratio 0, operand 1).
func readDropout(r *nodeReader) Op {
	r.ignore("ratio", "seed")
	if r.opset < 7 {
		r.ignore("is_test")
	}
	if r.given(2) && !(r.given(1) && r.in[1].Const != nil && r.operandFloat(1, "ratio", 0.5) == 0) {
		if t := r.operand(2, "training_mode"); t != nil && (len(t.Ints) != 1 || t.Ints[0] != 0) {
			r.refusef("training mode, want the mode for inference")
		}
	}
	r.keep(1)
	return &Dropout{}
}

// readCast takes a cast that changes nothing here, such as one between floating-point types, as an
// Identity. Casts of constants never come here.
func readCast(r *nodeReader) Op {
	to := int32(0)
	if r.opset < 6 {
		to = int32(r.castBefore6())
	} else {
		to = int32(r.int("to", 0))
	}
	r.ignore("saturate", "round_mode")
	kind := pb.TensorProto_DataType(to)
	if _, ok := elemBits[kind]; !ok {
		r.refusef("a cast to %s", typeName(to))
	}
	return r.castTo(dataType(kind))
}

// castTo casts operand 0.
func (r *nodeReader) castTo(to DataType) Op {
	if r.shapes[0] == nil || r.in[0].Type == to {
		return &Identity{}
	}
	return &Cast{To: to}
}

// readCastLike is a cast to the element type of operand 1.
func readCastLike(r *nodeReader) Op {
	r.ignore("saturate", "round_mode")
	op := Op(&Identity{})
	if r.given(0) && r.given(1) && r.shapes[1] != nil {
		op = r.castTo(r.in[1].Type)
	}
	r.keep(1)
	return op
}
