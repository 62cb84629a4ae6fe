package finetune

import (
	"slices"
	"testing"

	"qconv/onnx"
)

// runOne runs a network of one node on one input.
func runOne(t *testing.T, op onnx.Op, x *onnx.Value, in []float32, constants ...*onnx.Tensor) []float32 {
	t.Helper()
	n := &onnx.Node{Name: "n", Op: op, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{{Name: "y"}}}
	for i, c := range constants {
		n.Inputs = append(n.Inputs, &onnx.Value{Name: string(rune('a' + i)), Shape: c.Shape, Const: c})
	}
	g := &onnx.Graph{Inputs: []*onnx.Value{x}, Nodes: []*onnx.Node{n}, Outputs: n.Outputs}
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	e, err := NewExecutor(g, 2, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func TestGemmOfOneColumnPlusScalar(t *testing.T) {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 2}}
	w := &onnx.Tensor{Type: onnx.Float, Shape: onnx.Shape{2, 1}, Floats: []float32{1, 10}}
	c := &onnx.Tensor{Type: onnx.Float, Shape: onnx.Shape{}, Floats: []float32{100}}
	if got := runOne(t, &onnx.Gemm{Alpha: 1, Beta: 1}, x, []float32{1, 2, 3, 4}, w, c); !slices.Equal(got, []float32{121, 143}) {
		t.Errorf("got %v, want [121 143]", got)
	}
}

func TestPadOneRowBelow(t *testing.T) {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{1, 2}}
	got := runOne(t, &onnx.Pad{Mode: onnx.PadConstant, Pads: []int{0, 0, 1, 0}, Value: 9}, x, []float32{1, 2})
	if !slices.Equal(got, []float32{1, 2, 9, 9}) {
		t.Errorf("got %v, want [1 2 9 9]", got)
	}
}
