package onnx

import (
	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// Codes are a constant in integers of eight bits: element i stands for Values[i] times a scale, the only one, or that of its position
// along Axis.
type Codes struct {
	Values []int8
	Scales []float32
	Axis   int
}

// EncodeQDQ is [Encode] for runtimes that compute in eight bits. A Quantize node becomes QuantizeLinear and DequantizeLinear of uint8, behind
// a Clip where it has fewer codes; constants that have codes become int8 behind a DequantizeLinear. Quantize nodes of more than
// 256 codes are an [*UnsupportedError].
func EncodeQDQ(g *Graph, codes map[*Value]Codes) ([]byte, error) {
	var wide []UnsupportedNode
	for _, n := range g.Nodes {
		if q, ok := n.Op.(*Quantize); ok && q.Hi-q.Lo > 255 {
			wide = append(wide, UnsupportedNode{Name: n.Name, Op: "QuantizeLinear", Opset: writeOpset, Reason: "has more than 256 codes, want at most those of uint8"})
		}
	}
	if len(wide) > 0 {
		return nil, &UnsupportedError{Nodes: wide}
	}
	return encode(g, codes, true)
}

// pair writes a Quantize node as QuantizeLinear and DequantizeLinear.
func (e *encoder) pair(n *Node, q *Quantize) {
	w := &nodeWriter{p: &pb.NodeProto{Name: proto.String(n.Name)}, e: e}
	add := func(op, out string, operands ...string) string {
		e.append(&pb.NodeProto{Name: proto.String(n.Name + "." + op), OpType: proto.String(op), Input: operands, Output: []string{out}})
		return out
	}
	number := func(name string, v float64) string {
		full := w.fresh(name)
		e.initializer(full, &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(v)}})
		return full
	}
	e.constant(n.Inputs[0])
	x := n.Inputs[0].Name
	if q.Hi-q.Lo < 255 {
		x = add("Clip", w.fresh("clipped"), x, number("least", q.Scale*float64(q.Lo-q.Zero)), number("largest", q.Scale*float64(q.Hi-q.Zero)))
	}
	scale, zero := number("scale", q.Scale), w.fresh("zero")
	e.bytes(zero, pb.TensorProto_UINT8, Shape{}, []byte{byte(q.Zero - q.Lo)})
	code := add("QuantizeLinear", w.fresh("code"), x, scale, zero)
	add("DequantizeLinear", n.Outputs[0].Name, code, scale, zero)
}

// bytes adds an initializer of elements of a byte.
func (e *encoder) bytes(name string, t pb.TensorProto_DataType, shape Shape, data []byte) {
	e.names[name] = true
	e.graph.Initializer = append(e.graph.Initializer, &pb.TensorProto{Name: proto.String(name), Dims: toInt64(shape), DataType: proto.Int32(int32(t)), RawData: data})
}

// coded writes a constant as its codes, and the node that makes numbers of them.
func (e *encoder) coded(v *Value, c Codes) {
	data := make([]byte, len(c.Values))
	for i, x := range c.Values {
		data[i] = byte(x)
	}
	w := &nodeWriter{p: &pb.NodeProto{Name: proto.String(v.Name), OpType: proto.String("DequantizeLinear"), Output: []string{v.Name}}, e: e}
	code, scale := w.fresh("code"), w.fresh("scale")
	e.bytes(code, pb.TensorProto_INT8, v.Shape, data)
	shape := Shape{}
	if len(c.Scales) > 1 {
		shape = Shape{len(c.Scales)}
		w.int("axis", c.Axis)
	}
	e.initializer(scale, &Tensor{Type: Float, Shape: shape, Floats: c.Scales})
	w.p.Input = []string{code, scale}
	e.append(w.p)
}
