package finetune

import (
	"fmt"
	"math"
	"testing"

	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// draws are small numbers drawn from fuzzed bytes; 0 when these are used up.
type draws struct{ data []byte }

func (d *draws) below(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	v := int(d.data[0])
	d.data = d.data[1:]
	return v % n
}

// list is n numbers below m.
func (d *draws) list(n, m int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = d.below(m)
	}
	return v
}

// ones is n numbers from 1 to m.
func (d *draws) ones(n, m int) []int {
	v := d.list(n, m)
	for i := range v {
		v[i]++
	}
	return v
}

func (d *draws) constant(name string, shape ...int) *onnx.Value {
	t := &onnx.Tensor{Type: onnx.Float, Shape: shape}
	for range t.Shape.Elems() {
		t.Floats = append(t.Floats, float32(d.below(256)-128)/32)
	}
	return &onnx.Value{Name: name, Shape: t.Shape, Const: t}
}

// plainOps are operators without fields or with fields that are numbers of any size, by number of operands.
var plainOps = [][]func(d *draws) onnx.Op{
	1: {
		op[onnx.Relu], op[onnx.Tanh], op[onnx.Sigmoid], op[onnx.HardSwish], op[onnx.Softplus], op[onnx.Softsign], op[onnx.Mish], op[onnx.Swish],
		op[onnx.Erf], op[onnx.Exp], op[onnx.Log], op[onnx.Sqrt], op[onnx.Abs], op[onnx.Neg], op[onnx.Reciprocal], op[onnx.Floor], op[onnx.Ceil],
		op[onnx.Round], op[onnx.Sign], op[onnx.Identity], op[onnx.Dropout], op[onnx.GlobalAveragePool], op[onnx.GlobalMaxPool],
		func(d *draws) onnx.Op { return &onnx.Gelu{Tanh: d.below(2) == 1} },
		func(d *draws) onnx.Op { return &onnx.LeakyRelu{Alpha: float64(d.below(9)-4) / 4} },
		func(d *draws) onnx.Op { return &onnx.ThresholdedRelu{Alpha: float64(d.below(9)-4) / 4} },
		func(d *draws) onnx.Op { return &onnx.Elu{Alpha: float64(d.below(9)-4) / 4} },
		func(d *draws) onnx.Op { return &onnx.Celu{Alpha: float64(1+d.below(9)) / 4} },
		func(d *draws) onnx.Op {
			return &onnx.Selu{Alpha: float64(d.below(9)) / 4, Gamma: float64(d.below(9)) / 4}
		},
		func(d *draws) onnx.Op {
			return &onnx.HardSigmoid{Alpha: float64(d.below(9)-4) / 4, Beta: float64(d.below(9)) / 4}
		},
		func(d *draws) onnx.Op { return &onnx.Clip{Min: float64(d.below(9) - 8), Max: float64(d.below(9) - 2)} },
		func(d *draws) onnx.Op {
			lo := -d.below(128)
			return &onnx.Quantize{Scale: float64(1+d.below(9)) / 4, Zero: d.below(9) - 4, Lo: lo, Hi: lo + 255}
		},
		func(d *draws) onnx.Op { return &onnx.Softmax{Axis: d.below(4)} },
		func(d *draws) onnx.Op { return &onnx.LogSoftmax{Axis: d.below(4)} },
		func(d *draws) onnx.Op { return &onnx.ArgMax{Axis: d.below(4), KeepDims: d.below(2) == 1} },
		func(d *draws) onnx.Op { return &onnx.Flatten{Axis: d.below(4)} },
		func(d *draws) onnx.Op { return &onnx.Transpose{Perm: d.list(1+d.below(5), 5)} },
		func(d *draws) onnx.Op {
			return &onnx.Reshape{Dims: append([]int{d.below(2)}, d.list(d.below(4), 9)...)}
		},
		func(d *draws) onnx.Op { return &onnx.Squeeze{Axes: d.list(d.below(3), 4)} },
		func(d *draws) onnx.Op { return &onnx.Unsqueeze{Axes: d.list(1, 5)} },
		func(d *draws) onnx.Op { return &onnx.Tile{Repeats: d.ones(4, 2)} },
		func(d *draws) onnx.Op { return &onnx.DepthToSpace{Block: 1 + d.below(2)} },
		func(d *draws) onnx.Op { return &onnx.SpaceToDepth{Block: 1 + d.below(2)} },
		func(d *draws) onnx.Op {
			return &onnx.Pad{Mode: []onnx.PadMode{"constant", "reflect", "edge"}[d.below(3)], Pads: []int{0, d.below(2), d.below(3) - 1, d.below(3), 0, 0, d.below(3), d.below(3) - 1}, Value: float64(d.below(3) - 1)}
		},
		func(d *draws) onnx.Op {
			return &onnx.Slice{Axes: []int{1 + d.below(3)}, Starts: []int{d.below(6) - 3}, Ends: []int{d.below(9) - 3}, Steps: []int{d.below(5) - 2}}
		},
		func(d *draws) onnx.Op { return &onnx.Split{Axis: d.below(4), Sizes: d.ones(1, 4)} },
		func(d *draws) onnx.Op {
			kinds := []onnx.ReduceKind{onnx.ReduceMean, onnx.ReduceMax, onnx.ReduceMin}
			return &onnx.Reduce{Kind: kinds[d.below(3)], Axes: [][]int{{1}, {2}, {3}, {2, 3}, {1, 2, 3}}[d.below(5)], KeepDims: d.below(2) == 1}
		},
		func(d *draws) onnx.Op {
			return &onnx.MaxPool{Kernel: d.ones(2, 3), Strides: d.ones(2, 3), Dilations: d.ones(2, 2), Pads: d.list(4, 3), Ceil: d.below(2) == 1}
		},
		func(d *draws) onnx.Op {
			return &onnx.AveragePool{Kernel: d.ones(2, 3), Strides: d.ones(2, 3), Dilations: []int{1, 1}, Pads: d.list(4, 3), Ceil: d.below(2) == 1, CountIncludePad: d.below(2) == 1}
		},
		func(d *draws) onnx.Op { return &onnx.LpNormalization{Axis: d.below(4), P: 1 + d.below(2)} },
	},
	2: {op[onnx.Add], op[onnx.Sub], op[onnx.Mul], op[onnx.Div], op[onnx.Max], op[onnx.Min], op[onnx.Sum], op[onnx.Mean], op[onnx.Pow], op[onnx.PRelu], op[onnx.MatMul],
		func(d *draws) onnx.Op { return &onnx.Concat{Axis: d.below(4)} },
		func(d *draws) onnx.Op {
			return &onnx.Gemm{Alpha: 1, Beta: 1, TransA: d.below(2) == 1, TransB: d.below(2) == 1}
		},
	},
}

