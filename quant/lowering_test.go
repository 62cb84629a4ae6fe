package quant_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// net builds a graph for a case, node by node.
type net struct {
	t     *testing.T
	graph *onnx.Graph
	rng   *rand.Rand
}

func (n *net) add(op onnx.Op, in ...*onnx.Value) *onnx.Value { return n.addAll(op, 1, in...)[0] }

func (n *net) addAll(op onnx.Op, outputs int, in ...*onnx.Value) []*onnx.Value {
	n.t.Helper()
	shapes := make([]onnx.Shape, len(in))
	for i, v := range in {
		shapes[i] = v.Shape
	}
	out, err := op.InferShape(shapes)
	if err != nil {
		n.t.Fatalf("%s: %v", op.Type(), err)
	}
	node := &onnx.Node{Name: string(rune('a' + len(n.graph.Nodes))), Op: op, Inputs: in}
	for i := range outputs {
		node.Outputs = append(node.Outputs, &onnx.Value{Name: node.Name + string(rune('0'+i)), Shape: out[i]})
	}
	n.graph.Nodes = append(n.graph.Nodes, node)
	return node.Outputs
}

// constant makes random values around mean.
func (n *net) constant(mean float64, shape ...int) *onnx.Value {
	t := &onnx.Tensor{Shape: shape, Floats: make([]float32, onnx.Shape(shape).Elems())}
	for i := range t.Floats {
		t.Floats[i] = float32(mean + n.rng.NormFloat64()/3)
	}
	return &onnx.Value{Name: "c" + string(rune('0'+len(n.graph.Nodes))) + onnx.Shape(shape).String(), Shape: shape, Const: t}
}

func window(kernel, stride, pad int) (k, s, d, p []int) {
	return []int{kernel, kernel}, []int{stride, stride}, []int{1, 1}, []int{pad, pad, pad, pad}
}

func conv(kernel, stride, pad, groups int) *onnx.Conv {
	k, s, d, p := window(kernel, stride, pad)
	return &onnx.Conv{Kernel: k, Strides: s, Dilations: d, Pads: p, Groups: groups}
}

