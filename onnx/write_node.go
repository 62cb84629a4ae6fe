package onnx

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// nodeWriter gives an operator access to the message of its node. The operands of the
// node stand in it already; those that operators add follow them.
type nodeWriter struct {
	p *pb.NodeProto
	e *encoder
}

// opWriter is implemented by all operators that have fields, or are written by another name.
type opWriter interface {
	write(w *nodeWriter)
}

// failf notes that the operator cannot be written.
func (w *nodeWriter) failf(format string, args ...any) {
	if w.e.err == nil {
		w.e.err = fmt.Errorf("onnx: encode: node %q (%s): %w", w.p.GetName(), w.p.GetOpType(), fmt.Errorf(format, args...))
	}
}

func (w *nodeWriter) attr(name string, t pb.AttributeProto_AttributeType) *pb.AttributeProto {
	a := &pb.AttributeProto{Name: proto.String(name), Type: t.Enum()}
	w.p.Attribute = append(w.p.Attribute, a)
	return a
}

func (w *nodeWriter) float(name string, v float64) {
	w.attr(name, pb.AttributeProto_FLOAT).F = proto.Float32(float32(v))
}

func (w *nodeWriter) int(name string, v int) {
	w.attr(name, pb.AttributeProto_INT).I = proto.Int64(int64(v))
}

func (w *nodeWriter) bool(name string, v bool) {
	if v {
		w.int(name, 1)
	} else {
		w.int(name, 0)
	}
}

func (w *nodeWriter) ints(name string, v []int) {
	w.attr(name, pb.AttributeProto_INTS).Ints = toInt64(v)
}

func (w *nodeWriter) text(name, v string) {
	w.attr(name, pb.AttributeProto_STRING).S = []byte(v)
}

// omit leaves an optional operand out.
func (w *nodeWriter) omit() { w.p.Input = append(w.p.Input, "") }

// operandInts adds a list of integers as an operand.
func (w *nodeWriter) operandInts(name string, v []int) {
	w.operand(name, &Tensor{Type: Int, Shape: Shape{len(v)}, Ints: toInt64(v)})
}

// operandFloat adds a number as an operand.
func (w *nodeWriter) operandFloat(name string, v float64) {
	w.operand(name, &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(v)}})
}

func (w *nodeWriter) operand(name string, t *Tensor) {
	full := w.p.GetName() + "." + name
	for i := 2; w.e.names[full]; i++ {
		full = w.p.GetName() + "." + name + strconv.Itoa(i)
	}
	w.e.initializer(full, t)
	w.p.Input = append(w.p.Input, full)
}

// function makes the node a call of one of our functions; see functionBodies.
func (w *nodeWriter) function(name string) {
	w.p.OpType = proto.String(name)
	w.p.Domain = proto.String(functionDomain)
	w.e.functions[name] = true
}

func toInt64(v []int) []int64 {
	out := make([]int64, len(v))
	for i := range v {
		out[i] = int64(v[i])
	}
	return out
}
