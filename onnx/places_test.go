package onnx

import (
	"slices"
	"strings"
	"testing"

	"qconv/internal/testtool"
	"qconv/onnx/internal/pb"
)

// Nodes around recurrent operators, as exporters write them. All files have a recurrent layer of 3 inputs and 2 hidden values over 5 steps.

// layerOf is an RNN of the sequence x, [5][N][3], with outputs s, [5][1][N][2], and h.
func layerOf(parts ...any) []any {
	return append([]any{tensorProto("w", steady(1, 2, 3)), tensorProto("r", steady(1, 2, 2)), call("RNN", "x w r", "s h", attr("hidden_size", 2))}, parts...)
}

// steady is a tensor of small numbers of both signs.
func steady(dims ...int) *Tensor {
	t := counting(dims...)
	for i := range t.Floats {
		t.Floats[i] = float32((i*7)%11)/10 - 0.5
	}
	return t
}

// TestPlaces compares what stands around recurrent layers with ONNX Runtime, for a batch of several samples, and checks that it is read with a batch.
func TestPlaces(t *testing.T) {
	ort := testtool.NewORT(t)
	ints := func(name string, v ...int) *pb.TensorProto { return integers(name, v...) }
	weights := tensorProto("k", steady(2, 4))
	turned := tensorProto("kt", steady(4, 2))
	bias := tensorProto("bias", steady(4))
	front := []any{in("z", "N", 5, 3), call("Transpose", "z", "x", attr("perm", []int{1, 0, 2})), out("y")}
	second := []any{in("x", 5, "N", 3), out("y")}
	sizes := []any{ints("i0", 0), ints("i1", 1), ints("i2", 2), ints("m1", -1), ints("two", 2), ints("four", 4), ints("five", 5)}
	for _, c := range []struct {
		name  string
		parts []any
	}{
		{"a dense layer of every step", slices.Concat(front, layerOf(weights, bias, ints("a", 1), call("Squeeze", "s a", "q"), call("Transpose", "q", "u", attr("perm", []int{1, 0, 2})), call("MatMul", "u k", "m"), call("Add", "m bias", "y")))},
		{"a dense layer before the batch moves", slices.Concat(front, layerOf(weights, bias, ints("a", 1), call("Squeeze", "s a", "q"), call("MatMul", "q k", "m"), call("Add", "m bias", "v"), call("Transpose", "v", "y", attr("perm", []int{1, 0, 2}))))},
		{"the batch stays second", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), call("Relu", "q", "y")))},
		{"a mean over steps", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), call("ReduceMean", "q", "y", attr("axes", []int{0}), attr("keepdims", 0))))},
		{"the last step by Slice", slices.Concat(front, layerOf(ints("from", -1), ints("to", 1<<31-1), ints("a", 0), ints("a1", 1), call("Slice", "s from to a", "q"), call("Squeeze", "q a1", "u"), call("Transpose", "u", "y", attr("perm", []int{1, 0, 2}))))},
		{"softmax over features", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), call("Softmax", "q", "y", attr("axis", 2))))},
		{"a sum of a sequence and a state", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), call("Add", "q h", "y")))},
		{"a constant for every step", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), tensorProto("c", steady(5, 1, 2)), call("Mul", "q c", "y")))},
		{"a state repeated for every step", slices.Concat(second, layerOf(append(sizes, call("Shape", "x", "shape"), call("Gather", "shape i1", "n"), call("Concat", "five n two", "to", attr("axis", 0)), call("Expand", "h to", "y"))...))},
		{"Tile", slices.Concat(second, layerOf(ints("times", 5, 1, 1), call("Tile", "h times", "y")))},
		{"Concat of states", slices.Concat(second, layerOf(call("Tanh", "h", "h2"), call("Concat", "h h2", "y", attr("axis", 0))))},
		{"Pad of steps", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), ints("p", 2, 0, 0, 0, 0, 1), call("Pad", "q p", "y")))},
		{"Split of steps", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), ints("p", 2, 3), call("Split", "q p", "l y", attr("axis", 0))))},
		{"LayerNormalization", slices.Concat(second, layerOf(ints("a", 1), call("Squeeze", "s a", "q"), tensorProto("g", steady(2)), call("LayerNormalization", "q g", "y")))},
		{"Reshape of the direction", slices.Concat(second, layerOf(ints("to", 5, -1, 2), call("Reshape", "s to", "y")))},

		{"rows joined, steps first", slices.Concat(second, layerOf(turned, bias, ints("flat", -1, 2), ints("to", 5, -1, 4), call("Reshape", "s flat", "f"), call("Gemm", "f kt bias", "m", attr("transB", 1)), call("Tanh", "m", "n"), call("Reshape", "n to", "y")))},
		{"rows joined, batch first", slices.Concat(front, layerOf(weights, bias, ints("a", 1), ints("flat", -1, 2), ints("to", -1, 5, 4), call("Squeeze", "s a", "q"), call("Transpose", "q", "u", attr("perm", []int{1, 0, 2})),
			call("Reshape", "u flat", "f"), call("MatMul", "f k", "m"), call("Add", "m bias", "n"), call("Softmax", "n", "o", attr("axis", 1)), call("Reshape", "o to", "y")))},
		{"rows joined by shapes", slices.Concat(front, layerOf(append(sizes, weights, ints("a", 1), call("Squeeze", "s a", "q"), call("Transpose", "q", "u", attr("perm", []int{1, 0, 2})),
			call("Shape", "u", "shape"), call("Gather", "shape i0", "n"), call("Gather", "shape i1", "steps"), call("Mul", "n steps", "rows"), call("Concat", "rows m1", "flat", attr("axis", 0)), call("Reshape", "u flat", "f"), call("MatMul", "f k", "m"),
			call("Concat", "n steps four", "to", attr("axis", 0)), call("Reshape", "m to", "y"))...))},
		{"rows joined, steps cut out", slices.Concat(second, layerOf(weights, ints("flat", -1, 2), ints("to", 5, -1, 4), call("Reshape", "s flat", "f"), call("MatMul", "f k", "m"), call("Split", "m half", "p q", attr("axis", 1)), ints("half", 2, 2),
			call("Sub", "q p", "d"), call("Concat", "d p", "e", attr("axis", 1)), call("Reshape", "e to", "y")))},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := marshal(t, file(17, c.parts...))
			g := agree(t, ort, data, ReadOptions{}, 3)
			if g != nil && !g.Outputs[0].Shape.batched() {
				t.Errorf("the output is %v, without a batch", g.Outputs[0].Shape)
			}
		})
	}
}

