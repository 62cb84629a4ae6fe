package onnx

import (
	"math"

	"qconv/onnx/internal/pb"
)

// Models that are quantized already hold integer codes: QuantizeLinear makes them of real
// numbers, DequantizeLinear makes real numbers of them. In a Graph all values are real:
// QuantizeLinear becomes Quantize, which rounds to the values that have a code, and
// DequantizeLinear of its result changes nothing. In between, codes may only be moved.

// codes is what the integers of a quantized value stand for.
type codes = Quantize

// integerRanges are the codes that zero points of a type allow.
var integerRanges = map[pb.TensorProto_DataType][2]int{
	pb.TensorProto_UINT8: {0, math.MaxUint8}, pb.TensorProto_INT8: {math.MinInt8, math.MaxInt8},
	pb.TensorProto_UINT16: {0, math.MaxUint16}, pb.TensorProto_INT16: {math.MinInt16, math.MaxInt16},
}

// movesCodes says whether an operator hands on elements of its inputs, or the larger of
// them, so that codes stay codes of the same kind.
func movesCodes(op Op) bool {
	switch op := op.(type) {
	case *Concat, *GlobalMaxPool, *MaxPool:
		return true
	case *Reduce:
		return op.Kind == ReduceMax || op.Kind == ReduceMin
	case *Resize:
		return op.Mode == ResizeNearest && op.CoordMode != TFCropAndResize
	case Mover, View:
		return true
	}
	return false
}

// moveCodes checks an operator that reads codes, and returns those of its result; nil if
// it reads none.
func (r *nodeReader) moveCodes(op Op) *codes {
	var c *codes
	for i := range r.in {
		if r.in[i] == nil || i >= len(r.codes) {
			continue
		}
		switch k := r.codes[i]; {
		case i == 0:
			c = k
		case (k == nil) != (c == nil) || c != nil && *k != *c:
			r.refusef("its inputs hold integer codes of different kinds")
			return nil
		}
	}
	if c == nil || op == nil {
		return nil
	}
	if !movesCodes(op) {
		r.refusef("arithmetic with integer codes")
		return nil
	}
	if p, ok := op.(*Pad); ok && p.Mode == PadConstant {
		p.Value = c.Scale * (p.Value - float64(c.Zero))
	}
	return c
}

// quantization takes a constant scale and zero point, operands i and i+1, of one number
// each; nil if they are not, and the node is refused. Without a zero point the codes are
// uint8.
func (r *nodeReader) quantization(i int) *codes {
	scale := r.operand(i, "scale")
	kind, zero := pb.TensorProto_UINT8, 0
	if k := r.int("output_dtype", 0); k != 0 {
		kind = pb.TensorProto_DataType(k)
	}
	if r.given(i + 1) {
		t := r.operand(i+1, "zero point")
		if t == nil {
			return nil
		}
		kind = r.kind(t)
		for _, z := range t.Ints {
			if z != t.Ints[0] {
				r.refusef("zero points that differ by channel")
				return nil
			}
		}
		if len(t.Ints) > 0 {
			zero = clampInt(t.Ints[0])
		}
	}
	if scale == nil {
		return nil
	}
	bounds, ok := integerRanges[kind]
	switch {
	case !ok:
		r.refusef("codes of type %s, want 8 or 16 bits", typeName(int32(kind)))
		return nil
	case len(scale.Floats) == 0:
		r.failf("the scale has no elements, or they are no floating-point numbers")
		return nil
	}
	s := scale.Floats[0]
	for _, v := range scale.Floats {
		if v != s {
			r.refusef("scales of activations that differ by channel")
			return nil
		}
	}
	c := &codes{Scale: float64(s), Zero: zero, Lo: bounds[0], Hi: bounds[1]}
	if !(s > 0) || math.IsInf(float64(s), 0) || zero < c.Lo || zero > c.Hi {
		r.failf("scale %g and zero point %d, want a scale above 0 and a zero point in [%d, %d]", s, zero, c.Lo, c.Hi)
		return nil
	}
	return c
}

