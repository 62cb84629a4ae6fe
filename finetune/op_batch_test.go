package finetune

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/onnx"
)

// TestSamplesAreIndependent runs operators on a full batch, on a part of it and sample by
// sample: the results are the same.
func TestSamplesAreIndependent(t *testing.T) {
	pixels := onnx.Shape{onnx.Batch, 4, 4, 6}
	cases := []struct {
		name      string
		op        onnx.Op
		constants []onnx.Shape // of the operands behind the input
	}{
		{"PRelu", &onnx.PRelu{}, []onnx.Shape{{4, 1, 1}}},
		{"Pow", &onnx.Pow{}, []onnx.Shape{{1}}},
		{"Mul", &onnx.Mul{}, []onnx.Shape{{4, 1, 1}}},
		{"Slice", &onnx.Slice{Axes: []int{1, 3}, Starts: []int{1, 5}, Ends: []int{3, -1}, Steps: []int{1, -2}}, nil},
		{"Split", &onnx.Split{Axis: 1, Sizes: []int{1, 3}}, nil},
		{"Gather", &onnx.Gather{Axis: 2, Indices: &onnx.Tensor{Type: onnx.Int, Shape: onnx.Shape{3}, Ints: []int64{3, 0, 0}}}, nil},
		{"ReduceMean", &onnx.Reduce{Kind: "ReduceMean", Axes: []int{2, 3}}, nil},
		{"ReduceMax", &onnx.Reduce{Kind: "ReduceMax", Axes: []int{1}, KeepDims: true}, nil},
		{"DepthToSpace", &onnx.DepthToSpace{Block: 2}, nil},
		{"SpaceToDepth", &onnx.SpaceToDepth{Block: 2}, nil},
		{"Expand", &onnx.Expand{Dims: []int{1, 4, 4, 6}}, nil},
		{"Tile", &onnx.Tile{Repeats: []int{1, 1, 2, 1}}, nil},
		{"Pad", &onnx.Pad{Pads: []int{0, 0, 1, 2, 0, 1, 0, -1}, Mode: "constant", Value: 2}, nil},
		{"Transpose", &onnx.Transpose{Perm: []int{0, 2, 3, 1}}, nil},
		{"ArgMax", &onnx.ArgMax{Axis: 3}, nil},
		{"LRN", &onnx.LRN{Size: 3, Alpha: 0.5, Beta: 0.75, Bias: 1}, nil},
		{"InstanceNormalization", &onnx.InstanceNormalization{Epsilon: 1e-5}, []onnx.Shape{{4}, {4}}},
		{"Resize nearest", &onnx.Resize{Mode: "nearest", CoordMode: "half_pixel", NearestMode: "round_prefer_floor", Scales: []float64{1, 1, 2, 0.5}, Sizes: []int{onnx.Batch, 4, 8, 3}}, nil},
		{"Resize linear", &onnx.Resize{Mode: "linear", CoordMode: "half_pixel", Scales: []float64{1, 1, 2, 0.5}, Sizes: []int{onnx.Batch, 4, 8, 3}}, nil},
		{"Quantize", &onnx.Quantize{Scale: 0.25, Lo: -3, Hi: 3}, nil},
		{"Swish", &onnx.Swish{}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			x := &onnx.Value{Name: "x", Shape: pixels}
			node := &onnx.Node{Name: "n", Op: c.op, Inputs: []*onnx.Value{x}}
			shapes := []onnx.Shape{pixels}
			for i, s := range c.constants {
				shapes = append(shapes, s)
				node.Inputs = append(node.Inputs, &onnx.Value{
					Name: fmt.Sprint("c", i), Shape: s, Const: &onnx.Tensor{Shape: s, Floats: spaced(rng, s.Elems(), 0.5, 2)},
				})
			}
			out, err := c.op.InferShape(shapes)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range out {
				node.Outputs = append(node.Outputs, &onnx.Value{Name: fmt.Sprint("y", i), Shape: s})
			}
			g := &onnx.Graph{Inputs: []*onnx.Value{x}, Outputs: node.Outputs, Nodes: []*onnx.Node{node}}
			const batch = 3
			each := pixels.Elems()
			data := spaced(rng, batch*each, 0.1, 3)
			want := make([][]float32, len(out))
			single := executor(t, g, 1)
			for s := range batch {
				for i, y := range runExecutor(t, single, data[s*each:][:each]) {
					want[i] = append(want[i], y...)
				}
			}
			whole := executor(t, g, batch)
			for samples := batch; samples > 1; samples-- {
				for i, y := range runExecutor(t, whole, data[:samples*each]) {
					if n := samples * out[i].Elems(); !slices.Equal(y, want[i][:n]) {
						t.Errorf("output %d of %d samples differs from that of single samples", i, samples)
					}
				}
			}
		})
	}
}

func executor(t *testing.T, g *onnx.Graph, batch int) *Executor {
	t.Helper()
	e, err := NewExecutor(g, batch, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func runExecutor(t *testing.T, e *Executor, x []float32) [][]float32 {
	t.Helper()
	out, err := e.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
