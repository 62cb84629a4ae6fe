package onnx

import "math"

// Brevitas and QONNX write quantized networks as numbers that are rounded where they stand: Quant and its kin
// take and return real numbers.

// quantizers are their operators, by whatever domain they go.
var quantizers = map[string]opEntry{
	"BipolarQuant": {since: 1, say: sayBipolarQuant, note: "constant scale"},
	"Quant":        {since: 1, say: sayQuant, note: "constant scale, zero point and number of bits"},
	"IntQuant":     {since: 1, say: sayQuant, note: "as Quant"},
	"Trunc":        {since: 1, say: sayTrunc, note: "constant scale, zero point and numbers of bits"},
}

// sayQuant rounds to codes of some bits, and back:
//
//	y = scale * (round(clip(x/scale + zero, lo, hi)) - zero)
//
// Operands: x, scale, zero, bits.
func sayQuant(r *nodeReader, s *spelling) *Value {
	signed, narrow := r.bool("signed", true), r.bool("narrow", false)
	mode := r.text("rounding_mode", "ROUND")
	if r.arity(4, 4); r.wrong(s) {
		return nil
	}
	bits := r.operandFloat(3, "number of bits", 8)
	if r.wrong(s) {
		return nil
	}
	if bits == 1 && signed {
		return r.bipolar(s)
	}
	op := r.quantBounds(bits, signed, narrow)
	scale, zero := r.operand(1, "scale"), r.operand(2, "zero point")
	if r.wrong(s) || scale == nil || zero == nil {
		return nil
	}
	z := r.sameNumber(zero, "zero point")
	if z != math.Trunc(z) || z < float64(op.Lo) || z > float64(op.Hi) {
		r.refusef("zero point %g, want a whole number in [%d, %d]", z, op.Lo, op.Hi)
		return nil
	}
	op.Zero = int(z)
	x := r.in[0]
	single := scale.Shape.Elems() == 1 && scale.Type == Float
	round := roundings[mode]
	if round == nil {
		r.failf("rounding_mode is %q", mode)
		return nil
	}
	if single {
		op.Scale = float64(scale.Floats[0])
	} else {
		op.Scale = 1
		x = s.add(&Div{}, x, r.in[1])
	}
	if !(op.Scale > 0) || math.IsInf(op.Scale, 0) {
		r.failf("scale %g, want one above 0", op.Scale)
		return nil
	}
	// What is rounded in another way lies on the grid, and a Quantize leaves it there.
	if mode != "ROUND" && mode != "HALF_EVEN" {
		whole := x
		if op.Scale != 1 {
			whole = s.add(&Div{}, x, s.number(op.Scale))
		}
		x = round(s, whole)
		if op.Scale != 1 {
			x = s.add(&Mul{}, x, s.number(op.Scale))
		}
	}
	y := s.add(op, x)
	if !single {
		y = s.add(&Mul{}, y, r.in[1])
	}
	return y
}

// roundings make a number a whole one, by the names of QONNX.
var roundings = map[string]func(s *spelling, x *Value) *Value{
	"ROUND":     func(s *spelling, x *Value) *Value { return s.add(&Round{}, x) },
	"HALF_EVEN": func(s *spelling, x *Value) *Value { return s.add(&Round{}, x) },
	"CEIL":      func(s *spelling, x *Value) *Value { return s.add(&Ceil{}, x) },
	"FLOOR":     func(s *spelling, x *Value) *Value { return s.add(&Floor{}, x) },
	"UP": func(s *spelling, x *Value) *Value { // away from zero
		return s.signed(x, func(a *Value) *Value { return s.add(&Ceil{}, a) })
	},
	"DOWN":          towardsZero,
	"ROUND_TO_ZERO": towardsZero,
	"HALF_UP": func(s *spelling, x *Value) *Value {
		return s.signed(x, func(a *Value) *Value { return s.add(&Floor{}, s.add(&Add{}, a, s.number(0.5))) })
	},
	"HALF_DOWN": func(s *spelling, x *Value) *Value {
		return s.signed(x, func(a *Value) *Value { return s.add(&Ceil{}, s.add(&Sub{}, a, s.number(0.5))) })
	},
}

func towardsZero(s *spelling, x *Value) *Value {
	return s.signed(x, func(a *Value) *Value { return s.add(&Floor{}, a) })
}

// signed applies a function to the magnitude of x.
func (s *spelling) signed(x *Value, f func(*Value) *Value) *Value {
	return s.add(&Mul{}, s.add(&Sign{}, x), f(s.add(&Abs{}, x)))
}

// quantBounds are the codes of some bits, or of a number of codes that is no power of two.
func (r *nodeReader) quantBounds(bits float64, signed, narrow bool) *Quantize {
	if !(bits >= 1 && bits <= 24) {
		r.refusef("%g bits, want 1 to 24", bits)
		return &Quantize{}
	}
	op := &Quantize{Hi: int(math.Exp2(bits)) - 1}
	if signed {
		half := int(math.Exp2(bits - 1))
		op.Lo, op.Hi = -half, half-1
		if narrow {
			op.Lo++
		}
	} else if narrow {
		op.Hi--
	}
	return op
}

