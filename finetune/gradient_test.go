package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// weighted lays sum(y*weights): a loss whose gradient differs from element to element.
func weighted(t *tape, y *G.Node, rng *rand.Rand) *G.Node {
	w := make([]float32, y.Shape()[0])
	for i := range w {
		w[i] = 1 + rng.Float32()
	}
	return sumNode(t, mulNode(t, y, t.input("weights", w)))
}

// checkGradients compares the gradients of a loss with symmetric differences. lay makes the
// loss from nodes of the data.
func checkGradients(t *testing.T, data [][]float32, lay func(tp *tape, in []*G.Node) *G.Node) {
	t.Helper()
	tp := newTape(0)
	in := make([]*G.Node, len(data))
	for i, d := range data {
		in[i] = tp.trained("in", d)
	}
	loss := lay(tp, in)
	grads, err := tp.gradients(loss, in)
	if err != nil {
		t.Fatal(err)
	}
	if !tp.compile(nil) {
		t.Fatal("two nodes share a hash")
	}
	run := func() float64 {
		t.Helper()
		if err := tp.run(); err != nil {
			t.Fatal(err)
		}
		return float64(floats(loss.Value())[0])
	}
	run()
	analytic := make([][]float32, len(data))
	for i, g := range grads {
		analytic[i] = append([]float32(nil), floats(g.Value())...)
	}
	const h = 1.0 / 256
	for i, d := range data {
		for k := range d {
			old := d[k]
			d[k] = old + h
			up := run()
			d[k] = old - h
			down := run()
			d[k] = old
			numeric := (up - down) / (2 * h)
			got := float64(analytic[i][k])
			if math.Abs(got-numeric) > 0.02*math.Max(1, math.Abs(numeric)) {
				t.Errorf("input %d element %d: gradient %g, difference quotient %g", i, k, got, numeric)
				return
			}
		}
	}
}

// spaced are n values in (lo, hi) in random order, no two closer than the steps of the
// difference quotients, none at a whole or half number.
func spaced(rng *rand.Rand, n int, lo, hi float64) []float32 {
	out := make([]float32, n)
	for i, k := range rng.Perm(n) {
		v := lo + (float64(k)+0.5)/float64(n)*(hi-lo)
		if d := math.Abs(2*v - math.Round(2*v)); d < 0.03 {
			v += 0.02
		}
		out[i] = float32(v)
	}
	return out
}

