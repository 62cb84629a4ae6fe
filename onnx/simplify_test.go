package onnx

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func conv(groups int, pads ...int) *Conv {
	return &Conv{Kernel: []int{3, 2}, Strides: []int{1, 2}, Dilations: []int{1, 1}, Pads: pads, Groups: groups}
}

// TestSimplify compares what graphs compute before and after, and what is left of them.
func TestSimplify(t *testing.T) {
	bn := &BatchNormalization{Epsilon: 1.0 / 1024}
	gemm := func() *Gemm { return &Gemm{Alpha: 1, Beta: 1} }
	for _, c := range []struct {
		name  string
		in    []Shape
		build func(b *builder, x []*Value) []*Value // returns the outputs
		want  string                                // types of the nodes left
		lines []string                              // the report holds these
	}{
		{"BatchNormalization into Conv", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", conv(2, 1, 0, 1, 1), x[0], b.tensor(6, 2, 3, 2))
			return []*Value{b.add("bn", bn, y, b.tensor(6), b.tensor(6), b.tensor(6), b.positive(6))}
		}, "Conv", []string{`folded BatchNormalization "bn" into Conv "c"`}},
		{"BatchNormalization into Conv with bias", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", conv(1, 0, 0, 0, 0), x[0], b.tensor(5, 4, 3, 2), b.tensor(5))
			return []*Value{b.add("relu", &Relu{}, b.add("bn", bn, y, b.tensor(5), b.tensor(5), b.tensor(5), b.positive(5)))}
		}, "Conv Relu", nil},
		{"BatchNormalization into grouped ConvTranspose", []Shape{image}, func(b *builder, x []*Value) []*Value {
			op := &ConvTranspose{Kernel: []int{3, 2}, Strides: []int{2, 1}, Dilations: []int{1, 2}, Pads: []int{1, 0, 0, 1}, OutputPadding: []int{1, 0}, Groups: 2}
			y := b.add("c", op, x[0], b.tensor(4, 3, 3, 2), b.tensor(6))
			return []*Value{b.add("bn", bn, y, b.tensor(6), b.tensor(6), b.tensor(6), b.positive(6))}
		}, "ConvTranspose", nil},
		{"BatchNormalization into MatMul and Add", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("a", &Add{}, b.tensor(1, 3), b.add("m", &MatMul{}, x[0], b.tensor(6, 3)))
			return []*Value{b.add("bn", bn, y, b.tensor(3), b.tensor(3), b.tensor(3), b.positive(3))}
		}, "Gemm", []string{`made MatMul "m" a Gemm`, `folded Add "a" into Gemm "m"`, `folded BatchNormalization "bn" into Gemm "m"`}},
		{"two readers keep BatchNormalization", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", conv(1, 0, 0, 0, 0), x[0], b.tensor(5, 4, 3, 2))
			return []*Value{b.add("bn", bn, y, b.tensor(5), b.tensor(5), b.tensor(5), b.positive(5)), b.add("r", &Relu{}, y)}
		}, "Conv BatchNormalization Relu", nil},
		{"an output keeps BatchNormalization", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", conv(1, 0, 0, 0, 0), x[0], b.tensor(5, 4, 3, 2))
			return []*Value{y, b.add("bn", bn, y, b.tensor(5), b.tensor(5), b.tensor(5), b.positive(5))}
		}, "Conv BatchNormalization", nil},
		{"shared weights", []Shape{image, image}, func(b *builder, x []*Value) []*Value {
			w := &Value{Name: "w"}
			w.setConst(b.tensor(5, 4, 3, 2))
			y := b.add("c", conv(1, 0, 0, 0, 0), x[0], w)
			z := b.add("d", conv(1, 0, 0, 0, 0), x[1], w)
			return []*Value{b.add("bn", bn, y, b.tensor(5), b.tensor(5), b.tensor(5), b.positive(5)), z}
		}, "Conv Conv", nil},
		{"arithmetic per channel", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", conv(1, 0, 0, 0, 0), x[0], b.tensor(5, 4, 3, 2))
			y = b.add("mul", &Mul{}, y, b.tensor(5, 1, 1))
			y = b.add("sub", &Sub{}, b.tensor(1, 5, 1, 1), y)
			y = b.add("div", &Div{}, y, b.positive(1))
			return []*Value{b.add("sub2", &Sub{}, y, b.tensor(1))}
		}, "Conv", nil},
		{"arithmetic per column stays", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", conv(1, 0, 0, 0, 0), x[0], b.tensor(5, 4, 3, 2))
			return []*Value{b.add("mul", &Mul{}, y, b.tensor(4)), b.add("div", &Div{}, b.tensor(1), b.add("e", &Exp{}, x[0]))}
		}, "Conv Mul Exp Div", nil},
		{"Gemm normalized", []Shape{row}, func(b *builder, x []*Value) []*Value {
			return []*Value{b.add("g", &Gemm{Alpha: 0.5, Beta: -2}, x[0], b.tensor(6, 3), b.tensor(1, 1))}
		}, "Gemm", []string{`normalized the constants of Gemm "g"`}},
		{"Gemm without bias", []Shape{row}, func(b *builder, x []*Value) []*Value {
			return []*Value{b.add("g", &Gemm{Alpha: 3, Beta: 5, TransB: true}, x[0], b.tensor(3, 6))}
		}, "Gemm", nil},
		{"Pad into Conv", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("p", &Pad{Pads: []int{0, 0, 1, 0, 0, 0, 2, 3}, Mode: "constant"}, x[0])
			return []*Value{b.add("c", conv(1, 1, 0, 0, 1), y, b.tensor(5, 4, 3, 2))}
		}, "Conv", []string{`folded Pad "p" into Conv "c"`}},
		{"Pad that stays", []Shape{image}, func(b *builder, x []*Value) []*Value {
			w := b.tensor(5, 4, 3, 2)
			one := b.add("p", &Pad{Pads: []int{0, 0, 1, 0, 0, 0, 2, 3}, Mode: "constant", Value: 1}, x[0])
			cut := b.add("q", &Pad{Pads: []int{0, 0, -1, 0, 0, 0, 2, 3}, Mode: "constant"}, x[0])
			channel := b.add("r", &Pad{Pads: []int{0, 1, 0, 0, 0, -1, 2, 3}, Mode: "constant"}, x[0])
			return []*Value{b.add("c", conv(1, 0, 0, 0, 0), one, w), b.add("d", conv(1, 0, 0, 0, 0), cut, w), b.add("e", conv(1, 0, 0, 0, 0), channel, w)}
		}, "Pad Pad Pad Conv Conv Conv", nil},
		{"Pad into AveragePool", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("p", &Pad{Pads: []int{0, 0, 1, 0, 0, 0, 1, 1}, Mode: "constant"}, x[0])
			op := &AveragePool{Kernel: []int{3, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{0, 0, 0, 0}}
			return []*Value{b.add("a", op, y)}
		}, "AveragePool", nil},
		{"Pad before AveragePool with pads of its own", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("p", &Pad{Pads: []int{0, 0, 1, 0, 0, 0, 1, 1}, Mode: "constant"}, x[0])
			op := &AveragePool{Kernel: []int{3, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{1, 1, 0, 0}}
			return []*Value{b.add("a", op, y)}
		}, "Pad AveragePool", nil},
		{"idle nodes", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("i", &Identity{}, x[0])
			y = b.add("d", &Dropout{}, b.add("r", &Relu{}, y))
			y = b.add("s", &Reshape{Dims: []int{1, 6}}, y)
			y = b.add("t", &Transpose{Perm: []int{0, 1}}, y)
			y = b.add("m", &Max{}, y)
			return []*Value{b.add("p", &Pad{Pads: []int{0, 0, 0, 0}, Mode: "edge"}, y)}
		}, "Relu", []string{`removed Identity "i"`, `removed Dropout "d"`}},
		{"an Identity between input and output stays", []Shape{row}, func(b *builder, x []*Value) []*Value {
			return []*Value{b.add("i", &Identity{}, x[0])}
		}, "Identity", nil},
		{"an Identity between two outputs stays", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("r", &Relu{}, x[0])
			return []*Value{y, b.add("i", &Identity{}, y)}
		}, "Relu Identity", nil},
		{"an output behind an Identity that others read", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("r", &Relu{}, x[0])
			z := b.add("e", &Exp{}, y)
			return []*Value{b.add("i", &Identity{}, y), z}
		}, "Relu Exp", nil},
		{"channels last", []Shape{{Batch, 9, 8, 4}}, func(b *builder, x []*Value) []*Value {
			first, last := []int{0, 3, 1, 2}, []int{0, 2, 3, 1}
			y := b.add("t1", &Transpose{Perm: first}, x[0])
			y = b.add("t2", &Transpose{Perm: last}, b.add("c1", conv(1, 1, 0, 1, 0), y, b.tensor(5, 4, 3, 2)))
			y = b.add("relu", &Relu{}, b.add("add", &Add{}, y, b.tensor(5)))
			side := b.add("t4", &Transpose{Perm: last}, b.add("c2", conv(1, 1, 0, 1, 0), b.add("t3", &Transpose{Perm: first}, x[0]), b.tensor(5, 4, 3, 2)))
			y = b.add("sum", &Add{}, y, side)
			y = b.add("slice", &Slice{Starts: []int{2, 4}, Ends: []int{9, -1}, Axes: []int{1, 3}, Steps: []int{1, -2}}, y)
			y = b.add("cat", &Concat{Axis: 3}, y, b.add("tanh", &Tanh{}, y))
			y = b.add("pad", &Pad{Pads: []int{0, 0, 1, 0, 0, 2, 0, 0}, Mode: "constant"}, y)
			y = b.add("t6", &Transpose{Perm: last}, b.add("c3", conv(1, 0, 0, 0, 0), b.add("t5", &Transpose{Perm: first}, y), b.tensor(5, 6, 3, 2)))
			return []*Value{b.add("soft", &Softmax{Axis: 1}, b.add("mean", &Reduce{Kind: "ReduceMean", Axes: []int{1, 2}}, y))}
		}, "Transpose Conv Relu Transpose Conv Add Slice Tanh Concat Conv GlobalAveragePool Squeeze Softmax",
			[]string{`moved a Transpose behind Pad "pad"`, `made ReduceMean "mean" a GlobalAveragePool`}},
		{"channels last to the end", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("t1", &Transpose{Perm: []int{0, 2, 3, 1}}, b.add("e", &Exp{}, x[0]))
			mask := &Tensor{Type: Bool, Shape: Shape{8, 1}, Ints: []int64{0, 1, 0, 1, 1, 0, 1, 1}}
			y = b.add("w", &Where{}, mask, y, b.tensor(4))
			return []*Value{b.add("max", &Reduce{Kind: "ReduceMax", Axes: []int{3}, KeepDims: true}, y), b.add("sum", &Reduce{Kind: "ReduceSum", Axes: []int{1}}, y)}
		}, "Exp Where ReduceMax Transpose ReduceSum Transpose", nil},
		{"products of constants", []Shape{row}, func(b *builder, x []*Value) []*Value {
			h := b.add("h", &Gemm{Alpha: 2, Beta: -3, TransA: true}, b.tensor(4, 1), b.tensor(4, 5), b.tensor(5))
			h = b.add("t", &Gemm{Alpha: 1, Beta: 1, TransB: true}, h, b.tensor(6, 5))
			h = b.add("sum", &Add{}, h, b.add("m", &MatMul{}, b.tensor(2, 1, 3), b.tensor(3, 6)))
			h = b.add("col", &MatMul{}, h, b.tensor(6))
			return []*Value{b.add("mul", &Mul{}, b.add("e", &Exp{}, x[0]), b.add("row", &MatMul{}, b.tensor(2), b.add("wide", &MatMul{}, h, b.tensor(1, 6))))}
		}, "Exp Mul", []string{`computed Gemm "h", a constant`, `computed MatMul "row", a constant`}},
		{"mask before a Softmax", []Shape{image}, func(b *builder, x []*Value) []*Value {
			mask := &Tensor{Type: Float, Shape: Shape{2, 3}, Floats: []float32{0, -1e9, float32(math.Inf(-1)), 0.5, 0, -1e9}}
			y := b.add("flat", &Reshape{Dims: []int{0, -1, 2, 3}}, x[0])
			y = b.add("mask", &Add{}, y, mask)
			return []*Value{b.add("soft", &Softmax{Axis: 2}, b.add("merge", &Reshape{Dims: []int{0, -1, 3}}, y))}
		}, "Reshape Add Reshape Softmax", []string{`bounded the mask of Add "mask" by -10000`}},
		{"a mask of whole rows", []Shape{row}, func(b *builder, x []*Value) []*Value {
			hidden := &Tensor{Type: Float, Shape: Shape{6}, Floats: []float32{-1e5, -1e5, -1e5, -1e5, -1e5, -1e5}}
			return []*Value{b.add("soft", &Softmax{Axis: 1}, b.add("mask", &Add{}, x[0], hidden))}
		}, "Add Softmax", nil},
		{"Transpose of ones", []Shape{image}, func(b *builder, x []*Value) []*Value {
			y := b.add("g", &GlobalAveragePool{}, x[0])
			y = b.add("t", &Transpose{Perm: []int{0, 2, 3, 1}}, y)
			return []*Value{b.add("g2", &Gemm{Alpha: 1, Beta: 1, TransB: true}, b.add("r", &Flatten{Axis: 1}, b.add("u", &Unsqueeze{Axes: []int{1}}, y)), b.tensor(3, 4))}
		}, "GlobalAveragePool Reshape Gemm", nil},
		{"neutral constants", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("a", &Add{}, counting(1).scaled(0), b.add("m", &Mul{}, b.add("e", &Exp{}, x[0]), counting()))
			y = b.add("s", &Sub{}, b.add("d", &Div{}, y, counting(1, 1)), counting(1).scaled(0))
			y = b.add("u", &Unsqueeze{Axes: []int{1}}, y)
			return []*Value{b.add("p", &Pow{}, b.add("q", &Squeeze{Axes: []int{1}}, y), counting()), b.add("k", &Sub{}, counting(1).scaled(0), x[0])}
		}, "Exp Sub", nil},
		{"constants", []Shape{row}, func(b *builder, x []*Value) []*Value {
			k := b.add("t", &Transpose{Perm: []int{1, 0}}, b.add("n", &Neg{}, b.tensor(3, 6)))
			k = b.add("a", &Add{}, k, b.tensor(6, 1))
			k = b.add("r", &Reshape{Dims: []int{3, 6}}, b.add("u", &Unsqueeze{Axes: []int{0}}, k))
			k = b.add("c", &Concat{Axis: 1}, k, b.add("m", &Mean{}, b.tensor(3, 2), b.tensor(2)))
			k = b.add("t2", &Transpose{Perm: []int{1, 0}}, k)
			return []*Value{b.add("g", &Gemm{Alpha: 1, Beta: 1, TransB: false}, b.add("p", &Pad{Pads: []int{0, 1, 0, 1}, Mode: "constant"}, x[0]), k)}
		}, "Pad Gemm", []string{`computed Concat "c", a constant`}},
		{"a constant output", []Shape{row}, func(b *builder, x []*Value) []*Value {
			return []*Value{b.add("r", &Relu{}, x[0]), b.add("n", &Neg{}, b.tensor(3))}
		}, "Relu", nil},
		{"unused nodes", []Shape{row}, func(b *builder, x []*Value) []*Value {
			b.add("u2", &Exp{}, b.add("u1", &Relu{}, x[0]))
			return []*Value{b.add("r", &Relu{}, x[0])}
		}, "Relu", []string{`removed Exp "u2", whose result is not used`, `removed Relu "u1", whose result is not used`}},
		{"Swish", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("g", gemm(), x[0], b.tensor(6, 3))
			return []*Value{b.add("m", &Mul{}, y, b.add("s", &Sigmoid{}, y))}
		}, "Gemm Swish", []string{`recognized Mul "m" from Gemm "g" on as Swish`}},
		{"HardSwish of an input", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", &Clip{Min: 0, Max: 6}, b.add("a", &Add{}, x[0], scalar(3)))
			return []*Value{b.add("d", &Div{}, b.add("m", &Mul{}, x[0], y), scalar(6))}
		}, "HardSwish", []string{`from input "x0" on as HardSwish`}},
		{"HardSigmoid", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("c", &Clip{Min: 0, Max: 6}, b.add("a", &Add{}, x[0], scalar(3)))
			return []*Value{b.add("d", &Div{}, y, scalar(6))}
		}, "HardSigmoid", nil},
		{"Gelu", []Shape{row}, func(b *builder, x []*Value) []*Value {
			y := b.add("erf", &Erf{}, b.add("d", &Div{}, x[0], scalar(math.Sqrt2)))
			y = b.add("m", &Mul{}, x[0], b.add("a", &Add{}, y, scalar(1)))
			return []*Value{b.add("h", &Mul{}, y, scalar(0.5))}
		}, "Gelu", nil},
		{"Gelu, approximated", []Shape{row}, func(b *builder, x []*Value) []*Value {
			cube := b.add("x3", &Mul{}, b.add("x2", &Mul{}, x[0], x[0]), x[0])
			y := b.add("a", &Add{}, x[0], b.add("s", &Mul{}, cube, scalar(0.044715)))
			y = b.add("t", &Tanh{}, b.add("k", &Mul{}, y, scalar(0.7978845608)))
			y = b.add("b", &Add{}, y, scalar(1))
			return []*Value{b.add("m", &Mul{}, b.add("h", &Mul{}, x[0], scalar(0.5)), y)}
		}, "Gelu", nil},
		{"a product that is no activation", []Shape{row, row}, func(b *builder, x []*Value) []*Value {
			return []*Value{b.add("m", &Mul{}, x[0], b.add("s", &Sigmoid{}, x[1])), b.add("n", &Mul{}, x[0], b.add("t", &Tanh{}, x[0]))}
		}, "Sigmoid Mul Tanh Mul", nil},
		{"Reshape for a batch of one", []Shape{image}, func(b *builder, x []*Value) []*Value {
			return []*Value{b.add("s", &Reshape{Dims: []int{1, 2, -1}}, x[0])}
		}, "Reshape", []string{`made Reshape "s" keep the batch`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(c.in...)
			b.g.Outputs = c.build(b, b.g.Inputs)
			g := b.g
			if err := g.InferShapes(); err != nil {
				t.Fatal(err)
			}
			var inputs []*array
			for _, v := range g.Inputs {
				inputs = append(inputs, random(b.rng, v.Shape.WithBatch(2)))
			}
			want := evaluate(t, g, inputs...)
			before := g.Clone()

			lines, err := Simplify(g)
			if err != nil {
				t.Fatal(err)
			}
			var types []string
			for _, n := range g.Nodes {
				types = append(types, n.Op.Type())
			}
			if got := strings.Join(types, " "); got != c.want {
				t.Errorf("nodes left are %s, want %s; report:\n%s", got, c.want, strings.Join(lines, "\n"))
			}
			for _, line := range c.lines {
				if !strings.Contains(strings.Join(lines, "\n")+"\n", line) {
					t.Errorf("the report lacks %q:\n%s", line, strings.Join(lines, "\n"))
				}
			}
			for i, got := range evaluate(t, g, inputs...) {
				if g.Outputs[i].Name != before.Outputs[i].Name || !got.shape.Equal(want[i].shape) {
					t.Fatalf("output %d is %q %v, want %q %v", i, g.Outputs[i].Name, got.shape, before.Outputs[i].Name, want[i].shape)
				}
				for k := range got.v {
					if math.Abs(got.v[k]-want[i].v[k]) > 2e-6*(1+math.Abs(want[i].v[k])) {
						t.Fatalf("output %d, element %d: got %g, want %g", i, k, got.v[k], want[i].v[k])
					}
				}
			}
			for _, n := range g.Nodes {
				if op, ok := n.Op.(*Gemm); ok && !reflect.DeepEqual(op, &Gemm{TransB: true, Alpha: 1, Beta: 1}) {
					t.Errorf("Gemm %q is %+v, want it normalized", n.Name, op)
				}
			}
			// The result is complete: nothing is left to do, and it can be written and read.
			if more, err := Simplify(g); err != nil || len(more) != 0 {
				t.Errorf("simplified again: %q, %v", more, err)
			}
			data, err := Encode(g)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			back.Producer, back.Name, back.Meta = g.Producer, g.Name, g.Meta
			requireEqual(t, back, g)
		})
	}
}

