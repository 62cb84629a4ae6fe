package finetune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// counted is n numbers of a pattern that has no symmetry: 0.5, -1, 1.5, -2, ...
func counted(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i+1) / 2
		if i%2 == 1 {
			out[i] = -out[i]
		}
	}
	return out
}

// apply maps numbers.
func apply(x []float64, f func(v float64) float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = f(v)
	}
	return out
}

// pickOf takes elements by their positions.
func pickOf(x []float64, at ...int) []float64 {
	out := make([]float64, len(at))
	for i, k := range at {
		out[i] = x[k]
	}
	return out
}

// round8 is a number on the grid of codes 0..255 of a scale and zero point.
func round8(v, scale, zero float64) float64 {
	return scale * (math.Max(0, math.Min(255, math.RoundToEven(v/scale)+zero)) - zero)
}

// TestPhrases reads operators that a Graph has no node for, and compares what comes out with their definition.
func TestPhrases(t *testing.T) {
	x6 := counted(6)
	relu := func(v float64) float64 { return math.Max(v, 0) }
	codes := []message{tensorFile("s", typeFloat, nil, 0.5), tensorFile("z", typeU8, nil, 10), tensorFile("ys", typeFloat, nil, 0.25), tensorFile("yz", typeU8, nil, 64)}
	quantized := func(nodes ...message) []message {
		all := append([]message{nodeFile("QuantizeLinear", "x s z", "q", nil)}, nodes...)
		return append(all, nodeFile("DequantizeLinear", "r ys yz", "y", nil))
	}
	branch := func(in string, constants ...message) graphFile {
		return graphFile{nodes: []message{nodeFile("Add", in, "inner", nil)}, constants: constants, outputs: []message{portFile("inner", typeFloat)}}
	}
	nested := graphFile{nodes: []message{
		nodeFile("Mul", "x n", "m", nil),
		nodeFile("If", "no", "deep", attrs{"then_branch": branch("m m"), "else_branch": branch("m k", tensorFile("k", typeFloat, nil, 3))}),
	}, outputs: []message{portFile("deep", typeFloat)}}
	sparse := sparseFile{}
	(*message)(&sparse).bytes(1, tensorFile("v", typeFloat, []int{2}, 5, -7))
	(*message)(&sparse).bytes(2, tensorFile("i", typeI64, []int{2}, 1, 4))
	for _, d := range []int{2, 3} {
		(*message)(&sparse).number(3, d)
	}
	one := tensorFile("one", typeI64, []int{1}, 1)

	for _, c := range []struct {
		name      string
		opset     int
		shape     []int // of x, with the batch
		nodes     []message
		constants []message
		want      []float64
	}{
		{"Einsum by a matrix", 13, []int{0, 2, 3}, []message{nodeFile("Einsum", "x w", "y", attrs{"equation": "ncl,dc->nld"})}, []message{tensorFile("w", typeFloat, []int{1, 2}, 2, -1)},
			[]float64{2*x6[0] - x6[3], 2*x6[1] - x6[4], 2*x6[2] - x6[5]}},
		{"Einsum of squares", 13, []int{0, 6}, []message{nodeFile("Einsum", "x x", "y", attrs{"equation": "nc,nc->n"})}, nil, []float64{22.75}},
		{"Einsum, implicit", 13, []int{0, 2, 3}, []message{nodeFile("Einsum", "x", "y", attrs{"equation": "bji"})}, nil, pickOf(x6, 0, 3, 1, 4, 2, 5)},
		{"CumSum", 13, []int{0, 2, 3}, []message{nodeFile("CumSum", "x a", "y", attrs{"reverse": 1, "exclusive": 1})}, []message{tensorFile("a", typeI64, nil, 2)},
			[]float64{x6[1] + x6[2], x6[2], 0, x6[4] + x6[5], x6[5], 0}},
		{"GatherElements", 13, []int{0, 2, 3}, []message{nodeFile("GatherElements", "x i", "y", attrs{"axis": 2})}, []message{tensorFile("i", typeI64, []int{1, 2, 2}, 2, -3, 1, 1)}, pickOf(x6, 2, 0, 4, 4)},
		{"GatherND", 13, []int{0, 2, 3}, []message{nodeFile("GatherND", "x i", "y", attrs{"batch_dims": 1})}, []message{tensorFile("i", typeI64, []int{1, 2, 2}, 1, 0, 0, 2)}, pickOf(x6, 3, 2)},
		{"ScatterElements", 16, []int{0, 6}, []message{nodeFile("ScatterElements", "x i u", "y", attrs{"axis": 1, "reduction": "add"})},
			[]message{tensorFile("i", typeI64, []int{1, 2}, 4, -6), tensorFile("u", typeFloat, []int{1, 2}, 10, 20)}, []float64{20.5, x6[1], x6[2], x6[3], 12.5, x6[5]}},
		{"ScatterND of a computed part", 13, []int{0, 2, 3}, []message{nodeFile("Relu", "x", "r", nil), nodeFile("Slice", "r from to axis", "u", nil), nodeFile("ScatterND", "x i u", "y", nil)},
			[]message{tensorFile("i", typeI64, []int{1, 1, 2}, 0, 1), tensorFile("from", typeI64, []int{1}, 0), tensorFile("to", typeI64, []int{1}, 1), tensorFile("axis", typeI64, []int{1}, 1)},
			[]float64{x6[0], x6[1], x6[2], relu(x6[0]), relu(x6[1]), relu(x6[2])}},
		{"ReverseSequence", 13, []int{0, 6}, []message{nodeFile("ReverseSequence", "x n", "y", attrs{"batch_axis": 0, "time_axis": 1})}, []message{tensorFile("n", typeI64, []int{1}, 4)}, pickOf(x6, 3, 2, 1, 0, 4, 5)},
		{"Trilu", 14, []int{0, 2, 3}, []message{nodeFile("Trilu", "x", "y", attrs{"upper": 0})}, nil, []float64{x6[0], 0, 0, x6[3], x6[4], 0}},
		{"Compress", 13, []int{0, 6}, []message{nodeFile("Compress", "x c", "y", attrs{"axis": 1})}, []message{tensorFile("c", typeBool, []int{4}, 1, 0, 0, 1)}, pickOf(x6, 0, 3)},
		{"Hardmax", 13, []int{0, 2, 3}, []message{nodeFile("Hardmax", "x", "y", nil)}, nil, []float64{0, 0, 1, 0, 1, 0}},
		{"Hardmax of all", 12, []int{0, 2, 3}, []message{nodeFile("Hardmax", "x", "y", nil)}, nil, []float64{0, 0, 0, 0, 1, 0}},
		{"ArgMin and OneHot", 13, []int{0, 6}, []message{nodeFile("ArgMin", "x", "a", attrs{"axis": 1, "keepdims": 0}), nodeFile("OneHot", "a d v", "y", nil)},
			[]message{tensorFile("d", typeI64, nil, 7), tensorFile("v", typeFloat, []int{2}, -1, 2)}, []float64{-1, -1, -1, -1, -1, 2, -1}},
		{"sequences", 13, []int{0, 2, 3}, []message{nodeFile("SplitToSequence", "x", "s", attrs{"axis": 1, "keepdims": 0}), nodeFile("SequenceAt", "s k", "a", nil), nodeFile("SequenceConstruct", "a a", "b", nil),
			nodeFile("ConcatFromSequence", "b", "y", attrs{"axis": 2, "new_axis": 1})}, []message{tensorFile("k", typeI64, nil, -1)}, pickOf(x6, 3, 3, 4, 4, 5, 5)},
		{"If, nested", 13, []int{0, 6}, []message{nodeFile("If", "yes", "y", attrs{"then_branch": nested, "else_branch": branch("x x")}), nodeFile("Neg", "x", "n", nil)},
			[]message{tensorFile("yes", typeBool, nil, 1), tensorFile("no", typeBool, []int{1}, 0)}, apply(x6, func(v float64) float64 { return 3 - v*v })},
		{"If by a shape", 13, []int{0, 1, 6}, []message{nodeFile("Shape", "x", "sh", nil), nodeFile("Gather", "sh one", "d", nil), nodeFile("Equal", "d one", "c", nil),
			nodeFile("If", "c", "t", attrs{"then_branch": graphFile{nodes: []message{nodeFile("Squeeze", "x one", "o", nil)}, outputs: []message{portFile("o", typeFloat)}}, "else_branch": branch("x x")}),
			nodeFile("Softmax", "t", "p", attrs{"axis": -1}), nodeFile("ReduceSum", "p one", "y", attrs{"keepdims": 0})}, []message{one}, []float64{1}},
		{"channels last", 13, []int{0, 1, 3, 2}, []message{nodeFile("qonnx.custom_op.channels_last:Conv", "x w", "c", attrs{"kernel_shape": []int{1, 1}, "strides": []int{1, 1}}),
			nodeFile("qonnx.custom_op.channels_last:MaxPool", "c", "y", attrs{"kernel_shape": []int{1, 2}, "strides": []int{1, 1}})}, []message{tensorFile("w", typeFloat, []int{1, 1, 1, 2}, 2, -1)},
			[]float64{max(2*x6[0]-x6[1], 2*x6[2]-x6[3]), max(2*x6[2]-x6[3], 2*x6[4]-x6[5])}},
		{"a sparse constant", 13, []int{0, 2, 3}, []message{nodeFile("Constant", "", "k", attrs{"sparse_value": sparse}), nodeFile("Add", "x k", "y", nil)}, nil, []float64{x6[0], x6[1] + 5, x6[2], x6[3], x6[4] - 7, x6[5]}},
		{"4 bits in blocks", 21, []int{0, 6}, []message{nodeFile("DequantizeLinear", "w ws", "k", attrs{"axis": 0, "block_size": 4}), nodeFile("Add", "x k", "y", nil)},
			[]message{tensorFile("w", typeI4, []int{6}, -8, 7, 1, -1, 3, -4), tensorFile("ws", typeFloat, []int{2}, 0.5, 2)},
			[]float64{x6[0] - 4, x6[1] + 3.5, x6[2] + 0.5, x6[3] - 0.5, x6[4] + 6, x6[5] - 8}},
		{"clipped codes", 13, []int{0, 6}, []message{nodeFile("QuantizeLinear", "x s i", "q", nil), nodeFile("Clip", "q lo hi", "c", nil), nodeFile("DequantizeLinear", "c s i", "y", nil)},
			[]message{codes[0], tensorFile("i", typeI8, nil, 0), tensorFile("lo", typeI8, nil, -3), tensorFile("hi", typeI8, nil, 3)}, apply(x6, func(v float64) float64 { return math.Max(-1.5, math.Min(1.5, v)) })},
		{"codes by channel", 13, []int{0, 2, 3}, []message{nodeFile("QuantizeLinear", "x cs cz", "q", nil), nodeFile("Transpose", "q", "t", attrs{"perm": []int{0, 2, 1}}), nodeFile("DequantizeLinear", "t cs cz", "y", attrs{"axis": 2})},
			[]message{tensorFile("cs", typeFloat, []int{2}, 0.25, 2), tensorFile("cz", typeI8, []int{2}, 3, 3)},
			pickOf(slices.Concat(x6[:3], apply(x6[3:], func(v float64) float64 { return 2 * math.RoundToEven(v/2) })), 0, 3, 1, 4, 2, 5)},
		{"QLinearAdd", 13, []int{0, 6}, quantized(nodeFile("com.microsoft:QLinearAdd", "q s z q s z ys yz", "r", nil)), codes,
			apply(x6, func(v float64) float64 { return round8(2*round8(v, 0.5, 10), 0.25, 64) })},
		{"QLinearLeakyRelu", 13, []int{0, 6}, quantized(nodeFile("com.microsoft:QLinearLeakyRelu", "q s z ys yz", "r", attrs{"alpha": 0.5})), codes,
			apply(x6, func(v float64) float64 { return round8(math.Max(v, v/2), 0.25, 64) })},
		{"QLinearConcat", 13, []int{0, 6}, quantized(nodeFile("com.microsoft:QLinearConcat", "ys yz q s z q s z", "r", attrs{"axis": 1})), codes, slices.Concat(x6, x6)},
		{"dynamic quantization", 13, []int{0, 6}, []message{nodeFile("DynamicQuantizeLinear", "x", "q qs qz", nil), nodeFile("MatMulInteger", "q w qz wz", "i", nil), nodeFile("Cast", "i", "f", attrs{"to": 1}),
			nodeFile("Mul", "qs ws", "k", nil), nodeFile("Mul", "f k", "y", nil)},
			[]message{tensorFile("w", typeU8, []int{6, 1}, 1, 2, 3, 4, 5, 6), tensorFile("wz", typeU8, nil, 4), tensorFile("ws", typeFloat, nil, 0.5)},
			[]float64{(-3*x6[0] - 2*x6[1] - x6[2] + x6[4] + 2*x6[5]) / 2}},
		{"FusedMatMul", 13, []int{0, 2, 3}, []message{nodeFile("com.microsoft:FusedMatMul", "x w", "y", attrs{"transB": 1, "alpha": 0.5})}, []message{tensorFile("w", typeFloat, []int{1, 3}, 2, 4, 6)},
			[]float64{x6[0] + 2*x6[1] + 3*x6[2], x6[3] + 2*x6[4] + 3*x6[5]}},
		{"QuickGelu", 13, []int{0, 6}, []message{nodeFile("com.microsoft:QuickGelu", "x", "y", attrs{"alpha": 2.0})}, nil, apply(x6, func(v float64) float64 { return v / (1 + math.Exp(-2*v)) })},
		{"Add along an axis", 6, []int{0, 2, 3}, []message{nodeFile("Add", "x w", "y", attrs{"broadcast": 1, "axis": 1})}, []message{tensorFile("w", typeFloat, []int{2}, 10, 20)},
			[]float64{x6[0] + 10, x6[1] + 10, x6[2] + 10, x6[3] + 20, x6[4] + 20, x6[5] + 20}},
		{"first opset", 1, []int{0, 6}, []message{nodeFile("Reshape", "x", "a", attrs{"shape": []int{0, 2, 3}}), nodeFile("Pad", "a", "b", attrs{"paddings": []int{0, 0, 0, 0, 0, 1}}), nodeFile("Dropout", "b", "c", attrs{"is_test": 1}),
			nodeFile("Concat", "c c", "y", nil)}, nil, slices.Concat(x6[:3], []float64{0}, x6[3:], []float64{0}, x6[:3], []float64{0}, x6[3:], []float64{0})},
		{"Quant", 13, []int{0, 6}, []message{nodeFile("qonnx.custom_op.general:Quant", "x s zero bits", "y", attrs{"signed": 1, "narrow": 1, "rounding_mode": "FLOOR"})},
			[]message{tensorFile("s", typeFloat, nil, 0.75), tensorFile("zero", typeFloat, nil, 0), tensorFile("bits", typeFloat, nil, 3)},
			apply(x6, func(v float64) float64 { return 0.75 * math.Max(-3, math.Min(3, math.Floor(v/0.75))) })},
		{"Quant by channel", 13, []int{0, 2, 3}, []message{nodeFile("onnx.brevitas:Quant", "x s zero bits", "y", attrs{"signed": 0, "narrow": 0, "rounding_mode": "ROUND"})},
			[]message{tensorFile("s", typeFloat, []int{1, 2, 1}, 1, 0.25), tensorFile("zero", typeFloat, nil, 0), tensorFile("bits", typeFloat, nil, 2)}, []float64{0, 0, 2, 0, 0.75, 0}},
		{"BipolarQuant", 13, []int{0, 6}, []message{nodeFile("qonnx.custom_op.general:BipolarQuant", "x s", "y", nil)}, codes[:1], []float64{0.5, -0.5, 0.5, -0.5, 0.5, -0.5}},
		{"TopK of one", 13, []int{0, 2, 3}, []message{nodeFile("TopK", "x one", "v i", nil), nodeFile("Cast", "i", "f", attrs{"to": 1}), nodeFile("Add", "v f", "y", nil)},
			[]message{one}, []float64{x6[2] + 2, x6[4] + 1}},
		{"TopK of one, by an attribute", 9, []int{0, 2, 3}, []message{nodeFile("TopK", "x", "y -", attrs{"axis": 1, "k": 1})}, nil, []float64{x6[0], x6[4], x6[2]}},
		{"TopK of the smallest", 13, []int{0, 6}, []message{nodeFile("TopK", "x one", "y -", attrs{"largest": 0, "sorted": 0})}, []message{one}, []float64{x6[5]}},
		{"GridSample between elements", 16, []int{0, 1, 2, 3}, []message{nodeFile("GridSample", "x g", "y", attrs{"align_corners": 1})},
			[]message{tensorFile("g", typeFloat, []int{1, 1, 3, 2}, 0, 0, -1, 1, 0.5, -1)}, []float64{(x6[1] + x6[4]) / 2, x6[3], (x6[1] + x6[2]) / 2}},
		{"GridSample beyond edges", 16, []int{0, 1, 2, 3}, []message{nodeFile("GridSample", "x g", "y", nil)}, // places -0.5 and 3.5 across
			[]message{tensorFile("g", typeFloat, []int{1, 1, 3, 2}, -1, -0.5, 2, 0.5, 0, -0.5)}, []float64{x6[0] / 2, 0, x6[1]}},
		{"GridSample, reflected", 16, []int{0, 1, 2, 3}, []message{nodeFile("GridSample", "x g", "y", attrs{"mode": "nearest", "padding_mode": "reflection", "align_corners": 1})}, // places 3, -1 across
			[]message{tensorFile("g", typeFloat, []int{1, 1, 2, 2}, 2, -1, -2, 1)}, []float64{x6[1], x6[4]}},
		{"sizes multiplied and chosen", 15, []int{0, 2, 3}, []message{nodeFile("Shape", "x", "sh", nil), nodeFile("Shape", "x", "rest", attrs{"start": 1}), nodeFile("ReduceProd", "rest", "all", attrs{"keepdims": 1}),
			nodeFile("Concat", "minus all", "flat", attrs{"axis": 0}), nodeFile("Reshape", "x flat", "a", nil), nodeFile("Neg", "a", "b", nil),
			nodeFile("Equal", "sh minus", "c", nil), nodeFile("Where", "c minus sh", "sz", nil), nodeFile("Reshape", "b sz", "y", nil)},
			[]message{tensorFile("minus", typeI64, []int{1}, -1)}, apply(x6, func(v float64) float64 { return -v })},
		{"AffineGrid, upside down and half as wide", 20, []int{0, 1, 2, 3}, []message{nodeFile("AffineGrid", "theta size", "g", attrs{"align_corners": 1}), nodeFile("GridSample", "x g", "y", attrs{"align_corners": 1})},
			[]message{tensorFile("theta", typeFloat, []int{1, 2, 3}, 0.5, 0, 0, 0, -1, 0), tensorFile("size", typeI64, []int{4}, 1, 1, 2, 3)},
			[]float64{(x6[3] + x6[4]) / 2, x6[4], (x6[4] + x6[5]) / 2, (x6[0] + x6[1]) / 2, x6[1], (x6[1] + x6[2]) / 2}},
		{"Unique of a constant", 13, []int{0, 6}, []message{nodeFile("Unique", "k", "u first which count", attrs{"sorted": 0}), nodeFile("Gather", "x which", "a", attrs{"axis": 1}),
			nodeFile("Gather", "count which", "c", nil), nodeFile("Cast", "c", "f", attrs{"to": 1}), nodeFile("Mul", "a f", "y", nil)},
			[]message{tensorFile("k", typeI64, []int{4}, 9, 3, 9, 7)}, []float64{2 * x6[0], x6[1], 2 * x6[0], x6[2]}},
		{"Unique, sorted", 13, []int{0, 6}, []message{nodeFile("Unique", "k", "u", nil), nodeFile("Gather", "x u", "y", attrs{"axis": 1})},
			[]message{tensorFile("k", typeI64, []int{5}, 5, 3, 5, 0, 3)}, pickOf(x6, 0, 3, 5)},
		{"MatMulNBits of 4 bits", 13, []int{0, 6}, []message{nodeFile("Concat", "x x x", "c", attrs{"axis": 1}), nodeFile("com.microsoft:MatMulNBits", "c q s z", "y", attrs{"K": 18, "N": 1, "bits": 4, "block_size": 16})},
			[]message{tensorFile("q", typeU8, []int{1, 2, 8}, 0x21, 0x43, 0x05, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0), tensorFile("s", typeFloat, []int{2}, 0.5, 2), tensorFile("z", typeU8, []int{1}, 0x30)},
			[]float64{(x6[0]+2*x6[1]+3*x6[2]+4*x6[3]+5*x6[4])/2 + 2*(12*x6[4]+4*x6[5])}},
		{"MatMulNBits of 8 bits", 13, []int{0, 6}, []message{nodeFile("com.microsoft:MatMulNBits", "x q s - - b", "y", attrs{"K": 6, "N": 2, "bits": 8, "block_size": 8})},
			[]message{tensorFile("q", typeU8, []int{2, 1, 8}, 129, 128, 128, 128, 128, 128, 0, 0, 128, 126, 128, 128, 128, 255, 0, 0), tensorFile("s", typeFloat, []int{2}, 0.5, 1), tensorFile("b", typeFloat, []int{2}, 1, 2)},
			[]float64{x6[0]/2 + 1, -2*x6[1] + 127*x6[5] + 2}},
		{"classical scalers", 13, []int{0, 3, 2}, []message{nodeFile("ai.onnx.ml:Scaler", "x", "a", attrs{"offset": []float64{1, -2}, "scale": []float64{4}}), nodeFile("ai.onnx.ml:Normalizer", "a", "b", attrs{"norm": "L1"}), nodeFile("ai.onnx.ml:ZipMap", "b", "y", attrs{"classlabels_int64s": []int{4, 5}})},
			nil, []float64{-1.0 / 3, 2.0 / 3, 1, 0, 0.6, -0.4}},
		{"Normalizer by the largest", 13, []int{0, 6}, []message{nodeFile("ai.onnx.ml:Normalizer", "x", "y", nil)}, nil, apply(x6, func(v float64) float64 { return v / 2.5 })},
		{"Trunc of another scale", 13, []int{0, 6}, []message{nodeFile("qonnx.custom_op.general:Trunc", "x s zero before to after", "y", attrs{"signed": 1, "narrow": 1})},
			[]message{codes[0], tensorFile("zero", typeFloat, nil, 0), tensorFile("before", typeFloat, nil, 8), tensorFile("to", typeFloat, nil, 1), tensorFile("after", typeFloat, nil, 2)},
			apply(x6, func(v float64) float64 { return math.Floor(math.Max(-1, math.Min(1, v))) })},
		{"Dropout of none, in training mode", 13, []int{0, 6}, []message{nodeFile("Dropout", "x none train", "y", nil)}, []message{tensorFile("none", typeFloat, nil, 0), tensorFile("train", typeBool, nil, 1)}, x6},
		{"Trunc", 13, []int{0, 6}, []message{nodeFile("qonnx.custom_op.general:Trunc", "x s zero before after", "y", nil)},
			[]message{codes[0], tensorFile("zero", typeFloat, nil, 0), tensorFile("before", typeFloat, nil, 8), tensorFile("after", typeFloat, nil, 7)},
			apply(x6, func(v float64) float64 { return 0.5 * math.Floor(v) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := graphFile{nodes: c.nodes, constants: c.constants, inputs: []message{portFile("x", typeFloat, c.shape...)}, outputs: []message{portFile("y", typeFloat)}}.decode(c.opset)
			if err != nil {
				t.Fatal(err)
			}
			checkOutput(t, g, x6, c.want)
			// What is written again says the same.
			if _, err := onnx.Simplify(g); err != nil {
				t.Fatal(err)
			}
			data, err := onnx.Encode(g)
			if err != nil {
				t.Fatal(err)
			}
			if g, err = onnx.Decode(data); err != nil {
				t.Fatal(err)
			}
			checkOutput(t, g, x6, c.want)
		})
	}
}

// checkOutput runs one sample.
func checkOutput(t *testing.T, g *onnx.Graph, x, want []float64) {
	t.Helper()
	e, err := NewExecutor(g, 1, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, len(x))
	for i, v := range x {
		in[i] = float32(v)
	}
	out, err := e.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out[0]) != len(want) {
		t.Fatalf("got %v, want %v", out[0], want)
	}
	for i, v := range want {
		if !(math.Abs(float64(out[0][i])-v) <= 1e-5*math.Max(1, math.Abs(v))) {
			t.Fatalf("got %v, want %v", out[0], want)
		}
	}
}