// TestPlaceErrors checks what is refused, with the batch as the reason, so that a file of fixed sizes is read as one sample.
func TestPlaceErrors(t *testing.T) {
	second := []any{in("x", 5, "N", 3), out("y")}
	fixed := []any{in("x", 5, 3, 3), out("y")}
	for _, c := range []struct {
		name  string
		parts []any
		want  string
	}{
		{"a sum over the batch", layerOf(call("ReduceSum", "h", "y", attr("axes", []int{1}))), "the batch is dimension 1"},
		{"steps of the batch", layerOf(integers("i", 0), call("Gather", "h i", "y", attr("axis", 1))), "pick samples of the batch"},
		{"the batch removed", layerOf(integers("to", -1), call("Reshape", "h to", "y")), "mix samples of the batch"},
		{"normalization of samples", layerOf(call("LpNormalization", "h", "y", attr("axis", 1))), "the batch"},
		{"constants of samples", layerOf(tensorProto("c", steady(5, 1, 3, 2)), call("Add", "s c", "y")), "the batch"},
		{"products of samples", layerOf(call("Transpose", "h", "t", attr("perm", []int{0, 2, 1})), call("MatMul", "h t", "y")), "the batch"},
		{"rows normalized", layerOf(integers("flat", -1, 2), call("Reshape", "s flat", "f"), call("ReduceMax", "f", "y", attr("axes", []int{0}))), "joined with the batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(marshal(t, file(12, append(slices.Clone(second), c.parts...)...)))
			if err == nil || !AboutBatch(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
			g, err := Decode(marshal(t, file(12, append(slices.Clone(fixed), c.parts...)...)))
			if err != nil || g.Inputs[0].Shape.batched() {
				t.Errorf("of fixed sizes: got error %v, want it read as one sample", err)
			}
		})
	}
}
