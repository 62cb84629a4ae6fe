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

// operandFloats adds a list of numbers as an operand.
func (w *nodeWriter) operandFloats(name string, v []float64) {
	t := &Tensor{Type: Float, Shape: Shape{len(v)}, Floats: make([]float32, len(v))}
	for i := range v {
		t.Floats[i] = float32(v[i])
	}
	w.operand(name, t)
}

// operandBatched adds the batch size of operand 0 and the numbers v, as one list: two
// nodes in front compute it.
func (w *nodeWriter) operandBatched(name string, v []int) {
	batch, rest, list := w.fresh(name+".batch"), w.fresh(name+".rest"), w.fresh(name)
	w.e.initializer(rest, &Tensor{Type: Int, Shape: Shape{len(v)}, Ints: toInt64(v)})
	shape := &nodeWriter{e: w.e, p: &pb.NodeProto{Name: proto.String(batch), OpType: proto.String("Shape"),
		Input: w.p.Input[:1:1], Output: []string{batch}}}
	shape.int("start", 0)
	shape.int("end", 1)
	join := &nodeWriter{e: w.e, p: &pb.NodeProto{Name: proto.String(list), OpType: proto.String("Concat"),
		Input: []string{batch, rest}, Output: []string{list}}}
	join.int("axis", 0)
	w.e.append(shape.p)
	w.e.append(join.p)
	w.p.Input = append(w.p.Input, list)
}

// operandFloat adds a number as an operand.
func (w *nodeWriter) operandFloat(name string, v float64) {
	w.operand(name, &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(v)}})
}

func (w *nodeWriter) operand(name string, t *Tensor) {
	full := w.fresh(name)
	w.e.initializer(full, t)
	w.p.Input = append(w.p.Input, full)
}

// fresh makes a name of a value that no other has.
func (w *nodeWriter) fresh(name string) string {
	full := w.p.GetName() + "." + name
	for i := 2; w.e.names[full]; i++ {
		full = w.p.GetName() + "." + name + strconv.Itoa(i)
	}
	w.e.names[full] = true
	return full
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
