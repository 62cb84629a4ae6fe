package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// TestReadOperators reads operators as files of different opsets have them.
func TestReadOperators(t *testing.T) {
	x := in("x", "N", 4, 9, 8)
	for _, c := range []struct {
		name  string
		opset int
		node  *pb.NodeProto
		more  []any
		want  Op
	}{
		{"Clip, attributes", 10, call("Clip", "x", "y", attr("min", -1.0), attr("max", 6.0)), nil, &Clip{Min: -1, Max: 6}},
		{"Clip, operands", 11, call("Clip", "x lo hi", "y"), []any{number("lo", 0), number("hi", 6)}, &Clip{Min: 0, Max: 6}},
		{"Clip, one operand", 13, call("Clip", "x - hi", "y"), []any{number("hi", 6)}, &Clip{Min: negInf, Max: 6}},
		{"Conv, defaults", 11, call("Conv", "x w", "y"), []any{floats("w", 2, 4, 3, 3)},
			&Conv{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{0, 0, 0, 0}, Groups: 1}},
		{"Conv, SAME_UPPER", 11, call("Conv", "x w", "y", attr("auto_pad", "SAME_UPPER"), attr("strides", []int{2, 2})), []any{floats("w", 2, 4, 4, 3)},
			&Conv{Kernel: []int{4, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{1, 0, 2, 1}, Groups: 1}},
		{"Conv, SAME_LOWER", 11, call("Conv", "x w", "y", attr("auto_pad", "SAME_LOWER"), attr("strides", []int{2, 2})), []any{floats("w", 2, 4, 4, 3)},
			&Conv{Kernel: []int{4, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{2, 1, 1, 0}, Groups: 1}},
		{"Conv, VALID", 11, call("Conv", "x w", "y", attr("auto_pad", "VALID"), attr("group", 2)), []any{floats("w", 2, 2, 4, 3)},
			&Conv{Kernel: []int{4, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{0, 0, 0, 0}, Groups: 2}},
		{"ConvTranspose, output_shape", 11, call("ConvTranspose", "x w", "y", attr("strides", []int{2, 2}), attr("output_shape", []int{18, 18})), []any{floats("w", 4, 2, 3, 3)},
			&ConvTranspose{Kernel: []int{3, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{1, 0, 0, 0}, OutputPadding: []int{0, 1}, Groups: 1}},
		{"ConvTranspose, SAME_UPPER", 11, call("ConvTranspose", "x w", "y", attr("strides", []int{2, 2}), attr("auto_pad", "SAME_UPPER")), []any{floats("w", 4, 2, 3, 3)},
			&ConvTranspose{Kernel: []int{3, 3}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: []int{0, 0, 1, 1}, OutputPadding: []int{0, 0}, Groups: 1}},
		{"MaxPool, unused indices", 12, call("MaxPool", "x", "y indices", attr("kernel_shape", []int{2, 2}), attr("storage_order", 1)), nil,
			&MaxPool{Kernel: []int{2, 2}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{0, 0, 0, 0}}},
		{"BatchNormalization, opset 7", 7, call("BatchNormalization", "x s s s s", "y", attr("spatial", 1), attr("momentum", 0.5)), []any{floats("s", 4)}, &BatchNormalization{Epsilon: float64(float32(1e-5))}},
		{"BatchNormalization, opset 14", 14, call("BatchNormalization", "x s s s s", "y", attr("training_mode", 0), attr("epsilon", 0.5)), []any{floats("s", 4)}, &BatchNormalization{Epsilon: 0.5}},
		{"Dropout, attribute", 10, call("Dropout", "x", "y mask", attr("ratio", 0.5)), nil, &Dropout{}},
		{"Dropout, operands", 13, call("Dropout", "x ratio", "y", attr("seed", 1)), []any{floats("ratio")}, &Dropout{}},
		{"Flatten, negative axis", 13, call("Flatten", "x", "y", attr("axis", -3)), nil, &Flatten{Axis: 1}},
		{"Softmax, default of opset 12", 12, call("Softmax", "r", "y"), []any{in("r", 1, 6, 1, 1)}, &Softmax{Axis: 1}},
		{"Softmax, last axis of opset 12", 12, call("Softmax", "r", "y", attr("axis", 1)), []any{in("r", 1, 1, 1, 6)}, &Softmax{Axis: 3}},
		{"Softmax, default of opset 13", 13, call("Softmax", "x", "y"), nil, &Softmax{Axis: 3}},
		{"Squeeze, attribute", 11, call("Squeeze", "r", "y", attr("axes", []int{-1, 2})), []any{in("r", 1, 6, 1, 1)}, &Squeeze{Axes: []int{2, 3}}},
		{"Squeeze, operand", 13, call("Squeeze", "r a", "y"), []any{in("r", 1, 6, 1, 1), integers("a", 3)}, &Squeeze{Axes: []int{3}}},
		{"Squeeze, all but the batch", 13, call("Squeeze", "r", "y"), []any{in("r", 1, 6, 1, 1)}, &Squeeze{Axes: []int{2, 3}}},
		{"Unsqueeze, attribute", 11, call("Unsqueeze", "r", "y", attr("axes", []int{-1})), []any{in("r", 1, 6)}, &Unsqueeze{Axes: []int{2}}},
		{"Unsqueeze, operand", 13, call("Unsqueeze", "r a", "y"), []any{in("r", 1, 6), integers("a", 3, 1)}, &Unsqueeze{Axes: []int{1, 3}}},
		{"Transpose, default", 13, call("Transpose", "r", "y"), []any{in("r", 5, 6)}, &Transpose{Perm: []int{1, 0}}},
		{"Concat, negative axis", 13, call("Concat", "x x", "y", attr("axis", -2)), nil, &Concat{Axis: 2}},
		{"Pad, attributes", 10, call("Pad", "r", "y", attr("pads", []int{0, 1, 0, 2}), attr("value", 3.0)), []any{in("r", 1, 6)}, &Pad{Pads: []int{0, 1, 0, 2}, Mode: "constant", Value: 3}},
		{"Pad, operands", 11, call("Pad", "r p", "y", attr("mode", "edge")), []any{in("r", 1, 6), integers("p", 0, 1, 0, 2)}, &Pad{Pads: []int{0, 1, 0, 2}, Mode: "edge"}},
		{"Pad, axes", 18, call("Pad", "x p - a", "y"), []any{integers("p", 1, 2, 3, 4), integers("a", -1, 2)}, &Pad{Pads: []int{0, 0, 2, 1, 0, 0, 4, 3}, Mode: "constant"}},
		{"Reshape", 13, call("Reshape", "x s", "y"), []any{integers("s", 0, -1)}, &Reshape{Dims: []int{0, -1}}},
		{"Gemm", 13, call("Gemm", "r w", "y", attr("alpha", 0.5), attr("transB", 1)), []any{in("r", 1, 6), floats("w", 2, 6)}, &Gemm{TransB: true, Alpha: 0.5, Beta: 1}},
		{"Gelu", 20, call("Gelu", "x", "y", attr("approximate", "tanh")), nil, &Gelu{Tanh: true}},
		{"Cast between floats", 13, call("Cast", "x", "y", attr("to", int(pb.TensorProto_FLOAT16))), nil, &Identity{}},
		{"LeakyRelu, default", 6, call("LeakyRelu", "x", "y"), nil, &LeakyRelu{Alpha: float64(float32(0.01))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := decodeFile(t, file(c.opset, append(c.more, x, out("y"), c.node)...))
			if len(g.Nodes) != 1 || !reflect.DeepEqual(g.Nodes[0].Op, c.want) {
				t.Errorf("got %s, want %s%+v", dump(g), c.want.Type(), c.want)
			}
		})
	}
}

// TestReadErrors reads files that are wrong, or not supported.
func TestReadErrors(t *testing.T) {
	x, y := in("x", "N", 4, 9, 8), out("y")
	relu := call("Relu", "x", "y")
	short := floats("w", 2, 3)
	short.RawData = short.RawData[:20]
	shortList := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{3}, DataType: proto.Int32(1), FloatData: []float32{1, 2}}
	huge := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{1 << 20, 1 << 20}, DataType: proto.Int32(1), RawData: []byte{1}}
	negative := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{-1}, DataType: proto.Int32(1), RawData: []byte{}}
	long := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{1 << 31, 0}, DataType: proto.Int32(1)}
	text := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{1}, DataType: proto.Int32(8)}
	strange := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{1}, DataType: proto.Int32(77)}
	external := &pb.TensorProto{Name: proto.String("w"), Dims: []int64{1}, DataType: proto.Int32(1), DataLocation: pb.TensorProto_EXTERNAL.Enum()}
	addW := call("Add", "x w", "y")
	noGraph := file(13)
	noGraph.Graph = nil
	noOpset := file(13, x, y, relu)
	noOpset.OpsetImport = nil
	oldIR := file(13, x, y, relu)
	oldIR.IrVersion = proto.Int64(14)
	twiceMeta := file(13, x, y, relu)
	twiceMeta.MetadataProps = []*pb.StringStringEntryProto{{Key: proto.String("k")}, {Key: proto.String("k")}}
	foreignOp := call("Gelu", "x", "y")
	foreignOp.Domain = proto.String("com.example")
	trees := call("TreeEnsembleRegressor", "x", "y")
	trees.Domain = proto.String("ai.onnx.ml")
	reference := attr("alpha", 1.0)
	reference.RefAttrName = proto.String("a")

	for _, c := range []struct {
		name        string
		m           *pb.ModelProto
		unsupported bool // UnsupportedError, else FormatError
		want        string
	}{
		{"no graph", noGraph, false, "onnx: not an ONNX model: it has no graph"},
		{"no outputs", file(13, x), false, "the graph has no outputs"},
		{"no opset", noOpset, false, "onnx: opset_import: the version of the ONNX operators is missing"},
		{"opset 0", file(0, x, y, relu), true, "the model: opset 0, want 1..25"},
		{"opset 26", file(26, x, y, relu), true, "the model: opset 26, want 1..25: the file is newer than this program"},
		{"IR version", oldIR, true, "the model: IR version 14, want 1..13: the file is newer than this program"},
		{"metadata twice", twiceMeta, false, `onnx: metadata_props: key "k" is there twice`},

		{"unknown operator", file(13, x, y, named("n", call("Det", "x", "y"))), true, `node "n" (Det, opset 13): the operator is not supported`},
		{"unknown domain", file(13, x, y, foreignOp), true, `node "Gelu_0" (com.example:Gelu, opset 0): the operator is not supported`},
		{"trees", file(13, x, y, trees), true, "an operator of classical machine learning"},
		{"too new", file(13, x, y, call("Mish", "x", "y")), true, "want opset 18 or newer"},
		{"unknown attributes", file(13, x, y, call("Relu", "x", "y", attr("slope", 1.0), attr("bend", 1.0))), true, `unknown attribute "bend"; unknown attribute "slope"`},
		{"training", file(14, x, y, call("BatchNormalization", "x s s s s", "y", attr("training_mode", 1)), floats("s", 4)), true, "training mode"},
		{"pool over volumes", file(13, in("x", 1, 2, 3, 4, 5), y, call("MaxPool", "x", "y", attr("kernel_shape", []int{1, 1, 1}))), true, "a kernel of 3 dimensions"},
		{"computed bounds", file(13, x, in("b"), y, call("Clip", "x b", "y")), true, `min (operand 1, "b") is computed when the network runs`},
		{"mixed samples", file(13, x, y, call("Transpose", "x", "y", attr("perm", []int{1, 0, 2, 3}))), true, "moves the batch"},
		{"cast to strings", file(13, x, y, call("Cast", "x", "y", attr("to", int(pb.TensorProto_STRING)))), true, "a cast to string"},
		{"gather of samples", file(13, x, y, call("Gather", "x i", "y"), number("i", 0)), true, "pick samples of the batch"},
		{"batch as data", file(13, x, y, call("Shape", "x", "s"), call("Add", "x s", "y")), true, "is computed from the batch size"},
		{"batch as output", file(13, x, y, call("Shape", "x", "y")), true, `graph output "y": it is computed from the batch size alone`},
		{"strings", file(13, x, y, addW, text), true, `initializer "w": elements of type string`},
		{"unknown type", file(13, x, y, addW, strange), true, `initializer "w": elements of type number 77`},
		{"symbolic dimensions", file(13, in("x", "N", "c", nil), y, relu), true, `the model: sizes of its inputs are open: dimension 1 of "x" ("c"), dimension 2 of "x"; bind them to the sizes you want, as in --dim c=16 --dim x:2=16`},
		{"input of strings", file(13, typedIn("x", pb.TensorProto_STRING, 1), y, relu), true, "elements of type string"},
		{"integer input", file(13, typedIn("x", pb.TensorProto_INT8, 1), y, relu), true, "elements of type int, want float"},

		{"missing input", file(13, x, y, named("n", call("Add", "x nowhere", "y"))), false, `onnx: node "n" (Add): input 1, "nowhere", is computed by no node`},
		{"missing output", file(13, x, y, out("z"), relu), false, `onnx: graph output "z": no node computes it`},
		{"output twice", file(13, x, y, y, relu), false, "it is there twice"},
		{"two producers", file(13, x, y, named("a", call("Relu", "x", "y")), named("b", call("Relu", "x", "y"))), false, `node "b" (Relu): output "y" is computed by node "a" too`},
		{"computed input", file(13, x, call("Relu", "x", "x")), false, `output "x" is a graph input too`},
		{"initializer twice", file(13, x, y, relu, floats("w", 1), floats("w", 1)), false, `initializer "w": its name is empty or there twice`},
		{"cycle", file(13, x, y, named("a", call("Add", "x c", "b")), named("b", call("Relu", "b", "c")), named("c", call("Relu", "b", "y"))), false, "the graph has a cycle"},
		{"types", file(13, x, y, addW, number("w", 1)), false, "elements of type float and int, want one type"},
		{"shapes", file(13, x, y, named("n", addW), floats("w", 3)), false, `node "n" (Add) of "x" [N,4,9,8], "w" [3]: shapes`},
		{"short data", file(13, x, y, addW, short), false, `onnx: initializer "w": got 20 bytes of data, shape [2,3] of float wants 24`},
		{"short list", file(13, x, y, addW, shortList), false, "got 2 elements of data, shape [3] wants 3"},
		{"huge tensor", file(13, x, y, addW, huge), false, "has 2^31 elements or more"},
		{"negative dimension", file(13, x, y, addW, negative), false, "dimension 0 is -1"},
		{"long dimension", file(13, x, y, addW, long), false, "dimension 0 is 2147483648"},
		{"external data of a memory file", file(13, x, y, addW, external), false, "the data is in another file"},
		{"attribute type", file(13, x, y, call("LeakyRelu", "x", "y", attr("alpha", 1))), false, `attribute "alpha" has type int, want float`},
		{"attribute twice", file(13, x, y, call("LeakyRelu", "x", "y", attr("alpha", 1.0), attr("alpha", 1.0))), false, `attribute "alpha" is there twice`},
		{"attribute reference", file(13, x, y, call("LeakyRelu", "x", "y", reference)), false, `refers to "a"`},
		{"no kernel", file(13, x, y, call("MaxPool", "x", "y")), false, `attribute "kernel_shape" is missing`},
		{"strides", file(13, x, y, call("MaxPool", "x", "y", attr("kernel_shape", []int{1, 1}), attr("strides", []int{1}))), false, `attribute "strides" has 1 entries, want 2`},
		{"auto_pad", file(13, x, y, call("MaxPool", "x", "y", attr("kernel_shape", []int{1, 1}), attr("auto_pad", "FULL"))), false, `auto_pad is "FULL"`},
		{"axis", file(13, x, y, call("Softmax", "x", "y", attr("axis", 4))), false, "axis 4 is outside a tensor of rank 4"},
		{"axes twice", file(11, in("x", 1, 1, 1), y, call("Squeeze", "x", "y", attr("axes", []int{1, -2}))), false, "name a dimension twice"},
		{"no inputs", file(13, x, y, call("Relu", "", "y")), false, "want at least one input"},
		{"truth value", file(13, in("x", 1, 6), y, call("Gemm", "x w", "y", attr("transB", 2)), floats("w", 2, 6)), false, `attribute "transB" is 2, want 0 or 1`},
		{"pads list", file(13, x, y, call("Pad", "x p", "y"), integers("p", 1)), false, "pads has 1 entries"},
		{"filled tensor", file(13, x, y, call("ConstantOfShape", "s", "w"), addW, integers("s", 1<<15, 1<<15)), false, "more elements than a model may fill"},
		{"index", file(13, x, y, call("Shape", "x", "s"), call("Gather", "s i", "d"), call("Reshape", "x d", "y"), integers("i", 9)), false, "index 9 is outside dimension 0 of [4]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(marshal(t, c.m))
			var format *FormatError
			var unsupported *UnsupportedError
			if errors.As(err, &unsupported) != c.unsupported || errors.As(err, &format) == c.unsupported {
				t.Fatalf("got error %v of type %T", err, err)
			}
			if !strings.HasPrefix(err.Error(), "onnx: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %q, want %q", err, c.want)
			}
		})
	}
}