// lowerings has a small network for every way an operator becomes integers.
var lowerings = []struct {
	name  string
	input onnx.Shape
	build func(n *net, x *onnx.Value) *onnx.Value
}{
	{"conv", onnx.Shape{onnx.Batch, 4, 6, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Relu{}, n.add(conv(3, 2, 1, 2), x, n.constant(0, 6, 2, 3, 3), n.constant(0, 6)))
	}},
	{"product of two computed matrices", onnx.Shape{onnx.Batch, 3, 5, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(conv(1, 1, 0, 1), x, n.constant(0, 3, 3, 1, 1))
		p := n.add(&onnx.MatMul{}, x, n.add(&onnx.Transpose{Perm: []int{0, 1, 3, 2}}, y))
		return n.add(&onnx.Relu{}, n.add(&onnx.Mul{}, p, n.constant(1, 1)))
	}},
	{"product that is an output", onnx.Shape{onnx.Batch, 6, 6}, func(n *net, x *onnx.Value) *onnx.Value { return n.add(&onnx.MatMul{}, x, x) }},
	{"product with one matrix for several", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		one := n.add(&onnx.Reduce{Kind: onnx.ReduceMax, Axes: []int{1}, KeepDims: true}, x)
		return n.add(&onnx.Tanh{}, n.add(&onnx.MatMul{}, n.add(&onnx.MatMul{}, x, one), n.add(&onnx.MatMul{}, one, x)))
	}},
	{"product and a function by rows", onnx.Shape{onnx.Batch, 5, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Sigmoid{}, n.add(&onnx.Mul{}, n.add(&onnx.MatMul{}, x, x), n.constant(1, 5, 1)))
	}},
	{"conv 1-D", onnx.Shape{onnx.Batch, 3, 9}, func(n *net, x *onnx.Value) *onnx.Value {
		op := &onnx.Conv{Kernel: []int{3}, Strides: []int{2}, Dilations: []int{2}, Pads: []int{1, 2}, Groups: 1}
		return n.add(&onnx.Tanh{}, n.add(op, x, n.constant(0, 4, 3, 3)))
	}},
	{"residual", onnx.Shape{onnx.Batch, 3, 5, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		a := n.add(&onnx.Relu{}, n.add(conv(1, 1, 0, 1), x, n.constant(0, 4, 3, 1, 1)))
		b := n.add(conv(3, 1, 1, 1), a, n.constant(0, 4, 4, 3, 3))
		shortcut := n.add(conv(1, 1, 0, 1), x, n.constant(0, 4, 3, 1, 1))
		return n.add(&onnx.Relu{}, n.add(&onnx.Add{}, n.add(&onnx.Add{}, b, a), shortcut))
	}},
	{"linear layers over constants", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		grid := func(v *onnx.Value) *onnx.Value { // values that are levels
			for i := range v.Const.Floats {
				v.Const.Floats[i] = float32(i*37%256) / 255
			}
			return v
		}
		a := n.add(conv(3, 1, 1, 1), grid(n.constant(0, 1, 3, 4, 4)), n.constant(0, 3, 3, 3, 3))
		y := n.add(&onnx.Relu{}, n.add(&onnx.Add{}, n.add(conv(1, 1, 0, 1), x, n.constant(0, 3, 3, 1, 1)), a))
		b := n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, grid(n.constant(0, 1, 10)), n.constant(0, 6, 10), n.constant(0, 6))
		flat := n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, n.add(&onnx.Flatten{Axis: 1}, y), n.constant(0, 6, 48))
		return n.add(&onnx.Relu{}, n.add(&onnx.Add{}, flat, b))
	}},
	{"sub, sum, mean", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		a := n.add(conv(1, 1, 0, 1), x, n.constant(0, 3, 3, 1, 1))
		b := n.add(&onnx.Sub{}, x, a)
		return n.add(&onnx.Mean{}, n.add(&onnx.Sum{}, x, b, b), x)
	}},
	{"constants", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.Mul{}, n.add(&onnx.Add{}, x, n.constant(0, 3, 1, 1)), n.constant(1, 1, 3, 1, 1))
		return n.add(&onnx.Div{}, n.add(&onnx.Sub{}, n.constant(2, 1), y), n.constant(3, 1))
	}},
	{"batch norm", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.BatchNormalization{Epsilon: 1e-5}, x, n.constant(1, 3), n.constant(0, 3), n.constant(0, 3), n.constant(3, 3))
		return n.add(&onnx.Relu{}, y)
	}},
	{"products", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		gate := n.add(&onnx.Sigmoid{}, n.add(&onnx.GlobalAveragePool{}, x))
		y := n.add(&onnx.Mul{}, gate, x)
		return n.add(&onnx.Max{}, y, n.add(&onnx.Min{}, x, n.add(&onnx.Neg{}, x)))
	}},
	{"swish", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(conv(1, 1, 0, 1), x, n.constant(0, 4, 3, 1, 1))
		return n.add(&onnx.Mul{}, y, n.add(&onnx.Sigmoid{}, y))
	}},
	{"prelu and powers", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		two := &onnx.Value{Name: "two", Shape: onnx.Shape{}, Const: &onnx.Tensor{Shape: onnx.Shape{}, Floats: []float32{2}}}
		return n.add(&onnx.Pow{}, n.add(&onnx.PRelu{}, x, n.constant(0.3, 3, 1, 1)), two)
	}},
	{"average, borders differ", onnx.Shape{onnx.Batch, 2, 7, 6}, func(n *net, x *onnx.Value) *onnx.Value {
		k, s, d, p := window(3, 2, 1)
		return n.add(&onnx.AveragePool{Kernel: k, Strides: s, Dilations: d, Pads: p}, x)
	}},
	{"average, ceil", onnx.Shape{onnx.Batch, 2, 7, 6}, func(n *net, x *onnx.Value) *onnx.Value {
		k, s, d, p := window(2, 2, 0)
		return n.add(&onnx.AveragePool{Kernel: k, Strides: s, Dilations: d, Pads: p, Ceil: true, CountIncludePad: true}, x)
	}},
	{"max pools", onnx.Shape{onnx.Batch, 2, 7, 6}, func(n *net, x *onnx.Value) *onnx.Value {
		k, s, d, p := window(3, 2, 1)
		return n.add(&onnx.GlobalMaxPool{}, n.add(&onnx.MaxPool{Kernel: k, Strides: s, Dilations: d, Pads: p, Ceil: true}, x))
	}},
	{"reductions", onnx.Shape{onnx.Batch, 4, 3, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		a := n.add(&onnx.Reduce{Kind: "ReduceMean", Axes: []int{2, 3}}, x)
		b := n.add(&onnx.Reduce{Kind: "ReduceMax", Axes: []int{2, 3}}, x)
		c := n.add(&onnx.Reduce{Kind: "ReduceSum", Axes: []int{1, 3}}, x)
		return n.add(&onnx.Concat{Axis: 1}, a, b, c)
	}},
	{"concat of ranges", onnx.Shape{onnx.Batch, 2, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		a := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.constant(0.5, 3, 2, 3, 3)))
		return n.add(&onnx.Relu{}, n.add(conv(1, 1, 0, 1), n.add(&onnx.Concat{Axis: 1}, x, a), n.constant(0, 3, 5, 1, 1)))
	}},
	{"channel shuffle", onnx.Shape{onnx.Batch, 6, 3, 3}, func(n *net, x *onnx.Value) *onnx.Value {
		parts := n.addAll(&onnx.Split{Axis: 1, Sizes: []int{2, 4}}, 2, x)
		y := n.add(&onnx.Concat{Axis: 1}, n.add(&onnx.Relu{}, parts[1]), parts[0])
		y = n.add(&onnx.Reshape{Dims: []int{0, 2, 3, 3, 3}}, y)
		y = n.add(&onnx.Transpose{Perm: []int{0, 2, 1, 3, 4}}, y)
		return n.add(&onnx.Reshape{Dims: []int{0, 6, 3, 3}}, y)
	}},
	{"movements", onnx.Shape{onnx.Batch, 4, 4, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.Slice{Starts: []int{3, 4}, Ends: []int{-1, 0}, Axes: []int{2, 3}, Steps: []int{-1, -2}}, x)
		y = n.add(&onnx.Pad{Pads: []int{0, 0, 1, 1, 0, 0, 2, 1}, Mode: "reflect"}, y)
		y = n.add(&onnx.Pad{Pads: []int{0, 0, 1, 0, 0, 0, 0, 2}, Mode: "edge"}, y)
		y = n.add(&onnx.Gather{Axis: 1, Indices: &onnx.Tensor{Type: onnx.Int, Shape: onnx.Shape{3}, Ints: []int64{2, 0, 2}}}, y)
		return n.add(&onnx.Tile{Repeats: []int{1, 1, 2, 1}}, y)
	}},
	{"space and depth", onnx.Shape{onnx.Batch, 8, 4, 2}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.DepthToSpace{Block: 2}, x)
		y = n.add(&onnx.SpaceToDepth{Block: 4}, y)
		return n.add(&onnx.DepthToSpace{Block: 2, CRD: true}, y)
	}},
	{"expand", onnx.Shape{onnx.Batch, 3, 1, 1}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Expand{Dims: []int{1, 3, 4, 2}}, x)
	}},
	{"nearest", onnx.Shape{onnx.Batch, 2, 3, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Resize{
			Mode: "nearest", CoordMode: "half_pixel", NearestMode: "round_prefer_floor",
			Scales: []float64{1, 1, 2, 1.5}, Sizes: []int{onnx.Batch, 2, 6, 6},
		}, x)
	}},
	{"linear", onnx.Shape{onnx.Batch, 2, 3, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Resize{
			Mode: "linear", CoordMode: "half_pixel", Scales: []float64{1, 1, 2, 3}, Sizes: []int{onnx.Batch, 2, 6, 12},
		}, x)
	}},
	{"linear, asymmetric", onnx.Shape{onnx.Batch, 2, 3, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Resize{
			Mode: "linear", CoordMode: "asymmetric", Scales: []float64{1, 1, 3, 2}, Sizes: []int{onnx.Batch, 2, 9, 8},
		}, x)
	}},
	{"transposed conv", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		op := &onnx.ConvTranspose{
			Kernel: []int{3, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1}, OutputPadding: []int{1, 1}, Groups: 1,
		}
		return n.add(&onnx.Sigmoid{}, n.add(op, x, n.constant(0, 3, 2, 3, 3), n.constant(0, 2)))
	}},
	{"fixed ranges", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.constant(0, 4, 3, 3, 3)))
		return n.add(&onnx.Quantize{Scale: 0.05, Zero: 3, Lo: 0, Hi: 90}, y)
	}},
	{"not monotone", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.Gelu{}, n.add(conv(1, 1, 0, 1), x, n.constant(0, 4, 3, 1, 1)))
	}},
	{"class by pixel", onnx.Shape{onnx.Batch, 3, 4, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(conv(3, 1, 1, 1), x, n.constant(0, 6, 3, 3, 3), n.constant(0, 6))
		return n.add(&onnx.Cast{To: onnx.Float}, n.add(&onnx.ArgMax{Axis: 1}, y))
	}},
	{"lowest row, the last", onnx.Shape{onnx.Batch, 3, 4, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.ArgMax{Axis: 2, KeepDims: true, SelectLast: true, Least: true}, n.add(&onnx.Clip{Min: -0.5, Max: 0.5}, x))
		return n.add(&onnx.Squeeze{Axes: []int{2}}, y)
	}},
	{"highest column", onnx.Shape{onnx.Batch, 3, 4, 5}, func(n *net, x *onnx.Value) *onnx.Value {
		return n.add(&onnx.ArgMax{Axis: 3}, x)
	}},
	{"class of a flattened picture", onnx.Shape{onnx.Batch, 3, 2, 2}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.Reshape{Dims: []int{0, 24}}, n.add(conv(1, 1, 0, 1), x, n.constant(0, 6, 3, 1, 1)))
		return n.add(&onnx.ArgMax{Axis: 1, KeepDims: true}, y)
	}},
	{"classifier", onnx.Shape{onnx.Batch, 3, 4, 4}, func(n *net, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.Flatten{Axis: 1}, n.add(&onnx.Clip{Min: 0, Max: 1.5}, x))
		y = n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, y, n.constant(0, 5, 48), n.constant(0, 5))
		return n.add(&onnx.Add{}, y, n.constant(0, 5))
	}},
	{"rnn", onnx.Shape{onnx.Batch, 6, 3}, func(n *net, x *onnx.Value) *onnx.Value {
		all, last := n.recurrent(x, 4, 1, false, func(x *onnx.Value, states []*onnx.Value) []*onnx.Value {
			return []*onnx.Value{n.add(&onnx.Tanh{}, n.gates(4, x, states[0]))}
		})
		return n.add(&onnx.Concat{Axis: 1}, n.add(&onnx.Flatten{Axis: 1}, all), last)
	}},
	{"gru in reverse", onnx.Shape{onnx.Batch, 5, 3}, func(n *net, x *onnx.Value) *onnx.Value {
		one := &onnx.Value{Name: "one", Shape: onnx.Shape{}, Const: &onnx.Tensor{Shape: onnx.Shape{}, Floats: []float32{1}}}
		all, _ := n.recurrent(x, 4, 1, true, func(x *onnx.Value, states []*onnx.Value) []*onnx.Value {
			gates := n.addAll(&onnx.Split{Axis: 1, Sizes: []int{4, 4}}, 2, n.add(&onnx.Sigmoid{}, n.gates(8, x, states[0])))
			candidate := n.add(&onnx.Tanh{}, n.gates(4, x, n.add(&onnx.Mul{}, gates[1], states[0])))
			rest := n.add(&onnx.Mul{}, n.add(&onnx.Sub{}, one, gates[0]), candidate)
			return []*onnx.Value{n.add(&onnx.Add{}, rest, n.add(&onnx.Mul{}, gates[0], states[0]))}
		})
		return all
	}},
	{"lstm, then a second", onnx.Shape{onnx.Batch, 4, 3}, func(n *net, x *onnx.Value) *onnx.Value {
		lstm := func(x *onnx.Value, states []*onnx.Value) []*onnx.Value {
			gates := n.addAll(&onnx.Split{Axis: 1, Sizes: []int{5, 5, 5}}, 3, n.add(&onnx.Sigmoid{}, n.gates(15, x, states[0])))
			g := n.add(&onnx.Tanh{}, n.gates(5, x, states[0]))
			c := n.add(&onnx.Add{}, n.add(&onnx.Mul{}, gates[0], states[1]), n.add(&onnx.Mul{}, gates[1], g))
			return []*onnx.Value{n.add(&onnx.Mul{}, gates[2], n.add(&onnx.Tanh{}, c)), c}
		}
		all, _ := n.recurrent(x, 5, 2, false, lstm)
		_, last := n.recurrent(all, 5, 2, true, lstm)
		return last
	}},
}