// readQuantizeLinear makes the result of the node codes. A constant operand never comes
// here.
func readQuantizeLinear(r *nodeReader) Op {
	r.ignore("axis", "saturate", "precision")
	r.noBlocks()
	c := r.quantization(1)
	r.keep(1)
	r.made = c
	if c == nil {
		return &Identity{}
	}
	op := *c
	return &op
}

// readDequantizeLinear checks that the operand holds the codes the node takes them for.
func readDequantizeLinear(r *nodeReader) Op {
	r.ignore("axis", "output_dtype")
	r.noBlocks()
	r.codesOf(0, r.quantization(1))
	r.keep(1)
	r.alias = true
	r.codes = nil
	return &Identity{}
}

// noBlocks refuses scales per block.
func (r *nodeReader) noBlocks() {
	if r.int("block_size", 0) != 0 {
		r.refusef("scales of blocks")
	}
}

// codesOf checks that operand i holds codes of one kind.
func (r *nodeReader) codesOf(i int, want *codes) {
	if want == nil || !r.given(i) || r.shapes[i] == nil {
		return
	}
	switch got := r.codes[i]; {
	case got == nil:
		r.refusef("operand %d (%q) holds integers that no QuantizeLinear makes", i, r.in[i].Name)
	case *got != *want:
		r.refusef("operand %d (%q) holds codes of scale %g and zero point %d, taken for scale %g and zero point %d",
			i, r.in[i].Name, got.Scale, got.Zero, want.Scale, want.Zero)
	}
}

// readQLinearConv reads a convolution of codes as a Conv of real numbers and a Quantize.
func readQLinearConv(r *nodeReader) Op {
	x, y := r.quantization(1), r.quantization(6)
	r.codesOf(0, x)
	w := r.dequantized(3, 0)
	var bias *Value
	if r.given(8) && x != nil {
		if b, scale := r.operand(8, "bias"), r.operand(4, "weight scale"); b != nil && scale != nil {
			bias = r.constant(r.in[8].Name, scaledBias(b, scale, x.Scale))
		}
	}
	r.replace(w, bias)
	r.made, r.then = y, y
	return readConv(r)
}

// readQLinearMatMul reads a product of codes as a MatMul of real numbers and a Quantize.
func readQLinearMatMul(r *nodeReader) Op {
	x, y := r.quantization(1), r.quantization(6)
	r.codesOf(0, x)
	r.replace(r.dequantized(3, -1), nil)
	r.made, r.then = y, y
	return &MatMul{}
}

// replace makes the operands 0, a and, if it is there, b.
func (r *nodeReader) replace(operands ...*Value) {
	r.keep(1)
	for _, v := range operands {
		if v == nil {
			break
		}
		r.in, r.shapes = append(r.in, v), append(r.shapes, v.shape())
	}
	r.codes = nil
}

// constant is a new constant with a name made of another's.
func (r *nodeReader) constant(name string, t *Tensor) *Value {
	v := &Value{Name: r.unique(name + ".float")}
	v.setConst(t)
	return v
}

// dequantized makes constant codes, operand i, real numbers, with the scale and zero point
// behind it; axis is where scales of channels count.
func (r *nodeReader) dequantized(i, axis int) *Value {
	w, scale := r.operand(i, "weights"), r.operand(i+1, "scale")
	var zero *Tensor
	if r.given(i + 2) {
		if zero = r.operand(i+2, "zero point"); zero == nil {
			return nil
		}
	}
	if w == nil || scale == nil {
		return nil
	}
	t := r.dequantize(w, scale, zero, axis)
	if t == nil {
		return nil
	}
	return r.constant(r.in[i].Name, t)
}

