package onnx

import (
	"fmt"
	"slices"
)

// Softmax is exp(x) / sum(exp(x)) along Axis.
type Softmax struct{ Axis int }

// LogSoftmax is the logarithm of [Softmax].
type LogSoftmax struct{ Axis int }

// Type returns "Softmax".
func (*Softmax) Type() string { return "Softmax" }

// Type returns "LogSoftmax".
func (*LogSoftmax) Type() string { return "LogSoftmax" }

// InferShape returns the shape of the input.
func (op *Softmax) InferShape(in []Shape) ([]Shape, error) { return softmaxShape(in, op.Axis) }

// InferShape returns the shape of the input.
func (op *LogSoftmax) InferShape(in []Shape) ([]Shape, error) { return softmaxShape(in, op.Axis) }

func softmaxShape(in []Shape, axis int) ([]Shape, error) {
	out, err := sameShape(in)
	if err != nil {
		return nil, err
	}
	if axis < 0 || axis >= len(in[0]) {
		return nil, fmt.Errorf("axis %d is outside input %v", axis, in[0])
	}
	if in[0][axis] == Batch {
		return nil, refusef("axis %d would mix samples of the batch of input %v", axis, in[0])
	}
	return out, nil
}

func (op *Softmax) spell(s *spelling, n *Node) {
	e, sum := s.exponentials(n.Inputs[0], op.Axis)
	s.add(&Div{}, e, sum)
}

func (op *LogSoftmax) spell(s *spelling, n *Node) {
	x := n.Inputs[0]
	shifted := s.add(&Sub{}, x, s.add(&Reduce{Kind: ReduceMax, Axes: []int{op.Axis}, KeepDims: true}, x))
	sum := s.add(&Reduce{Kind: ReduceSum, Axes: []int{op.Axis}, KeepDims: true}, s.add(&Exp{}, shifted))
	s.add(&Sub{}, shifted, s.add(&Log{}, sum))
}

// exponentials spells exp(x - max(x)) and its sum along an axis.
func (s *spelling) exponentials(x *Value, axis int) (e, sum *Value) {
	e = s.add(&Exp{}, s.add(&Sub{}, x, s.add(&Reduce{Kind: ReduceMax, Axes: []int{axis}, KeepDims: true}, x)))
	return e, s.add(&Reduce{Kind: ReduceSum, Axes: []int{axis}, KeepDims: true}, e)
}

// softmaxed is the axis of a normalization.
func softmaxed(op Op) int {
	if log, ok := op.(*LogSoftmax); ok {
		return log.Axis
	}
	return op.(*Softmax).Axis
}

func readSoftmax(r *nodeReader) Op    { return &Softmax{Axis: softmaxAxis(r)} }
func readLogSoftmax(r *nodeReader) Op { return &LogSoftmax{Axis: softmaxAxis(r)} }

// softmaxAxis reads the axis. Before opset 13 the sum runs over all dimensions from axis on
// together, where a batch counts as one sample; this is a sum along one dimension if all the others have size 1.
func softmaxAxis(r *nodeReader) int {
	if r.opset >= 13 {
		return r.axis("axis", -1, 0)
	}
	axis := r.axis("axis", 1, 0)
	x := r.shapes[0]
	if x == nil {
		return 0
	}
	if axis == 0 && x.batched() && len(x) > 1 {
		if r.batch > 1 {
			r.refusef("axis 0 would mix samples of the batch of input %v", x)
		}
		axis = 1
	}
	long := axis
	for i := axis + 1; i < len(x); i++ {
		switch {
		case x[i] == 1:
		case x[long] == 1:
			long = i
		default:
			r.joint = true
			return axis
		}
	}
	return long
}

// jointly surrounds a node that works along the last dimension of its operand by what joins the dimensions
// from axis on to one, and divides it again.
func (d *decoder) jointly(n *Node, axis int) []*Node {
	x, y := n.Inputs[0], n.Outputs[0]
	dims := slices.Clone([]int(x.Shape))
	if x.Shape.batched() {
		dims[0] = 0
	}
	value := func(role string) *Value {
		v := &Value{Name: d.unique(y.Name + "." + role)}
		d.values[v.Name] = v
		return v
	}
	joined, result := value("joined"), value("normalized")
	n.Inputs, n.Outputs = []*Value{joined}, []*Value{result}
	return []*Node{
		{Name: n.Name + ".join", Op: &Reshape{Dims: append(slices.Clone(dims[:axis]), -1)}, Inputs: []*Value{x}, Outputs: []*Value{joined}},
		n,
		{Name: n.Name + ".divide", Op: &Reshape{Dims: dims}, Inputs: []*Value{result}, Outputs: []*Value{y}},
	}
}

func (op *Softmax) write(w *nodeWriter)    { w.int("axis", op.Axis) }
func (op *LogSoftmax) write(w *nodeWriter) { w.int("axis", op.Axis) }