func TestOperatorGradients(t *testing.T) {
	window := func(k, s, d, p int) ([]int, []int, []int, []int) {
		return []int{k, k}, []int{s, s}, []int{d, d}, []int{p, p, p, p}
	}
	k3, s1, d1, p1 := window(3, 1, 1, 1)
	type operatorCase struct {
		name   string
		op     onnx.Op
		shapes []onnx.Shape
		lo, hi float64
	}
	// constants are the shapes of operands without a gradient, behind the others.
	constants := map[string][]onnx.Shape{"BatchNormalization": {{3}, {3}}, "InstanceNormalization": {{2}, {2}}}
	cases := []operatorCase{
		{"conv", &onnx.Conv{Kernel: k3, Strides: s1, Dilations: d1, Pads: p1, Groups: 1}, []onnx.Shape{{2, 2, 4, 4}, {3, 2, 3, 3}, {3}}, -1, 1},
		{"conv strided, pads on one side, groups", &onnx.Conv{Kernel: k3, Strides: []int{2, 2}, Dilations: d1, Pads: []int{0, 0, 1, 1}, Groups: 2}, []onnx.Shape{{2, 4, 5, 5}, {4, 2, 3, 3}, {4}}, -1, 1},
		{"conv without bias, dilated", &onnx.Conv{Kernel: k3, Strides: s1, Dilations: []int{2, 1}, Pads: p1, Groups: 1}, []onnx.Shape{{1, 2, 5, 4}, {2, 2, 3, 3}}, -1, 1},
		{"conv 1d", &onnx.Conv{Kernel: []int{3}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{1, 0}, Groups: 1}, []onnx.Shape{{2, 2, 7}, {3, 2, 3}, {3}}, -1, 1},
		{"convtranspose", &onnx.ConvTranspose{Kernel: k3, Strides: []int{2, 2}, Dilations: d1, Pads: p1, OutputPadding: []int{1, 1}, Groups: 1}, []onnx.Shape{{2, 3, 3, 3}, {3, 2, 3, 3}, {2}}, -1, 1},
		{"convtranspose groups", &onnx.ConvTranspose{Kernel: []int{2, 3}, Strides: []int{1, 2}, Dilations: d1, Pads: []int{0, 1, 0, 0}, OutputPadding: []int{0, 0}, Groups: 2}, []onnx.Shape{{1, 4, 3, 3}, {4, 1, 2, 3}}, -1, 1},
		{"convtranspose 1d", &onnx.ConvTranspose{Kernel: []int{3}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{0, 0}, OutputPadding: []int{0}, Groups: 1}, []onnx.Shape{{1, 2, 4}, {2, 2, 3}, {2}}, -1, 1},
		{"gemm", &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, []onnx.Shape{{3, 4}, {5, 4}, {5}}, -1, 1},
		{"gemm alpha beta", &onnx.Gemm{Alpha: 0.5, Beta: 2}, []onnx.Shape{{3, 4}, {4, 5}, {1, 5}}, -1, 1},
		{"gemm transposed a, matrix c", &onnx.Gemm{TransA: true, Alpha: 1, Beta: 1}, []onnx.Shape{{4, 3}, {4, 5}, {3, 1}}, -1, 1},
		{"gemm both transposed", &onnx.Gemm{TransA: true, TransB: true, Alpha: 1, Beta: 1}, []onnx.Shape{{4, 3}, {5, 4}}, -1, 1},
		{"matmul", &onnx.MatMul{}, []onnx.Shape{{2, 3, 4}, {4, 5}}, -1, 1},
		{"matmul stacks", &onnx.MatMul{}, []onnx.Shape{{2, 1, 3, 4}, {3, 4, 2}}, -1, 1},
		{"matmul vector", &onnx.MatMul{}, []onnx.Shape{{2, 3, 4}, {4}}, -1, 1},
		{"batchnorm", &onnx.BatchNormalization{Epsilon: 1e-3}, []onnx.Shape{{2, 3, 2, 2}, {3}, {3}}, -1, 1},
		{"instancenorm", &onnx.InstanceNormalization{Epsilon: 1e-3}, []onnx.Shape{{2, 2, 2, 3}}, -1, 1},
		{"lrn", &onnx.LRN{Size: 3, Alpha: 0.8, Beta: 0.75, Bias: 1}, []onnx.Shape{{2, 5, 1, 2}}, -2, 2},
		{"lrn even", &onnx.LRN{Size: 4, Alpha: 0.8, Beta: 0.5, Bias: 2}, []onnx.Shape{{1, 6, 2, 2}}, -2, 2},
		{"add", &onnx.Add{}, []onnx.Shape{{2, 3, 4}, {2, 3, 4}}, -1, 1},
		{"add channel", &onnx.Add{}, []onnx.Shape{{2, 3, 2, 2}, {3, 1, 1}}, -1, 1},
		{"add scalar", &onnx.Add{}, []onnx.Shape{{2, 3}, {}}, -1, 1},
		{"add per sample", &onnx.Add{}, []onnx.Shape{{2, 3, 4}, {2, 1, 4}}, -1, 1},
		{"sub", &onnx.Sub{}, []onnx.Shape{{3}, {2, 3}}, -1, 1},
		{"mul both spread", &onnx.Mul{}, []onnx.Shape{{2, 1, 3}, {1, 4, 1}}, -1, 1},
		{"div", &onnx.Div{}, []onnx.Shape{{2, 3}, {2, 1}}, 1, 3},
		{"max", &onnx.Max{}, []onnx.Shape{{2, 3}, {3}, {2, 1}}, -1, 1},
		{"min", &onnx.Min{}, []onnx.Shape{{2, 3}, {3}}, -1, 1},
		{"sum", &onnx.Sum{}, []onnx.Shape{{2, 3}, {3}, {2, 3}}, -1, 1},
		{"mean", &onnx.Mean{}, []onnx.Shape{{2, 3}, {3}}, -1, 1},
		{"maxpool", &onnx.MaxPool{Kernel: k3, Strides: []int{2, 2}, Dilations: d1, Pads: p1}, []onnx.Shape{{2, 2, 5, 5}}, -2, 2},
		{"maxpool 1d ceil", &onnx.MaxPool{Kernel: []int{2}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{0, 0}, Ceil: true}, []onnx.Shape{{2, 2, 5}}, -2, 2},
		{"averagepool", &onnx.AveragePool{Kernel: k3, Strides: []int{2, 2}, Dilations: d1, Pads: p1}, []onnx.Shape{{2, 2, 5, 5}}, -1, 1},
		{"averagepool with pads", &onnx.AveragePool{Kernel: k3, Strides: []int{2, 2}, Dilations: d1, Pads: p1, CountIncludePad: true}, []onnx.Shape{{2, 2, 5, 5}}, -1, 1},
		{"globalaveragepool", &onnx.GlobalAveragePool{}, []onnx.Shape{{2, 3, 3, 2}}, -1, 1},
		{"globalmaxpool", &onnx.GlobalMaxPool{}, []onnx.Shape{{2, 3, 3, 2}}, -1, 1},
		{"reshape", &onnx.Reshape{Dims: []int{2, -1}}, []onnx.Shape{{2, 3, 2}}, -1, 1},
		{"transpose", &onnx.Transpose{Perm: []int{0, 2, 1}}, []onnx.Shape{{2, 3, 4}}, -1, 1},
		{"transpose first", &onnx.Transpose{Perm: []int{2, 0, 1}}, []onnx.Shape{{2, 3, 4}}, -1, 1},
		{"concat", &onnx.Concat{Axis: 1}, []onnx.Shape{{2, 3, 2}, {2, 1, 2}, {2, 2, 2}}, -1, 1},
		{"pad", &onnx.Pad{Pads: []int{0, 1, 0, 2}, Mode: "constant", Value: 0.5}, []onnx.Shape{{2, 3}}, -1, 1},
		{"pad cut", &onnx.Pad{Pads: []int{0, -1, 1, 2}, Mode: "constant"}, []onnx.Shape{{2, 3}}, -1, 1},
		{"pad reflect", &onnx.Pad{Pads: []int{0, 2, 0, 1}, Mode: "reflect"}, []onnx.Shape{{2, 3}}, -1, 1},
		{"pad edge", &onnx.Pad{Pads: []int{0, 2, 0, 1}, Mode: "edge"}, []onnx.Shape{{2, 3}}, -1, 1},
		{"prelu", &onnx.PRelu{}, []onnx.Shape{{2, 3, 4}, {3, 1}}, -1, 1},
		{"pow", &onnx.Pow{}, []onnx.Shape{{2, 3}, {3}}, 0.6, 2},
		{"slice", &onnx.Slice{Axes: []int{1, 2}, Starts: []int{3, 1}, Ends: []int{-1, 5}, Steps: []int{-2, 3}}, []onnx.Shape{{2, 4, 5}}, -1, 1},
		{"slice samples", &onnx.Slice{Axes: []int{0}, Starts: []int{1}, Ends: []int{3}, Steps: []int{1}}, []onnx.Shape{{3, 8}}, -1, 1},
		{"split", &onnx.Split{Axis: 1, Sizes: []int{1, 3, 2}}, []onnx.Shape{{2, 6, 2}}, -1, 1},
		{"gather", &onnx.Gather{Axis: 1, Indices: &onnx.Tensor{Type: onnx.Int, Shape: onnx.Shape{2, 2}, Ints: []int64{2, 0, 2, 1}}}, []onnx.Shape{{2, 3, 2}}, -1, 1},
		{"gather one", &onnx.Gather{Axis: 2, Indices: &onnx.Tensor{Type: onnx.Int, Shape: onnx.Shape{}, Ints: []int64{1}}}, []onnx.Shape{{2, 3, 2}}, -1, 1},
		{"depthtospace", &onnx.DepthToSpace{Block: 2}, []onnx.Shape{{2, 8, 2, 3}}, -1, 1},
		{"depthtospace crd", &onnx.DepthToSpace{Block: 2, CRD: true}, []onnx.Shape{{1, 8, 2, 1}}, -1, 1},
		{"spacetodepth", &onnx.SpaceToDepth{Block: 2}, []onnx.Shape{{2, 2, 4, 2}}, -1, 1},
		{"expand", &onnx.Expand{Dims: []int{2, 1, 3}}, []onnx.Shape{{2, 4, 1}}, -1, 1},
		{"tile", &onnx.Tile{Repeats: []int{1, 2, 3}}, []onnx.Shape{{2, 3, 2}}, -1, 1},
		{"resize nearest", &onnx.Resize{Mode: "nearest", CoordMode: "asymmetric", NearestMode: "floor", Scales: []float64{1, 1, 2, 0.5}, Sizes: []int{2, 2, 4, 2}}, []onnx.Shape{{2, 2, 2, 4}}, -1, 1},
		{"resize linear", &onnx.Resize{Mode: "linear", CoordMode: "half_pixel", Scales: []float64{1, 1, 2, 0.75}, Sizes: []int{2, 2, 4, 3}}, []onnx.Shape{{2, 2, 2, 4}}, -1, 1},
		{"resize cubic", &onnx.Resize{Mode: "cubic", CoordMode: "align_corners", CubicA: -0.75, ExcludeOutside: true, Scales: []float64{1, 1, 1.5}, Sizes: []int{1, 2, 6}}, []onnx.Shape{{1, 2, 4}}, -1, 1},
		{"resize region", &onnx.Resize{Mode: "linear", CoordMode: "tf_crop_and_resize", Extrapolation: 3, Scales: []float64{1, 1, 1}, Sizes: []int{1, 2, 4}, ROI: []float64{0, 0, 0.4, 1, 1, 1.2}}, []onnx.Shape{{1, 2, 4}}, -1, 1},
		{"softmax", &onnx.Softmax{Axis: 1}, []onnx.Shape{{2, 4}}, -1, 1},
		{"softmax inner axis", &onnx.Softmax{Axis: 1}, []onnx.Shape{{2, 3, 2}}, -1, 1},
		{"logsoftmax", &onnx.LogSoftmax{Axis: 1}, []onnx.Shape{{2, 4}}, -1, 1},
	}
	for kind := range slopes {
		cases = append(cases,
			operatorCase{string(kind), &onnx.Reduce{Kind: kind, Axes: []int{1, 3}}, []onnx.Shape{{2, 2, 3, 2}}, 0.6, 2},
			operatorCase{string(kind) + " keeping dimensions", &onnx.Reduce{Kind: kind, Axes: []int{0, 1, 2}, KeepDims: true}, []onnx.Shape{{2, 2, 3}}, 0.6, 2})
	}
	for _, op := range scalars {
		lo, hi := -4.0, 4.0
		switch op.(type) {
		case *onnx.Log, *onnx.Sqrt, *onnx.Reciprocal:
			lo, hi = 0.6, 4
		}
		cases = append(cases, operatorCase{fmt.Sprintf("%s%+v", op.Type(), op), op, []onnx.Shape{{2, 15}}, lo, hi})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			shapes := slices.Concat(c.shapes, constants[c.op.Type()])
			out, err := c.op.InferShape(shapes)
			if err != nil {
				t.Fatal(err)
			}
			node := &onnx.Node{Name: "n", Op: c.op}
			for i, s := range out {
				node.Outputs = append(node.Outputs, &onnx.Value{Name: fmt.Sprint("y", i), Shape: s})
			}
			var data [][]float32
			for i, s := range shapes {
				v := &onnx.Value{Name: fmt.Sprint("x", i), Shape: s}
				if i < len(c.shapes) {
					data = append(data, spaced(rng, s.Elems(), c.lo, c.hi))
				} else {
					v.Const = &onnx.Tensor{Shape: s, Floats: spaced(rng, s.Elems(), 0.5, 2)}
				}
				node.Inputs = append(node.Inputs, v)
			}
			checkGradients(t, data, func(tp *tape, in []*G.Node) *G.Node {
				b := &builder{tape: tp, batch: 1, nodes: map[*onnx.Value]*G.Node{}, raw: map[*onnx.Value]*G.Node{}}
				for i, n := range in {
					b.nodes[node.Inputs[i]] = n
				}
				results, err := b.results(node)
				if err != nil {
					t.Fatal(err)
				}
				var losses []*G.Node
				for i, y := range results {
					if y.Shape()[0] != out[i].Elems() {
						t.Fatalf("result %d has %d elements, want %d", i, y.Shape()[0], out[i].Elems())
					}
					losses = append(losses, weighted(tp, y, rng))
				}
				return b.sum([]int{1}, losses...)
			})
		})
	}
}