// samples are random inputs.
type samples struct {
	shape onnx.Shape
	data  [][]float32
}

func (s samples) Len() int        { return len(s.data) }
func (s samples) Shapes() [][]int { return [][]int{s.shape[1:]} }
func (s samples) Label(int) int   { return -1 }
func (s samples) Input(i int, dst []float32) error {
	copy(dst, s.data[i])
	return nil
}

// recurrent adds a loop over the steps of x [N][T][C], of units that begin with zeros, and returns what step makes of them for all steps, [N][T][units], and
// behind the last.
func (n *net) recurrent(x *onnx.Value, units, states int, reverse bool, step func(x *onnx.Value, states []*onnx.Value) []*onnx.Value) (all, last *onnx.Value) {
	loop := &onnx.Loop{Name: fmt.Sprint("loop", len(n.graph.Nodes)), Steps: x.Shape[1]}
	zeros := &onnx.Value{Name: loop.Name + "zeros", Shape: onnx.Shape{1, units}, Const: &onnx.Tensor{Shape: onnx.Shape{1, units}, Floats: make([]float32, units)}}
	var ops []*onnx.LoopState
	var now []*onnx.Value
	for range states {
		op := &onnx.LoopState{Loop: loop, Batched: true}
		ops, now = append(ops, op), append(now, n.add(op, zeros))
	}
	next := step(n.add(&onnx.LoopTake{Loop: loop, Axis: 1, Reverse: reverse}, x), now)
	for i, op := range ops {
		if v := n.add(&onnx.LoopNext{Loop: loop, State: op}, next[i]); i == 0 {
			last = v
		}
	}
	return n.add(&onnx.LoopPut{Loop: loop, Axis: 1, Reverse: reverse}, next[0]), last
}

