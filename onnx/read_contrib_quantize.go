package onnx

import "slices"

// Operators on integer codes are read as those on the real numbers that the codes stand for, with a Quantize behind
// them.

// dynamicTwin is said of operators that choose scales while the network runs.
const dynamicTwin = "read without the rounding of activations, whose scale it computes while it runs"

// rounded brings a result to the codes whose scale and zero point are operands i and i+1.
func (r *nodeReader) rounded(s *spelling, y *Value, i int) *Value {
	c := r.quantization(i)
	if c == nil || r.wrong(s) {
		return nil
	}
	r.made = c
	op := *c
	return s.add(&op, y)
}

// sayQLinearPair reads operands 0 and 3, with a scale and zero point each.
func sayQLinearPair(op func() Op) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		if r.arity(7, 8); r.wrong(s) {
			return nil
		}
		a, b := r.real(s, 0, 0), r.real(s, 3, 0)
		if r.wrong(s) {
			return nil
		}
		return r.rounded(s, s.add(op(), a, b), 6)
	}
}

func sayQLinearScalar(read func(*nodeReader) Op) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		op := read(r)
		if r.arity(4, 5); r.wrong(s) {
			return nil
		}
		x := r.real(s, 0, 0)
		if r.wrong(s) {
			return nil
		}
		return r.rounded(s, s.add(op, x), 3)
	}
}

// sayQLinearPool reads a pooling, whose channels may be last.
func sayQLinearPool(read func(*nodeReader) Op) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		last := r.bool("channels_last", false)
		if r.arity(4, 5); r.wrong(s) {
			return nil
		}
		x := r.real(s, 0, 0)
		if r.wrong(s) {
			return nil
		}
		if last {
			x = s.channelsFirst(x)
		}
		r.shapes[0] = x.shape()
		op := read(r)
		if r.wrong(s) {
			return nil
		}
		y := s.add(op, x)
		if last {
			y = s.channelsLast(y)
		}
		return r.rounded(s, y, 3)
	}
}

func sayQLinearReduceMean(r *nodeReader, s *spelling) *Value {
	op := &Reduce{Kind: ReduceMean, Axes: r.ints("axes"), KeepDims: r.bool("keepdims", true)}
	if r.arity(4, 5); r.wrong(s) {
		return nil
	}
	x := r.real(s, 0, 0)
	if r.wrong(s) {
		return nil
	}
	if op.Axes == nil {
		op.Axes = r.allAxes()
	}
	op.Axes = r.axes(op.Axes, len(x.Shape))
	return r.rounded(s, s.add(op, x), 3)
}

// sayQLinearSoftmax takes the sum over one dimension, or over several as before opset 13.
func sayQLinearSoftmax(r *nodeReader, s *spelling) *Value {
	r.opset = r.int("opset", r.opset)
	if r.arity(4, 5); r.wrong(s) {
		return nil
	}
	x := r.real(s, 0, 0)
	if r.wrong(s) {
		return nil
	}
	r.shapes[0] = x.shape()
	y := r.softmax(s, x, false)
	if r.wrong(s) {
		return nil
	}
	return r.rounded(s, y, 3)
}

func sayQLinearWhere(r *nodeReader, s *spelling) *Value {
	if r.arity(9, 9); r.wrong(s) {
		return nil
	}
	a, b := r.real(s, 1, 0), r.real(s, 4, 0)
	if r.wrong(s) {
		return nil
	}
	return r.rounded(s, s.add(&Where{}, r.in[0], a, b), 7)
}

// sayQLinearConcat has the scale and zero point of the result first.
func sayQLinearConcat(r *nodeReader, s *spelling) *Value {
	axis := r.int("axis", 0)
	if r.arity(5, -1); r.wrong(s) {
		return nil
	}
	var parts []*Value
	for i := 2; i < len(r.in); i += 3 {
		if len(r.in)-i < 3 {
			r.failf("%d inputs, want 2 and 3 for every part", len(r.in))
			return nil
		}
		v := r.real(s, i, 0)
		if r.wrong(s) {
			return nil
		}
		parts = append(parts, v)
	}
	a, ok := resolveAxis(axis, len(parts[0].Shape))
	if !ok {
		r.failf("axis %d is outside input %v", axis, parts[0].Shape)
		return nil
	}
	return r.rounded(s, s.add(&Concat{Axis: a}, parts...), 0)
}

// sayQGemm multiplies codes; the bias has the product of both scales. Without a scale of its own the result is
// real.
func sayQGemm(r *nodeReader, s *spelling) *Value {
	op := &Gemm{TransA: r.bool("transA", false), TransB: r.bool("transB", false), Alpha: r.float("alpha", 1), Beta: 1}
	if r.arity(6, 9); r.wrong(s) {
		return nil
	}
	axis := 1
	if op.TransB {
		axis = 0
	}
	operands := []*Value{r.real(s, 0, 0), r.dequantized(3, axis)}
	if r.given(6) && !r.wrong(s) {
		input, bias, weights := r.quantization(1), r.operand(6, "bias"), r.operand(4, "weight scale")
		if input != nil && bias != nil && weights != nil {
			operands = append(operands, r.constant(r.in[6].Name, scaledBias(bias, weights, input.Scale*op.Alpha)))
		}
	}
	if r.wrong(s) {
		return nil
	}
	y := s.add(op, operands...)
	if !r.given(7) {
		return y
	}
	return r.rounded(s, y, 7)
}

