package onnx

import (
	"fmt"
	"slices"
)

// LRN divides by the squares of neighbouring channels, c-floor((Size-1)/2) to
// c+ceil((Size-1)/2), as far as there are any:
//
//	y[n][c] = x[n][c] / (Bias + Alpha/Size * sum(x[n][neighbours]^2))^Beta
//
// Input x [N][C][...].
type LRN struct {
	Size              int
	Alpha, Beta, Bias float64
}

// InstanceNormalization is, per sample and channel, (x - mean) / sqrt(var + Epsilon) *
// scale + bias with the mean and variance over the spatial dimensions. Inputs: x
// [N][C][...], then scale, bias [C].
type InstanceNormalization struct{ Epsilon float64 }

// GroupNormalization does the same over each of Groups parts of the channels. Scale and bias have one
// entry for every channel, [C], or, with PerGroup, for every group.
type GroupNormalization struct {
	Groups   int
	Epsilon  float64
	PerGroup bool
}

// LayerNormalization does the same over all dimensions from Axis on. Inputs: x, then scale and, if given, bias,
// which broadcast to x. With RootMean it divides by the root of the mean square and does not
// subtract the mean, as RMSNormalization.
type LayerNormalization struct {
	Axis     int
	Epsilon  float64
	RootMean bool
}

// LpNormalization divides by the norm along Axis: the sum of absolute values for P = 1, the root of the
// sum of squares for P = 2.
type LpNormalization struct{ Axis, P int }

func (*LRN) Type() string                   { return "LRN" }
func (*InstanceNormalization) Type() string { return "InstanceNormalization" }
func (*GroupNormalization) Type() string    { return "GroupNormalization" }
func (*LpNormalization) Type() string       { return "LpNormalization" }

// Type returns "LayerNormalization" or "RMSNormalization".
func (op *LayerNormalization) Type() string {
	if op.RootMean {
		return "RMSNormalization"
	}
	return "LayerNormalization"
}

// InferShape returns the shape of x.
func (op *LRN) InferShape(in []Shape) ([]Shape, error) {
	out, err := sameShape(in)
	if err == nil && (len(in[0]) < 2 || op.Size < 1) {
		return nil, fmt.Errorf("input %v over %d channels: want rank 2 or more and at least 1", in[0], op.Size)
	}
	return out, err
}

// InferShape returns the shape of x.
func (*InstanceNormalization) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 3, 3); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) < 3 {
		return nil, fmt.Errorf("input %v: want rank 3 or more", x)
	}
	return normalized(in, x[1])
}

// InferShape returns the shape of x.
func (op *GroupNormalization) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 3, 3); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) < 2 || op.Groups < 1 || x[1]%op.Groups != 0 {
		return nil, fmt.Errorf("input %v: the channels cannot be cut into %d groups", x, op.Groups)
	}
	if op.PerGroup {
		return normalized(in, op.Groups)
	}
	return normalized(in, x[1])
}

// normalized checks that scale and bias have n entries.
func normalized(in []Shape, n int) ([]Shape, error) {
	for i, name := range []string{"scale", "bias"} {
		if s := in[1+i]; len(s) != 1 || s[0] != n {
			return nil, fmt.Errorf("%s %v: want [%d] for input %v", name, s, n, in[0])
		}
	}
	return []Shape{in[0].clone()}, nil
}

// InferShape returns the shape of x.
func (op *LayerNormalization) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	x := in[0]
	if op.Axis < 0 || op.Axis >= len(x) {
		return nil, fmt.Errorf("axis %d is outside input %v", op.Axis, x)
	}
	if x[op.Axis] == Batch {
		return nil, refusef("axis %d would mix samples of the batch of input %v", op.Axis, x)
	}
	for _, s := range in[1:] {
		if s == nil {
			continue
		}
		if out, err := broadcast(x, s); err != nil || !out.Equal(x) {
			return nil, fmt.Errorf("%v does not broadcast to input %v", s, x)
		}
	}
	return []Shape{x.clone()}, nil
}

// InferShape returns the shape of x.
func (op *LpNormalization) InferShape(in []Shape) ([]Shape, error) { return softmaxShape(in, op.Axis) }

// spell divides by a power of a mean of squares over a window of channels.
func (op *LRN) spell(s *spelling, n *Node) {
	x := n.Inputs[0]
	pads := []int{(op.Size - 1) / 2, 0, op.Size / 2, 0}
	flat := Shape{x.Shape[0], 1, x.Shape[1], x.Shape[2:].Elems()}
	mean := s.add(&AveragePool{Kernel: []int{op.Size, 1}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: pads, CountIncludePad: true},
		s.reshape(s.add(&Mul{}, x, x), flat))
	base := s.add(&Add{}, s.add(&Mul{}, s.reshape(mean, x.Shape), s.number(op.Alpha)), s.number(op.Bias))
	s.add(&Div{}, x, s.add(&Pow{}, base, s.number(op.Beta)))
}

