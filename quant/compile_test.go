package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"qconv/onnx"
	"qconv/runtime"
)

// build makes graphs for tests, one node at a time.
type build struct {
	t     *testing.T
	graph *onnx.Graph
	rng   *rand.Rand
}

func newBuild(t *testing.T, input onnx.Shape) (*build, *onnx.Value) {
	in := &onnx.Value{Name: "input", Shape: input}
	return &build{t: t, graph: &onnx.Graph{Name: "test", Opset: 17, Inputs: []*onnx.Value{in}}, rng: rand.New(rand.NewPCG(3, 4))}, in
}

// weights makes a constant of small random multiples of 1/8.
func (b *build) weights(name string, shape ...int) *onnx.Value {
	t := &onnx.Tensor{Shape: shape, Floats: make([]float32, onnx.Shape(shape).Elems())}
	for i := range t.Floats {
		t.Floats[i] = float32(b.rng.IntN(9)-4) / 8
	}
	return &onnx.Value{Name: name, Shape: shape, Const: t}
}

func (b *build) node(name string, op onnx.Op, in ...*onnx.Value) *onnx.Value {
	b.t.Helper()
	shapes := make([]onnx.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape
	}
	out, err := op.InferShape(shapes)
	if err != nil {
		b.t.Fatal(err)
	}
	v := &onnx.Value{Name: name, Shape: out[0]}
	b.graph.Nodes = append(b.graph.Nodes, &onnx.Node{Name: name, Op: op, Inputs: in, Outputs: []*onnx.Value{v}})
	return v
}

// program compiles the graph with the given levels by site, weights clustered.
func (b *build) program(levels map[string]Levels, outputs ...*onnx.Value) (*Model, *runtime.Program) {
	b.t.Helper()
	b.graph.Outputs = outputs
	m, err := NewModel(b.graph)
	if err != nil {
		b.t.Fatal(err)
	}
	m.Levels = levels
	if err := Cluster(m, ClusterConfig{Weights: 16, Scope: ScopeLayer, Codebook: KindFree, Method: MethodKMeans}); err != nil {
		b.t.Fatal(err)
	}
	p, err := Compile(m)
	if err != nil {
		b.t.Fatal(err)
	}
	return m, p
}

func sites(m *Model) []string {
	var names []string
	for _, s := range m.Sites {
		names = append(names, s.Value.Name)
	}
	return names
}

