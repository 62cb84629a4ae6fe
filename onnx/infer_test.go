package onnx

import (
	"errors"
	"strings"
	"testing"
)

func TestInferShapeErrors(t *testing.T) {
	conv := func(change func(*Conv)) *Conv {
		op := &Conv{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{0, 0, 0, 0}, Groups: 1}
		change(op)
		return op
	}
	same := func(*Conv) {}
	weights := Shape{8, 4, 3, 3}
	for _, c := range []struct {
		name string
		op   Op
		in   []Shape
		want string
	}{
		{"too few inputs", &Add{}, []Shape{row}, "got 1 inputs, want 2"},
		{"too many inputs", &Relu{}, []Shape{row, row}, "got 2 inputs, want 1"},
		{"input left out", &Add{}, []Shape{row, nil}, "input 1 is missing"},
		{"last input left out", &Max{}, []Shape{row, nil}, "input 1 is missing"},
		{"no broadcast", &Add{}, []Shape{{Batch, 3}, {4}}, "[N,3] and [4] do not broadcast: dimensions [3] and [4]"},
		{"broadcast of the batch", &Add{}, []Shape{{Batch, 3}, {5, 7, 3}}, "do not broadcast"},
		{"batch to the middle", &Add{}, []Shape{{Batch, 3}, {5, 1, 3}}, "the batch would become dimension 1"},
		{"kernel too large", conv(same), []Shape{{Batch, 4, 2, 9}, weights}, "the kernel spans 3 along spatial dimension 0, the padded input has 2"},
		{"channels", conv(same), []Shape{{Batch, 3, 9, 9}, weights}, "want 4 input channels, input [N,3,9,9] has 3"},
		{"groups", conv(func(c *Conv) { c.Groups = 3 }), []Shape{{Batch, 12, 9, 9}, weights}, "8 output channels are not a multiple of 3 groups"},
		{"no groups", conv(func(c *Conv) { c.Groups = 0 }), []Shape{image, weights}, "got 0 groups"},
		{"weights of another kernel", conv(same), []Shape{image, {8, 4, 3, 5}}, "weights [8,4,3,5] do not match the kernel [3,3]"},
		{"rank of weights", conv(same), []Shape{image, {8, 4, 3}}, "want rank 4"},
		{"bias", conv(same), []Shape{image, weights, {4}}, "bias [4]: want [8]"},
		{"strides", conv(func(c *Conv) { c.Strides = []int{1, 0} }), []Shape{image, weights}, "strides has the entry 0"},
		{"pads", conv(func(c *Conv) { c.Pads = []int{1, 1} }), []Shape{image, weights}, "pads has 2 entries, want 4"},
		{"negative pads", conv(func(c *Conv) { c.Pads = []int{0, 0, 0, -1} }), []Shape{image, weights}, "pads has the entry -1"},
		{"rank of input", conv(same), []Shape{signal, weights}, "input [N,4,9] has rank 3, want 4"},
		{"transposed channels", &ConvTranspose{Kernel: []int{3}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{0, 0}, OutputPadding: []int{0}, Groups: 1},
			[]Shape{signal, {5, 2, 3}}, "want 5 input channels"},
		{"nothing left", &ConvTranspose{Kernel: []int{1}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{5, 5}, OutputPadding: []int{0}, Groups: 1},
			[]Shape{signal, {4, 2, 1}}, "output size along spatial dimension 0 is -1"},
		{"matrices", &Gemm{}, []Shape{row, {5, 3}}, "inner dimensions 6 and 5 differ"},
		{"rank of matrices", &Gemm{}, []Shape{{Batch, 2, 3}, {3, 4}}, "want two matrices"},
		{"third operand", &Gemm{}, []Shape{row, {6, 3}, {4}}, "third operand [4] does not broadcast to [N,3]"},
		{"sum over the batch", &Gemm{TransA: true}, []Shape{row, {6, 3}}, "would mix samples"},
		{"product over the batch", &MatMul{}, []Shape{{4, 5}, row}, "would mix samples"},
		{"number times matrix", &MatMul{}, []Shape{{}, {5, 3}}, "want rank 1 or more"},
		{"statistics", &BatchNormalization{}, []Shape{image, {4}, {4}, {3}, {4}}, "mean [3]: want [4]"},
		{"spatial dimensions", &GlobalAveragePool{}, []Shape{row}, "want [N][C]"},
		{"elements", &Reshape{Dims: []int{0, 7}}, []Shape{row}, "7 elements against 6"},
		{"remainder", &Reshape{Dims: []int{0, -1, 4}}, []Shape{row}, "4 elements against 6"},
		{"copy of nothing", &Reshape{Dims: []int{0, 2, 0}}, []Shape{row}, "copies dimension 2"},
		{"two rests", &Reshape{Dims: []int{-1, -1}}, []Shape{row}, "dimension 1 is -1"},
		{"samples into columns", &Reshape{Dims: []int{-1, 3}}, []Shape{row}, "would mix samples"},
		{"huge target", &Reshape{Dims: []int{0, 1 << 20, 1 << 20}}, []Shape{row}, "does not fit"},
		{"flatten everything", &Flatten{Axis: 0}, []Shape{row}, "would mix samples"},
		{"flatten axis", &Flatten{Axis: 3}, []Shape{row}, "axis 3 is outside input [N,6]"},
		{"not a permutation", &Transpose{Perm: []int{0, 0}}, []Shape{row}, "not a permutation"},
		{"moved batch", &Transpose{Perm: []int{1, 0}}, []Shape{row}, "moves the batch"},
		{"concat ranks", &Concat{Axis: 1}, []Shape{row, image}, "different ranks"},
		{"concat sizes", &Concat{Axis: 1}, []Shape{{Batch, 2, 3}, {Batch, 2, 4}}, "differ in dimension 2"},
		{"concat of one sample", &Concat{Axis: 1}, []Shape{{Batch, 2, 3}, {1, 2, 3}}, "only one of them has the batch"},
		{"concat batch", &Concat{Axis: 0}, []Shape{row, row}, "would mix samples"},
		{"squeeze", &Squeeze{Axes: []int{1}}, []Shape{row}, "dimension 1 of input [N,6] is 6, want 1"},
		{"squeeze batch", &Squeeze{Axes: []int{0}}, []Shape{row}, "would remove the batch"},
		{"unsqueeze batch", &Unsqueeze{Axes: []int{0}}, []Shape{row}, "move the batch"},
		{"axes", &Unsqueeze{Axes: []int{1, 1}}, []Shape{row}, "ascending numbers in [0, 4)"},
		{"pads of another rank", &Pad{Pads: []int{0, 0}}, []Shape{row}, "pads has 2 entries, input [N,6] wants 4"},
		{"pads of the batch", &Pad{Pads: []int{1, 0, 0, 0}}, []Shape{row}, "change the batch"},
		{"cut too much", &Pad{Pads: []int{0, -3, 0, -3}}, []Shape{row}, "leave nothing"},
		{"reflect too much", &Pad{Pads: []int{0, 6, 0, 0}, Mode: "reflect"}, []Shape{row}, "reflect more than"},
		{"softmax axis", &Softmax{Axis: 2}, []Shape{row}, "axis 2 is outside"},
		{"softmax of the batch", &LogSoftmax{Axis: 0}, []Shape{row}, "would mix samples"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.op.InferShape(c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

func TestInferShapesErrors(t *testing.T) {
	build := func(op Op, shape Shape) *Graph {
		x, y := &Value{Name: "x", Shape: shape}, &Value{Name: "y"}
		return &Graph{Inputs: []*Value{x}, Outputs: []*Value{y}, Nodes: []*Node{{Name: "n", Op: op, Inputs: []*Value{x}, Outputs: []*Value{y}}}}
	}

	err := build(&Softmax{Axis: 7}, row).InferShapes()
	var format *FormatError
	if want := `onnx: node "n" (Softmax) of "x" [N,6]: axis 7 is outside input [N,6]`; !errors.As(err, &format) || err.Error() != want {
		t.Errorf("got %v, want FormatError %q", err, want)
	}

	err = build(&Transpose{Perm: []int{1, 0}}, row).InferShapes()
	var unsupported *UnsupportedError
	if !errors.As(err, &unsupported) || len(unsupported.Nodes) != 1 || unsupported.Nodes[0].Name != "n" || unsupported.Nodes[0].Op != "Transpose" {
		t.Errorf("got %v, want UnsupportedError of the node", err)
	}

	g := build(&Pad{Pads: []int{0, maxDim - 5, 0, 0}}, row)
	if err := g.InferShapes(); err == nil || !strings.Contains(err.Error(), "or too much") {
		t.Errorf("huge dimension: got %v", err)
	}
	g = build(&Pad{Pads: []int{0, 0, 0, 0, 0, 1 << 20}}, Shape{Batch, 1 << 20, 4})
	if err := g.InferShapes(); err == nil || !strings.Contains(err.Error(), "2^31 elements or more") {
		t.Errorf("too many elements: got %v", err)
	}
	g = build(&Identity{}, row)
	g.Nodes[0].Outputs = append(g.Nodes[0].Outputs, &Value{Name: "z"})
	if err := g.InferShapes(); err == nil || !strings.Contains(err.Error(), "got 2 outputs, want 1") {
		t.Errorf("too many outputs: got %v", err)
	}
	g = build(&Relu{}, row)
	g.Inputs[0].Type = Int
	if err := g.InferShapes(); err == nil || !strings.Contains(err.Error(), "elements of type int, want float") {
		t.Errorf("integers: got %v", err)
	}
}

// TestWindowCeil checks that a window never starts behind the input and its leading pad.
func TestWindowCeil(t *testing.T) {
	for _, c := range []struct {
		in, kernel, stride, begin, end int
		floor, ceil                    int
	}{
		{4, 2, 2, 0, 0, 2, 2},
		{5, 2, 2, 0, 0, 2, 3},
		{5, 1, 3, 0, 1, 2, 2},
		{6, 3, 2, 0, 0, 2, 3},
		{2, 1, 2, 0, 2, 2, 2},
		{8, 2, 4, 1, 0, 2, 3},
		{6, 2, 4, 1, 1, 2, 2}, // the third window would start in the trailing pad
		{5, 2, 4, 0, 2, 2, 2}, // as above
	} {
		w := window{[]int{c.kernel}, []int{c.stride}, []int{1}, []int{c.begin, c.end}}
		for ceil, want := range map[bool]int{false: c.floor, true: c.ceil} {
			got, err := w.out(Shape{Batch, 1, c.in}, ceil)
			if err != nil || got[0] != want {
				t.Errorf("%+v, ceil %t: got %v, %v, want %d", c, ceil, got, err, want)
			}
		}
	}
}
