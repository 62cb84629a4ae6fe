package onnx

import "math"

// Erf is the error function.
type Erf struct{}

// Exp is e to the power x.
type Exp struct{}

// Log is the natural logarithm.
type Log struct{}

// Sqrt is the square root.
type Sqrt struct{}

// Abs is |x|.
type Abs struct{}

// Neg is -x.
type Neg struct{}

// Reciprocal is 1/x.
type Reciprocal struct{}

// Floor is the largest whole number not above x.
type Floor struct{}

// Ceil is the smallest whole number not below x.
type Ceil struct{}

// Round is the nearest whole number, halves to the even one.
type Round struct{}

// Sign is -1, 0 or 1.
type Sign struct{}

func (*Erf) Type() string        { return "Erf" }
func (*Exp) Type() string        { return "Exp" }
func (*Log) Type() string        { return "Log" }
func (*Sqrt) Type() string       { return "Sqrt" }
func (*Abs) Type() string        { return "Abs" }
func (*Neg) Type() string        { return "Neg" }
func (*Reciprocal) Type() string { return "Reciprocal" }
func (*Floor) Type() string      { return "Floor" }
func (*Ceil) Type() string       { return "Ceil" }
func (*Round) Type() string      { return "Round" }
func (*Sign) Type() string       { return "Sign" }

func (*Erf) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Exp) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Log) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Sqrt) InferShape(in []Shape) ([]Shape, error)       { return sameShape(in) }
func (*Abs) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Neg) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Reciprocal) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }
func (*Floor) InferShape(in []Shape) ([]Shape, error)      { return sameShape(in) }
func (*Ceil) InferShape(in []Shape) ([]Shape, error)       { return sameShape(in) }
func (*Round) InferShape(in []Shape) ([]Shape, error)      { return sameShape(in) }
func (*Sign) InferShape(in []Shape) ([]Shape, error)       { return sameShape(in) }

func (*Erf) Apply(x float64) float64        { return math.Erf(x) }
func (*Exp) Apply(x float64) float64        { return math.Exp(x) }
func (*Log) Apply(x float64) float64        { return math.Log(x) }
func (*Sqrt) Apply(x float64) float64       { return math.Sqrt(x) }
func (*Abs) Apply(x float64) float64        { return math.Abs(x) }
func (*Neg) Apply(x float64) float64        { return -x }
func (*Reciprocal) Apply(x float64) float64 { return 1 / x }
func (*Floor) Apply(x float64) float64      { return math.Floor(x) }
func (*Ceil) Apply(x float64) float64       { return math.Ceil(x) }
func (*Round) Apply(x float64) float64      { return math.RoundToEven(x) }
func (*Sign) Apply(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