// gates is a dense layer of two operands.
func (n *net) gates(units int, x, h *onnx.Value) *onnx.Value {
	dense := &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
	return n.add(&onnx.Add{}, n.add(dense, x, n.constant(0, units, x.Shape[1]), n.constant(0, units)), n.add(dense, h, n.constant(0, units, h.Shape[1])))
}

// TestLowerings takes every network through the float engine with rounded values, the exact
// simulation, the runtime, and a file. The last three must agree exactly; the first may differ
// from them by a level where a value lies between two.
func TestLowerings(t *testing.T) {
	for _, c := range lowerings {
		t.Run(c.name, func(t *testing.T) {
			x := &onnx.Value{Name: "x", Shape: c.input}
			n := &net{t: t, graph: &onnx.Graph{Name: c.name, Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(7, 7))}
			n.graph.Outputs = []*onnx.Value{c.build(n, x)}
			m, err := quant.NewModel(n.graph)
			if err != nil {
				t.Fatal(err)
			}
			m.Levels["x"] = quant.Levels{Count: 24, Step: 0.125, Zero: 9, Stride: 1}
			data := samples{shape: c.input}
			var indices [][]byte
			for range 6 {
				raw, v := make([]byte, c.input.Elems()), make([]float32, c.input.Elems())
				for i := range raw {
					raw[i] = byte(n.rng.IntN(24))
					v[i] = float32(m.Levels["x"].Value(int(raw[i])))
				}
				indices, data.data = append(indices, raw), append(data.data, v)
			}
			cfg := finetune.DefaultCalibrateConfig()
			cfg.Method = finetune.RangeMax
			if _, err := finetune.Calibrate(context.Background(), m, data, cfg); err != nil {
				t.Fatal(err)
			}
			if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
				t.Fatal(err)
			}
			compareStages(t, m, data.data, indices)
		})
	}
}

