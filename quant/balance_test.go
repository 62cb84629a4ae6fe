package quant_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// uneven are networks whose channels differ in range by a factor of a thousand or so. Their inputs are normal, times
// a factor by channel.
var uneven = []struct {
	name  string
	input onnx.Shape
	span  float64 // the factors of the input run from 1 to span
	build func(n *net, x *onnx.Value) []*onnx.Value
}{
	{"features", onnx.Shape{onnx.Batch, 8}, 1e3, func(n *net, x *onnx.Value) []*onnx.Value {
		return one(n.dense(n.add(&onnx.Relu{}, n.dense(x, 12, 1e3)), 3, 1))
	}},
	{"features, slightly uneven", onnx.Shape{onnx.Batch, 30}, 20, func(n *net, x *onnx.Value) []*onnx.Value {
		return one(n.dense(n.add(&onnx.Relu{}, n.dense(x, 12, 20)), 3, 1))
	}},
	{"features, no activation", onnx.Shape{onnx.Batch, 5}, 300, func(n *net, x *onnx.Value) []*onnx.Value { return one(n.dense(x, 2, 300)) }},
	{"features, standardized in the network", onnx.Shape{onnx.Batch, 8}, 1e3, func(n *net, x *onnx.Value) []*onnx.Value {
		variance := n.ramp(8, 1e6, 0)
		y := n.add(&onnx.BatchNormalization{Epsilon: 1e-5}, x, n.constant(1, 8), n.constant(0, 8), n.ramp(8, 10, 0), variance)
		return one(n.dense(n.add(&onnx.Relu{}, n.dense(y, 12, 1)), 3, 1))
	}},
	{"features, wide and deep", onnx.Shape{onnx.Batch, 6}, 1e3, func(n *net, x *onnx.Value) []*onnx.Value {
		deep := n.add(&onnx.Tanh{}, n.dense(x, 8, 1e3))
		both := n.add(&onnx.Concat{Axis: 1}, deep, x)
		return one(n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, both, n.mixed(3, 8, 1, 6, 1e-3)))
	}},
	{"planes", onnx.Shape{onnx.Batch, 4, 5, 5}, 500, func(n *net, x *onnx.Value) []*onnx.Value {
		y := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.columns(6, 4, 9, 500)))
		return one(n.add(conv(1, 1, 0, 1), y, n.constant(0, 2, 6, 1, 1)))
	}},
	{"concatenation", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		return one(n.add(conv(1, 1, 0, 1), n.parts(x), n.mixed(2, 4, 1e-3, 4, 1, 1, 1)))
	}},
	{"concatenation, small Relu", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		a := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.rows(4, 27, 400, 400)))
		b := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.rows(4, 27, 1, 1)))
		return one(n.add(conv(1, 1, 0, 1), n.add(&onnx.Concat{Axis: 1}, a, b, x), n.mixed(2, 4, 1./400, 7, 1, 1, 1)))
	}},
	{"concatenation, flattened", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		y := n.add(&onnx.Flatten{Axis: 1}, n.add(&onnx.GlobalMaxPool{}, n.parts(x)))
		return one(n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, y, n.mixed(3, 4, 1e-3, 4, 1), n.constant(0, 3)))
	}},
	{"concatenation, pooled and padded", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		k, s, d, p := window(2, 2, 0)
		y := n.add(&onnx.MaxPool{Kernel: k, Strides: s, Dilations: d, Pads: p}, n.add(&onnx.LeakyRelu{Alpha: 0.1}, n.parts(x)))
		y = n.add(&onnx.Pad{Mode: onnx.PadConstant, Pads: []int{0, 0, 1, 1, 0, 0, 0, 1}}, y)
		return one(n.add(conv(1, 1, 0, 1), y, n.mixed(2, 4, 1e-3, 4, 1, 1, 1)))
	}},
	{"concatenation, then a function", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		y := n.add(&onnx.Tanh{}, n.add(&onnx.BatchNormalization{Epsilon: 1e-5}, n.parts(x), n.mixed(1, 4, 1e-3, 4, 1), n.constant(0, 8), n.zeros(8), n.ones(8)))
		return one(n.add(conv(1, 1, 0, 1), y, n.constant(0, 2, 8, 1, 1)))
	}},
	{"concatenation, split again", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		halves := n.addAll(&onnx.Split{Axis: 1, Sizes: []int{3, 5}}, 2, n.parts(x))
		a := n.add(conv(1, 1, 0, 1), halves[0], n.columns(2, 3, 1, 1))
		b := n.add(conv(1, 1, 0, 1), halves[1], n.mixed(2, 1, 1e-3, 4, 1, 1, 1))
		return []*onnx.Value{a, b}
	}},
	{"boxes and scores", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value { return one(n.parts(x)) }},
	{"boxes and scores, in rows", onnx.Shape{onnx.Batch, 3, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		return one(n.add(&onnx.Reshape{Dims: []int{0, 8, 36}}, n.parts(x)))
	}},
	{"a recurrent layer of uneven features", onnx.Shape{onnx.Batch, 5, 3}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		dense := &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
		all, last := n.recurrent(x, 4, 1, false, func(x *onnx.Value, states []*onnx.Value) []*onnx.Value {
			w := n.constant(0, 8, 3)
			for i := range w.Const.Floats {
				w.Const.Floats[i] *= float32(spread(i/3, 8, 1, 1e3))
			}
			u := n.add(&onnx.Relu{}, n.add(dense, x, w))
			return []*onnx.Value{n.add(&onnx.Tanh{}, n.add(&onnx.Add{}, n.dense(u, 4, 1e3), n.add(dense, states[0], n.constant(0, 4, 4))))}
		})
		return []*onnx.Value{all, last}
	}},
	{"depthwise, hard swish", onnx.Shape{onnx.Batch, 8, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		y := n.add(conv(3, 1, 1, 8), x, n.rows(8, 9, 1e-2, 10))
		return one(n.add(conv(1, 1, 0, 1), n.add(&onnx.HardSwish{}, y), n.columns(4, 8, 1, 1e3, 1, 1)))
	}},
	{"depthwise chain", onnx.Shape{onnx.Batch, 6, 6, 6}, 1, func(n *net, x *onnx.Value) []*onnx.Value {
		y := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 6), x, n.rows(6, 9, 1e-2, 10)))
		y = n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 6), y, n.rows(6, 9, 1, 1)))
		return one(n.add(conv(1, 1, 0, 1), y, n.columns(4, 6, 1, 1e3, 1, 1)))
	}},
	{"residual", onnx.Shape{onnx.Batch, 6, 5, 5}, 300, func(n *net, x *onnx.Value) []*onnx.Value {
		z := n.add(conv(3, 1, 1, 6), x, n.rows(6, 9, 1, 1))
		y := n.add(&onnx.Relu{}, n.add(&onnx.Add{}, z, n.add(&onnx.Add{}, x, x)))
		return one(n.add(conv(1, 1, 0, 1), y, n.columns(2, 6, 1, 300, 1, 1)))
	}},
	{"gate", onnx.Shape{onnx.Batch, 6, 5, 5}, 300, func(n *net, x *onnx.Value) []*onnx.Value {
		gate := n.add(&onnx.Sigmoid{}, n.add(conv(1, 1, 0, 1), n.add(&onnx.GlobalAveragePool{}, x), n.columns(6, 6, 1, 300, 1, 1)))
		return one(n.add(conv(1, 1, 0, 1), n.add(&onnx.Mul{}, x, gate), n.columns(2, 6, 1, 300, 1, 1)))
	}},
	{"transposed", onnx.Shape{onnx.Batch, 4, 3, 3}, 500, func(n *net, x *onnx.Value) []*onnx.Value {
		w := n.constant(0, 4, 6, 2, 2)
		for i := range w.Const.Floats {
			w.Const.Floats[i] /= float32(spread(i/24, 4, 1, 500))
		}
		op := &onnx.ConvTranspose{Kernel: []int{2, 2}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: make([]int, 4), OutputPadding: []int{0, 0}, Groups: 1}
		return one(n.add(&onnx.Relu{}, n.add(op, x, w)))
	}},
}