// dequantize is scale * (codes - zero), with a scale and zero point of one element or one
// per position along axis; nil if they do not fit.
func (r *nodeReader) dequantize(w, scale, zero *Tensor, axis int) *Tensor {
	n := len(scale.Floats)
	if w.Type != Int || n == 0 || zero != nil && len(zero.Ints) != n && len(zero.Ints) != 1 {
		r.failf("codes %v of type %v with scale %v", w.Shape, w.Type, scale.Shape)
		return nil
	}
	each := max(len(w.Ints), 1) // codes in a row with one scale
	if n > 1 {
		a, ok := resolveAxis(axis, len(w.Shape))
		if !ok || w.Shape[a] != n {
			r.failf("%d scales for axis %d of codes %v", n, axis, w.Shape)
			return nil
		}
		each = max(product(w.Shape[a+1:]), 1)
	}
	out := &Tensor{Type: Float, Shape: w.Shape, Floats: make([]float32, len(w.Ints))}
	for i, v := range w.Ints {
		c := i / each % n
		if zero != nil {
			v -= zero.Ints[c%len(zero.Ints)]
		}
		out.Floats[i] = float32(v) * scale.Floats[c]
	}
	return out
}

// scaledBias makes the integers of a bias real numbers.
func scaledBias(b, scale *Tensor, input float64) *Tensor {
	out := &Tensor{Type: Float, Shape: b.Shape, Floats: make([]float32, len(b.Ints))}
	for i, v := range b.Ints {
		if len(scale.Floats) > 0 {
			out.Floats[i] = float32(float64(v) * float64(scale.Floats[i%len(scale.Floats)]) * input)
		}
	}
	return out
}

// evalDequantizeLinear makes constant codes real numbers.
func evalDequantizeLinear(d *decoder, r *nodeReader) *known {
	if !r.constants(3) || r.int("block_size", 0) != 0 {
		return nil
	}
	axis := r.int("axis", 1)
	r.ignore("output_dtype")
	var zero *Tensor
	if r.given(2) {
		zero = r.in[2].Const
	}
	if !r.given(1) {
		r.failf("the scale is missing")
		return nil
	}
	if !r.afford(d, r.in[0].Shape.Elems(), 4) {
		return nil
	}
	return r.dequantize(r.in[0].Const, r.in[1].Const, zero, axis).known()
}

// evalQuantizeLinear makes constant real numbers codes.
func evalQuantizeLinear(d *decoder, r *nodeReader) *known {
	if !r.constants(3) || !r.given(1) || r.int("block_size", 0) != 0 || r.in[0].Type != Float {
		return nil
	}
	x, scale := r.in[0].Const, r.in[1].Const
	axis := r.int("axis", 1)
	r.ignore("saturate", "precision", "output_dtype")
	kind, zeros := pb.TensorProto_UINT8, []int64{0}
	if r.given(2) {
		kind, zeros = r.kind(r.in[2].Const), r.in[2].Const.Ints
	}
	bounds, ok := integerRanges[kind]
	n := len(scale.Floats)
	if !ok || n == 0 || len(zeros) != n && len(zeros) != 1 {
		return nil
	}
	each := max(len(x.Floats), 1)
	if n > 1 {
		a, ok := resolveAxis(axis, len(x.Shape))
		if !ok || x.Shape[a] != n {
			r.failf("%d scales for axis %d of %v", n, axis, x.Shape)
			return nil
		}
		each = max(product(x.Shape[a+1:]), 1)
	}
	if !r.afford(d, len(x.Floats), 8) {
		return nil
	}
	out := &Tensor{Type: Int, Shape: x.Shape, Ints: make([]int64, len(x.Floats))}
	for i, v := range x.Floats {
		c := i / each % n
		q := math.RoundToEven(float64(v)/float64(scale.Floats[c])) + float64(zeros[c%len(zeros)])
		if math.IsNaN(q) {
			r.failf("element %d is %g with scale %g", i, v, scale.Floats[c])
			return nil
		}
		out.Ints[i] = int64(math.Max(float64(bounds[0]), math.Min(float64(bounds[1]), q)))
	}
	d.kinds[out] = kind
	return out.known()
}

// constants says whether operand 0 is there, and operands 0 to n-1 are constants as far as
// they are there.
func (r *nodeReader) constants(n int) bool {
	for i := range min(n, len(r.in)) {
		if r.in[i] != nil && r.in[i].Const == nil {
			return false
		}
	}
	return r.given(0)
}