// scalars are all scalar functions, with attributes that are not the default.
var scalars = []onnx.Scalar{
	&onnx.Relu{}, &onnx.Tanh{}, &onnx.Sigmoid{}, &onnx.LeakyRelu{Alpha: 0.2}, &onnx.Elu{Alpha: 0.7},
	&onnx.Selu{Alpha: 1.6, Gamma: 1.1}, &onnx.Celu{Alpha: 0.8}, &onnx.HardSigmoid{Alpha: 0.25, Beta: 0.45},
	&onnx.HardSwish{}, &onnx.Softplus{}, &onnx.Softsign{}, &onnx.Gelu{}, &onnx.Gelu{Tanh: true}, &onnx.Mish{},
	&onnx.Erf{}, &onnx.Clip{Min: -1, Max: 2}, &onnx.Exp{}, &onnx.Log{}, &onnx.Sqrt{}, &onnx.Abs{}, &onnx.Neg{},
	&onnx.Reciprocal{}, &onnx.Floor{}, &onnx.Ceil{}, &onnx.Round{}, &onnx.Sign{}, &onnx.ThresholdedRelu{Alpha: 0.7}, &onnx.Swish{},
}

func TestLossGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	logits := func() []float32 { return spaced(rng, 12, -3, 3) }
	labels := []float32{2, -1, 0}
	t.Run("teacher and labels", func(t *testing.T) {
		teacher := logits()
		checkGradients(t, [][]float32{logits()}, func(tp *tape, in []*G.Node) *G.Node {
			l := classLoss{n: 3, classes: 4, temperature: 2, teacher: 0.7, labels: 0.3}
			return l.node(tp, in[0], tp.input("teacher", teacher), tp.input("labels", labels))
		})
	})
	t.Run("labels", func(t *testing.T) {
		checkGradients(t, [][]float32{logits()}, func(tp *tape, in []*G.Node) *G.Node {
			return classLoss{n: 3, classes: 4, temperature: 2, labels: 1}.node(tp, in[0], nil, tp.input("labels", labels))
		})
	})
	t.Run("values", func(t *testing.T) {
		a, b := logits(), logits()
		checkGradients(t, [][]float32{logits()}, func(tp *tape, in []*G.Node) *G.Node {
			return valueLoss(tp, in[0], []*G.Node{tp.input("a", a), tp.input("b", b)}, []float64{0.75, 0.25})
		})
	})
}

