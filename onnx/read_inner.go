package onnx

import (
	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// Nodes that a reader writes in place of one of the file, for [decoder.innerNodes] to read.

// newName is a name like the wish that no value has; what computes it is to come, and something reads it.
func (d *decoder) newName(wish string) string {
	name := d.unique(wish)
	delete(d.values, name)
	d.used[name], d.reserved[name] = true, true
	d.given = append(d.given, name)
	return name
}

// constant makes a value of a name of its own, and returns that.
func (d *decoder) constant(wish string, t *Tensor) string {
	name := d.newName(wish)
	v := &Value{Name: name}
	v.setConst(t)
	d.values[name] = v
	return name
}

// nodeOf is a node of one output.
func nodeOf(op, out string, in []string, attrs ...*pb.AttributeProto) *pb.NodeProto {
	return &pb.NodeProto{OpType: proto.String(op), Input: in, Output: []string{out}, Attribute: attrs}
}

func integerAttr(name string, x int64) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INT.Enum(), I: proto.Int64(x)}
}

func integersAttr(name string, x ...int64) *pb.AttributeProto {
	return &pb.AttributeProto{Name: proto.String(name), Type: pb.AttributeProto_INTS.Enum(), Ints: x}
}

// operandNode is a node with one more operand for each list of integers, as opsets write it from since on, or with them as its attributes
// of the names.
func (d *decoder) operandNode(p *node, since int, op, x, out string, names []string, lists ...[]int64) *pb.NodeProto {
	n := nodeOf(op, out, []string{x})
	for i, list := range lists {
		if d.opset(p, "") < since {
			n.Attribute = append(n.Attribute, integersAttr(names[i], list...))
			continue
		}
		n.Input = append(n.Input, d.constant(p.name+":"+names[i], &Tensor{Type: Int, Shape: Shape{len(list)}, Ints: list}))
	}
	return n
}

// axisNode is an Unsqueeze or Squeeze of one dimension, in place of p.
func (d *decoder) axisNode(p *node, op, x, out string, axis int64) *pb.NodeProto {
	return d.operandNode(p, 13, op, x, out, []string{"axes"}, []int64{axis})
}

// sliceNode takes positions from..to-1 of a dimension, in place of p.
func (d *decoder) sliceNode(p *node, x, out string, axis, from, to int64) *pb.NodeProto {
	return d.operandNode(p, 10, "Slice", x, out, []string{"starts", "ends", "axes"}, []int64{from}, []int64{to}, []int64{axis})
}
