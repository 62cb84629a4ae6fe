package onnx

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

// opCase is an operator with operands it accepts and the shape it makes of them.
type opCase struct {
	op   Op
	in   []any // Shape: computed; *Tensor: constant; nil: left out
	want Shape
}

var (
	image  = Shape{Batch, 4, 9, 8}
	signal = Shape{Batch, 4, 9}
	row    = Shape{Batch, 6}
	truths = &Tensor{Type: Bool, Shape: Shape{6}, Ints: []int64{0, 1, 0, 1, 1, 1}}
)

// bools is the shape of an input of Bool.
type bools Shape

// opCases hold every operator at least once.
var opCases = []opCase{
	{&Conv{Kernel: []int{3, 2}, Strides: []int{2, 1}, Dilations: []int{1, 2}, Pads: []int{1, 0, 2, 1}, Groups: 2},
		[]any{image, counting(6, 2, 3, 2), counting(6)}, Shape{Batch, 6, 5, 7}},
	{&Conv{Kernel: []int{5}, Strides: []int{1}, Dilations: []int{2}, Pads: []int{4, 4}, Groups: 1},
		[]any{signal, counting(3, 4, 5)}, Shape{Batch, 3, 9}},
	{&ConvTranspose{Kernel: []int{3, 2}, Strides: []int{2, 1}, Dilations: []int{1, 2}, Pads: []int{1, 0, 0, 1}, OutputPadding: []int{1, 0}, Groups: 2},
		[]any{image, counting(4, 3, 3, 2), counting(6)}, Shape{Batch, 6, 19, 9}},
	{&ConvTranspose{Kernel: []int{4}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{1, 1}, OutputPadding: []int{0}, Groups: 1},
		[]any{signal, counting(4, 3, 4)}, Shape{Batch, 3, 18}},
	{&Gemm{Alpha: 0.5, Beta: 2, TransB: true}, []any{row, counting(3, 6), counting(3)}, Shape{Batch, 3}},
	{&Gemm{Alpha: 1, Beta: 1}, []any{row, counting(6, 3)}, Shape{Batch, 3}},
	{&Gemm{Alpha: 1, Beta: 1, TransA: true}, []any{Shape{6, 2}, counting(6, 3), counting(2, 1)}, Shape{2, 3}},
	{&MatMul{}, []any{Shape{Batch, 5, 6}, counting(6, 3)}, Shape{Batch, 5, 3}},
	{&MatMul{}, []any{Shape{Batch, 2, 5, 6}, counting(2, 6, 3)}, Shape{Batch, 2, 5, 3}},
	{&MatMul{}, []any{row, counting(6)}, Shape{Batch}},
	{&BatchNormalization{Epsilon: 0.25}, []any{image, counting(4), counting(4), counting(4), counting(4)}, image},

	{&MaxPool{Kernel: []int{3, 2}, Strides: []int{2, 2}, Dilations: []int{1, 2}, Pads: []int{1, 0, 0, 1}, Ceil: true}, []any{image}, Shape{Batch, 4, 5, 4}},
	{&MaxPool{Kernel: []int{2}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{0, 0}}, []any{signal}, Shape{Batch, 4, 4}},
	{&AveragePool{Kernel: []int{3, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1}, CountIncludePad: true}, []any{image}, Shape{Batch, 4, 5, 4}},
	{&AveragePool{Kernel: []int{2}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{0, 0}, Ceil: true}, []any{signal}, Shape{Batch, 4, 5}},
	{&GlobalAveragePool{}, []any{image}, Shape{Batch, 4, 1, 1}},
	{&GlobalMaxPool{}, []any{signal}, Shape{Batch, 4, 1}},

	{&Add{}, []any{image, counting(4, 1, 1)}, image},
	{&Sub{}, []any{counting(8), image}, image},
	{&Mul{}, []any{image, Shape{Batch, 4, 1, 1}}, image},
	{&Div{}, []any{row, counting(1, 6)}, row},
	{&Max{}, []any{row, row, counting(6)}, row},
	{&Min{}, []any{row}, row},
	{&Sum{}, []any{row, row}, row},
	{&Mean{}, []any{row, counting(), row}, row},
	{&Mod{Truncated: true}, []any{row, counting(6)}, row},
	{&Shrink{Lambda: 0.5, Bias: 0.25}, []any{row}, row},
	{&IsNaN{}, []any{row}, row},
	{&IsInf{Positive: true}, []any{row}, row},
	{&Circular{Kind: "Sin"}, []any{row}, row},
	{&Circular{Kind: "Cos"}, []any{row}, row},
	{&Circular{Kind: "Tan"}, []any{row}, row},
	{&Circular{Kind: "Asin"}, []any{row}, row},
	{&Circular{Kind: "Acos"}, []any{row}, row},
	{&Circular{Kind: "Atan"}, []any{row}, row},
	{&Circular{Kind: "Sinh"}, []any{row}, row},
	{&Circular{Kind: "Cosh"}, []any{row}, row},
	{&Circular{Kind: "Asinh"}, []any{row}, row},
	{&Circular{Kind: "Acosh"}, []any{row}, row},
	{&Circular{Kind: "Atanh"}, []any{row}, row},

	{&Celu{Alpha: 0.5}, []any{row}, row},
	{&Clip{Min: -1, Max: 6}, []any{row}, row},
	{&Clip{Min: math.Inf(-1), Max: 6}, []any{row}, row},
	{&Clip{Min: -1, Max: math.Inf(1)}, []any{row}, row},
	{&Clip{Min: math.Inf(-1), Max: math.Inf(1)}, []any{row}, row},
	{&Elu{Alpha: 0.5}, []any{row}, row},
	{&Gelu{}, []any{row}, row},
	{&Gelu{Tanh: true}, []any{row}, row},
	{&HardSigmoid{Alpha: 0.25, Beta: 0.5}, []any{row}, row},
	{&HardSwish{}, []any{row}, row},
	{&LeakyRelu{Alpha: 0.125}, []any{row}, row},
	{&Mish{}, []any{row}, row},
	{&Relu{}, []any{row}, row},
	{&Selu{Alpha: 1.5, Gamma: 1.25}, []any{row}, row},
	{&Sigmoid{}, []any{row}, row},
	{&Softplus{}, []any{row}, row},
	{&Softsign{}, []any{row}, row},
	{&Swish{}, []any{row}, row},
	{&Quantize{Scale: 0.25, Zero: 3, Lo: 0, Hi: 255}, []any{row}, row},
	{&Tanh{}, []any{row}, row},
	{&ThresholdedRelu{Alpha: 0.5}, []any{row}, row},

	{&Abs{}, []any{row}, row},
	{&Ceil{}, []any{row}, row},
	{&Erf{}, []any{row}, row},
	{&Exp{}, []any{row}, row},
	{&Floor{}, []any{row}, row},
	{&Log{}, []any{row}, row},
	{&Neg{}, []any{row}, row},
	{&Reciprocal{}, []any{row}, row},
	{&Round{}, []any{row}, row},
	{&Sign{}, []any{row}, row},
	{&Sqrt{}, []any{row}, row},

	{&PRelu{}, []any{image, counting(4, 1, 1)}, image},
	{&Pow{}, []any{row, counting()}, row},
	{&Where{}, []any{truths, row, counting()}, row},
	{&Compare{Relation: Equal}, []any{row, counting(6)}, row},
	{&Compare{Relation: Less}, []any{row, counting(6)}, row},
	{&Compare{Relation: LessOrEqual}, []any{row, counting()}, row},
	{&Compare{Relation: Greater}, []any{row, row}, row},
	{&Compare{Relation: GreaterOrEqual}, []any{row, counting(6)}, row},
	{&Logic{Kind: And}, []any{bools(row), truths}, row},
	{&Logic{Kind: Or}, []any{bools(row), truths}, row},
	{&Logic{Kind: Xor}, []any{bools(row), truths}, row},
	{&Not{}, []any{bools(row)}, row},
	{&Cast{To: Int}, []any{row}, row},
	{&Cast{To: Bool}, []any{row}, row},
	{&LRN{Size: 5, Alpha: 0.125, Beta: 0.75, Bias: 2}, []any{image}, image},
	{&InstanceNormalization{Epsilon: 0.25}, []any{image, counting(4), counting(4)}, image},
	{&LayerNormalization{Axis: 2, Epsilon: 0.25}, []any{image, counting(8), counting(9, 1)}, image},
	{&LpNormalization{Axis: 1, P: 1}, []any{image}, image},

	{&ArgMax{Axis: 1, KeepDims: true, SelectLast: true}, []any{image}, Shape{Batch, 1, 9, 8}},
	{&ArgMax{Axis: 3}, []any{image}, Shape{Batch, 4, 9}},
	{&ArgMax{Axis: 2, Least: true}, []any{image}, Shape{Batch, 4, 8}},
	{&Reduce{Kind: "ReduceL1", Axes: []int{1}}, []any{image}, Shape{Batch, 9, 8}},
	{&Reduce{Kind: "ReduceL2", Axes: []int{0, 1}}, []any{Shape{3, 4}}, Shape{}},
	{&Reduce{Kind: "ReduceLogSum", Axes: []int{2, 3}, KeepDims: true}, []any{image}, Shape{Batch, 4, 1, 1}},
	{&Reduce{Kind: "ReduceLogSumExp", Axes: []int{1}}, []any{row}, Shape{Batch}},
	{&Reduce{Kind: "ReduceMax", Axes: []int{1}, KeepDims: true}, []any{row}, Shape{Batch, 1}},
	{&Reduce{Kind: "ReduceMean", Axes: []int{2, 3}}, []any{image}, Shape{Batch, 4}},
	{&Reduce{Kind: "ReduceMin", Axes: []int{3}}, []any{image}, Shape{Batch, 4, 9}},
	{&Reduce{Kind: "ReduceProd", Axes: []int{1}}, []any{row}, Shape{Batch}},
	{&Reduce{Kind: "ReduceSum", Axes: []int{1, 3}, KeepDims: true}, []any{image}, Shape{Batch, 1, 9, 1}},
	{&Reduce{Kind: "ReduceSumSquare", Axes: []int{2}}, []any{image}, Shape{Batch, 4, 8}},

	{&Softmax{Axis: 1}, []any{image}, image},
	{&LogSoftmax{Axis: 3}, []any{image}, image},

	{&Concat{Axis: 1}, []any{image, Shape{Batch, 2, 9, 8}, image}, Shape{Batch, 10, 9, 8}},
	{&DepthToSpace{Block: 2}, []any{image}, Shape{Batch, 1, 18, 16}},
	{&DepthToSpace{Block: 2, CRD: true}, []any{image}, Shape{Batch, 1, 18, 16}},
	{&SpaceToDepth{Block: 2}, []any{Shape{Batch, 3, 4, 6}}, Shape{Batch, 12, 2, 3}},
	{&Expand{Dims: []int{3, 4}}, []any{Shape{3, 1}}, Shape{3, 4}},
	{&Expand{Dims: []int{9, 1}}, []any{Shape{Batch, 4, 1, 8}}, image},
	{&Tile{Repeats: []int{1, 3}}, []any{row}, Shape{Batch, 18}},
	{&Gather{Axis: 1, Indices: &Tensor{Type: Int, Shape: Shape{}, Ints: []int64{2}}}, []any{image}, Shape{Batch, 9, 8}},
	{&Gather{Axis: 2, Indices: &Tensor{Type: Int, Shape: Shape{2, 2}, Ints: []int64{2, 0, 8, 8}}}, []any{image}, Shape{Batch, 4, 2, 2, 8}},
	{&Slice{Starts: []int{1, 7}, Ends: []int{4, -1}, Axes: []int{1, 3}, Steps: []int{2, -3}}, []any{image}, Shape{Batch, 2, 9, 3}},
	{&Resize{Mode: "nearest", CoordMode: "asymmetric", NearestMode: "floor", Scales: []float64{1, 1, 2, 2}, Sizes: []int{Batch, 4, 18, 16}},
		[]any{image}, Shape{Batch, 4, 18, 16}},
	{&Resize{Mode: "linear", CoordMode: "half_pixel", Scales: []float64{1, 1, 20.0 / 9, 0.125}, Sizes: []int{Batch, 4, 20, 1}},
		[]any{image}, Shape{Batch, 4, 20, 1}},
	{&Resize{Mode: "cubic", CoordMode: "align_corners", CubicA: -0.5, ExcludeOutside: true, Scales: []float64{7.0 / 3}, Sizes: []int{7}}, []any{Shape{3}}, Shape{7}},
	{&Resize{Mode: "linear", CoordMode: "tf_crop_and_resize", Extrapolation: 2, Scales: []float64{1, 0.5}, Sizes: []int{Batch, 3}, ROI: []float64{0, 0.25, 1, 0.75}},
		[]any{row}, Shape{Batch, 3}},
	{&Dropout{}, []any{row}, row},
	{&Flatten{Axis: 1}, []any{image}, Shape{Batch, 288}},
	{&Flatten{Axis: 2}, []any{Shape{Batch, 1, 6}}, Shape{Batch, 6}},
	{&Identity{}, []any{row}, row},
	{&Pad{Pads: []int{0, 0, 1, 0, 0, 1, 2, -1}, Mode: "constant", Value: 0.5}, []any{image}, Shape{Batch, 5, 12, 7}},
	{&Pad{Pads: []int{0, 0, 2, 0, 0, 1}, Mode: "reflect"}, []any{Shape{Batch, 3, 4}}, Shape{Batch, 3, 7}},
	{&Pad{Pads: []int{0, 0, 0, 1}, Mode: "edge"}, []any{row}, Shape{Batch, 7}},
	{&Reshape{Dims: []int{0, -1, 2}}, []any{image}, Shape{Batch, 144, 2}},
	{&Reshape{Dims: []int{-1, 288}}, []any{image}, Shape{Batch, 288}},
	{&Reshape{Dims: []int{1, -1}}, []any{image}, Shape{Batch, 288}},
	{&Reshape{Dims: []int{4, 3}}, []any{Shape{2, 6}}, Shape{4, 3}},
	{&Squeeze{Axes: []int{2, 3}}, []any{Shape{Batch, 4, 1, 1}}, Shape{Batch, 4}},
	{&Transpose{Perm: []int{0, 2, 3, 1}}, []any{image}, Shape{Batch, 9, 8, 4}},
	{&Unsqueeze{Axes: []int{1, 3}}, []any{row}, Shape{Batch, 1, 6, 1}},
}

