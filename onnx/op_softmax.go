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

func (op *Softmax) spell(s *spelling, n *Node) { s.add(&Exp{}, s.logSoftmax(n.Inputs[0], op.Axis)) }

func (op *LogSoftmax) spell(s *spelling, n *Node) { s.logSoftmax(n.Inputs[0], op.Axis) }

// logSoftmax spells d - log(sum(exp(d))) with d = x - max(x) along an axis. What is subtracted is repeated first: differences of equal
// shapes are sums, without rounding in between.
func (s *spelling) logSoftmax(x *Value, axis int) *Value {
	along := func(kind ReduceKind, v *Value) *Value {
		return s.add(&Reduce{Kind: kind, Axes: []int{axis}, KeepDims: true}, v)
	}
	repeat := func(v *Value) *Value {
		dims := slices.Repeat([]int{1}, len(x.Shape))
		dims[axis] = x.Shape[axis]
		return s.add(&Expand{Dims: dims}, v)
	}
	d := s.add(&Sub{}, x, repeat(along(ReduceMax, x)))
	return s.add(&Sub{}, d, repeat(s.add(&Log{}, along(ReduceSum, s.add(&Exp{}, d)))))
}

// saySoftmax reads either operator. Before opset 13 the sum runs over all dimensions from axis on together.
func saySoftmax(logarithm bool) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		if r.arity(1, 1); r.wrong(s) {
			return nil
		}
		return r.softmax(s, r.in[0], logarithm)
	}
}

// softmax is that of x, whose shape is that of operand 0.
func (r *nodeReader) softmax(s *spelling, x *Value, logarithm bool) *Value {
	return r.overAxis(s, x, func(x *Value, axis int) *Value {
		if logarithm {
			return s.add(&LogSoftmax{Axis: axis}, x)
		}
		return s.add(&Softmax{Axis: axis}, x)
	})
}

// overAxis applies f along the attribute axis of operand 0, with whose shape x comes. Before opset 13 all dimensions
// from axis on count as one.
func (r *nodeReader) overAxis(s *spelling, x *Value, f func(x *Value, axis int) *Value) *Value {
	if r.opset >= 13 {
		axis := r.axis("axis", -1, 0)
		if r.wrong(s) {
			return nil
		}
		return f(x, axis)
	}
	axis := r.axis("axis", 1, 0)
	if r.wrong(s) {
		return nil
	}
	if axis == 0 && x.Shape.batched() && len(x.Shape) > 1 && r.batch <= 1 {
		axis = 1 // a batch counts as one sample
	}
	long := axis
	for i := axis + 1; i < len(x.Shape); i++ {
		switch {
		case x.Shape[i] == 1:
		case x.Shape[long] == 1:
			long = i
		case x.Shape[axis] == Batch:
			r.refusef("axis %d would mix samples of the batch of input %v", axis, x.Shape)
			return nil
		default:
			flat := append(x.Shape[:axis].clone(), x.Shape[axis:].Elems())
			return s.reshape(f(s.reshape(x, flat), axis), x.Shape)
		}
	}
	return f(x, long)
}

func (op *Softmax) write(w *nodeWriter)    { w.int("axis", op.Axis) }
func (op *LogSoftmax) write(w *nodeWriter) { w.int("axis", op.Axis) }