func op[T any, P interface {
	*T
	onnx.Op
}](*draws) onnx.Op {
	return P(new(T))
}

// graph draws a network; nil if the bytes stand for none.
func (d *draws) graph() *onnx.Graph {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 1 + d.below(4), 1 + d.below(5), 1 + d.below(5)}}
	if d.below(4) == 3 {
		x.Shape = x.Shape[:2]
	}
	g := &onnx.Graph{Inputs: []*onnx.Value{x}}
	values := []*onnx.Value{x}
	for i := range 1 + d.below(8) {
		pick := func() *onnx.Value { return values[len(values)-1-d.below(len(values))] }
		in := values[len(values)-1-d.below(min(len(values), 2))]
		n := &onnx.Node{Name: fmt.Sprint("n", i), Inputs: []*onnx.Value{in}}
		channels := 1
		if len(in.Shape) > 1 {
			channels = in.Shape[1]
		}
		outs := 1 + d.below(4)
		constant := func(shape ...int) {
			n.Inputs = append(n.Inputs, d.constant(fmt.Sprintf("c%d_%d", i, len(n.Inputs)), shape...))
		}
		switch d.below(8) {
		case 0, 1:
			n.Op = plainOps[1][d.below(len(plainOps[1]))](d)
		case 2:
			n.Op = plainOps[2][d.below(len(plainOps[2]))](d)
			n.Inputs = append(n.Inputs, pick())
		case 3:
			n.Op = plainOps[2][d.below(len(plainOps[2]))](d)
			constant([][]int{{1}, {channels, 1, 1}, {1, channels, 1, 1}, {channels}, in.Shape[1:]}[d.below(5)]...)
			if d.below(2) == 1 {
				n.Inputs[0], n.Inputs[1] = n.Inputs[1], n.Inputs[0]
			}
		case 4:
			op := &onnx.Conv{Kernel: d.ones(2, 3), Strides: d.ones(2, 3), Dilations: d.ones(2, 2), Pads: d.list(4, 3), Groups: 1}
			if d.below(3) == 2 {
				op.Groups, outs = channels, channels
			}
			constant(outs, channels/op.Groups, op.Kernel[0], op.Kernel[1])
			constant(outs)
			n.Op = op
		case 5:
			op := &onnx.ConvTranspose{Kernel: d.ones(2, 3), Strides: d.ones(2, 3), Dilations: d.ones(2, 2), Pads: d.list(4, 2), OutputPadding: []int{0, 0}, Groups: 1}
			constant(channels, outs, op.Kernel[0], op.Kernel[1])
			n.Op = op
		case 6:
			constant(outs, max(in.Shape.Elems(), 1))
			n.Op = &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
		case 7:
			n.Op = &onnx.BatchNormalization{Epsilon: 1}
			for range 4 {
				constant(channels)
			}
		}
		if _, split := n.Op.(*onnx.Split); split {
			n.Outputs = append(n.Outputs, &onnx.Value{Name: fmt.Sprintf("w%d", i)})
			n.Op.(*onnx.Split).Sizes = append(n.Op.(*onnx.Split).Sizes, 1+d.below(3))
		}
		n.Outputs = append(n.Outputs, &onnx.Value{Name: fmt.Sprint("v", i)})
		probe := &onnx.Graph{Nodes: []*onnx.Node{n}}
		if probe.InferShapes() != nil || n.Outputs[0].Shape.Elems() > 1<<11 {
			continue // the bytes say nothing sensible here
		}
		g.Nodes = append(g.Nodes, n)
		values = append(values, n.Outputs...)
	}
	if len(g.Nodes) == 0 {
		return nil
	}
	g.Outputs = values[len(values)-1:]
	if d.below(4) == 3 && len(values) > 2 {
		g.Outputs = values[len(values)-2:]
	}
	return g
}