// graph makes a graph of the operator alone.
func (c opCase) graph() *Graph {
	g := &Graph{Name: "case", Producer: "test 1", Opset: writeOpset, Meta: map[string]string{"b": "2", "a": "1"}}
	n := &Node{Name: "node", Op: c.op, Outputs: []*Value{{Name: "y"}}}
	for i, operand := range c.in {
		v := &Value{Name: fmt.Sprintf("x%d", i)}
		switch x := operand.(type) {
		case Shape:
			v.Shape = x
			g.Inputs = append(g.Inputs, v)
		case bools:
			v.Shape, v.Type = Shape(x), Bool
			g.Inputs = append(g.Inputs, v)
		case *Tensor:
			v.setConst(x)
		}
		n.Inputs = append(n.Inputs, v)
	}
	g.Nodes = []*Node{n}
	g.Outputs = n.Outputs
	return g
}

func TestOperators(t *testing.T) {
	for _, c := range opCases {
		t.Run(fmt.Sprintf("%s%+v", c.op.Type(), c.op), func(t *testing.T) {
			g := c.graph()
			if err := g.InferShapes(); err != nil {
				t.Fatal(err)
			}
			if got := g.Outputs[0].Shape; !got.Equal(c.want) {
				t.Errorf("InferShapes: got %v, want %v", got, c.want)
			}
			data, err := Encode(g)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			requireEqual(t, back, g)
			again, err := Encode(back)
			if err != nil || !slices.Equal(again, data) {
				t.Errorf("encoding what was decoded gives other bytes (error %v)", err)
			}
		})
	}
}

