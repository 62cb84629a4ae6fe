package onnx

import (
	"math"
	"slices"

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
	pb.TensorProto_UINT4: {0, 15}, pb.TensorProto_INT4: {-8, 7}, pb.TensorProto_UINT2: {0, 3}, pb.TensorProto_INT2: {-2, 1},
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

// clipCodes makes of a Clip of codes a Quantize to those that are left.
func (r *nodeReader) clipCodes(c *codes, op *Clip) *codes {
	narrow := *c
	narrow.Lo = max(c.Lo, int(math.Ceil(max(op.Min, -maxDim))))
	narrow.Hi = min(c.Hi, int(math.Floor(min(op.Max, maxDim))))
	if narrow.Lo > c.Zero || narrow.Hi < c.Zero {
		r.refusef("codes clipped to [%d, %d], which leaves out zero (%d)", narrow.Lo, narrow.Hi, c.Zero)
		return nil
	}
	return &narrow
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
		case (k == nil) != (c == nil) || c != nil && (k.Scale != c.Scale || k.Zero != c.Zero):
			r.refusef("its inputs hold integer codes of different kinds")
			return nil
		case c != nil:
			c = &codes{Scale: c.Scale, Zero: c.Zero, Lo: min(c.Lo, k.Lo), Hi: max(c.Hi, k.Hi)}
		}
	}
	if c == nil || op == nil {
		return nil
	}
	switch op := op.(type) {
	case *Clip:
		return r.clipCodes(c, op)
	case *Relu:
		return r.clipCodes(c, &Clip{Min: 0, Max: math.Inf(1)})
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
func (r *nodeReader) quantization(i int) *codes { return r.quantizationOf(i, nil) }

// quantizationOf is the same where channels may have scales of their own: these are in the values then, and that of the codes is 1.
func (r *nodeReader) quantizationOf(i int, scales *Tensor) *codes {
	scale := r.operand(i, "scale")
	if scales != nil {
		scale = &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{1}}
	}
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
		r.refusef("codes of type %s, want integers of at most 16 bits", typeName(int32(kind)))
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

// sayQuantizeLinear makes the result of the node codes. A constant operand never comes
// here. Where channels have scales of their own, x is divided by them, and the codes have a scale of 1.
func sayQuantizeLinear(r *nodeReader, s *spelling) *Value {
	axis := r.int("axis", 1)
	r.ignore("saturate", "precision")
	r.noBlocks(r.int("block_size", 0))
	if r.wrong(s) || !r.given(0) {
		r.failf("operand 0 is missing")
		return nil
	}
	x, scales := r.in[0], r.channelScales(1)
	if scales != nil {
		x = s.add(&Div{}, x, r.along(s, scales, x.Shape, axis))
	}
	c := r.quantizationOf(1, scales)
	if c == nil || r.wrong(s) {
		return nil
	}
	r.made = c
	op := *c
	return s.add(&op, x)
}

// channelScales is constant operand i if it has numbers that differ, one for each channel; nil otherwise.
func (r *nodeReader) channelScales(i int) *Tensor {
	if !r.given(i) || r.in[i].Const == nil {
		return nil
	}
	t := r.in[i].Const
	if len(t.Floats) < 2 || !slices.ContainsFunc(t.Floats, func(v float32) bool { return v != t.Floats[0] }) {
		return nil
	}
	for ch, v := range t.Floats {
		if !(v > 0) || math.IsInf(float64(v), 0) {
			r.failf("scale %g in channel %d, want one above 0", v, ch)
			return nil
		}
	}
	return t
}

// sayDequantizeLinear takes codes for the real numbers they stand for already, and computes those of other
// integers.
func sayDequantizeLinear(r *nodeReader, s *spelling) *Value {
	axis := r.int("axis", 1)
	block := r.int("block_size", 0)
	r.ignore("output_dtype")
	if r.wrong(s) || !r.given(0) {
		r.failf("operand 0 is missing")
		return nil
	}
	if c := r.codes[0]; c != nil {
		if scales := r.channelScales(1); scales != nil && c != dynamic {
			r.noBlocks(block)
			want := r.quantizationOf(1, scales)
			if want == nil || r.wrong(s) {
				return nil
			}
			// The values are codes times c.Scale already.
			own := *c
			own.Scale = 1
			r.codes[0] = &own
			r.codesOf(0, want)
			relative := &Tensor{Type: Float, Shape: scales.Shape, Floats: slices.Clone(scales.Floats)}
			for i := range relative.Floats {
				relative.Floats[i] /= float32(c.Scale)
			}
			r.codes = nil
			return s.add(&Mul{}, r.in[0], r.along(s, relative, r.in[0].Shape, axis))
		}
		if r.codes[0] != dynamic {
			r.noBlocks(block)
			r.codesOf(0, r.quantization(1))
		}
		r.codes = nil
		r.alias = true
		return r.in[0]
	}
	if r.in[0].Const != nil {
		r.refusef("constant codes with a scale or zero point that is computed when the network runs")
		return nil
	}
	r.noBlocks(block)
	return r.scaled(s, 0, axis)
}

// real is operand i, codes whose scale and zero point stand behind it, as real numbers. Axis is where scales
// of channels count.
func (r *nodeReader) real(s *spelling, i, axis int) *Value {
	switch {
	case !r.given(i):
		r.failf("operand %d is missing", i)
		return nil
	case r.in[i].Const != nil:
		return r.dequantized(i, axis)
	case r.codes[i] == nil:
		return r.scaled(s, i, axis)
	}
	r.codesOf(i, r.quantization(i+1))
	r.codes[i] = nil
	return r.in[i]
}

// scaled computes (x - zero) * scale of integers that no QuantizeLinear makes, such as those of an input.
func (r *nodeReader) scaled(s *spelling, i, axis int) *Value {
	x, scale := r.in[i], r.operand(i+1, "scale")
	if scale == nil || x.Type != Int {
		r.refusef("operand %d (%q) holds no integers", i, x.Name)
		return nil
	}
	along := func(t *Tensor) *Value { return r.along(s, t, x.Shape, axis) }
	y := s.add(&Cast{To: Float}, x)
	if r.given(i + 2) {
		zero := r.operand(i+2, "zero point")
		if zero == nil {
			return nil
		}
		if slices.ContainsFunc(zero.Ints, func(z int64) bool { return z != 0 }) {
			y = s.add(&Sub{}, y, along(zero))
		}
	}
	return s.add(&Mul{}, y, along(scale))
}

// along is a constant of one number for all, or of one for each position along an axis of values of shape x.
func (r *nodeReader) along(s *spelling, t *Tensor, x Shape, axis int) *Value {
	t = t.toFloats()
	if t.Shape.Elems() == 1 {
		return s.constant(&Tensor{Type: Float, Shape: Shape{}, Floats: t.Floats})
	}
	a, ok := resolveAxis(axis, len(x))
	if !ok || x[a] != len(t.Floats) {
		r.failf("%d scales or zero points along axis %d of input %v", len(t.Floats), axis, x)
		return s.number(0)
	}
	shape := Shape(filled(len(x)-a, 1))
	shape[0] = len(t.Floats)
	return s.constant(&Tensor{Type: Float, Shape: shape, Floats: t.Floats})
}

// dynamic marks values that stand for codes whose scale a network computes while it runs: they are the real
// numbers themselves, with a scale of 1.
var dynamic = &codes{Scale: 1, Lo: math.MinInt32, Hi: math.MaxInt32}

// noBlocks refuses scales per block of values that are computed when the network runs.
func (r *nodeReader) noBlocks(block int) {
	if block != 0 {
		r.refusef("scales of blocks of computed values")
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
	case got.Scale != want.Scale || got.Zero != want.Zero || got.Lo < want.Lo || got.Hi > want.Hi:
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
	t := r.dequantize(w, scale, zero, axis, 0)
	if t == nil {
		return nil
	}
	return r.constant(r.in[i].Name, t)
}

// dequantize is scale * (codes - zero), with a scale and zero point of one element, or one per position
// along axis, or one per block of positions; nil if they do not fit.
func (r *nodeReader) dequantize(w, scale, zero *Tensor, axis, block int) *Tensor {
	n := len(scale.Floats)
	if w.Type != Int || n == 0 || zero != nil && len(zero.Ints) != n && len(zero.Ints) != 1 {
		r.failf("codes %v of type %v with scale %v", w.Shape, w.Type, scale.Shape)
		return nil
	}
	scaleOf := r.scaleOf(w.Shape, scale.Shape, axis, block)
	if scaleOf == nil {
		return nil
	}
	out := &Tensor{Type: Float, Shape: w.Shape, Floats: make([]float32, len(w.Ints))}
	for i, v := range w.Ints {
		c := scaleOf(i)
		if zero != nil {
			v -= zero.Ints[c%len(zero.Ints)]
		}
		out.Floats[i] = float32(v) * scale.Floats[c]
	}
	return out
}

// scaleOf says which entry of a scale belongs to an element of a tensor: there is one for all, one per position
// along axis or, with a block size, one per block of so many. It is nil if the scale does not fit.
func (r *nodeReader) scaleOf(x, scale Shape, axis, block int) func(i int) int {
	n := scale.Elems()
	if n == 1 && block == 0 {
		return func(int) int { return 0 }
	}
	a, ok := resolveAxis(axis, len(x))
	if !ok || block < 0 || block == 0 && x[a] != n {
		r.failf("%d scales for axis %d of %v", n, axis, x)
		return nil
	}
	inner := max(product(x[a+1:]), 1)
	if block == 0 {
		return func(i int) int { return i / inner % n }
	}
	want := x.clone()
	want[a] = (x[a] + block - 1) / block
	if !scale.Equal(want) {
		r.failf("scales %v for blocks of %d along axis %d of %v, want %v", scale, block, axis, x, want)
		return nil
	}
	size, blocks := max(x[a], 1), want[a]
	return func(i int) int {
		return (i/inner/size*blocks+i/inner%size/block)*inner + i%inner
	}
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
	if !r.constants(3) {
		return nil
	}
	axis, block := r.int("axis", 1), r.int("block_size", 0)
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
	return r.dequantize(r.in[0].Const, r.in[1].Const, zero, axis, block).known()
}

// evalQuantizeLinear makes constant real numbers codes.
func evalQuantizeLinear(d *decoder, r *nodeReader) *known {
	if !r.constants(3) || !r.given(1) || r.in[0].Type != Float {
		return nil
	}
	x, scale := r.in[0].Const, r.in[1].Const
	axis, block := r.int("axis", 1), r.int("block_size", 0)
	r.ignore("saturate", "precision")
	kind, zeros := pb.TensorProto_UINT8, []int64{0}
	if k := r.int("output_dtype", 0); k != 0 {
		kind = pb.TensorProto_DataType(k)
	}
	if r.given(2) {
		kind, zeros = r.kind(r.in[2].Const), r.in[2].Const.Ints
	}
	bounds, ok := integerRanges[kind]
	n := len(scale.Floats)
	if !ok || n == 0 || len(zeros) != n && len(zeros) != 1 {
		return nil
	}
	scaleOf := r.scaleOf(x.Shape, scale.Shape, axis, block)
	if scaleOf == nil {
		return nil
	}
	if !r.afford(d, len(x.Floats), 8) {
		return nil
	}
	out := &Tensor{Type: Int, Shape: x.Shape, Ints: make([]int64, len(x.Floats))}
	for i, v := range x.Floats {
		c := scaleOf(i)
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
