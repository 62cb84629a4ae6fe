package finetune

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// TestLowered compares networks that random graphs found wrong, or without a program, with their programs.
func TestLowered(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	constant := func(shape ...int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, onnx.Shape(shape).Elems())}
		for i := range c.Floats {
			c.Floats[i] = rng.Float32() - 0.25
		}
		return &onnx.Value{Name: "constant", Type: onnx.Float, Shape: shape, Const: c}
	}
	node := func(op onnx.Op, in ...*onnx.Value) *onnx.Node {
		return &onnx.Node{Name: op.Type(), Op: op, Inputs: in, Outputs: []*onnx.Value{{Name: op.Type() + ".y"}}}
	}
	resize := func(mode onnx.ResizeMode, coord onnx.CoordMode, scales []float64, sizes ...int) *onnx.Resize {
		r := &onnx.Resize{Mode: mode, CoordMode: coord, Scales: scales, Sizes: sizes}
		if mode == onnx.ResizeNearest {
			r.NearestMode = onnx.RoundPreferFloor
		}
		return r
	}
	batch := func(shape ...int) onnx.Shape { return append(onnx.Shape{onnx.Batch}, shape...) }
	const b = onnx.Batch
	for name, c := range map[string]struct {
		shape onnx.Shape
		make  func(x *onnx.Value) (nodes []*onnx.Node, outputs []*onnx.Value)
	}{
		"rows and columns of what has more dimensions": {batch(3, 5, 6, 2), func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			r := node(resize(onnx.ResizeLinear, onnx.AlignCorners, []float64{1, 1, 1, 1.25, 3}, b, 3, 5, 7, 6), x)
			return []*onnx.Node{r}, r.Outputs
		}},
		"interpolation along channels": {batch(3, 4, 2), func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			r := node(resize(onnx.ResizeLinear, onnx.HalfPixel, []float64{1, 5.0 / 3, 1.5, 1}, b, 5, 6, 2), x)
			return []*onnx.Node{r}, r.Outputs
		}},
		"nearest elements and a value beyond the border": {batch(3, 10, 5), func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			op := resize(onnx.ResizeNearest, onnx.TFCropAndResize, []float64{1, 4.0 / 3, 1, 0.6}, b, 4, 10, 3)
			op.Extrapolation, op.ROI = 1, []float64{0, -0.25, 0, 0, 1, 1.25, 1, 1}
			r := node(op, x)
			return []*onnx.Node{r}, r.Outputs
		}},
		"seven nested loops": {onnx.Shape{2, 2, 3, 4}, func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			r := node(&onnx.Tile{Repeats: []int{2, 2, 3, 2}}, x)
			return []*onnx.Node{r}, r.Outputs
		}},
		"a view of a sum that is delivered and read": {batch(8, 4), func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			m := node(&onnx.MatMul{}, x, constant(4, 1))
			v := node(&onnx.Reshape{Dims: []int{0, 8}}, m.Outputs[0])
			j := node(&onnx.Concat{Axis: 1}, v.Outputs[0], v.Outputs[0])
			return []*onnx.Node{m, v, j}, []*onnx.Value{j.Outputs[0], v.Outputs[0]}
		}},
		"one row before others": {onnx.Shape{9, 4}, func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			j := node(&onnx.Concat{Axis: 0}, constant(1, 4), x)
			s := node(&onnx.Transpose{Perm: []int{1, 0}}, x)
			return []*onnx.Node{j, s}, []*onnx.Value{j.Outputs[0], s.Outputs[0]}
		}},
		"a product over a dimension": {batch(5, 3), func(x *onnx.Value) ([]*onnx.Node, []*onnx.Value) {
			r := node(&onnx.Reduce{Kind: onnx.ReduceProd, Axes: []int{1}}, x)
			return []*onnx.Node{r}, r.Outputs
		}},
	} {
		t.Run(name, func(t *testing.T) {
			x := &onnx.Value{Name: "x", Type: onnx.Float, Shape: c.shape}
			nodes, outputs := c.make(x)
			checkLowered(t, &onnx.Graph{Opset: 18, Inputs: []*onnx.Value{x}, Outputs: outputs, Nodes: nodes}, rng)
		})
	}
}

// checkLowered compares the outputs of a network, of one input, before and after simplification, and those of its program.
func checkLowered(t *testing.T, g *onnx.Graph, rng *rand.Rand) {
	t.Helper()
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	var shapes []onnx.Shape
	for _, v := range g.Outputs {
		shapes = append(shapes, slices.Clone(v.Shape))
	}
	data := gridData{}
	for range 20 {
		row := make([]float32, g.Inputs[0].Shape.Elems())
		for i := range row {
			row[i] = 2*rng.Float32() - 1
		}
		data.rows = append(data.rows, row)
	}
	run := func() (outputs [][][]float32) {
		e, err := NewExecutor(g, 1, ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range data.rows {
			out, err := e.Run(row)
			if err != nil {
				t.Fatal(err)
			}
			var own [][]float32
			for _, o := range out {
				own = append(own, slices.Clone(o))
			}
			outputs = append(outputs, own)
		}
		return outputs
	}
	want := run()
	if _, err := onnx.Simplify(g); err != nil {
		t.Fatal(err)
	}
	for i, v := range g.Outputs {
		if !v.Shape.Equal(shapes[i]) {
			t.Errorf("output %d has shape %v, want %v", i, v.Shape, shapes[i])
		}
	}
	spread := make([]float64, len(g.Outputs))
	for s, outputs := range run() {
		for o, row := range outputs {
			for i, v := range row {
				spread[o] = max(spread[o], math.Abs(float64(want[s][o][i])))
				if math.Abs(float64(v-want[s][o][i])) > 1e-5*math.Max(1, math.Abs(float64(v))) {
					t.Fatalf("sample %d, output %d, element %d: got %g, want %g", s, o, i, v, want[s][o][i])
				}
			}
		}
	}
	m, err := quant.FromGraph(g)
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultCalibrateConfig()
	cfg.Levels = 256
	if _, err := Calibrate(t.Context(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	in := &p.Tensors[p.Inputs[0].Tensor]
	levels := quant.Levels{Count: in.Levels, Step: in.Scale.Float(), Zero: in.Zero, Stride: 1}
	for s, row := range data.rows {
		indices := make([]byte, len(row))
		for i, v := range row {
			shift := 0
			if shifts := p.Inputs[0].Shifts; shifts != nil {
				shift = int(shifts[i/(in.Shape[1]*in.Shape[2])])
			}
			indices[i] = byte(levels.Index(math.Ldexp(float64(v), -shift)))
		}
		got, err := quant.Simulate(p, indices)
		if err != nil {
			t.Fatal(err)
		}
		for o, values := range got {
			out := &p.Tensors[p.Outputs[o].Tensor]
			for i, v := range values {
				if out.Levels > 0 {
					v -= int32(out.Zero)
				}
				if have := out.Scale.Float() * float64(v); math.Abs(have-float64(want[s][o][i])) > 0.03*spread[o] {
					t.Fatalf("sample %d, output %d, element %d: the program says %g, the network %g", s, o, i, have, want[s][o][i])
				}
			}
		}
	}
}
