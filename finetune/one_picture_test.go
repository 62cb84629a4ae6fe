package finetune

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qconv/onnx"
)

// TestOnePicture demands that operators on several pictures that are one sample compute the same after simplification,
// which makes a single picture of them, and as a program.
func TestOnePicture(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	constant := func(name string, shape ...int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, onnx.Shape(shape).Elems())}
		for i := range c.Floats {
			c.Floats[i] = rng.Float32() + 0.5
		}
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: shape, Const: c}
	}
	window := func(d int) ([]int, []int, []int, []int) {
		kernel, strides, dilations, pads := []int{3, 2}[:d], []int{2, 1}[:d], []int{1, 1}[:d], []int{1, 0, 1, 1}
		if d == 1 {
			pads = []int{1, 1}
		}
		return kernel, strides, dilations, pads
	}
	k1, s1, d1, p1 := window(1)
	k2, s2, d2, p2 := window(2)
	for _, c := range []struct {
		op    onnx.Op
		shape onnx.Shape
		more  []*onnx.Value
	}{
		{&onnx.MaxPool{Kernel: k1, Strides: s1, Dilations: d1, Pads: p1}, onnx.Shape{2, 4, 9}, nil},
		{&onnx.MaxPool{Kernel: k2, Strides: s2, Dilations: d2, Pads: p2}, onnx.Shape{3, 2, 6, 5}, nil},
		{&onnx.AveragePool{Kernel: k2, Strides: s2, Dilations: d2, Pads: p2}, onnx.Shape{3, 2, 6, 5}, nil},
		{&onnx.GlobalAveragePool{}, onnx.Shape{2, 4, 10}, nil},
		{&onnx.GlobalMaxPool{}, onnx.Shape{3, 4, 2, 5}, nil},
		{&onnx.Conv{Kernel: k1, Strides: s1, Dilations: d1, Pads: p1, Groups: 2}, onnx.Shape{2, 4, 9}, []*onnx.Value{constant("w", 6, 2, 3), constant("b", 6)}},
		{&onnx.Conv{Kernel: k2, Strides: s2, Dilations: d2, Pads: p2, Groups: 2}, onnx.Shape{3, 4, 6, 5}, []*onnx.Value{constant("w", 6, 2, 3, 2), constant("b", 6)}},
		{&onnx.Conv{Kernel: k2, Strides: s2, Dilations: d2, Pads: p2, Groups: 1}, onnx.Shape{2, 4, 6, 5}, []*onnx.Value{constant("w", 3, 4, 3, 2)}},
		{&onnx.ConvTranspose{Kernel: k2, Strides: s2, Dilations: d2, Pads: p2, OutputPadding: []int{0, 0}, Groups: 2}, onnx.Shape{2, 4, 6, 5}, []*onnx.Value{constant("w", 4, 3, 3, 2), constant("b", 6)}},
		{&onnx.BatchNormalization{Epsilon: 1e-3}, onnx.Shape{5, 4}, []*onnx.Value{constant("s", 4), constant("b", 4), constant("m", 4), constant("v", 4)}},
		{&onnx.BatchNormalization{Epsilon: 1e-3}, onnx.Shape{2, 4, 6, 5}, []*onnx.Value{constant("s", 4), constant("b", 4), constant("m", 4), constant("v", 4)}},
	} {
		x, y := &onnx.Value{Name: "x", Shape: c.shape}, &onnx.Value{Name: "y"}
		n := &onnx.Node{Name: "n", Op: c.op, Inputs: append([]*onnx.Value{x}, c.more...), Outputs: []*onnx.Value{y}}
		g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{n}}
		t.Run(fmt.Sprintf("%s %v", c.op.Type(), c.shape), func(t *testing.T) { checkLowered(t, g, rng) })
	}
}
