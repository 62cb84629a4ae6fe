package onnx

import "fmt"

// PRelu is x for x >= 0 and slope*x below. Inputs: x, then slope, which broadcasts to the
// shape of x.
type PRelu struct{}

// Type returns "PRelu".
func (*PRelu) Type() string { return "PRelu" }

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