func scalar(v float64) *Tensor {
	return &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(v)}}
}

func TestSimplifyBias(t *testing.T) {
	b := newBuilder(row)
	b.g.Outputs = []*Value{b.add("g", &Gemm{Alpha: 1, Beta: 2}, b.g.Inputs[0], counting(6, 3), counting(1, 3))}
	if err := b.g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	if _, err := Simplify(b.g); err != nil {
		t.Fatal(err)
	}
	n := b.g.Nodes[0]
	w, bias := n.Inputs[1].Const, n.Inputs[2].Const
	if !w.Shape.Equal(Shape{3, 6}) || !slices.Equal(w.Floats[:3], []float32{1, 4, 7}) || n.Inputs[1].Name != "g_1" {
		t.Errorf("weights %q are %v", n.Inputs[1].Name, w)
	}
	if !bias.Shape.Equal(Shape{3}) || !slices.Equal(bias.Floats, []float32{2, 4, 6}) {
		t.Errorf("bias is %v, want [2 4 6]", bias)
	}
}

func TestSimplifyError(t *testing.T) {
	b := newBuilder(row)
	variance := counting(6)
	variance.Floats[4] = -1
	b.g.Outputs = []*Value{b.add("bn", &BatchNormalization{}, b.add("g", &Gemm{Alpha: 1, Beta: 1}, b.g.Inputs[0], counting(6, 6)), counting(6), counting(6), counting(6), variance)}
	if err := b.g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	_, err := Simplify(b.g)
	if err == nil || !strings.HasPrefix(err.Error(), `onnx: node "bn" (BatchNormalization): channel 4 has`) {
		t.Errorf("got %v, want an error about channel 4", err)
	}
}