// sayDynamicQuantizeLinear hands on the numbers themselves, as codes of a scale of 1.
func sayDynamicQuantizeLinear(r *nodeReader, s *spelling) *Value {
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	r.also(1, s.number(1))
	r.also(2, s.constant(&Tensor{Type: Int, Shape: Shape{}, Ints: []int64{0}}))
	r.made = dynamic
	return s.add(&Identity{}, r.in[0])
}

// integers is operand i of an integer product as real numbers: codes without their scale, whose reciprocal is the
// second result. Operand zero is their zero point.
func (r *nodeReader) wholeNumbers(s *spelling, i, zero, axis int) (*Value, float64) {
	v := r.in[i]
	if c := r.codes[i]; c != nil {
		r.codes[i] = nil
		if c == dynamic {
			return v, 1
		}
		if z := r.operandFloat(zero, "zero point", 0); int(z) != c.Zero {
			r.refusef("operand %d (%q) holds codes with zero point %d, taken for %g", i, v.Name, c.Zero, z)
		}
		return v, 1 / c.Scale
	}
	if v.Type == Float {
		return v, 1 // the result of another integer operator
	}
	var z *Tensor
	if r.given(zero) {
		if z = r.operand(zero, "zero point"); z == nil {
			return nil, 1
		}
	}
	if v.Const == nil {
		y := s.add(&Cast{To: Float}, v)
		if z != nil && slices.ContainsFunc(z.Ints, func(n int64) bool { return n != 0 }) {
			if len(z.Ints) != 1 {
				r.refusef("zero points that differ by row")
				return nil, 1
			}
			y = s.add(&Sub{}, y, s.number(float64(z.Ints[0])))
		}
		return y, 1
	}
	n := 1
	if z != nil {
		n = max(len(z.Ints), 1)
	}
	t := r.dequantize(v.Const, &Tensor{Type: Float, Shape: Shape{n}, Floats: filled(n, float32(1))}, z, axis, 0)
	if t == nil {
		return nil, 1
	}
	return r.constant(v.Name, t), 1
}

// sayInteger reads a product of integers as one of real numbers. Operands: both factors, then their zero points.
func sayInteger(read func(r *nodeReader) Op, axis int) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		if r.arity(2, 4); r.wrong(s) {
			return nil
		}
		op := read(r)
		a, fa := r.wholeNumbers(s, 0, 2, -2)
		b, fb := r.wholeNumbers(s, 1, 3, axis)
		if r.wrong(s) {
			return nil
		}
		y := s.add(op, a, b)
		if fa*fb != 1 {
			y = s.add(&Mul{}, y, s.number(fa*fb))
		}
		return y
	}
}

// sayDynamicQuantizeMatMul multiplies real numbers by constant codes: operands 2 and 3 are their scale and zero
// point, 4 a bias.
func sayDynamicQuantizeMatMul(r *nodeReader, s *spelling) *Value {
	if r.arity(3, 5); r.wrong(s) {
		return nil
	}
	y := s.add(&MatMul{}, r.in[0], r.scaledWeights(1, 2, 3))
	if r.given(4) && !r.wrong(s) {
		y = s.add(&Add{}, y, r.in[4])
	}
	return y
}

// scaledWeights is operand i, constant codes, as real numbers.
func (r *nodeReader) scaledWeights(i, scale, zero int) *Value {
	w, f := r.operand(i, "weights"), r.operand(scale, "scale")
	var z *Tensor
	if r.given(zero) {
		z = r.operand(zero, "zero point")
	}
	if w == nil || f == nil {
		return r.in[i]
	}
	t := r.dequantize(w, f, z, -1, 0)
	if t == nil {
		return r.in[i]
	}
	return r.constant(r.in[i].Name, t)
}

// sayMatMulIntegerToFloat has a scale for both factors (operands 2 and 3), their zero points (4 and 5) and a bias.
func sayMatMulIntegerToFloat(r *nodeReader, s *spelling) *Value {
	if r.arity(4, 7); r.wrong(s) {
		return nil
	}
	a, fa := r.wholeNumbers(s, 0, 4, -2)
	w := r.scaledWeights(1, 3, 5)
	if r.wrong(s) {
		return nil
	}
	y := s.add(&MatMul{}, a, w)
	y = s.add(&Mul{}, y, r.in[2])
	if fa != 1 {
		y = s.add(&Mul{}, y, s.number(fa))
	}
	if r.given(6) {
		y = s.add(&Add{}, y, r.in[6])
	}
	return y
}