// TestClassLossValue compares with sums worked out by the definition.
func TestClassLossValue(t *testing.T) {
	tp := newTape(0)
	z, teacher := []float32{1, 2, 0, -1}, []float32{0, 1, 3, 1}
	l := classLoss{n: 2, classes: 2, temperature: 2, teacher: 0.5, labels: 2}
	loss := l.node(tp, tp.input("z", z), tp.input("t", teacher), tp.input("l", []float32{1, -1}))
	if !tp.compile(nil) {
		t.Fatal("two nodes share a hash")
	}
	if err := tp.run(); err != nil {
		t.Fatal(err)
	}
	softmax := func(a, b, temp float64) (p, q float64) {
		p = math.Exp(a/temp) / (math.Exp(a/temp) + math.Exp(b/temp))
		return p, 1 - p
	}
	want := 0.0
	for s := range 2 {
		p0, p1 := softmax(float64(teacher[2*s]), float64(teacher[2*s+1]), 2)
		q0, q1 := softmax(float64(z[2*s]), float64(z[2*s+1]), 2)
		want += 0.5 * 4 * (p0*math.Log(p0/q0) + p1*math.Log(p1/q1))
	}
	_, q1 := softmax(float64(z[0]), float64(z[1]), 1)
	want += 2 * -math.Log(q1)
	want /= 2
	if got := float64(floats(loss.Value())[0]); math.Abs(got-want) > 1e-5 {
		t.Errorf("loss is %g, want %g", got, want)
	}
}