func one(v *onnx.Value) []*onnx.Value { return []*onnx.Value{v} }

// spread runs geometrically from lo to hi over count steps.
func spread(i, count int, lo, hi float64) float64 {
	return lo * math.Pow(hi/lo, float64(i)/float64(max(count-1, 1)))
}

// columns are weights whose columns, groups of kernel, are divided by what runs from 1, or from the first of
// span, to the last one.
func (n *net) columns(rows, columns, kernel int, span float64, shape ...int) *onnx.Value {
	w := n.constant(0, append([]int{rows, columns}, shape...)...)
	if kernel > 1 {
		w = n.constant(0, rows, columns, 3, kernel/3)
	}
	for i := range w.Const.Floats {
		w.Const.Floats[i] /= float32(spread(i/kernel%columns, columns, 1, span))
	}
	if shape == nil && kernel == 1 {
		w.Shape, w.Const.Shape = onnx.Shape{rows, columns, 1, 1}, onnx.Shape{rows, columns, 1, 1}
	}
	return w
}

// rows are weights whose rows are multiplied by what runs from lo to hi: depthwise ones of 3x3, or of 3 channels.
func (n *net) rows(rows, size int, lo, hi float64) *onnx.Value {
	w := n.constant(0, rows, size/9, 3, 3)
	for i := range w.Const.Floats {
		w.Const.Floats[i] *= float32(spread(i/size, rows, lo, hi))
	}
	return w
}