// answers runs a network on a ramp; nil if it has integer inputs or outputs, or is refused.
func answers(t *testing.T, g *onnx.Graph) [][]float32 {
	t.Helper()
	exec, err := NewExecutor(g, 1, ExecOptions{})
	if err != nil {
		return nil
	}
	var inputs [][]float32
	for _, v := range g.Inputs {
		x := make([]float32, v.Shape.Elems())
		for i := range x {
			x[i] = float32(i%7)/4 - 0.6
		}
		inputs = append(inputs, x)
	}
	outputs, err := exec.Run(inputs...)
	if err != nil {
		t.Fatalf("cannot run: %v", err)
	}
	for i, out := range outputs {
		outputs[i] = append([]float32(nil), out...)
	}
	return outputs
}

// FuzzImport takes networks of all families all the way: written, read, simplified, which must not change
// what they compute, run, made integer, compiled and run on the machine.
func FuzzImport(f *testing.F) {
	for kind := range byte(8) {
		for k := range byte(len(plainOps[1])) {
			f.Add([]byte{2, 3, 3, 0, 2, 0, 1, kind, k, 1, 0, 1, 1, 90, 200, 140, 30, 0, 0, 7, 180, 190, 200, 210, 220, 130, 140, 150})
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &draws{data}
		g := d.graph()
		if g == nil {
			return
		}
		file, err := onnx.Encode(g)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if g, err = onnx.DecodeWith(file, onnx.ReadOptions{MaxMemory: 4 << 20}); err != nil {
			return
		}
		before := answers(t, g)
		if _, err := onnx.Simplify(g); err != nil {
			return
		}
		if after := answers(t, g); before != nil && after != nil {
			for i := range before {
				for k, want := range before[i] {
					got := after[i][k]
					if math.Abs(float64(want)) < 1e4 && math.Abs(float64(got-want)) > 1e-2*(1+math.Abs(float64(want))) {
						checkStable(t, g, i, k, got, want)
					}
				}
			}
		}
		m, err := quant.FromGraph(g)
		if err != nil {
			return
		}
		for _, s := range m.Sites {
			count := 2 + d.below(40)
			m.Levels[s.Value.Name] = quant.Levels{Count: count, Step: 1 / float64(1+d.below(64)), Zero: d.below(count), Stride: 1}
		}
		config := quant.DefaultClusterConfig()
		config.Weights = 2 + d.below(30)
		if err := quant.Cluster(m, config); err != nil {
			return
		}
		p, err := quant.Compile(m)
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

// checkStable reports a difference, unless the network jumps or divides by nearly nothing, where rounding may
// do anything.
func checkStable(t *testing.T, g *onnx.Graph, i, k int, got, want float32) {
	t.Helper()
	for _, n := range g.Nodes {
		switch n.Op.(type) {
		case *onnx.Floor, *onnx.Ceil, *onnx.Round, *onnx.Sign, *onnx.Quantize, *onnx.ThresholdedRelu, *onnx.ArgMax, *onnx.Div, *onnx.Reciprocal,
			*onnx.Pow, *onnx.Log, *onnx.Exp, *onnx.Sqrt, *onnx.LpNormalization:
			return
		}
	}
	t.Errorf("output %d, element %d: %g after simplification, %g before", i, k, got, want)
}
