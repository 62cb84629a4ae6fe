package finetune

import (
	"slices"
	"testing"

	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// TestWhereGradient checks that each operand gets the gradient of the elements taken from it.
func TestWhereGradient(t *testing.T) {
	shape := onnx.Shape{2, 3}
	value := func(name string) *onnx.Value { return &onnx.Value{Name: name, Shape: shape} }
	condition := value("condition")
	condition.Type = onnx.Bool
	condition.Const = &onnx.Tensor{Type: onnx.Bool, Shape: shape, Ints: []int64{1, 0, 0, 1, 1, 0}}
	node := &onnx.Node{Op: &onnx.Where{}, Inputs: []*onnx.Value{condition, value("x"), value("y")}, Outputs: []*onnx.Value{value("z")}}
	x, y := []float32{1, 2, 3, 4, 5, 6}, []float32{7, 8, 9, 10, 11, 12}
	checkGradients(t, [][]float32{x, y}, func(tp *tape, in []*G.Node) *G.Node {
		b := &builder{tape: tp, batch: 1, nodes: map[*onnx.Value]*G.Node{node.Inputs[1]: in[0], node.Inputs[2]: in[1]}}
		z, err := b.results(node)
		if err != nil {
			t.Fatal(err)
		}
		return sumNode(tp, mulNode(tp, z[0], z[0]))
	})
}

// TestQuantizeGradient checks the straight-through rule, which no difference quotient shows.
func TestQuantizeGradient(t *testing.T) {
	node := &onnx.Node{
		Op:      &onnx.Quantize{Scale: 0.5, Zero: 1, Lo: 0, Hi: 3},
		Inputs:  []*onnx.Value{{Name: "x", Shape: onnx.Shape{6}}},
		Outputs: []*onnx.Value{{Name: "y", Shape: onnx.Shape{6}}},
	}
	tp := newTape(0)
	x := tp.trained("x", []float32{-2, -0.7, -0.3, 0.3, 1.2, 1.4})
	b := &builder{tape: tp, batch: 1, nodes: map[*onnx.Value]*G.Node{node.Inputs[0]: x}}
	y, err := b.results(node)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := tp.gradients(sumNode(tp, y[0]), []*G.Node{x})
	if err != nil {
		t.Fatal(err)
	}
	if !tp.compile(nil) {
		t.Fatal("two nodes share a hash")
	}
	if err := tp.run(); err != nil {
		t.Fatal(err)
	}
	if got, want := floats(y[0].Value()), []float32{-0.5, -0.5, -0.5, 0.5, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("values are %v, want %v", got, want)
	}
	if got, want := floats(grads[0].Value()), []float32{0, 1, 1, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("gradients are %v, want %v", got, want)
	}
}
