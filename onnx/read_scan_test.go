package onnx

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/internal/testtool"
	"qconv/onnx/internal/pb"
)

// scanNode is a Scan whose body has the parts given.
func scanNode(inputs, outputs string, sequences int, body []any, attrs ...*pb.AttributeProto) *pb.NodeProto {
	a := &pb.AttributeProto{Name: proto.String("body"), Type: pb.AttributeProto_GRAPH.Enum(), G: file(1, body...).Graph}
	return call("Scan", inputs, outputs, append(attrs, attr("num_scan_inputs", sequences), a)...)
}

// dense is an output of a body of a declared shape, as ONNX Runtime wants them.
func dense(name string, dims ...any) output { return output{in(name, dims...).ValueInfoProto} }

// sumBody adds up its steps: s' = s + x, and hands out s'.
func sumBody(width int) []any {
	return []any{in("s", "N", width), in("e", "N", width), dense("t", "N", width), dense("o", "N", width), call("Add", "s e", "t"), call("Identity", "t", "o")}
}

// TestScans compares Scans of all kinds with ONNX Runtime.
func TestScans(t *testing.T) {
	ort := testtool.NewORT(t)
	zeros := func(name string, dims ...int) *pb.TensorProto {
		x := counting(dims...)
		clear(x.Floats)
		return tensorProto(name, x)
	}
	for _, c := range []struct {
		name  string
		batch int
		m     *pb.ModelProto
	}{
		{"steps in front", 0, file(11, in("z", 3), in("x", 5, 3), out("last"), out("all"),
			scanNode("z x", "last all", 1, []any{in("s", 3), in("e", 3), dense("t", 3), dense("o", 3), call("Add", "s e", "t"), call("Identity", "t", "o")}))},
		{"batch", 2, file(13, in("z", "N", 3), in("x", "N", 5, 3), out("last"), out("all"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1})))},
		{"negative axes", 2, file(13, in("z", "N", 3), in("x", "N", 3, 5), out("last"), out("all"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{-1}), attr("scan_output_axes", []int{-1})))},
		{"backwards", 2, file(13, in("z", "N", 3), in("x", "N", 5, 3), out("last"), out("all"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1}),
				attr("scan_input_directions", []int{1}), attr("scan_output_directions", []int{1})))},
		{"batch behind the steps", 2, file(13, in("z", "N", 3), in("y", "N", 5, 3), out("last"), out("all"), call("Transpose", "y", "x", attr("perm", []int{1, 0, 2})),
			scanNode("z x", "last all", 1, sumBody(3)))},
		{"steps in front of the batch", 2, file(13, in("z", "N", 3), in("x", 5, "N", 3), out("last"), out("all"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{0}), attr("scan_output_axes", []int{1})))},
		{"one step", 2, file(13, in("z", "N", 3), in("x", "N", 1, 3), out("last"), out("all"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1})))},
		{"constant state", 1, file(13, zeros("z", 1, 3), in("x", 1, 5, 3), out("last"), out("all"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1})))},
		{"state of the batch size", 3, file(13, in("x", "N", 5, 3), out("last"), out("all"), integers("from", 0), integers("to", 1), integers("width", 3),
			call("Shape", "x", "shape"), call("Slice", "shape from to", "n"), call("Concat", "n width", "size", attr("axis", 0)), call("ConstantOfShape", "size", "z"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1})))},
		{"two states and sequences", 2, file(13, in("z", "N", 3), in("w", "N", 3), in("x", "N", 5, 3), in("y", "N", 5, 3), floats("k", 3), out("a"), out("b"), out("p"), out("q"),
			scanNode("z w x y", "a b p q", 2, []any{in("s", "N", 3), in("v", "N", 3), in("e", "N", 3), in("f", "N", 3),
				dense("s2", "N", 3), dense("v2", "N", 3), dense("o", "N", 3), dense("o2", "N", 3),
				call("Mul", "e k", "ek"), call("Sub", "v ek", "s2"), call("Tanh", "s", "ts"), call("Mul", "ts f", "v2"), call("Identity", "s2", "o"), call("Add", "s v", "o2")},
				attr("scan_input_axes", []int{1, 1}), attr("scan_output_axes", []int{1, 2}), attr("scan_input_directions", []int{0, 1})))},
		{"results left out", 2, file(13, in("z", "N", 3), in("x", "N", 5, 3), out("last"),
			scanNode("z x", "last all", 1, sumBody(3), attr("scan_input_axes", []int{1}), attr("scan_output_axes", []int{1})))},
		{"values of the graph around it", 2, file(13, in("z", "N", 3), in("x", "N", 5, 3), in("g", "N", 3), floats("w", 3, 3), out("last"), call("Sigmoid", "g", "gate"),
			scanNode("z x", "last", 1, []any{in("s", "N", 3), in("e", "N", 3), dense("t", "N", 3), call("MatMul", "s w", "m"), call("Mul", "m gate", "mg"), call("Add", "mg e", "sum"), call("Tanh", "sum", "t")},
				attr("scan_input_axes", []int{1})))},
		{"a recurrent layer of one step in the body", 2, file(13, in("z", 1, "N", 2), in("x", "N", 5, 3), floats("w", 1, 2, 3), floats("r", 1, 2, 2), out("last"),
			scanNode("z x", "last", 1, []any{in("s", 1, "N", 2), in("e", "N", 3), dense("t", 1, "N", 2), integers("axes", 0), call("Unsqueeze", "e axes", "seq"), call("RNN", "seq w r - - s", "- t", attr("hidden_size", 2))},
				attr("scan_input_axes", []int{1})))},
	} {
		t.Run(c.name, func(t *testing.T) {
			agree(t, ort, marshal(t, c.m), ReadOptions{}, max(c.batch, 1))
		})
	}
}

