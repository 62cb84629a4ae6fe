package quant_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// compiled calibrates, clusters and lowers the network that build makes of an input.
func compiled(t *testing.T, shape onnx.Shape, build func(n *net, x *onnx.Value) []*onnx.Value) *runtime.Program {
	t.Helper()
	x := &onnx.Value{Name: "x", Shape: shape}
	n := &net{t: t, graph: &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(9, 9))}
	n.graph.Outputs = build(n, x)
	m, err := quant.FromGraph(n.graph)
	if err != nil {
		t.Fatal(err)
	}
	data := samples{shape: shape}
	for range 8 {
		v := make([]float32, shape.Elems())
		for i := range v {
			v[i] = float32(n.rng.NormFloat64())
		}
		data.data = append(data.data, v)
	}
	if _, err := finetune.Calibrate(context.Background(), m, data, finetune.DefaultCalibrateConfig()); err != nil {
		t.Fatal(err)
	}
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestArgMaxComparesScores builds classifiers whose scores reach the ArgMax in several ways: it compares
// accumulators wherever nothing asks for levels.
func TestArgMaxComparesScores(t *testing.T) {
	image := onnx.Shape{onnx.Batch, 3, 4, 5}
	scores := func(n *net, x *onnx.Value) *onnx.Value { return n.add(conv(3, 1, 1, 1), x, n.constant(0, 6, 3, 3, 3)) }
	for _, c := range []struct {
		name          string
		build         func(n *net, x *onnx.Value) []*onnx.Value
		length, inner int
		levels        bool
	}{
		{"softmax", func(n *net, x *onnx.Value) []*onnx.Value {
			return []*onnx.Value{n.add(&onnx.ArgMax{Axis: 1}, n.add(&onnx.Softmax{Axis: 1}, scores(n, x)))}
		}, 6, 20, false},
		{"softmax, a view, sigmoid", func(n *net, x *onnx.Value) []*onnx.Value {
			y := n.add(&onnx.Reshape{Dims: []int{0, 6, 20}}, n.add(&onnx.LogSoftmax{Axis: 1}, scores(n, x)))
			return []*onnx.Value{n.add(&onnx.ArgMax{Axis: 1}, n.add(&onnx.Sigmoid{}, y))}
		}, 6, 20, false},
		{"softmax over another dimension", func(n *net, x *onnx.Value) []*onnx.Value {
			y := n.add(&onnx.Softmax{Axis: 1}, n.add(&onnx.Flatten{Axis: 1}, scores(n, x)))
			return []*onnx.Value{n.add(&onnx.ArgMax{Axis: 1}, y)}
		}, 120, 1, false},
		{"label and probabilities", func(n *net, x *onnx.Value) []*onnx.Value {
			p := n.add(&onnx.Softmax{Axis: 1}, scores(n, x))
			return []*onnx.Value{n.add(&onnx.ArgMax{Axis: 1}, p), p}
		}, 6, 20, false},
		{"channels last", func(n *net, x *onnx.Value) []*onnx.Value {
			y := n.add(&onnx.Transpose{Perm: []int{0, 2, 3, 1}}, scores(n, x))
			return []*onnx.Value{n.add(&onnx.ArgMax{Axis: 3, KeepDims: true}, y)}
		}, 6, 20, false},
		{"scores that go on", func(n *net, x *onnx.Value) []*onnx.Value {
			y := scores(n, x)
			return []*onnx.Value{n.add(&onnx.ArgMax{Axis: 1}, y), n.add(&onnx.Relu{}, y)}
		}, 6, 20, true},
	} {
		p := compiled(t, image, c.build)
		at := slices.IndexFunc(p.Instrs, func(i runtime.Instr) bool { _, ok := i.(*runtime.ArgMax); return ok })
		if at < 0 {
			t.Errorf("%s: no ArgMax in the program", c.name)
			continue
		}
		i := p.Instrs[at].(*runtime.ArgMax)
		if got := p.Tensors[i.In].Levels > 0; got != c.levels || i.Length != c.length || i.Inner != c.inner {
			t.Errorf("%s: compares %d elements %d apart, of levels: %v; want %d, %d, %v", c.name, i.Length, i.Inner, got, c.length, c.inner, c.levels)
		}
		if p.Outputs[0].Tensor != i.Out {
			t.Errorf("%s: the first output is tensor %d, want %d, the positions", c.name, p.Outputs[0].Tensor, i.Out)
		}
		runner, err := runtime.NewRunner(p, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := runner.SelfTest(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestArgMaxInside refuses what computes with positions.
func TestArgMaxInside(t *testing.T) {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 3, 4, 5}}
	n := &net{t: t, graph: &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(9, 9))}
	y := n.add(&onnx.Cast{To: onnx.Float}, n.add(&onnx.ArgMax{Axis: 1}, x))
	n.graph.Outputs = []*onnx.Value{n.add(&onnx.Relu{}, y)}
	_, err := quant.FromGraph(n.graph)
	if err == nil || !strings.Contains(err.Error(), "Relu") || !strings.Contains(err.Error(), "positions") {
		t.Errorf("error %v, want one that names the Relu", err)
	}
}

// TestLongNames refuses names that a program cannot hold.
func TestLongNames(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("y", 1024): "", strings.Repeat("y", 1025): "1025 bytes", "y\xff": "UTF-8",
	} {
		x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 3}}
		n := &net{t: t, graph: &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(9, 9))}
		y := n.add(&onnx.Relu{}, x)
		y.Name = name
		n.graph.Outputs = []*onnx.Value{y}
		_, err := quant.FromGraph(n.graph)
		if _, unsupported := err.(*onnx.UnsupportedError); unsupported != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("a name of %d bytes: error %v, want %q", len(name), err, want)
		}
	}
}