// TestReadReportsAll checks that one error lists everything that is not supported, and
// nothing that only follows from it.
func TestReadReportsAll(t *testing.T) {
	_, err := Decode(marshal(t, file(13, in("x", "N", 4, 9, 8), out("y"),
		named("a", call("Inverse", "x", "1")),
		named("b", call("Relu", "1", "2", attr("bad", 1))),
		named("c", call("Shape", "2", "3")),
		named("d", call("Gather", "3 i", "4")),
		named("e", call("Conv", "2 w", "5")),
		named("f", call("Reshape", "5 4", "6")),
		named("g", call("Softmax", "6", "7", attr("axis", -1))),
		named("h", call("Det", "7", "y")),
		named("dead", call("Loop", "x", "unused")),
		number("i", 0), floats("w", 2, 4, 3, 3))))
	want := `onnx: the model has 3 unsupported parts:
  node "a" (Inverse, opset 13): the operator is not supported
  node "b" (Relu, opset 13): unknown attribute "bad"
  node "h" (Det, opset 13): the operator is not supported`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	var unsupported *UnsupportedError
	if errors.As(err, &unsupported) && unsupported.Nodes[1] != (UnsupportedNode{Name: "b", Op: "Relu", Opset: 13, Reason: `unknown attribute "bad"`}) {
		t.Errorf("got %+v", unsupported.Nodes[1])
	}
}