// TestScanErrors checks that what is wrong with a Scan is said in one line.
func TestScanErrors(t *testing.T) {
	x, z := in("x", "N", 5, 3), in("z", "N", 3)
	axis := attr("scan_input_axes", []int{1})
	for _, c := range []struct {
		name        string
		m           *pb.ModelProto
		unsupported bool
		want        string
	}{
		{"over samples", file(13, in("x", "N", 3), floats("z", 3), out("a"), scanNode("z x", "a b", 1, []any{in("s", 3), in("e", 3), dense("t", 3), dense("o", 3), call("Add", "s e", "t"), call("Identity", "t", "o")})), true, "is the batch: the loop would run over samples"},
		{"opset 8", file(8, x, z, out("a"), scanNode("z x", "a b", 1, sumBody(3))), true, "of opset 8; export the network for opset 9 or newer"},
		{"too few inputs", file(13, x, out("a"), scanNode("x", "a b", 1, sumBody(3), axis)), false, "with a body of 2 and 2"},
		{"no sequence", file(13, z, out("a"), scanNode("z", "a", 0, sumBody(3))), false, "at least one sequence"},
		{"lengths", file(13, x, z, in("y", "N", 4, 3), out("a"), scanNode("z x y", "a b", 2, append([]any{in("f", "N", 3)}, sumBody(3)...), attr("scan_input_axes", []int{1, 1}))), false, "sequences of 5 and 4 steps"},
		{"axis", file(13, x, z, out("a"), scanNode("z x", "a b", 1, sumBody(3), attr("scan_input_axes", []int{3}))), false, "axis 3 is outside sequence 0"},
		{"direction", file(13, x, z, out("a"), scanNode("z x", "a b", 1, sumBody(3), axis, attr("scan_input_directions", []int{2}))), false, "direction 2, want 0 or 1"},
		{"no such value", file(13, x, z, out("a"), scanNode("z x", "a", 1, []any{in("s", "N", 3), in("e", "N", 3), out("t")}, axis)), false, "is computed by no node"},
		{"a name twice", file(13, x, z, out("a"), scanNode("z x", "a", 1, []any{in("s", "N", 3), in("e", "N", 3), out("e"), call("Relu", "s", "e")}, axis)), false, "is there twice"},
		{"more loops in a loop than can be read one by one", file(13, in("x", "N", 200, 20000, 3), z, out("a"), scanNode("z x", "a", 1, []any{in("s", "N", 3), in("e", "N", 4, 3), out("a2"),
			scanNode("s e", "a2 b2", 1, sumBody(3), axis)}, axis)), true, "a loop in the body of another"},
		{"more recurrent layers in a loop", file(13, in("x", "N", 20000, 4, 3), in("z", 1, "N", 2), floats("w", 1, 2, 3), floats("r", 1, 2, 2), out("a"),
			scanNode("z x", "a", 1, []any{in("s", 1, "N", 2), in("e", "N", 4, 3), out("t"), call("Transpose", "e", "seq", attr("perm", []int{1, 0, 2})),
				call("RNN", "seq w r - - s", "- t", attr("hidden_size", 2))}, axis)), true, "a loop in the body of another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(marshal(t, c.m))
			var format *FormatError
			var unsupported *UnsupportedError
			if errors.As(err, &unsupported) != c.unsupported || errors.As(err, &format) == c.unsupported || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v of type %T, want %q", err, err, c.want)
			}
		})
	}
}
