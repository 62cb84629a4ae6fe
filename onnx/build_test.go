package onnx

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// Files for the tests are built here as messages, so that any file, right or wrong, can
// be made.

// file is a model of one opset with the given parts.
func file(opset int, parts ...any) *pb.ModelProto {
	g := &pb.GraphProto{Name: proto.String("g")}
	m := &pb.ModelProto{IrVersion: proto.Int64(8), Graph: g,
		OpsetImport: []*pb.OperatorSetIdProto{{Version: proto.Int64(int64(opset))}}}
	for _, part := range parts {
		switch p := part.(type) {
		case input:
			g.Input = append(g.Input, p.ValueInfoProto)
		case output:
			g.Output = append(g.Output, p.ValueInfoProto)
		case *pb.NodeProto:
			g.Node = append(g.Node, p)
		case *pb.TensorProto:
			g.Initializer = append(g.Initializer, p)
		}
	}
	return m
}

type input struct{ *pb.ValueInfoProto }
type output struct{ *pb.ValueInfoProto }

// in declares a float input; a dimension is an int, a string, or nil for an unknown one.
func in(name string, dims ...any) input { return typedIn(name, pb.TensorProto_FLOAT, dims...) }

func typedIn(name string, kind pb.TensorProto_DataType, dims ...any) input {
	shape := &pb.TensorShapeProto{}
	for _, d := range dims {
		p := &pb.TensorShapeProto_Dimension{}
		switch d := d.(type) {
		case int:
			p.Value = &pb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
		case string:
			p.Value = &pb.TensorShapeProto_Dimension_DimParam{DimParam: d}
		}
		shape.Dim = append(shape.Dim, p)
	}
	return input{&pb.ValueInfoProto{Name: proto.String(name), Type: &pb.TypeProto{
		TensorType: &pb.TypeProto_Tensor{ElemType: proto.Int32(int32(kind)), Shape: shape}}}}
}

func out(name string) output { return output{&pb.ValueInfoProto{Name: proto.String(name)}} }

// call is a node; names are separated by blanks, and - is an operand left out.
func call(op, inputs, outputs string, attrs ...*pb.AttributeProto) *pb.NodeProto {
	names := func(s string) []string {
		list := strings.Fields(s)
		for i := range list {
			if list[i] == "-" {
				list[i] = ""
			}
		}
		return list
	}
	return &pb.NodeProto{OpType: proto.String(op), Input: names(inputs), Output: names(outputs), Attribute: attrs}
}

// named gives a node a name.
func named(name string, n *pb.NodeProto) *pb.NodeProto {
	n.Name = proto.String(name)
	return n
}

// attr makes an attribute of the type that the value has in Go.
func attr(name string, value any) *pb.AttributeProto {
	w := &nodeWriter{p: &pb.NodeProto{}}
	switch v := value.(type) {
	case int:
		w.int(name, v)
	case float64:
		w.float(name, v)
	case string:
		w.text(name, v)
	case []int:
		w.ints(name, v)
	case *pb.TensorProto:
		w.attr(name, pb.AttributeProto_TENSOR).T = v
	default:
		panic("BUG: attribute of an unknown type")
	}
	return w.p.Attribute[0]
}

// floats is a float initializer that counts 1, 2, 3, ...
func floats(name string, dims ...int) *pb.TensorProto {
	return tensorProto(name, counting(dims...))
}

func counting(dims ...int) *Tensor {
	t := &Tensor{Type: Float, Shape: Shape(dims).clone()}
	for i := range t.Shape.Elems() {
		t.Floats = append(t.Floats, float32(i+1))
	}
	return t
}

// integers is an initializer that is a list of integers.
func integers(name string, v ...int) *pb.TensorProto {
	return tensorProto(name, &Tensor{Type: Int, Shape: Shape{len(v)}, Ints: toInt64(v)})
}

// number is an initializer that is a single integer.
func number(name string, v int) *pb.TensorProto {
	return tensorProto(name, &Tensor{Type: Int, Shape: Shape{}, Ints: []int64{int64(v)}})
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decodeFile reads a model that must be right.
func decodeFile(t testing.TB, m *pb.ModelProto) *Graph {
	t.Helper()
	g, err := Decode(marshal(t, m))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var negInf = math.Inf(-1)

// inputNames lists the graph inputs a file declares.
func inputNames(t testing.TB, data []byte) []string {
	t.Helper()
	m := new(pb.ModelProto)
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range m.GetGraph().GetInput() {
		names = append(names, v.GetName())
	}
	return names
}
