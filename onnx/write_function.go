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

// readQuantize reads a call of our function Quantize, whose operands are x, scale, zero,
// lo and hi.
func readQuantize(r *nodeReader) Op {
	number := func(i int, name string) float64 {
		v := r.operandFloat(i, name, math.NaN())
		if i > 1 && v != math.Trunc(v) || math.Abs(v) > 1<<24 || math.IsNaN(v) {
			r.failf("%s is %g", name, v)
			return 1
		}
		return v
	}
	op := &Quantize{Scale: number(1, "scale"), Zero: int(number(2, "zero")), Lo: int(number(3, "lo")), Hi: int(number(4, "hi"))}
	if !(op.Scale > 0) || op.Lo > op.Zero || op.Zero > op.Hi {
		r.failf("scale %g, zero point %d in [%d, %d]", op.Scale, op.Zero, op.Lo, op.Hi)
	}
	r.keep(1)
	return op
}

func (op *Quantize) write(w *nodeWriter) {
	w.operandFloat("scale", op.Scale)
	w.operandFloat("zero", float64(op.Zero))
	w.operandFloat("lo", float64(op.Lo))
	w.operandFloat("hi", float64(op.Hi))
	w.function("Quantize")
}

// functionNode is one node of a function: an operator, the value it computes and its
// operands; an operand that is not the name of a value is given in constants.
type functionNode struct {
	op, out string
	in      []string
}

// functionBodies define our functions by operators of opset 17; each computes y from x,
// and further operands if it has any.
var functionBodies = map[string]struct {
	operands  []string
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
	"Quantize": {
		operands: []string{"scale", "zero", "lo", "hi"},
		nodes: []functionNode{
			{"Div", "scaled", []string{"x", "scale"}},
			{"Round", "rounded", []string{"scaled"}},
			{"Add", "code", []string{"rounded", "zero"}},
			{"Max", "above", []string{"code", "lo"}},
			{"Min", "clipped", []string{"above", "hi"}},
			{"Sub", "shifted", []string{"clipped", "zero"}},
			{"Mul", "y", []string{"shifted", "scale"}},
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

// functionProto is the message that defines one of our functions in a file of some opset.
func functionProto(name string, opset int) *pb.FunctionProto {
	body := functionBodies[name]
	f := &pb.FunctionProto{
		Name: proto.String(name), Domain: proto.String(functionDomain),
		Input: append([]string{"x"}, body.operands...), Output: []string{"y"},
		OpsetImport: []*pb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(int64(opset))}},
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
