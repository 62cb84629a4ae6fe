package onnx

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// fuzzMemory keeps every input of the fuzz targets small, in bytes.
const fuzzMemory = 1 << 20

// FuzzDecode feeds the reader any bytes. It must answer with a graph or one of its two
// kinds of error, and a graph must survive simplification, writing and reading.
func FuzzDecode(f *testing.F) {
	for _, c := range opCases {
		g := c.graph()
		if err := g.InferShapes(); err != nil {
			f.Fatal(err)
		}
		data, err := Encode(g)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	x, y := in("x", "N", 4, 6, 6), out("y")
	for _, m := range []*pb.ModelProto{
		file(13, x, y, number("0", 0), integers("-1", -1), integers("axes", 0), call("Shape", "x", "a"), call("Gather", "a 0", "b"),
			call("Unsqueeze", "b axes", "c"), call("Concat", "c -1", "s", attr("axis", 0)), call("Reshape", "x s", "y")),
		file(11, x, y, floats("w", 2, 4, 4, 3), call("Conv", "x w", "y", attr("auto_pad", "SAME_UPPER"), attr("strides", []int{2, 2}))),
		file(11, x, y, floats("w", 4, 2, 3, 3), call("ConvTranspose", "x w", "y", attr("output_shape", []int{12, 12}), attr("strides", []int{2, 2}))),
		file(9, in("x", "N", 4), y, integers("s", 4, 4), call("ConstantOfShape", "s", "w"), floats("b", 4), call("MatMul", "x w", "m"), call("Add", "m b", "y")),
		file(13, x, y, floats("s", 4), floats("w", 4, 4, 1, 1), call("Conv", "x w", "c"), call("BatchNormalization", "c s s s s", "n"), call("Sigmoid", "n", "g"), call("Mul", "n g", "y")),
		file(13, x, y, real("s", nil, 0.5), typed("z", u8, nil, 3), call("QuantizeLinear", "x s z", "q"), call("MaxPool", "q", "m", attr("kernel_shape", []int{2, 2})), call("DequantizeLinear", "m s z", "y")),
		file(13, x, y, call("Transpose", "x", "t", attr("perm", []int{0, 2, 3, 1})), call("Split", "t", "a b", attr("axis", 3)), call("Concat", "b a", "c", attr("axis", 3)), call("Transpose", "c", "y", attr("perm", []int{0, 3, 1, 2}))),
		file(18, x, y, integers("sizes", 9, 5), call("Resize", "x - - sizes", "y", attr("axes", []int{2, 3}), attr("mode", "linear"))),
		file(18, x, y, integers("a", 2, 3), call("ReduceMean", "x a", "m", attr("keepdims", 0)), call("Softmax", "m", "y")),
		file(10, x, y, call("Slice", "x", "y", attr("starts", []int{0}), attr("ends", []int{2}))),
		recurrentFile{op: "LSTM", opset: 14, steps: 3, hidden: 2, inputs: 2, direction: "bidirectional", states: "input", outs: "Y Y_h Y_c", peep: true, batch: "N"}.build(),
		recurrentFile{op: "GRU", opset: 7, steps: 3, hidden: 2, inputs: 2, direction: "reverse", outs: "Y", linear: true, batch: 1}.build(),
		recurrentFile{op: "RNN", opset: 14, steps: 1, hidden: 2, inputs: 2, outs: "Y Y_h", layout: true, batch: "N"}.build(),
		file(13, in("x", "N", 3, 4), y, integers("-1", 0, 0, -1), floats("w", 2, 8, 4), floats("r", 2, 8, 2), call("Transpose", "x", "t", attr("perm", []int{1, 0, 2})),
			call("LSTM", "t w r", "s", attr("hidden_size", 2), attr("direction", "bidirectional")), call("Transpose", "s", "u", attr("perm", []int{0, 2, 1, 3})),
			call("Reshape", "u -1", "v"), call("Transpose", "v", "o", attr("perm", []int{1, 0, 2})), number("last", -1), call("Gather", "o last", "y", attr("axis", 1))),
		file(13, in("z", "N", 3), in("x", "N", 4, 3), out("last"), out("all"), scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1}))),
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range loopCases() {
		data, err := proto.Marshal(c.m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(data []byte) (*Graph, error) { return DecodeWith(data, ReadOptions{MaxMemory: fuzzMemory}) }
		g, err := read(data)
		if err != nil {
			var format *FormatError
			var unsupported *UnsupportedError
			if !errors.As(err, &format) && !errors.As(err, &unsupported) {
				t.Fatalf("got an error of type %T: %v", err, err)
			}
			return
		}
		for _, simplify := range []bool{false, true} {
			if simplify {
				if elements(g) > 1<<16 {
					return // folding would only take time
				}
				if _, err := Simplify(g); err != nil {
					return // such as a negative variance
				}
			}
			first, err := Encode(g)
			if err != nil {
				t.Fatalf("cannot be written: %v", err)
			}
			back, err := read(first)
			var limit *LimitError
			if errors.As(err, &limit) {
				return // spelled out, it takes more than so little memory
			}
			if err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			second, err := Encode(back)
			if err != nil || !bytes.Equal(first, second) {
				t.Fatalf("what was read gives another file (error %v)", err)
			}
		}
	})
}

// elements counts the elements of all values of a graph.
func elements(g *Graph) int {
	n := 0
	for _, node := range g.Nodes {
		for _, v := range node.Outputs {
			n += min(v.Shape.Elems(), maxDim-n)
		}
	}
	return n
}