// sameNumber is the one value that all elements of a constant have.
func (r *nodeReader) sameNumber(t *Tensor, name string) float64 {
	t = t.toFloats()
	if len(t.Floats) == 0 {
		r.failf("the %s has no elements", name)
		return 0
	}
	for _, v := range t.Floats {
		if v != t.Floats[0] {
			r.refusef("a %s that differs by channel", name)
			break
		}
	}
	return float64(t.Floats[0])
}

// sayBipolarQuant is scale where x is 0 or more, -scale elsewhere.
func sayBipolarQuant(r *nodeReader, s *spelling) *Value {
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	return r.bipolar(s)
}

// bipolar takes x and scale from operands 0 and 1.
func (r *nodeReader) bipolar(s *spelling) *Value {
	holds := s.add(&Cast{To: Float}, s.add(&Compare{Relation: GreaterOrEqual}, r.in[0], s.number(0)))
	sign := s.add(&Sub{}, s.add(&Mul{}, holds, s.number(2)), s.number(1))
	if scale, ok := r.singleScale(); ok { // the codes come last, so that levels can be theirs
		return s.add(&Quantize{Scale: scale, Lo: -1, Hi: 1}, s.add(&Mul{}, sign, r.in[1]))
	}
	return s.add(&Mul{}, s.add(&Quantize{Scale: 1, Lo: -1, Hi: 1}, sign), r.in[1])
}

// singleScale is operand 1 if it is one constant number above 0.
func (r *nodeReader) singleScale() (float64, bool) {
	if !r.given(1) || r.in[1].Const == nil || len(r.in[1].Const.Floats) != 1 {
		return 0, false
	}
	scale := float64(r.in[1].Const.Floats[0])
	return scale, scale > 0 && !math.IsInf(scale, 0)
}

// sayTrunc drops the lowest bits of codes:
//
//	y = scale * (floor(round(x/scale + zero) / 2^(in-out)) - zero)
//
// Operands: x, scale, zero, bits before, bits after. Newer files name the scale of the result, and perhaps its zero point, before
// the bits after; codes are then divided by the power of two between both scales, and bounded:
//
//	y = after * (floor(clip(round(x/scale + zero) / 2^s)) - zero / 2^s), s = round(log2(after/scale))
func sayTrunc(r *nodeReader, s *spelling) *Value {
	mode := r.text("rounding_mode", "FLOOR")
	signed, narrow := r.bool("signed", true), r.bool("narrow", false)
	if r.arity(5, 7); r.wrong(s) {
		return nil
	}
	scale, zero := r.operand(1, "scale"), r.operand(2, "zero point")
	before, after := r.operandFloat(3, "number of bits before", 8), r.operandFloat(len(r.in)-1, "number of bits after", 8)
	round := roundings[mode]
	if round == nil {
		r.failf("rounding_mode is %q", mode)
	}
	if r.wrong(s) || scale == nil || zero == nil {
		return nil
	}
	z := r.sameNumber(zero, "zero point")
	y := s.add(&Round{}, s.add(&Add{}, s.add(&Div{}, r.in[0], r.in[1]), s.number(z)))
	if len(r.in) == 5 {
		y = round(s, s.add(&Mul{}, y, s.number(math.Exp2(after-before))))
		y = s.add(&Mul{}, s.add(&Sub{}, y, s.number(z)), r.in[1])
		// Codes of so few bits are on this grid, signed or not, and their levels can be its.
		if scale, ok := r.singleScale(); ok && after >= 1 && after <= 7 && z == math.Trunc(z) && math.Abs(z) < math.Exp2(after) {
			reach := int(math.Exp2(after))
			y = s.add(&Quantize{Scale: scale, Zero: int(z), Lo: -reach, Hi: reach - 1}, y)
		}
		return y
	}
	to := r.operand(4, "scale of the result")
	bounds := r.quantBounds(after, signed, narrow)
	if r.wrong(s) || to == nil {
		return nil
	}
	ratio := r.sameNumber(to, "scale of the result") / r.sameNumber(scale, "scale")
	if r.wrong(s) {
		return nil
	}
	if !(ratio > 0) || math.IsInf(ratio, 0) {
		r.failf("the scales of the result and of the input are in a ratio of %g, want one above 0", ratio)
		return nil
	}
	factor := math.Exp2(-math.RoundToEven(math.Log2(ratio)))
	y = s.add(&Clip{Min: float64(bounds.Lo), Max: float64(bounds.Hi)}, s.add(&Mul{}, y, s.number(factor)))
	return s.add(&Mul{}, s.add(&Sub{}, round(s, y), s.number(z*factor)), r.in[4])
}
