package onnx

import "math"

// Circular is a circular or hyperbolic function or the inverse of one; angles are in radians.
type Circular struct{ Kind CircularKind }

// CircularKind is the ONNX operator of such a function.
type CircularKind string

// circulars are the functions by their operators.
var circulars = map[CircularKind]func(float64) float64{
	"Sin": math.Sin, "Cos": math.Cos, "Tan": math.Tan, "Asin": math.Asin, "Acos": math.Acos, "Atan": math.Atan,
	"Sinh": math.Sinh, "Cosh": math.Cosh, "Asinh": math.Asinh, "Acosh": math.Acosh, "Atanh": math.Atanh,
}

// Type returns Kind.
func (op *Circular) Type() string { return string(op.Kind) }

// InferShape returns the shape of the input.
func (*Circular) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }

// Apply is the function.
func (op *Circular) Apply(x float64) float64 { return circulars[op.Kind](x) }

func readCircular(kind CircularKind) func(*nodeReader) Op {
	return func(*nodeReader) Op { return &Circular{Kind: kind} }
}

// write has nothing to add: the name of the operator says it all.
func (*Circular) write(*nodeWriter) {}
