package onnx

// Where is x where the condition holds, y elsewhere. Inputs: condition (Bool), x, y; all
// three broadcast.
type Where struct{}

// Equal says where its two broadcast inputs are equal, as a Bool.
type Equal struct{}

// Type returns "Where".
func (*Where) Type() string { return "Where" }

// Type returns "Equal".
func (*Equal) Type() string { return "Equal" }

// InferShape returns the shape all inputs broadcast to.
func (*Where) InferShape(in []Shape) ([]Shape, error) { return broadcastAll(in, 3, 3) }

// InferShape returns the shape both inputs broadcast to.
func (*Equal) InferShape(in []Shape) ([]Shape, error) { return broadcastAll(in, 2, 2) }
