package quant

import (
	"fmt"
	"testing"

	"qconv/onnx"
	"qconv/runtime"
)

// bytesReader draws small numbers from fuzzed bytes; 0 when they are used up.
type bytesReader struct{ data []byte }

func (r *bytesReader) below(n int) int {
	if len(r.data) == 0 {
		return 0
	}
	v := int(r.data[0])
	r.data = r.data[1:]
	return v % n
}

// weights draws a constant of some shape.
func (r *bytesReader) weights(shape ...int) *onnx.Tensor {
	t := &onnx.Tensor{Type: onnx.Float, Shape: shape}
	for range t.Shape.Elems() {
		t.Floats = append(t.Floats, float32(r.below(256)-128)/32)
	}
	return t
}

// graph draws a network of a few small layers; nil if the bytes stand for none.
func (r *bytesReader) graph() *onnx.Graph {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 1 + r.below(4), 1 + r.below(6), 1 + r.below(6)}}
	g := &onnx.Graph{Inputs: []*onnx.Value{x}}
	values := []*onnx.Value{x}
	for i := range 1 + r.below(7) {
		in := values[len(values)-1-r.below(min(len(values), 3))]
		n := &onnx.Node{Name: fmt.Sprint("n", i), Inputs: []*onnx.Value{in}, Outputs: []*onnx.Value{{Name: fmt.Sprint("v", i)}}}
		constant := func(t *onnx.Tensor) {
			n.Inputs = append(n.Inputs, &onnx.Value{Name: fmt.Sprintf("c%d_%d", i, len(n.Inputs)), Shape: t.Shape, Const: t})
		}
		other := values[r.below(len(values))]
		two := func() []int { return []int{1 + r.below(3), 1 + r.below(3)} }
		four := func() []int { return []int{r.below(3), r.below(3), r.below(3), r.below(3)} }
		channels := 1
		if len(in.Shape) > 1 {
			channels = in.Shape[1]
		}
		switch r.below(18) {
		case 0, 1:
			op := &onnx.Conv{Kernel: two(), Strides: two(), Dilations: two(), Pads: four(), Groups: 1}
			outs := 1 + r.below(4)
			constant(r.weights(outs, channels, op.Kernel[0], op.Kernel[1]))
			constant(r.weights(outs))
			n.Op = op
		case 2:
			op := &onnx.ConvTranspose{Kernel: two(), Strides: two(), Dilations: two(), Pads: four(), OutputPadding: []int{0, 0}, Groups: 1}
			constant(r.weights(channels, 1+r.below(3), op.Kernel[0], op.Kernel[1]))
			n.Op = op
		case 3:
			n.Op = &onnx.Relu{}
		case 4:
			n.Op = &onnx.Tanh{}
		case 5:
			n.Op = &onnx.Add{}
			n.Inputs = append(n.Inputs, other)
		case 6:
			n.Op = &onnx.Mul{}
			n.Inputs = append(n.Inputs, other)
		case 7:
			n.Op = &onnx.Concat{Axis: r.below(4)}
			n.Inputs = append(n.Inputs, other)
		case 8:
			n.Op = &onnx.MaxPool{Kernel: two(), Strides: two(), Dilations: two(), Pads: four(), Ceil: r.below(2) == 1}
		case 9:
			n.Op = &onnx.AveragePool{Kernel: two(), Strides: two(), Dilations: []int{1, 1}, Pads: four(), Ceil: r.below(2) == 1, CountIncludePad: r.below(2) == 1}
		case 10:
			n.Op = &onnx.Flatten{Axis: 1}
		case 11:
			outs := 1 + r.below(4)
			constant(r.weights(outs, max(in.Shape.Elems(), 1)))
			n.Op = &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
		case 12:
			n.Op = &onnx.Transpose{Perm: []int{0, 1 + r.below(3), 1 + r.below(3), 1 + r.below(3)}}
		case 13:
			n.Op = &onnx.Pad{Mode: []onnx.PadMode{"constant", "reflect", "edge"}[r.below(3)], Pads: []int{0, r.below(2), r.below(3), r.below(3), 0, 0, r.below(3), r.below(3)}}
		case 14:
			n.Op = &onnx.GlobalAveragePool{}
		case 15:
			n.Op = &onnx.Sigmoid{}
		case 16:
			n.Op = &onnx.DepthToSpace{Block: 1 + r.below(2)}
		case 17:
			n.Op = &onnx.Mul{}
			constant(r.weights(1, channels, 1, 1))
		}
		probe := &onnx.Graph{Nodes: []*onnx.Node{n}}
		if probe.InferShapes() != nil || n.Outputs[0].Shape.Elems() > 1<<12 {
			continue // the bytes say nothing sensible here
		}
		g.Nodes = append(g.Nodes, n)
		values = append(values, n.Outputs[0])
	}
	if len(g.Nodes) == 0 {
		return nil
	}
	g.Outputs = values[len(values)-1:]
	return g
}

// FuzzCompile draws networks, gives them levels and codebooks, and compiles them: into a program that
// validates and passes its self-tests, or an error.
func FuzzCompile(f *testing.F) {
	for kind := range byte(18) {
		f.Add([]byte{2, 4, 4, 1, 0, 0, kind, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 3, 100, 150, 30, 220, 128, 60})
		f.Add([]byte{3, 5, 5, 3, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 2, 100, 150, 30, 220, 128, 60, 9, 0, 0, kind, 1, 0, 1})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &bytesReader{data}
		g := r.graph()
		if g == nil {
			return
		}
		m, err := FromGraph(g)
		if err != nil {
			return
		}
		for _, s := range m.Sites {
			count := 2 + r.below(40)
			m.Levels[s.Value.Name] = Levels{Count: count, Step: 1 / float64(1+r.below(64)), Zero: r.below(count), Stride: 1}
		}
		config := DefaultClusterConfig()
		config.Weights = 2 + r.below(30)
		if err := Cluster(m, config); err != nil {
			return
		}
		p, err := Compile(m)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("a compiled program is not valid: %v", err)
		}
		run, err := runtime.NewRunner(p, runtime.Options{})
		if err != nil {
			return // more than a program may take
		}
		if err := run.SelfTest(); err != nil {
			t.Fatal(err)
		}
	})
}
