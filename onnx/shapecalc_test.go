package onnx

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"qconv/onnx/internal/pb"
)

// TestShapeArithmetic reads Reshape nodes whose targets are computed, as exporters write
// them. Every file reshapes x [N,4,6,6] to what is named s.
func TestShapeArithmetic(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []any
		want  []int
	}{
		{"size of the batch", []any{number("0", 0), integers("-1", -1), integers("axes", 0),
			call("Shape", "x", "a"), call("Gather", "a 0", "b"), call("Unsqueeze", "b axes", "c"),
			call("Concat", "c -1", "s", attr("axis", 0))}, []int{0, -1}},
		{"sizes multiplied", []any{number("0", 0), number("1", 1), number("2", 2), integers("-1", -1), integers("axes", 0),
			call("Shape", "x", "a"), call("Gather", "a 0", "b"), call("Gather", "a 1", "c"), call("Gather", "a 2", "d"),
			call("Mul", "c d", "e"), call("Unsqueeze", "b axes", "f"), call("Unsqueeze", "e axes", "g"),
			call("Concat", "f g -1", "s", attr("axis", -1))}, []int{0, 24, -1}},
		{"sliced shape", []any{integers("0", 0), integers("1", 1), integers("-1", -1),
			call("Shape", "x", "a"), call("Slice", "a 0 1", "b"), call("Concat", "b -1", "s", attr("axis", 0))}, []int{0, -1}},
		{"shape from 0 to 2", []any{integers("36", 36),
			call("Shape", "x", "a", attr("start", -4), attr("end", 2)), call("Concat", "a 36", "s", attr("axis", 0))}, []int{0, 4, 36}},
		{"size divided by the batch", []any{number("0", 0), integers("axes", 0), integers("-1", -1),
			call("Size", "x", "a"), call("Shape", "x", "b"), call("Gather", "b 0", "c"), call("Div", "a c", "d"),
			call("Unsqueeze", "d axes", "e"), call("Concat", "-1 e", "s", attr("axis", 0))}, []int{-1, 144}},
		{"batch multiplied and divided", []any{number("0", 0), number("8", 8), integers("axes", 0), integers("-1", -1),
			call("Shape", "x", "a"), call("Gather", "a 0", "b"), call("Mul", "b 8", "c"), call("Div", "c 8", "d"),
			call("Unsqueeze", "d axes", "e"), call("Cast", "e", "f", attr("to", int(pb.TensorProto_INT32))),
			call("Concat", "f -1", "s", attr("axis", 0))}, []int{0, -1}},
		{"batch added and taken away", []any{number("0", 0), integers("axes", 0), integers("-1", -1),
			call("Shape", "x", "a"), call("Gather", "a 0", "b"), call("Add", "b b", "c"), call("Sub", "c b", "d"),
			call("Reshape", "d axes1", "e"), integers("axes1", 1), call("Identity", "e", "f"),
			call("Concat", "f -1", "s", attr("axis", 0))}, []int{0, -1}},
		{"squeezed", []any{integers("0", 0), number("0n", 0), integers("-1", -1), integers("axes", 0),
			call("Shape", "x", "a"), call("Gather", "a 0", "b"), call("Squeeze", "b axes", "c"), call("Unsqueeze", "c axes", "d"),
			call("Concat", "d -1", "s", attr("axis", 0))}, []int{0, -1}},
		{"Constant nodes", []any{
			call("Constant", "", "a", attr("value_ints", []int{0})), call("Constant", "", "b", attr("value_int", 4)),
			call("Constant", "", "c", attr("value", integers("", -1))), integers("axes", 0), call("Unsqueeze", "b axes", "d"),
			call("Concat", "a d c", "s", attr("axis", 0))}, []int{0, 4, -1}},
		{"filled with ones", []any{integers("1", 1), integers("-1", -1), call("ConstantOfShape", "1", "a", attr("value", integers("", 2))),
			integers("0", 0), call("Concat", "0 a -1", "s", attr("axis", 0))}, []int{0, 2, -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parts := append(c.parts, in("x", "N", 4, 6, 6), out("y"), call("Reshape", "x s", "y"))
			g := decodeFile(t, file(15, parts...))
			if len(g.Nodes) != 1 {
				t.Fatalf("nodes are left over: %s", dump(g))
			}
			if op := g.Nodes[0].Op.(*Reshape); !slices.Equal(op.Dims, c.want) {
				t.Errorf("got target %v, want %v", op.Dims, c.want)
			}
			if !g.Outputs[0].Shape.batched() || g.Outputs[0].Shape.Elems() != 144 {
				t.Errorf("got shape %v", g.Outputs[0].Shape)
			}
		})
	}
}