// normalizations are those of the program that build makes.
func normalizations(t *testing.T, shape onnx.Shape, build func(n *net, x *onnx.Value) []*onnx.Value) string {
	var list []string
	p := compiled(t, shape, build)
	for i := range p.Normalizations {
		list = append(list, p.Outputs[p.Normalizations[i].Output].Name+": "+p.Normalizations[i].String())
	}
	return strings.Join(list, "; ")
}

// TestAnnouncedNormalizations says what programs leave to their readers, and what they do not.
func TestAnnouncedNormalizations(t *testing.T) {
	image := onnx.Shape{onnx.Batch, 3, 2, 5}
	scores := func(n *net, x *onnx.Value) *onnx.Value { return n.add(conv(1, 1, 0, 1), x, n.constant(0, 4, 3, 1, 1)) }
	for want, build := range map[string]func(n *net, x *onnx.Value) []*onnx.Value{
		"b0: Softmax over axis 1 of [N,4,2,5]": func(n *net, x *onnx.Value) []*onnx.Value {
			y := scores(n, x)
			return []*onnx.Value{n.add(&onnx.Softmax{Axis: 1}, y), y}
		},
		"d0: LogSoftmax over axes 1 to 3 of [N,4,2,5]": func(n *net, x *onnx.Value) []*onnx.Value {
			y := n.add(&onnx.LogSoftmax{Axis: 1}, n.add(&onnx.Flatten{Axis: 1}, scores(n, x)))
			return []*onnx.Value{n.add(&onnx.Reshape{Dims: []int{0, 4, 2, 5}}, y)}
		},
		"": func(n *net, x *onnx.Value) []*onnx.Value { // inside the network it is computed
			y := n.add(&onnx.Softmax{Axis: 1}, scores(n, x))
			return []*onnx.Value{y, n.add(&onnx.Mul{}, y, n.add(&onnx.Sigmoid{}, scores(n, x)))}
		},
	} {
		if got := normalizations(t, image, build); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