// mixed are weights of which the first a columns are times f, the next b times g.
func (n *net) mixed(rows, a int, f float64, b int, g float64, shape ...int) *onnx.Value {
	dims := append([]int{rows, a + b}, shape...)
	if rows == 1 {
		dims = dims[1:]
	}
	w := n.constant(0, dims...)
	for i := range w.Const.Floats {
		if i%(a+b) < a {
			w.Const.Floats[i] *= float32(f)
		} else {
			w.Const.Floats[i] *= float32(g)
		}
	}
	return w
}

// dense is a fully connected layer for features that reach from 1 to span.
func (n *net) dense(x *onnx.Value, outputs int, span float64) *onnx.Value {
	inputs := x.Shape[1]
	w := n.constant(0, outputs, inputs)
	for i := range w.Const.Floats {
		w.Const.Floats[i] /= float32(spread(i%inputs, inputs, 1, span))
	}
	return n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, x, w, n.constant(0, outputs))
}

// ramp runs from 1 to hi.
func (n *net) ramp(count int, hi, _ float64) *onnx.Value {
	v := n.constant(0, count)
	for i := range v.Const.Floats {
		v.Const.Floats[i] = float32(spread(i, count, 1, hi))
	}
	return v
}

func (n *net) zeros(count int) *onnx.Value {
	v := n.constant(0, count)
	clear(v.Const.Floats)
	return v
}

func (n *net) ones(count int) *onnx.Value { return n.ramp(count, 1, 0) }

// parts joins 4 channels that reach to a thousand and 4 that reach to one.
func (n *net) parts(x *onnx.Value) *onnx.Value {
	a := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.rows(4, 27, 400, 400)))
	b := n.add(&onnx.Sigmoid{}, n.add(conv(3, 1, 1, 1), x, n.rows(4, 27, 1, 1)))
	return n.add(&onnx.Concat{Axis: 1}, a, b)
}

// graphOf builds a network with constants of different names.
func graphOf(t *testing.T, input onnx.Shape, build func(n *net, x *onnx.Value) []*onnx.Value) *onnx.Graph {
	x := &onnx.Value{Name: "x", Shape: input}
	n := &net{t: t, graph: &onnx.Graph{Name: "uneven", Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(11, 5))}
	n.graph.Outputs = build(n, x)
	seen := map[*onnx.Value]bool{}
	for _, node := range n.graph.Nodes {
		for i, v := range node.Inputs {
			if v.Const != nil && !seen[v] {
				seen[v] = true
				v.Name = node.Name + ".constant" + string(rune('0'+i))
			}
		}
	}
	return n.graph
}

// drawn are normal samples times a factor that runs from 1 to span over the channels.
func drawn(input onnx.Shape, span float64, count int) samples {
	rng := rand.New(rand.NewPCG(5, 6))
	s := samples{shape: input}
	per := input.Elems() / input[1]
	for range count {
		v := make([]float32, input.Elems())
		for i := range v {
			v[i] = float32(rng.NormFloat64() * spread(i/per, input[1], 1, span))
		}
		s.data = append(s.data, v)
	}
	return s
}

// TestBalance wants networks with channels of very different range to be balanced, to compute what they
// did before, and to lose no more than 5 % of any output, or part of one, as integers of 256 levels and
// weights.
func TestBalance(t *testing.T) {
	for _, c := range uneven {
		t.Run(c.name, func(t *testing.T) {
			g := graphOf(t, c.input, c.build)
			if _, err := onnx.Simplify(g); err != nil {
				t.Fatal(err)
			}
			float := g.Clone()
			data := drawn(c.input, c.span, 64)
			m, err := quant.NewModel(g)
			if err != nil {
				t.Fatal(err)
			}
			cfg := finetune.DefaultCalibrateConfig()
			cfg.Levels = 256
			found, err := finetune.Calibrate(context.Background(), m, data, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Balanced) == 0 {
				t.Fatal("nothing is balanced")
			}
			want := outputsOf(t, float, nil, data)
			for o, got := range outputsOf(t, m.Graph, nil, data) {
				largest := 0.0
				for _, v := range want[o] {
					largest = math.Max(largest, math.Abs(float64(v)))
				}
				for i, v := range got {
					if math.Abs(float64(v)-float64(want[o][i])) > 1e-6*largest {
						t.Fatalf("output %d: element %d is %g after balancing, was %g", o, i, v, want[o][i])
					}
				}
			}
			if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
				t.Fatal(err)
			}
			p, err := quant.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			for o, got := range programOutputs(t, p, data) {
				for _, part := range partsOf(float.Outputs[o], want[o], got) {
					if loss := nrmse(part[1], part[0]); !(loss < 0.05) {
						t.Errorf("output %d: the error is %.2g of the spread", o, loss)
					}
				}
			}
			again := reread(t, m)
			q, err := quant.Compile(again)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := runtime.Encode(p)
			b, err := runtime.Encode(q)
			if err != nil || !bytes.Equal(a, b) {
				t.Errorf("the program of the stored model differs (%v)", err)
			}
		})
	}
}