func TestDecodeForeign(t *testing.T) {
	for want, data := range map[string]string{
		"the file is empty": "",
		"Git LFS pointer":   "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
		"HTML page":         "\r\n <!DOCTYPE html><html></html>",
		"HTML":              "<html lang=en>",
		"zip archive":       "PK\x03\x04rest",
		"gzip":              "\x1f\x8b\x08",
		"HDF5":              "\x89HDF\r\n\x1a\n",
		"TensorFlow Lite":   "\x1c\x00\x00\x00TFL3",
		"ORT format":        "\x18\x00\x00\x00ORTM",
		"program (.qlut)":   "\x89QLT\r\n\x1a\n",
		"Python pickle":     "\x80\x02}q\x00",
		"NumPy array":       "\x93NUMPY\x01",
		"a picture":         "\x89PNG\r\n\x1a\n",
		"the file is text":  "just text",
		"not an ONNX model": "\x08\x07garbage",
	} {
		_, err := Decode([]byte(data))
		var format *FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want FormatError with %q", data, err, want)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	nodes := &pb.GraphProto{Node: slices.Repeat([]*pb.NodeProto{{}}, maxMessages+1)}
	if _, err := Decode(marshal(t, &pb.ModelProto{Graph: nodes})); err == nil || !strings.Contains(err.Error(), "too many parts") {
		t.Errorf("many nodes: got %v", err)
	}
}

func TestReadFileErrors(t *testing.T) {
	if _, err := Read(filepath.Join(t.TempDir(), "none.onnx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("folder: got no error")
	}
}
