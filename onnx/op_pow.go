package onnx

// Pow is x to the power y, element by element. Inputs: x and y, which broadcast; the
// result has the element type of x.
type Pow struct{}

// Type returns "Pow".
func (*Pow) Type() string { return "Pow" }

// InferShape returns the shape both inputs broadcast to.
func (*Pow) InferShape(in []Shape) ([]Shape, error) { return broadcastAll(in, 2, 2) }

// readPow makes a constant integer exponent of floating-point numbers a Float.
func readPow(r *nodeReader) Op {
	if r.given(0) && r.in[0].Type == Float {
		r.toFloat(1)
	}
	return &Pow{}
}