// TestComputedPads reads pads as PyTorch computes them for constant_pad_nd: reversed pairs.
func TestComputedPads(t *testing.T) {
	g := decodeFile(t, file(13, in("x", "N", 3, 8, 8), out("y"),
		integers("given", 1, 2, 0, 1), integers("four", 4),
		call("ConstantOfShape", "four", "rest", attr("value", integers("", 0))),
		call("Concat", "given rest", "all", attr("axis", 0)),
		integers("pairs", -1, 2), call("Reshape", "all pairs", "table"),
		integers("from", -1), integers("to", -maxDim), integers("axis", 0), integers("step", -1),
		call("Slice", "table from to axis step", "reversed"),
		call("Transpose", "reversed", "turned", attr("perm", []int{1, 0})),
		integers("flat", -1), call("Reshape", "turned flat", "list"), call("Cast", "list", "pads", attr("to", int(pb.TensorProto_INT64))),
		call("Pad", "x pads", "y")))
	if op := g.Nodes[0].Op.(*Pad); len(g.Nodes) != 1 || !slices.Equal(op.Pads, []int{0, 0, 0, 1, 0, 0, 1, 2}) {
		t.Errorf("got %s", dump(g))
	}
}

func TestSliceBounds(t *testing.T) {
	for _, c := range []struct{ start, end, n, step, from, to int }{
		{0, 2, 5, 1, 0, 2}, {-2, maxDim, 5, 1, 3, 5}, {-9, -1, 5, 1, 0, 4}, {4, 1, 5, 1, 4, 1}, {7, 9, 5, 2, 5, 5},
		{-1, -maxDim, 5, -1, 4, -1}, {9, 1, 5, -2, 4, 1}, {0, 0, 0, -1, -1, -1},
	} {
		if from, to := sliceBounds(c.start, c.end, c.n, c.step); from != c.from || to != c.to {
			t.Errorf("%+v: got %d, %d", c, from, to)
		}
	}
}

// TestFilledWeights reads weights made by ConstantOfShape and converted by Cast.
func TestFilledWeights(t *testing.T) {
	half := tensorProto("", &Tensor{Type: Float, Shape: Shape{1}, Floats: []float32{0.5}})
	g := decodeFile(t, file(13, in("x", "N", 3), out("y"), integers("s", 2, 3), call("ConstantOfShape", "s", "w", attr("value", half)),
		integers("b0", 7, -8), call("Cast", "b0", "b", attr("to", int(pb.TensorProto_FLOAT))),
		call("Gemm", "x w b", "y", attr("transB", 1))))
	want := []*Tensor{
		{Type: Float, Shape: Shape{2, 3}, Floats: []float32{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}},
		{Type: Float, Shape: Shape{2}, Floats: []float32{7, -8}},
	}
	for i, w := range want {
		if got := g.Nodes[0].Inputs[1+i].Const; !reflect.DeepEqual(got, w) {
			t.Errorf("operand %d: got %v, want %v", 1+i, got, w)
		}
	}
}

func TestBatchArithmetic(t *testing.T) {
	value := map[string]*ints{"n": {Shape{}, []dim{{batch: 1}}}, "3n": {Shape{}, []dim{{batch: 3}}}, "n+1": {Shape{}, []dim{{1, 1}}},
		"3": {Shape{}, []dim{{n: 3}}}, "-7": {Shape{}, []dim{{n: -7}}}, "0": {Shape{}, []dim{{}}}}
	for _, c := range []struct {
		f    evaluator
		a, b string
		want any // dim, or nil when it is not known
	}{
		{evalAdd, "n", "3", dim{3, 1}}, {evalSub, "n+1", "n", dim{n: 1}}, {evalMul, "3", "n+1", dim{3, 3}}, {evalMul, "n", "3", dim{batch: 3}},
		{evalMul, "n", "n", nil}, {evalDiv, "3n", "3", dim{batch: 1}}, {evalDiv, "3n", "n", dim{n: 3}}, {evalDiv, "n", "3", nil},
		{evalDiv, "-7", "3", dim{n: -2}}, {evalDiv, "3", "0", nil}, {evalDiv, "n", "n+1", nil},
	} {
		values := map[*Value]*ints{}
		r := &nodeReader{exact: func(v *Value) *ints { return values[v] }}
		for _, name := range []string{c.a, c.b} {
			v := &Value{Name: name}
			values[v] = value[name]
			r.in, r.shapes = append(r.in, v), append(r.shapes, Shape{})
		}
		var got any
		if k := c.f(nil, r); k != nil {
			got = k.ints.v[0]
		}
		if got != c.want || r.err != nil {
			t.Errorf("%s with %s: got %v, %v, want %v", c.a, c.b, fmt.Sprint(got), r.err, c.want)
		}
	}
}