// normalize spells (x - mean) / sqrt(mean square + epsilon) over some axes.
func (s *spelling) normalize(x *Value, axes []int, epsilon float64, center bool) *Value {
	if center {
		x = s.add(&Sub{}, x, s.add(&Reduce{Kind: ReduceMean, Axes: axes, KeepDims: true}, x))
	}
	power := s.add(&Reduce{Kind: ReduceMean, Axes: axes, KeepDims: true}, s.add(&Mul{}, x, x))
	return s.add(&Div{}, x, s.add(&Sqrt{}, s.add(&Add{}, power, s.number(epsilon))))
}

// perChannel gives scale or bias the shape that makes its entries those of dimension 1 of a tensor of the
// given rank.
func (s *spelling) perChannel(v *Value, rank int) *Value {
	shape := Shape(slices.Repeat([]int{1}, rank-1))
	shape[0] = v.Shape[0]
	return s.reshape(v, shape)
}

func (op *InstanceNormalization) spell(s *spelling, n *Node) {
	x := n.Inputs[0]
	rank := len(x.Shape)
	var axes []int
	for d := 2; d < rank; d++ {
		axes = append(axes, d)
	}
	y := s.normalize(x, axes, op.Epsilon, true)
	s.add(&Add{}, s.add(&Mul{}, y, s.perChannel(n.Inputs[1], rank)), s.perChannel(n.Inputs[2], rank))
}

func (op *GroupNormalization) spell(s *spelling, n *Node) {
	x := n.Inputs[0]
	parts := s.reshape(x, Shape{x.Shape[0], op.Groups, x.Shape[1:].Elems() / op.Groups})
	y := s.normalize(parts, []int{2}, op.Epsilon, true)
	if !op.PerGroup {
		y = s.reshape(y, x.Shape)
	}
	y = s.add(&Add{}, s.add(&Mul{}, y, s.perChannel(n.Inputs[1], len(y.Shape))), s.perChannel(n.Inputs[2], len(y.Shape)))
	s.reshape(y, x.Shape)
}

func (op *LayerNormalization) spell(s *spelling, n *Node) {
	var axes []int
	for d := op.Axis; d < len(n.Inputs[0].Shape); d++ {
		axes = append(axes, d)
	}
	y := s.add(&Mul{}, s.normalize(n.Inputs[0], axes, op.Epsilon, !op.RootMean), n.Inputs[1])
	if len(n.Inputs) > 2 && n.Inputs[2] != nil {
		s.add(&Add{}, y, n.Inputs[2])
	}
}

func (op *LpNormalization) spell(s *spelling, n *Node) {
	kind := ReduceL2
	if op.P == 1 {
		kind = ReduceL1
	}
	x := n.Inputs[0]
	s.add(&Div{}, x, s.add(&Reduce{Kind: kind, Axes: []int{op.Axis}, KeepDims: true}, x))
}

func readLRN(r *nodeReader) Op {
	if !r.has("size") {
		r.failf("attribute %q is missing", "size")
	}
	return &LRN{Size: r.int("size", 1), Alpha: r.float("alpha", 0.0001), Beta: r.float("beta", 0.75), Bias: r.float("bias", 1)}
}

func readInstanceNormalization(r *nodeReader) Op {
	return &InstanceNormalization{Epsilon: r.float("epsilon", 1e-5)}
}

// readGroupNormalization takes scale and bias per group before opset 21.
func readGroupNormalization(r *nodeReader) Op {
	r.ignore("stash_type")
	return &GroupNormalization{Groups: r.int("num_groups", 0), Epsilon: r.float("epsilon", 1e-5), PerGroup: r.opset < 21}
}

func readLayerNormalization(root bool) func(r *nodeReader) Op {
	return func(r *nodeReader) Op {
		r.ignore("stash_type")
		return &LayerNormalization{Axis: r.axis("axis", -1, 0), Epsilon: r.float("epsilon", 1e-5), RootMean: root}
	}
}

func readLpNormalization(r *nodeReader) Op {
	op := &LpNormalization{Axis: r.axis("axis", -1, 0), P: r.int("p", 2)}
	if op.P != 1 && op.P != 2 {
		r.failf("p is %d, want 1 or 2", op.P)
	}
	return op
}

// write of operators that a file of opset 17 cannot hold: they are spelled out before.
func (op *GroupNormalization) write(w *nodeWriter) { w.failf("it must be spelled out first") }

func (op *LayerNormalization) write(w *nodeWriter) {
	if op.RootMean {
		w.failf("it must be spelled out first")
	}
	w.int("axis", op.Axis)
	w.float("epsilon", op.Epsilon)
}

func (op *LpNormalization) write(w *nodeWriter) {
	w.int("axis", op.Axis)
	w.int("p", op.P)
}

func (op *LRN) write(w *nodeWriter) {
	w.int("size", op.Size)
	w.float("alpha", op.Alpha)
	w.float("beta", op.Beta)
	w.float("bias", op.Bias)
}

func (op *InstanceNormalization) write(w *nodeWriter) { w.float("epsilon", op.Epsilon) }