// TestRoundGradient checks the straight-through rule and the gradient of the step, which no
// difference quotient shows: it is that of the values outside plus, inside, the rounding
// error in steps.
func TestRoundGradient(t *testing.T) {
	cases := []struct {
		name   string
		levels quant.Levels
		x      []float32
		y, dx  []float32
		dstep  float64 // for a gradient of 1 everywhere
	}{
		{
			"one side", quant.Levels{Count: 4, Step: 0.5, Zero: 0, Stride: 1},
			[]float32{-1, -0.1, 0.3, 0.8, 1.6, 2}, []float32{0, 0, 0.5, 1, 1.5, 1.5}, []float32{0, 1, 1, 1, 1, 0},
			0 + 0.2 + 0.4 + 0.4 - 0.2 + 3,
		},
		{
			"two sides", quant.Levels{Count: 4, Step: 1, Zero: 1, Stride: 1},
			[]float32{-3, -0.75, 0.25, 1.5, 4}, []float32{-1, -1, 0, 2, 2}, []float32{0, 1, 1, 1, 0},
			-1 - 0.25 - 0.25 + 0.5 + 2,
		},
		{
			"two levels", quant.Levels{Count: 2, Step: 2, Zero: 1, Stride: 2},
			[]float32{-5, -1, 0, 3, 5}, []float32{-2, -2, 2, 2, 2}, []float32{0, 1, 1, 1, 0},
			-1 - 0.5 + 1 - 0.5 + 1,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tp := newTape(0)
			x := tp.trained("x", c.x)
			step := tp.trained("step", []float32{float32(c.levels.Step)})
			y := roundNode(tp, c.levels, step, x)
			grads, err := tp.gradients(sumNode(tp, y), []*G.Node{x, step})
			if err != nil {
				t.Fatal(err)
			}
			if !tp.compile(nil) {
				t.Fatal("two nodes share a hash")
			}
			if err := tp.run(); err != nil {
				t.Fatal(err)
			}
			for i := range c.x {
				if got := floats(y.Value())[i]; got != c.y[i] || float64(got) != c.levels.Round(float64(c.x[i])) {
					t.Errorf("%g is rounded to %g, want %g", c.x[i], got, c.y[i])
				}
				if got := floats(grads[0].Value())[i]; got != c.dx[i] {
					t.Errorf("gradient at %g is %g, want %g", c.x[i], got, c.dx[i])
				}
			}
			if got := float64(floats(grads[1].Value())[0]); math.Abs(got-c.dstep) > 1e-5 {
				t.Errorf("gradient of the step is %g, want %g", got, c.dstep)
			}
		})
	}
}