// TestBalanceLeaves wants networks whose channels are alike to stay as they are.
func TestBalanceLeaves(t *testing.T) {
	for _, c := range lowerings {
		if c.name == "reductions" {
			continue // joins sums and means, and sums reach farther
		}
		g := graphOf(t, c.input, func(n *net, x *onnx.Value) []*onnx.Value { return one(c.build(n, x)) })
		m, err := quant.NewModel(g)
		if err != nil {
			t.Fatal(err)
		}
		found, err := finetune.Calibrate(context.Background(), m, drawn(c.input, 1, 16), finetune.DefaultCalibrateConfig())
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Balanced) > 0 || len(m.Balance) > 0 {
			t.Errorf("%s: %q are balanced", c.name, found.Balanced)
		}
	}
}

// outputsOf runs a float network on all samples.
func outputsOf(t *testing.T, g *onnx.Graph, levels map[string]quant.Levels, data samples) [][]float32 {
	exec, err := finetune.NewExecutor(g, data.Len(), finetune.ExecOptions{Levels: levels})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Run(slices.Concat(data.data...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// programOutputs runs a program on all samples, as real numbers.
func programOutputs(t *testing.T, p *runtime.Program, data samples) [][]float32 {
	all := make([][]float32, len(p.Outputs))
	in := &p.Tensors[p.Inputs[0].Tensor]
	per := in.Elems() / in.Shape[0]
	levels := quant.Levels{Count: in.Levels, Step: in.Scale.Float(), Zero: in.Zero, Stride: 1}
	indices := make([]byte, in.Elems())
	for _, x := range data.data {
		for i, v := range x {
			shift := 0
			if p.Inputs[0].Shifts != nil {
				shift = int(p.Inputs[0].Shifts[i/per])
			}
			indices[i] = byte(levels.Index(math.Ldexp(float64(v), -shift)))
		}
		outs, err := quant.Simulate(p, indices)
		if err != nil {
			t.Fatal(err)
		}
		for o, ints := range outs {
			tensor := p.Tensors[p.Outputs[o].Tensor]
			for _, v := range ints {
				all[o] = append(all[o], float32(tensor.Scale.Float()*float64(v-int32(tensor.Zero))))
			}
		}
	}
	return all
}

// partsOf divides an output of 8 channels, boxes and scores, into its halves.
func partsOf(v *onnx.Value, want, got []float32) [][2][]float32 {
	if v.Shape[1] != 8 {
		return [][2][]float32{{want, got}}
	}
	half := v.Shape.Elems() / 2
	var parts [2][2][]float32
	for i := range want {
		k := i / half % 2
		parts[k][0], parts[k][1] = append(parts[k][0], want[i]), append(parts[k][1], got[i])
	}
	return parts[:]
}

// nrmse is the root mean squared error relative to the spread of the wanted values.
func nrmse(got, want []float32) float64 {
	sum, squares, errors := 0.0, 0.0, 0.0
	for i, v := range want {
		sum += float64(v)
		squares += float64(v) * float64(v)
		errors += (float64(got[i]) - float64(v)) * (float64(got[i]) - float64(v))
	}
	n := float64(len(want))
	return math.Sqrt(errors / (squares - sum*sum/n))
}

// reread stores a model and reads it again.
func reread(t *testing.T, m *quant.Model) *quant.Model {
	file, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := quant.FromGraph(g)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// TestReadBalance wants gains that do not fit a model to be refused.
func TestReadBalance(t *testing.T) {
	for _, gains := range [][]int{{1, 2}, {1, 2, 21}, {0, -21, 0}, make([]int, 4)} {
		g := graphOf(t, onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) []*onnx.Value {
			return one(n.add(&onnx.Relu{}, n.add(conv(1, 1, 0, 1), x, n.constant(0, 3, 3, 1, 1))))
		})
		m, err := quant.NewModel(g)
		if err != nil {
			t.Fatal(err)
		}
		m.Balance = map[string][]int{g.Outputs[0].Name: gains}
		file, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := onnx.Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := quant.FromGraph(read); err == nil {
			t.Errorf("gains %v of 3 channels are accepted", gains)
		}
	}
}