// TestEmbedding looks words up in a table by the numbers of an integer input, negative ones from the end.
func TestEmbedding(t *testing.T) {
	g, err := graphFile{nodes: []message{nodeFile("Gather", "t x", "y", nil)}, constants: []message{tensorFile("t", typeFloat, []int{3, 2}, 1, 2, 3, 4, 5, 6)},
		inputs: []message{portFile("x", typeI64, 0, 4)}, outputs: []message{portFile("y", typeFloat)}}.decode(13)
	if err != nil {
		t.Fatal(err)
	}
	checkOutput(t, g, []float64{2, 0, -2, 1}, []float64{5, 6, 1, 2, 3, 4, 3, 4})
}

// gridData is samples of numbers on a grid, some beyond its ends.
type gridData struct{ rows [][]float32 }

func (d gridData) Len() int                         { return len(d.rows) }
func (d gridData) Shapes() [][]int                  { return [][]int{{len(d.rows[0])}} }
func (d gridData) Input(i int, dst []float32) error { copy(dst, d.rows[i]); return nil }
func (d gridData) Label(int) int                    { return -1 }

// TestQuantExact checks that a network of Quant operators becomes a program with the same levels and weights: its
// outputs are those of the quantized network, sample by sample.
func TestQuantExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	weights := func(n int) []float64 {
		return apply(make([]float64, n), func(float64) float64 { return rng.NormFloat64() })
	}
	// The bias keeps all sums off the middle between two levels, where rounding is a matter of taste.
	quantNode := func(in, out, scale string, a attrs) message {
		return nodeFile("qonnx.custom_op.general:Quant", in+" "+scale+" zero bits", out, a)
	}
	for _, bits := range []int{2, 4, 5} {
		t.Run(fmt.Sprintf("%d bits", bits), func(t *testing.T) {
			g, err := graphFile{
				nodes: []message{
					quantNode("x", "xq", "sx", nil),
					quantNode("w", "wq", "sw", attrs{"narrow": 1}),
					nodeFile("Gemm", "xq wq b", "h", nil),
					quantNode("h", "hq", "sh", attrs{"signed": 0}),
					quantNode("v", "vq", "sv", nil),
					nodeFile("MatMul", "hq vq", "y", nil),
				},
				constants: []message{
					tensorFile("w", typeFloat, []int{8, 40}, weights(320)...), tensorFile("v", typeFloat, []int{40, 5}, weights(200)...), tensorFile("b", typeFloat, []int{40}, filledWith(40, 0.011)...),
					tensorFile("sx", typeFloat, nil, 0.25), tensorFile("sw", typeFloat, nil, 0.375), tensorFile("sh", typeFloat, nil, 0.4375), tensorFile("sv", typeFloat, nil, 0.3),
					tensorFile("zero", typeFloat, nil, 0), tensorFile("bits", typeFloat, nil, float64(bits)),
				},
				inputs: []message{portFile("x", typeFloat, 0, 8)}, outputs: []message{portFile("y", typeFloat)},
			}.decode(13)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := onnx.Simplify(g); err != nil {
				t.Fatal(err)
			}
			data := gridData{}
			for range 64 {
				row := make([]float32, 8)
				for i := range row {
					row[i] = float32(2 * rng.NormFloat64())
				}
				data.rows = append(data.rows, row)
			}
			e, err := NewExecutor(g, 1, ExecOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var want [][]float32
			for _, row := range data.rows {
				out, err := e.Run(row)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, slices.Clone(out[0]))
			}
			m, err := quant.NewModel(g)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Calibrate(context.Background(), m, data, DefaultCalibrateConfig()); err != nil {
				t.Fatal(err)
			}
			cfg := quant.DefaultClusterConfig()
			cfg.Weights = 1 << bits
			if err := quant.Cluster(m, cfg); err != nil {
				t.Fatal(err)
			}
			p, err := quant.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			levels := m.Levels[g.Inputs[0].Name]
			for s, row := range data.rows {
				indices := make([]byte, len(row))
				for i, v := range row {
					indices[i] = byte(levels.Index(float64(v)))
				}
				got, err := quant.Simulate(p, indices)
				if err != nil {
					t.Fatal(err)
				}
				scale := p.Tensors[p.Outputs[0].Tensor].Scale
				for i, w := range want[s] {
					if v := float64(got[0][i]) * scale.Float(); math.Abs(v-float64(w)) > 1e-4*math.Max(1, math.Abs(float64(w))) {
						t.Fatalf("sample %d: output %d is %g, want %g", s, i, v, w)
					}
				}
			}
		})
	}
}

