package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/onnx"
	"qconv/quant"
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
		t.Run(fmt.Sprintf("%s %v", c.op.Type(), c.shape), func(t *testing.T) { checkOnePicture(t, g, rng) })
	}
}

func checkOnePicture(t *testing.T, g *onnx.Graph, rng *rand.Rand) {
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	shape := slices.Clone(g.Outputs[0].Shape)
	data := gridData{}
	for range 20 {
		row := make([]float32, g.Inputs[0].Shape.Elems())
		for i := range row {
			row[i] = float32(rng.NormFloat64())
		}
		data.rows = append(data.rows, row)
	}
	run := func() (outputs [][]float32) {
		e, err := NewExecutor(g, 1, ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range data.rows {
			out, err := e.Run(row)
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, slices.Clone(out[0]))
		}
		return outputs
	}
	want := run()
	if _, err := onnx.Simplify(g); err != nil {
		t.Fatal(err)
	}
	if !g.Outputs[0].Shape.Equal(shape) {
		t.Errorf("the result has shape %v, want %v", g.Outputs[0].Shape, shape)
	}
	spread := 0.0
	for s, row := range run() {
		for i, v := range row {
			spread = max(spread, math.Abs(float64(want[s][i])))
			if math.Abs(float64(v-want[s][i])) > 1e-5*math.Max(1, math.Abs(float64(v))) {
				t.Fatalf("sample %d, element %d: got %g, want %g", s, i, v, want[s][i])
			}
		}
	}
	m := calibrated(t, g, data, 256)
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	in, out := &p.Tensors[p.Inputs[0].Tensor], &p.Tensors[p.Outputs[0].Tensor]
	levels := quant.Levels{Count: in.Levels, Step: in.Scale.Float(), Zero: in.Zero, Stride: 1}
	for s, row := range data.rows {
		indices := make([]byte, len(row))
		for i, v := range row {
			indices[i] = byte(levels.Index(float64(v)))
		}
		got, err := quant.Simulate(p, indices)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got[0] {
			if out.Levels > 0 {
				v -= int32(out.Zero)
			}
			if have := out.Scale.Float() * float64(v); math.Abs(have-float64(want[s][i])) > 0.03*spread {
				t.Fatalf("sample %d, element %d: the program says %g, the network %g", s, i, have, want[s][i])
			}
		}
	}
}
