package onnx

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// function is a function of the domain "own" and opset 13.
func function(name, inputs, outputs string, nodes ...*pb.NodeProto) *pb.FunctionProto {
	return &pb.FunctionProto{Name: proto.String(name), Domain: proto.String("own"), Input: strings.Fields(inputs), Output: strings.Fields(outputs),
		Node: nodes, OpsetImport: []*pb.OperatorSetIdProto{{Version: proto.Int64(13)}}}
}

// own is a call of a function.
func own(op, inputs, outputs string, attrs ...*pb.AttributeProto) *pb.NodeProto {
	n := call(op, inputs, outputs, attrs...)
	n.Domain = proto.String("own")
	return n
}

// referring is an attribute that takes its value from the call.
func referring(name, to string) *pb.AttributeProto {
	a := attr(name, 1.0)
	a.RefAttrName = proto.String(to)
	return a
}

func TestReadFunctions(t *testing.T) {
	m := file(11, in("x", "N", 4), out("y"), out("z"),
		own("Outer", "x", "a", attr("slope", 0.5)),
		named("second", own("Outer", "a", "b")),
		named("pass", own("Pass", "b", "y z")))
	inner := function("Inner", "u unused", "v", call("LeakyRelu", "u", "v", referring("alpha", "slope")))
	inner.Attribute = []string{"slope"}
	outer := function("Outer", "x", "y", call("Softmax", "x", "a"), own("Inner", "a", "b", referring("slope", "slope")), call("Add", "a b", "y"))
	outer.Attribute = []string{"slope"}
	m.Functions = []*pb.FunctionProto{outer, inner, function("Pass", "p", "p q", call("Relu", "p", "q"))}
	g := decodeFile(t, m)
	var got []string
	for _, n := range g.Nodes {
		got = append(got, fmt.Sprintf("%s%v", n.Op.Type(), n.Op))
	}
	want := "Softmax&{1} LeakyRelu&{0.5} Add&{} Softmax&{1} LeakyRelu&{0.009999999776482582} Add&{} Identity&{} Relu&{}"
	if strings.Join(got, " ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, " "), want)
	}
	if g.Outputs[0].Name != "y" || g.Outputs[1].Name != "z" || g.Nodes[0].Outputs[0].Name != "Outer_call1/a" {
		t.Errorf("got %s", dump(g))
	}
}

// TestReadFunctionsInBranches reads calls in a branch, and a function whose branches use its operands and attributes. Its
// nodes are of its opset there too: Softmax of opset 11 looks at all dimensions.
func TestReadFunctionsInBranches(t *testing.T) {
	choice := func(yes, no *pb.NodeProto) *pb.NodeProto {
		graph := func(n *pb.NodeProto) *pb.AttributeProto {
			return &pb.AttributeProto{Type: pb.AttributeProto_GRAPH.Enum(), G: &pb.GraphProto{Node: []*pb.NodeProto{n}, Output: []*pb.ValueInfoProto{{Name: proto.String(n.GetOutput()[0])}}}}
		}
		n := call("If", "c", "chosen")
		for name, branch := range map[string]*pb.NodeProto{"then_branch": yes, "else_branch": no} {
			a := graph(branch)
			a.Name = proto.String(name)
			n.Attribute = append(n.Attribute, a)
		}
		return n
	}
	outer := choice(own("Chosen", "x", "r", attr("slope", 0.5)), call("Relu", "x", "r"))
	outer.Output = []string{"y"}
	m := file(13, in("x", "N", 2, 3), out("y"), tensorProto("c", &Tensor{Type: Bool, Shape: Shape{}, Ints: []int64{1}}), outer)
	chosen := function("Chosen", "u", "chosen", call("Softmax", "u", "s", attr("axis", 1)),
		call("Constant", "", "c", attr("value", tensorProto("", &Tensor{Type: Bool, Shape: Shape{}, Ints: []int64{1}}))),
		choice(call("LeakyRelu", "s", "r", referring("alpha", "slope")), call("Relu", "u", "r")))
	chosen.Attribute = []string{"slope"}
	chosen.OpsetImport[0].Version = proto.Int64(11)
	m.Functions = []*pb.FunctionProto{chosen}
	g := decodeFile(t, m)
	var got []string
	for _, n := range g.Nodes {
		got = append(got, fmt.Sprintf("%s%v", n.Op.Type(), n.Op))
	}
	if want := "Reshape&{[0 6]} Softmax&{1} Reshape&{[0 2 3]} LeakyRelu&{0.5}"; strings.Join(got, " ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestReadFunctionErrors(t *testing.T) {
	x, y := in("x", "N", 4), out("y")
	model := func(call *pb.NodeProto, functions ...*pb.FunctionProto) *pb.ModelProto {
		m := file(13, x, y, call)
		m.Functions = functions
		return m
	}
	var doubling []*pb.FunctionProto
	for i := range 40 {
		doubling = append(doubling, function(fmt.Sprint("F", i), "x", "y", own(fmt.Sprint("F", i+1), "x", "a"), own(fmt.Sprint("F", i+1), "a", "y")))
	}
	doubling = append(doubling, function("F40", "x", "y", call("Relu", "x", "y")))
	var deep []*pb.FunctionProto
	for i := range 100 {
		deep = append(deep, function(fmt.Sprint("F", i), "x", "y", own(fmt.Sprint("F", i+1), "x", "y")))
	}
	for _, c := range []struct {
		name        string
		m           *pb.ModelProto
		unsupported bool
		want        string
	}{
		{"recursion", model(own("F", "x", "y"), function("F", "x", "y", own("G", "x", "y")), function("G", "x", "y", own("F", "x", "y"))), false, "the function calls itself"},
		{"too many inputs", model(own("F", "x x", "y"), function("F", "x", "y", call("Relu", "x", "y"))), false, "it has 2 inputs and 1 outputs, the function 1 and 1"},
		{"twice", model(own("F", "x", "y"), function("F", "x", "y"), function("F", "x", "y")), false, "it is there twice"},
		{"default value", model(own("F", "x", "y"), function("F", "x", "y", call("LeakyRelu", "x", "y", referring("alpha", "a")))), true, `attribute "a" has a default value`},
		{"growth", model(own("F0", "x", "y"), doubling...), true, "more than 32768 nodes"},
		{"depth", model(own("F0", "x", "y"), deep...), true, "deeper than 64"},
		{"unsupported inside", model(named("n", own("F", "x", "y")), function("F", "x", "y", named("m", call("RoiAlign", "x", "y")))), true, `node "n/m" (RoiAlign, opset 13): regions of interest`},
	} {
		_, err := Decode(marshal(t, c.m))
		var unsupported *UnsupportedError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &unsupported) != c.unsupported {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