// requireEqual fails unless the graphs are the same but for the file they are from.
func requireEqual(t *testing.T, got, want *Graph) {
	t.Helper()
	a, b := *got.Clone(), *want.Clone()
	a.SHA256, b.SHA256, a.Read, b.Read = [32]byte{}, [32]byte{}, 0, 0
	a.Opset, b.Opset = 0, 0
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("graphs differ:\n got %s\nwant %s", dump(&a), dump(&b))
	}
}

// dump shows a graph.
func dump(g *Graph) string {
	s := fmt.Sprintf("%q %q %v", g.Name, g.Producer, g.Meta)
	value := func(v *Value) string {
		if v == nil {
			return " -"
		}
		s := fmt.Sprintf(" %s%v/%v", v.Name, v.Shape, v.Type)
		if c := v.Const; c != nil {
			s += fmt.Sprintf("=%.8v%v", c.Floats[:min(4, len(c.Floats))], c.Ints[:min(4, len(c.Ints))])
		}
		return s
	}
	for _, v := range g.Inputs {
		s += "\n  input" + value(v)
	}
	for _, n := range g.Nodes {
		s += fmt.Sprintf("\n  %s %s%+v", n.Name, n.Op.Type(), n.Op)
		for _, v := range n.Inputs {
			s += value(v)
		}
		s += " ->"
		for _, v := range n.Outputs {
			s += value(v)
		}
	}
	for _, v := range g.Outputs {
		s += "\n  output" + value(v)
	}
	return s
}