// TestCompileResidual lowers conv -> relu -> conv + shortcut -> relu -> pool -> gemm, and
// compares every accumulator with real arithmetic on the levels the program itself computed.
func TestCompileResidual(t *testing.T) {
	b, in := newBuild(t, onnx.Shape{onnx.Batch, 2, 6, 6})
	conv := func(pad, stride int) *onnx.Conv {
		return &onnx.Conv{Kernel: []int{3, 3}, Strides: []int{stride, stride}, Dilations: []int{1, 1}, Pads: []int{pad, pad, pad, pad}, Groups: 1}
	}
	a := b.node("a", conv(1, 1), in, b.weights("wa", 4, 2, 3, 3), b.weights("ba", 4))
	ra := b.node("ra", &onnx.Relu{}, a)
	c := b.node("c", conv(1, 1), ra, b.weights("wc", 4, 4, 3, 3))
	sum := b.node("sum", &onnx.Add{}, c, ra)
	rs := b.node("rs", &onnx.Relu{}, sum)
	pool := b.node("pool", &onnx.GlobalAveragePool{}, rs)
	flat := b.node("flat", &onnx.Flatten{Axis: 1}, pool)
	out := b.node("out", &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, flat, b.weights("wo", 5, 4), b.weights("bo", 5))
	levels := map[string]Levels{
		"input": {Count: 256, Step: 1. / 255, Stride: 1},
		"ra":    {Count: 32, Step: 0.07, Stride: 1},
		"rs":    {Count: 32, Step: 0.11, Stride: 1},
		"pool":  {Count: 256, Step: 0.01, Stride: 1},
	}
	m, p := b.program(levels, out)
	if got := sites(m); len(got) != 4 || got[0] != "input" || got[1] != "ra" || got[2] != "rs" || got[3] != "pool" {
		t.Fatalf("sites %v, want input ra rs pool", got)
	}
	if len(p.Instrs) != 4 {
		t.Errorf("%d instructions, want 4: two convolutions (one with the residual), pool, gemm", len(p.Instrs))
	}
	indices := make([]byte, in.Shape.Elems())
	runtime.GenerateInput(7, indices, 256)
	tensors, err := simulateAll(p, [][]byte{indices})
	if err != nil {
		t.Fatal(err)
	}
	// Tensors: input, ra, rs, pool, logits, in order of creation.
	value := func(id int, l Levels) []float64 {
		v := make([]float64, len(tensors[id]))
		for i, x := range tensors[id] {
			v[i] = l.Value(int(x))
		}
		return v
	}
	x, vra, vrs, vpool := value(0, levels["input"]), value(1, levels["ra"]), value(2, levels["rs"]), value(3, levels["pool"])
	near := func(name string, l Levels, got int32, want float64) {
		t.Helper()
		if d := math.Abs(l.Value(int(got)) - math.Min(math.Max(want, l.Min()), l.Max())); d > l.Step*0.51 {
			t.Errorf("%s: got %g, want %g to half a step of %g", name, l.Value(int(got)), want, l.Step)
		}
	}
	correlate := func(w, bias *onnx.Value, in []float64, channels, o, y, xx int) float64 {
		acc := 0.0
		if bias != nil {
			acc = float64(bias.Const.Floats[o])
		}
		for c := range channels {
			for ky := range 3 {
				for kx := range 3 {
					if v, u := y+ky-1, xx+kx-1; v >= 0 && v < 6 && u >= 0 && u < 6 {
						acc += float64(w.Const.Floats[((o*channels+c)*3+ky)*3+kx]) * in[(c*6+v)*6+u]
					}
				}
			}
		}
		return acc
	}
	wa, ba := b.graph.Nodes[0].Inputs[1], b.graph.Nodes[0].Inputs[2]
	wc := b.graph.Nodes[2].Inputs[1]
	for o := range 4 {
		mean := 0.0
		for y := range 6 {
			for xx := range 6 {
				i := (o*6+y)*6 + xx
				near("ra", levels["ra"], tensors[1][i], math.Max(0, correlate(wa, ba, x, 2, o, y, xx)))
				near("rs", levels["rs"], tensors[2][i], math.Max(0, correlate(wc, nil, vra, 4, o, y, xx)+vra[i]))
				mean += vrs[i] / 36
			}
		}
		near("pool", levels["pool"], tensors[3][o], mean)
	}
	wo, bo := b.graph.Nodes[7].Inputs[1], b.graph.Nodes[7].Inputs[2]
	scale := p.Tensors[p.Outputs[0].Tensor].Scale.Float()
	for o := range 5 {
		want := float64(bo.Const.Floats[o])
		for i := range 4 {
			want += float64(wo.Const.Floats[o*4+i]) * vpool[i]
		}
		if got := scale * float64(tensors[4][o]); math.Abs(got-want) > 2*scale {
			t.Errorf("logit %d is %g, want %g", o, got, want)
		}
	}
}