func filledWith(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }

// TestPhraseErrors checks that what a phrase cannot take is said with its reason.
func TestPhraseErrors(t *testing.T) {
	x := portFile("x", typeFloat, 0, 2, 3)
	for _, c := range []struct {
		name  string
		nodes []message
		want  string
	}{
		{"condition", []message{nodeFile("ReduceMax", "x", "m", nil), nodeFile("Greater", "m k", "c", nil), nodeFile("If", "c", "y", nil)}, "mix samples"},
		{"computed condition", []message{nodeFile("Greater", "x k", "c", nil), nodeFile("If", "c", "y", nil)}, "the condition is computed when the network runs"},
		{"computed indices", []message{nodeFile("Cast", "x", "j", attrs{"to": 7}), nodeFile("GatherElements", "x j", "y", attrs{"axis": 1})}, "computed when the network runs, want a constant"},
		{"samples", []message{nodeFile("GatherElements", "x i", "y", nil)}, "mix samples"},
		{"diagonal", []message{nodeFile("Einsum", "x", "y", attrs{"equation": "nii->n"})}, "takes a diagonal"},
		{"codes", []message{nodeFile("QuantizeLinear", "x k", "q", nil), nodeFile("Hardmax", "q", "y", nil)}, "arithmetic with integer codes"},
		{"sequence", []message{nodeFile("SequenceConstruct", "x x", "s", nil), nodeFile("Relu", "s", "y", nil)}, "a sequence of tensors"},
		{"dropout", []message{nodeFile("Constant", "", "r", attrs{"value_float": 0.5}), nodeFile("Constant", "", "on", attrs{"value_int": 1}), nodeFile("Cast", "on", "t", attrs{"to": 9}), nodeFile("Dropout", "x r t", "y", nil)}, "training mode"},
		{"trees", []message{nodeFile("ai.onnx.ml:TreeEnsembleRegressor", "x", "y", nil)}, "classical machine learning"},
		{"layout", []message{nodeFile("com.microsoft.nchwc:Conv", "x", "y", nil)}, "lower optimization level"},
		{"bits", []message{nodeFile("onnx.brevitas:Quant", "x k k k", "y", nil)}, "0.5 bits"},
	} {
		_, err := graphFile{nodes: c.nodes, constants: []message{tensorFile("k", typeFloat, nil, 0.5), tensorFile("i", typeI64, []int{1, 2, 1}, 0, 0)}, inputs: []message{x}, outputs: []message{portFile("y", typeFloat)}}.decode(13)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestQuantLevels checks that what two codes and cut codes become has levels of the network's own, and that the program computes them.
func TestQuantLevels(t *testing.T) {
	constants := []message{tensorFile("s", typeFloat, nil, 0.3), tensorFile("z", typeFloat, nil, 0), tensorFile("eight", typeFloat, nil, 8), tensorFile("four", typeFloat, nil, 4)}
	in := nodeFile("onnx.brevitas:Quant", "x s z eight", "q", attrs{"signed": 1, "narrow": 0, "rounding_mode": "ROUND"})
	for name, nodes := range map[string][]message{
		"two codes": {in, nodeFile("onnx.brevitas:BipolarQuant", "q s", "y", nil)},
		"cut codes": {in, nodeFile("onnx.brevitas:Trunc", "q s z eight four", "y", attrs{"rounding_mode": "FLOOR"})},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := graphFile{nodes: nodes, constants: constants, inputs: []message{portFile("x", typeFloat, 0, 8)}, outputs: []message{portFile("y", typeFloat)}}.decode(13)
			if err != nil {
				t.Fatal(err)
			}
			m, err := quant.FromGraph(g)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Carried() {
				t.Fatalf("levels are %v, want some of every site", m.Levels)
			}
			p, err := quant.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			e, err := NewExecutor(m.Graph, 1, ExecOptions{})
			if err != nil {
				t.Fatal(err)
			}
			out := p.Tensors[p.Outputs[0].Tensor]
			levels := m.Levels[g.Inputs[0].Name]
			for first := 0; first < 256; first += 8 {
				raw, x := make([]byte, 8), make([]float32, 8)
				for i := range raw {
					raw[i] = byte(first + i)
					x[i] = float32(levels.Value(first + i))
				}
				want, err := e.Run(x)
				if err != nil {
					t.Fatal(err)
				}
				got, err := quant.Simulate(p, raw)
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range want[0] {
					if v := out.Scale.Float() * float64(got[0][i]-int32(out.Zero)); math.Abs(v-float64(w)) > 1e-5 {
						t.Errorf("%g becomes %g, want %g", x[i], v, w)
					}
				}
			}
		})
	}
}
