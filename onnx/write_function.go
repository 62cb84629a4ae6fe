package onnx

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// functionDomain is the domain of the functions that define operators opset 17 lacks.
const functionDomain = "qconv"

// functionOps are the operators our functions stand for, by function name.
var functionOps = map[string]func() Op{
	"Gelu":     func() Op { return &Gelu{} },
	"GeluTanh": func() Op { return &Gelu{Tanh: true} },
	"Mish":     func() Op { return &Mish{} },
	"Swish":    func() Op { return &Swish{} },
}

// functionNode is one node of a function: an operator, the value it computes and its
// operands; an operand that is not the name of a value is given in constants.
type functionNode struct {
	op, out string
	in      []string
}

// functionBodies define our functions by operators of opset 17; each computes y from x.
var functionBodies = map[string]struct {
	constants map[string]float32
	nodes     []functionNode
}{
	"Gelu": {
		constants: map[string]float32{"half": 0.5, "one": 1, "scale": 1 / math.Sqrt2},
		nodes: []functionNode{
			{"Mul", "scaled", []string{"x", "scale"}},
			{"Erf", "erf", []string{"scaled"}},
			{"Add", "shifted", []string{"erf", "one"}},
			{"Mul", "gate", []string{"shifted", "half"}},
			{"Mul", "y", []string{"x", "gate"}},
		},
	},
	"GeluTanh": {
		constants: map[string]float32{"half": 0.5, "one": 1, "cubic": 0.044715, "scale": 0.7978845608028654},
		nodes: []functionNode{
			{"Mul", "square", []string{"x", "x"}},
			{"Mul", "cube", []string{"square", "x"}},
			{"Mul", "small", []string{"cube", "cubic"}},
			{"Add", "sum", []string{"x", "small"}},
			{"Mul", "scaled", []string{"sum", "scale"}},
			{"Tanh", "tanh", []string{"scaled"}},
			{"Add", "shifted", []string{"tanh", "one"}},
			{"Mul", "gate", []string{"shifted", "half"}},
			{"Mul", "y", []string{"x", "gate"}},
		},
	},
	"Swish": {
		nodes: []functionNode{
			{"Sigmoid", "gate", []string{"x"}},
			{"Mul", "y", []string{"x", "gate"}},
		},
	},
	"Mish": {
		nodes: []functionNode{
			{"Softplus", "softplus", []string{"x"}},
			{"Tanh", "tanh", []string{"softplus"}},
			{"Mul", "y", []string{"x", "tanh"}},
		},
	},
}

// functionProto is the message that defines one of our functions.
func functionProto(name string) *pb.FunctionProto {
	body := functionBodies[name]
	f := &pb.FunctionProto{
		Name: proto.String(name), Domain: proto.String(functionDomain),
		Input: []string{"x"}, Output: []string{"y"},
		OpsetImport: []*pb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(writeOpset)}},
	}
	var names []string
	for c := range body.constants {
		names = append(names, c)
	}
	slices.Sort(names)
	for _, c := range names {
		value := &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{body.constants[c]}}
		f.Node = append(f.Node, &pb.NodeProto{
			OpType: proto.String("Constant"), Output: []string{c},
			Attribute: []*pb.AttributeProto{{
				Name: proto.String("value"), Type: pb.AttributeProto_TENSOR.Enum(), T: tensorProto("", value),
			}},
		})
	}
	for _, n := range body.nodes {
		f.Node = append(f.Node, &pb.NodeProto{OpType: proto.String(n.op), Input: n.in, Output: []string{n.out}})
	}
	return f
}