// TestCompileTransposed compares a transposed convolution with its own definition: every
// input element paints the kernel into the output.
func TestCompileTransposed(t *testing.T) {
	b, in := newBuild(t, onnx.Shape{onnx.Batch, 4, 5, 4})
	op := &onnx.ConvTranspose{
		Kernel: []int{3, 4}, Strides: []int{2, 3}, Dilations: []int{1, 1}, Pads: []int{1, 0, 1, 2},
		OutputPadding: []int{1, 0}, Groups: 2,
	}
	y := b.node("y", op, in, b.weights("w", 4, 3, 3, 4))
	levels := map[string]Levels{"input": {Count: 17, Step: 0.25, Zero: 8, Stride: 1}}
	_, p := b.program(levels, y)
	indices := make([]byte, in.Shape.Elems())
	runtime.GenerateInput(1, indices, 17)
	outs, err := Simulate(p, indices)
	if err != nil {
		t.Fatal(err)
	}
	oh, ow := y.Shape[2], y.Shape[3]
	want := make([]float64, 6*oh*ow)
	w := b.graph.Nodes[0].Inputs[1].Const.Floats
	for c := range 4 {
		for o := range 3 {
			for v := range 5 {
				for u := range 4 {
					for ky := range 3 {
						for kx := range 4 {
							yy, xx := v*2+ky-1, u*3+kx
							if yy >= 0 && yy < oh && xx >= 0 && xx < ow {
								x := levels["input"].Value(int(indices[(c*5+v)*4+u]))
								want[((c/2*3+o)*oh+yy)*ow+xx] += x * float64(w[((c*3+o)*3+ky)*4+kx])
							}
						}
					}
				}
			}
		}
	}
	scale := p.Tensors[p.Outputs[0].Tensor].Scale.Float()
	for i := range want {
		if got := scale * float64(outs[0][i]); math.Abs(got-want[i]) > 1e-6 {
			t.Fatalf("output %d is %g, want %g", i, got, want[i])
		}
	}
}

// TestCompileMoves sends indices through transpose, pad, concat and a signed pair.
func TestCompileMoves(t *testing.T) {
	b, in := newBuild(t, onnx.Shape{onnx.Batch, 2, 3, 4})
	tr := b.node("tr", &onnx.Transpose{Perm: []int{0, 2, 3, 1}}, in) // [N,3,4,2]
	padded := b.node("padded", &onnx.Pad{Pads: []int{0, 1, 0, 0, 0, 0, 0, 0}, Mode: "constant"}, tr)
	neg := b.node("neg", &onnx.Neg{}, padded)
	cat := b.node("cat", &onnx.Concat{Axis: 1}, padded, neg)
	levels := map[string]Levels{
		"input": {Count: 5, Step: 1, Zero: 2, Stride: 1},
		"neg":   {Count: 2, Step: 1, Zero: 1, Stride: 2},
		"cat":   {Count: 5, Step: 1, Zero: 2, Stride: 1},
	}
	_, p := b.program(levels, cat)
	indices := make([]byte, in.Shape.Elems())
	runtime.GenerateInput(5, indices, 5)
	outs, err := Simulate(p, indices)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 4 { // padded rows: one of zeros, then three
		for x := range 4 {
			for c := range 2 {
				want := int32(2)
				if y > 0 {
					want = int32(indices[(c*3+y-1)*4+x])
				}
				i := (y*4+x)*2 + c
				if outs[0][i] != want {
					t.Fatalf("element %d,%d,%d is %d, want %d", y, x, c, outs[0][i], want)
				}
				sign := int32(3) // -v >= 0 rounds to +1, level 3 of the concatenation
				if want > 2 {
					sign = 1
				}
				if got := outs[0][32+i]; got != sign {
					t.Fatalf("negated element %d,%d,%d is %d, want %d", y, x, c, got, sign)
				}
			}
		}
	}
}

func TestCheckListsAllRefusals(t *testing.T) {
	b, in := newBuild(t, onnx.Shape{onnx.Batch, 4})
	first := b.node("first", &onnx.Softmax{Axis: 1}, in)
	second := b.node("second", &onnx.LogSoftmax{Axis: 1}, first)
	b.graph.Outputs = []*onnx.Value{b.node("relu", &onnx.Relu{}, second)}
	_, err := NewModel(b.graph)
	refused, ok := err.(*onnx.UnsupportedError)
	if !ok || len(refused.Nodes) != 2 {
		t.Fatalf("got %v, want both nodes refused", err)
	}
}