// TestWhereMask spells a Where that hides scores by minus infinity: no product with it is taken.
func TestWhereMask(t *testing.T) {
	for _, hides := range []int{1, 2} {
		b := newBuilder(row)
		condition := &Tensor{Type: Bool, Shape: Shape{6}, Ints: []int64{0, 1, 0, 0, 1, 0}}
		hidden := &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(math.Inf(-1))}}
		in := []any{condition, b.g.Inputs[0], b.g.Inputs[0]}
		in[hides] = hidden
		b.g.Outputs = []*Value{b.add("soft", &Softmax{Axis: 1}, b.add("w", &Where{}, in...))}
		if err := b.g.InferShapes(); err != nil {
			t.Fatal(err)
		}
		x := []float64{1, 2, 3, 4, 5, 6, 3, 1, 2, 6, 5, 4}
		input := &array{shape: Shape{2, 6}, v: x}
		want := evaluate(t, b.g.Clone(), input)[0].v
		if _, err := SpellOut(b.g, func(n *Node) bool { _, is := n.Op.(*Where); return is }); err != nil {
			t.Fatal(err)
		}
		if _, err := Simplify(b.g); err != nil {
			t.Fatal(err)
		}
		for i, got := range evaluate(t, b.g, input)[0].v {
			if !(math.Abs(got-want[i]) < 1e-6) || (got == 0) != ((condition.Ints[i%6] == 1) == (hides == 1)) {
				t.Errorf("operand %d hides: probability %d is %g, want %g", hides, i, got, want[i])
			}
		}
	}
}