// compareStages runs samples through all forms of a model.
func compareStages(t *testing.T, m *quant.Model, inputs [][]float32, indices [][]byte) {
	t.Helper()
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	file, err := runtime.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	read, err := runtime.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := runtime.Encode(read); err != nil || !bytes.Equal(again, file) {
		t.Errorf("a file that was read and written again differs (%v)", err)
	}
	exec, err := finetune.NewModelExecutor(m, 1)
	if err != nil {
		t.Fatal(err)
	}
	var runners []*runtime.Runner
	for _, r := range []struct {
		p *runtime.Program
		o runtime.Options
	}{{p, runtime.Options{}}, {p, runtime.Options{Kernel: "generic"}}, {read, runtime.Options{}}} {
		runner, err := runtime.NewRunner(r.p, r.o)
		if err != nil {
			t.Fatal(err)
		}
		runners = append(runners, runner)
	}
	tensor := p.Tensors[p.Outputs[0].Tensor]
	scale := tensor.Scale.Float()
	flips, total := 0, 0
	for s := range inputs {
		want, err := quant.Simulate(p, indices[s])
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range runners {
			got, err := r.RunLevels(indices[s])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got[0], want[0]) {
				t.Fatalf("sample %d: runner %d differs from the simulation", s, i)
			}
		}
		float, err := exec.Run(inputs[s])
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range want[0] {
			real := scale * float64(v-int32(tensor.Zero))
			if math.Abs(real-float64(float[0][i])) > 1e-3+1e-3*math.Abs(real) {
				flips++
				if tensor.Levels > 0 && math.Abs(real-float64(float[0][i])) > 2.01*scale {
					t.Fatalf("sample %d: element %d is %g, the float engine has %g", s, i, real, float[0][i])
				}
			}
			total++
		}
	}
	if flips > total/25 {
		t.Errorf("%d of %d values differ from the float engine's", flips, total)
	}
}
