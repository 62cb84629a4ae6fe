package onnx

import (
	"fmt"
	"math"
)

// Add is the elementwise sum of two broadcast inputs.
type Add struct{}

// Sub is the elementwise difference of two broadcast inputs.
type Sub struct{}

// Mul is the elementwise product of two broadcast inputs.
type Mul struct{}

// Div is the elementwise quotient of two broadcast inputs; that of integers is rounded towards zero.
type Div struct{}

// Max is the elementwise maximum of one or more broadcast inputs.
type Max struct{}

// Min is the elementwise minimum of one or more broadcast inputs.
type Min struct{}

// Sum is the elementwise sum of one or more broadcast inputs.
type Sum struct{}

// Mean is the elementwise mean of one or more broadcast inputs.
type Mean struct{}

// Pow is x to the power y, element by element. Inputs: x and y, which broadcast; the
// result has the element type of x.
type Pow struct{}

// PRelu is x for x >= 0 and slope*x below. Inputs: x, then slope, which broadcasts to the
// shape of x.
type PRelu struct{}

func (*Add) Type() string   { return "Add" }
func (*Sub) Type() string   { return "Sub" }
func (*Mul) Type() string   { return "Mul" }
func (*Div) Type() string   { return "Div" }
func (*Max) Type() string   { return "Max" }
func (*Min) Type() string   { return "Min" }
func (*Sum) Type() string   { return "Sum" }
func (*Mean) Type() string  { return "Mean" }
func (*Pow) Type() string   { return "Pow" }
func (*PRelu) Type() string { return "PRelu" }

func (*Add) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Sub) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Mul) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Div) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Max) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 1, -1) }
func (*Min) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 1, -1) }
func (*Sum) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 1, -1) }
func (*Mean) InferShape(in []Shape) ([]Shape, error) { return broadcastAll(in, 1, -1) }
func (*Pow) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }

// InferShape returns the shape of x.
func (*PRelu) InferShape(in []Shape) ([]Shape, error) {
	out, err := broadcastAll(in, 2, 2)
	if err != nil {
		return nil, err
	}
	if !out[0].Equal(in[0]) {
		return nil, fmt.Errorf("slope %v does not broadcast to input %v", in[1], in[0])
	}
	return out, nil
}

func (*Add) Combine(a, b float64) float64 { return a + b }
func (*Sub) Combine(a, b float64) float64 { return a - b }
func (*Mul) Combine(a, b float64) float64 { return a * b }
func (*Div) Combine(a, b float64) float64 { return a / b }
func (*Max) Combine(a, b float64) float64 { return math.Max(a, b) }
func (*Min) Combine(a, b float64) float64 { return math.Min(a, b) }
func (*Sum) Combine(a, b float64) float64 { return a + b }
func (*Pow) Combine(x, y float64) float64 { return math.Pow(x, y) }
func (*PRelu) Combine(x, slope float64) float64 {
	if x < 0 {
		return slope * x
	}
	return x
}

func (*Add) Partials(_, _ float64) (da, db float64) { return 1, 1 }
func (*Sum) Partials(_, _ float64) (da, db float64) { return 1, 1 }
func (*Sub) Partials(_, _ float64) (da, db float64) { return 1, -1 }
func (*Mul) Partials(a, b float64) (da, db float64) { return b, a }
func (*Div) Partials(a, b float64) (da, db float64) { return 1 / b, -a / (b * b) }

// Partials gives the gradient to the larger operand, to the first of two equal ones.
func (*Max) Partials(a, b float64) (da, db float64) { return choice(a >= b || a != a) }

// Partials gives the gradient to the smaller operand, to the first of two equal ones.
func (*Min) Partials(a, b float64) (da, db float64) { return choice(a <= b || a != a) }

// Partials takes the slope of the exponent as that of x > 0.
func (*Pow) Partials(x, y float64) (dx, dy float64) {
	if y != 0 {
		dx = y * math.Pow(x, y-1)
	}
	if x > 0 {
		dy = math.Pow(x, y) * math.Log(x)
	}
	return dx, dy
}

func (*PRelu) Partials(x, slope float64) (dx, dslope float64) {
	if x < 0 {
		return slope, x
	}
	return 1, 0
}

func choice(first bool) (da, db float64) {
	if first {
		return 1, 0
	}
	return 0, 1
}

// readPow makes a constant integer exponent of floating-point numbers a Float.
func readPow(r *nodeReader) Op {
	if r.given(0) && r.in[0].Type == Float {
		r.toFloat(1)
	}
	return &Pow{}
}
