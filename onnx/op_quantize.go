package onnx

import "math"

// Quantize rounds to the real values of integer codes, as a QuantizeLinear followed by a
// DequantizeLinear does:
//
//	y = Scale * (max(Lo, min(Hi, round(x/Scale) + Zero)) - Zero)
//
// Halves are rounded to the even number.
type Quantize struct {
	Scale        float64 // larger than 0
	Zero, Lo, Hi int     // codes; Lo <= Zero <= Hi
}

// Type returns "Quantize". It is no operator of ONNX: files hold QuantizeLinear and
// DequantizeLinear, or a function of this name.
func (*Quantize) Type() string { return "Quantize" }

// InferShape returns the shape of the input.
func (*Quantize) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }

// Apply returns the nearest value that has a code.
func (op *Quantize) Apply(x float64) float64 {
	zero := float64(op.Zero)
	q := math.RoundToEven(x/op.Scale) + zero
	return op.Scale * (math.Max(float64(op.Lo), math.Min(float64(op.Hi), q)) - zero)
}
