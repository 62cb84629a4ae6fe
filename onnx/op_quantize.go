package onnx

import "math"

// Quantize rounds to the real values of integer codes, as a QuantizeLinear followed by a
// DequantizeLinear does:
//
//	y = Scale * (max(Lo, min(Hi, round(x/Scale) + Zero)) - Zero)
//
// Halves are rounded to the even number, and so is what differs from one by no more than the rounding of x itself: a sum of whole numbers
// times a scale, divided by another scale.
type Quantize struct {
	Scale        float64 // larger than 0
	Zero, Lo, Hi int     // codes; Lo <= Zero <= Hi
}

// Type returns "Quantize". It is no operator of ONNX: files hold QuantizeLinear and
// DequantizeLinear, or a function of this name.
func (*Quantize) Type() string { return "Quantize" }

// InferShape returns the shape of the input.
func (*Quantize) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }

// halfTolerance is how near to a half a quotient is one.
const halfTolerance = 1e-9

// Apply returns the nearest value that has a code.
func (op *Quantize) Apply(x float64) float64 {
	zero := float64(op.Zero)
	q := x / op.Scale
	if half := math.Round(2*q) / 2; math.Abs(q-half) < halfTolerance {
		q = half
	}
	q = math.RoundToEven(q) + zero
	return op.Scale * (math.Max(float64(op.Lo), math.Min(float64(op.Hi), q)) - zero)
}
