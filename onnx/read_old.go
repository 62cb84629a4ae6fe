package onnx

import (
	"math"
	"strings"

	"qconv/onnx/internal/pb"
)

// Operators as opsets below 7 have them: operands broadcast only where an attribute says so, and what became
// operands later are attributes. Those that only such files have are read by what computes the same today.

// elementType is an element type by its number; one that is not supported is that of floats.
func elementType(n int) pb.TensorProto_DataType {
	if _, ok := elemBits[pb.TensorProto_DataType(n)]; ok {
		return pb.TensorProto_DataType(n)
	}
	return pb.TensorProto_FLOAT
}

// sayBefore7 reads an operator on two tensors: the second one, where it broadcasts, lies along the dimensions of the first from
// the attribute axis on, along the last ones without it.
func sayBefore7(read func(*nodeReader) Op) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		stretches, placed := r.bool("broadcast", false), r.has("axis")
		axis := r.int("axis", 0)
		op := read(r)
		if r.arity(2, 2); r.wrong(s) {
			return nil
		}
		a, b := r.in[0], r.in[1]
		if stretches && placed && len(b.Shape) > 0 {
			at, ok := resolveAxis(axis, len(a.Shape))
			if !ok || at+len(b.Shape) > len(a.Shape) {
				r.failf("operand %v along axis %d of %v", b.Shape, axis, a.Shape)
				return nil
			}
			b = s.reshape(b, append(b.Shape.clone(), filled(len(a.Shape)-at-len(b.Shape), 1)...))
		}
		return s.add(op, a, b)
	}
}

// sayPReluBefore7 takes a slope for every channel.
func sayPReluBefore7(r *nodeReader, s *spelling) *Value {
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	x, slope := r.in[0], r.in[1]
	if len(slope.Shape) == 1 && slope.Shape[0] > 1 && len(x.Shape) > 2 {
		slope = s.perChannel(slope, len(x.Shape))
	}
	return s.add(&PRelu{}, x, slope)
}

// readTileBefore6 repeats one axis.
func readTileBefore6(r *nodeReader) Op {
	n, axis := r.operandFloat(1, "tiles", 1), r.operandFloat(2, "axis", 0)
	op := &Tile{Repeats: filled(len(r.shapes[0]), 1)}
	if a, ok := resolveAxis(int(axis), len(op.Repeats)); ok {
		op.Repeats[a] = int(math.Min(n, maxDim))
	} else if r.shapes[0] != nil {
		r.failf("axis %g is outside input %v", axis, r.shapes[0])
	}
	r.keep(1)
	return op
}

// castBefore6 is the element type that an attribute names.
func (r *nodeReader) castBefore6() int {
	name := strings.ToUpper(r.text("to", "FLOAT"))
	return int(pb.TensorProto_DataType_value[name])
}

// sayAffine is alpha*x + beta.
func sayAffine(r *nodeReader, s *spelling) *Value {
	alpha, beta := r.float("alpha", 1), r.float("beta", 0)
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	return s.add(&Add{}, s.add(&Mul{}, r.in[0], s.number(alpha)), s.number(beta))
}

// sayImageScaler is scale*x and a bias for every channel.
func sayImageScaler(r *nodeReader, s *spelling) *Value {
	scale, bias := r.float("scale", 1), r.floats("bias")
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	if len(x.Shape) != 4 || len(bias) != 0 && len(bias) != x.Shape[1] {
		r.failf("%d biases for input %v", len(bias), x.Shape)
		return nil
	}
	y := s.add(&Mul{}, x, s.number(scale))
	if len(bias) == 0 {
		return y
	}
	t := &Tensor{Type: Float, Shape: Shape{len(bias), 1, 1}}
	for _, v := range bias {
		t.Floats = append(t.Floats, float32(v))
	}
	return s.add(&Add{}, y, s.constant(t))
}

// sayCrop cuts a border off (left, top, right, bottom), or takes a size from its corner on.
func sayCrop(r *nodeReader, s *spelling) *Value {
	border, size := r.list("border", 4, 0), r.ints("scale")
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	x := r.shapes[0]
	if len(x) != 4 || size != nil && len(size) != 2 {
		r.failf("input %v cropped to %v", x, size)
		return nil
	}
	bottom, right := border[3], border[2]
	if size != nil {
		bottom, right = x[2]-border[1]-size[0], x[3]-border[0]-size[1]
	}
	pads := []int{0, 0, -border[1], -border[0], 0, 0, -bottom, -right}
	for _, p := range pads {
		if p > 0 {
			r.failf("border %v and size %v for input %v", border, size, x)
			return nil
		}
	}
	return s.add(&Pad{Pads: pads, Mode: PadConstant}, r.in[0])
}