// TestOperatorsComplete fails when an operator that is read has no case above.
func TestOperatorsComplete(t *testing.T) {
	have := map[string]bool{
		"CastLike": true, "Upsample": true, // read as Cast, Resize
		"Split":              true,                           // see TestSplit
		"GroupNormalization": true, "RMSNormalization": true, // spelled out before they are written: see TestSpell
		"SimplifiedLayerNormalization": true,                                                // read as RMSNormalization
		"QLinearConv":                  true, "QLinearMatMul": true, "QuantizeLinear": true, // see TestReadCodes
	}
	for _, c := range opCases {
		have[c.op.Type()] = true
	}
	for _, name := range sortedKeys(ops) {
		if !have[name] && ops[name].say == nil { // phrases: see TestPhrases
			t.Errorf("no case for operator %q", name)
		}
	}
	for _, name := range sortedKeys(functionOps) {
		op := functionOps[name]()
		if functionBodies[name].nodes == nil {
			t.Errorf("function %q has no body", name)
		}
		if !slices.ContainsFunc(opCases, func(c opCase) bool { return reflect.DeepEqual(c.op, op) }) {
			t.Errorf("no case for function %q", name)
		}
	}
}

func TestScalars(t *testing.T) {
	for _, c := range []struct {
		op      Scalar
		x, want float64
	}{
		{&Relu{}, -1, 0}, {&Relu{}, 2, 2},
		{&Tanh{}, 0.5, math.Tanh(0.5)},
		{&Sigmoid{}, 2, 1 / (1 + math.Exp(-2))}, {&Sigmoid{}, -1000, 0},
		{&LeakyRelu{Alpha: 0.25}, -2, -0.5}, {&LeakyRelu{Alpha: 0.25}, 2, 2},
		{&ThresholdedRelu{Alpha: 1}, 1, 0}, {&ThresholdedRelu{Alpha: 1}, 1.5, 1.5},
		{&Elu{Alpha: 2}, -1, 2 * (math.Exp(-1) - 1)}, {&Elu{Alpha: 2}, 3, 3},
		{&Selu{Alpha: 2, Gamma: 3}, -1, 6 * (math.Exp(-1) - 1)}, {&Selu{Alpha: 2, Gamma: 3}, 1, 3},
		{&Celu{Alpha: 2}, -1, 2 * (math.Exp(-0.5) - 1)}, {&Celu{Alpha: 2}, 5, 5},
		{&HardSigmoid{Alpha: 0.2, Beta: 0.5}, 1, 0.7}, {&HardSigmoid{Alpha: 0.2, Beta: 0.5}, -9, 0},
		{&HardSwish{}, 1, 4.0 / 6}, {&HardSwish{}, -4, 0}, {&HardSwish{}, 4, 4},
		{&Softplus{}, 0, math.Ln2}, {&Softplus{}, 1000, 1000}, {&Softplus{}, -1000, 0},
		{&Softsign{}, -3, -0.75},
		{&Gelu{}, 1, 0.8413447460685429}, {&Gelu{Tanh: true}, 1, 0.8411919906082768},
		{&Mish{}, 1, 0.8650983882673103},
		{&Swish{}, 1, 0.7310585786300049},
		{&Quantize{Scale: 0.5, Zero: 1, Lo: 0, Hi: 3}, 0.7, 0.5}, {&Quantize{Scale: 0.5, Zero: 1, Lo: 0, Hi: 3}, 9, 1},
		{&Quantize{Scale: 0.5, Zero: 1, Lo: 0, Hi: 3}, -9, -0.5}, {&Quantize{Scale: 0.5, Zero: 1, Lo: 0, Hi: 3}, 0.75, 1},
		{&Clip{Min: 0, Max: 6}, 7, 6}, {&Clip{Min: 0, Max: 6}, -7, 0}, {&Clip{Min: 0, Max: 6}, 3, 3},
		{&Erf{}, 1, math.Erf(1)}, {&Exp{}, 1, math.E}, {&Log{}, math.E, 1}, {&Sqrt{}, 9, 3},
		{&Abs{}, -2, 2}, {&Neg{}, 2, -2}, {&Reciprocal{}, 4, 0.25},
		{&Floor{}, -1.5, -2}, {&Ceil{}, -1.5, -1},
		{&Round{}, 2.5, 2}, {&Round{}, 3.5, 4}, {&Round{}, -0.4, 0},
		{&Sign{}, -3, -1}, {&Sign{}, 0, 0}, {&Sign{}, 3, 1},
	} {
		if got := c.op.Apply(c.x); !(math.Abs(got-c.want) <= 1e-12) {
			t.Errorf("%s%+v of %g: got %g, want %g", c.op.Type(), c.op, c.x, got, c.want)
		}
	}
}
