package onnx

// Add is the elementwise sum of two broadcast inputs.
type Add struct{}

// Sub is the elementwise difference of two broadcast inputs.
type Sub struct{}

// Mul is the elementwise product of two broadcast inputs.
type Mul struct{}

// Div is the elementwise quotient of two broadcast inputs.
type Div struct{}

// Max is the elementwise maximum of one or more broadcast inputs.
type Max struct{}

// Min is the elementwise minimum of one or more broadcast inputs.
type Min struct{}

// Sum is the elementwise sum of one or more broadcast inputs.
type Sum struct{}

// Mean is the elementwise mean of one or more broadcast inputs.
type Mean struct{}

func (*Add) Type() string  { return "Add" }
func (*Sub) Type() string  { return "Sub" }
func (*Mul) Type() string  { return "Mul" }
func (*Div) Type() string  { return "Div" }
func (*Max) Type() string  { return "Max" }
func (*Min) Type() string  { return "Min" }
func (*Sum) Type() string  { return "Sum" }
func (*Mean) Type() string { return "Mean" }

func (*Add) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Sub) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Mul) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Div) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 2, 2) }
func (*Max) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 1, -1) }
func (*Min) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 1, -1) }
func (*Sum) InferShape(in []Shape) ([]Shape, error)  { return broadcastAll(in, 1, -1) }
func (*Mean) InferShape(in []Shape) ([]Shape, error) { return broadcastAll(in, 1, -1) }
