package onnx

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// matMulToGemm turns the product of a matrix and constant weights into a Gemm.
func (s *simplifier) matMulToGemm(n *Node) error {
	if _, ok := n.Op.(*MatMul); !ok || n.Inputs[1].Const == nil || len(n.Inputs[0].Shape) != 2 || len(n.Inputs[1].Shape) != 2 || n.Inputs[1].Type != Float {
		return nil
	}
	s.logf("made %s a Gemm", title(n))
	n.Op = &Gemm{Alpha: 1, Beta: 1}
	return nil
}

// normalizeGemm brings constant weights into the form [O][K] and a constant bias into [O],
// multiplied by Alpha and Beta.
func (s *simplifier) normalizeGemm(n *Node) error {
	op, ok := n.Op.(*Gemm)
	if !ok || n.Inputs[1].Const == nil || n.Inputs[1].Type != Float {
		return nil
	}
	changed := false
	if !op.TransB {
		w := n.Inputs[1].Const
		perm := []int{1, 0}
		t := &Tensor{Type: Float, Shape: Shape{w.Shape[1], w.Shape[0]}, Floats: transpose(w.Floats, w.Shape, perm)}
		s.setConst(n, 1, "weight", t)
		op.TransB, changed = true, true
	}
	if op.Alpha != 1 {
		s.setConst(n, 1, "weight", n.Inputs[1].Const.scaled(op.Alpha))
		op.Alpha, changed = 1, true
	}
	if len(n.Inputs) < 3 || n.Inputs[2] == nil {
		op.Beta = 1
	} else if c := n.Inputs[2].Const; c != nil {
		if op.Beta != 1 {
			c = c.scaled(op.Beta)
			s.setConst(n, 2, "bias", c)
			op.Beta, changed = 1, true
		}
		if v, ok := perChannel(c, n.Outputs[0].Shape); ok && !c.Shape.Equal(Shape{len(v)}) {
			s.setConst(n, 2, "bias", vector(v))
			changed = true
		}
	}
	if changed {
		s.logf("normalized the constants of %s", title(n))
	}
	return nil
}

// scaled multiplies a float tensor.
func (t *Tensor) scaled(f float64) *Tensor {
	out := &Tensor{Type: Float, Shape: t.Shape, Floats: make([]float32, len(t.Floats))}
	for i, v := range t.Floats {
		out.Floats[i] = float32(float64(v) * f)
	}
	return out
}

// vector rounds numbers to a tensor of rank 1.
func vector(v []float64) *Tensor {
	t := &Tensor{Type: Float, Shape: Shape{len(v)}, Floats: make([]float32, len(v))}
	for i := range v {
		t.Floats[i] = float32(v[i])
	}
	return t
}

// perChannel expands a constant that broadcasts over all dimensions of shape but
// dimension 1 to one value per channel; ok is false for any other constant.
func perChannel(c *Tensor, shape Shape) (v []float64, ok bool) {
	if len(shape) < 2 || len(c.Shape) > len(shape) || c.Type != Float {
		return nil, false
	}
	shift := len(shape) - len(c.Shape)
	for i, d := range c.Shape {
		if d != 1 && (shift+i != 1 || d != shape[1]) {
			return nil, false
		}
	}
	v = make([]float64, shape[1])
	for i := range v {
		v[i] = float64(c.Floats[i%len(c.Floats)])
	}
	return v, true
}

// foldAffine folds a node that computes scale*x + shift per channel into the linear
// operator before it:
//
//	w'[o] = w[o] * scale[o],  bias'[o] = bias[o] * scale[o] + shift[o]
func (s *simplifier) foldAffine(n *Node) error {
	var linear *Node
	for _, v := range n.Inputs {
		if from := s.from[v]; from != nil && s.sole(v) && constantLinear(from) {
			linear = from
		}
	}
	if linear == nil || s.clustered(linear.Inputs[1]) {
		return nil
	}
	scale, shift, err := affine(n, linear.Outputs[0])
	if scale == nil || err != nil {
		return err
	}
	channels := len(scale)
	w := linear.Inputs[1].Const
	weights := &Tensor{Type: Float, Shape: w.Shape, Floats: make([]float32, len(w.Floats))}
	channel := channelOf(linear.Op, w.Shape)
	for i, v := range w.Floats {
		weights.Floats[i] = float32(float64(v) * scale[channel(i)])
	}
	bias := make([]float64, channels)
	if len(linear.Inputs) > 2 && linear.Inputs[2] != nil {
		for o, b := range linear.Inputs[2].Const.Floats {
			bias[o] = float64(b)
		}
	}
	for o := range bias {
		bias[o] = bias[o]*scale[o] + shift[o]
	}
	if slices.ContainsFunc(scale, func(f float64) bool { return f != 1 }) {
		s.setConst(linear, 1, "weight", weights)
	}
	s.setConst(linear, 2, "bias", vector(bias))
	s.logf("folded %s into %s", title(n), title(linear))
	s.takeOver(linear, n)
	return nil
}

// clustered says whether weights are drawn from a codebook, as the metadata of a model says: such weights
// must not change.
func (s *simplifier) clustered(w *Value) bool {
	name, err := json.Marshal(w.Name)
	return err == nil && strings.Contains(s.g.Meta["qconv.weights"], string(name)+":")
}

// constantLinear says whether a node is a linear operator with constant weights and a
// constant bias of one value per output channel, or none.
func constantLinear(n *Node) bool {
	switch op := n.Op.(type) {
	case *Conv, *ConvTranspose:
	case *Gemm:
		if !op.TransB || op.Alpha != 1 || op.Beta != 1 {
			return false
		}
	default:
		return false
	}
	if n.Inputs[1].Const == nil || n.Inputs[1].Type != Float {
		return false
	}
	if len(n.Inputs) < 3 || n.Inputs[2] == nil {
		return true
	}
	b := n.Inputs[2].Const
	return b != nil && len(b.Shape) == 1 && b.Shape[0] == n.Outputs[0].Shape[1]
}

// channelOf returns the function from the position of a weight to its output channel.
func channelOf(op Op, w Shape) func(int) int {
	if op, ok := op.(*ConvTranspose); ok { // [C][O/Groups][kernel...]
		kernel := product(w[2:])
		perGroup := w[1]
		inputs := w[0] / op.Groups // input channels of a group
		return func(i int) int {
			i /= kernel
			return i/perGroup/inputs*perGroup + i%perGroup
		}
	}
	size := product(w[1:])
	return func(i int) int { return i / size }
}

// affine recognizes a node that computes scale*x + shift with constants per channel of x;
// scale is nil when it does not.
func affine(n *Node, x *Value) (scale, shift []float64, err error) {
	if op, ok := n.Op.(*BatchNormalization); ok {
		return op.affine(n)
	}
	switch n.Op.(type) {
	case *Add, *Sub, *Mul, *Div:
	default:
		return nil, nil, nil
	}
	c, swapped := n.Inputs[1], false
	if c == x {
		c, swapped = n.Inputs[0], true
	}
	if c.Const == nil || !x.Shape.Equal(n.Outputs[0].Shape) {
		return nil, nil, nil
	}
	v, ok := perChannel(c.Const, x.Shape)
	if !ok {
		return nil, nil, nil
	}
	scale, shift = slices.Repeat([]float64{1}, len(v)), make([]float64, len(v))
	for i, c := range v {
		switch n.Op.(type) {
		case *Add:
			shift[i] = c
		case *Sub:
			shift[i] = -c
			if swapped {
				scale[i], shift[i] = -1, c
			}
		case *Mul:
			scale[i] = c
		case *Div:
			if swapped || c == 0 {
				return nil, nil, nil
			}
			scale[i] = 1 / c
		}
	}
	return scale, shift, nil
}

// affine is the normalization with its constant statistics as one scale and shift.
func (op *BatchNormalization) affine(n *Node) (scale, shift []float64, err error) {
	for _, v := range n.Inputs[1:] {
		if v.Const == nil {
			return nil, nil, nil
		}
	}
	param := func(i, c int) float64 { return float64(n.Inputs[i].Const.Floats[c]) }
	channels := n.Inputs[1].Shape[0]
	scale, shift = make([]float64, channels), make([]float64, channels)
	for c := range channels {
		scale[c] = param(1, c) / math.Sqrt(param(4, c)+op.Epsilon)
		shift[c] = param(2, c) - param(3, c)*scale[c]
		if math.IsNaN(shift[c]-shift[c]) || math.IsNaN(scale[c]-scale[c]) {
			return nil, nil, formatErrorf(fmt.Sprintf("node %q (BatchNormalization)", n.Name),
				"channel %d has scale %g, bias %g, mean %g, variance %g: want numbers, the variance not negative", c, param(1, c), param(2, c), param(3, c), param(4, c))
		}
	}
	return scale, shift, nil
}

// foldPad folds zeros added around the spatial dimensions into the pads of the Conv or
// AveragePool that reads them.
func (s *simplifier) foldPad(n *Node) error {
	pad := s.from[n.Inputs[0]]
	if pad == nil {
		return nil
	}
	p, ok := pad.Op.(*Pad)
	if !ok || p.Mode != PadConstant || p.Value != 0 {
		return nil
	}
	rank := len(pad.Inputs[0].Shape)
	var spatial []int
	for i, v := range p.Pads {
		switch d := i % rank; {
		case d >= 2 && v >= 0:
			spatial = append(spatial, v)
		case d >= 2 || v != 0:
			return nil
		}
	}
	switch op := n.Op.(type) {
	case *Conv:
		op.Pads = sums(op.Pads, spatial)
	case *AveragePool:
		none := !slices.ContainsFunc(op.Pads, func(v int) bool { return v != 0 })
		pads := sums(op.Pads, spatial)
		for i, v := range pads {
			if v >= op.Kernel[i%len(op.Kernel)] {
				return nil // a window of padding alone
			}
		}
		if !op.CountIncludePad && !none {
			return nil
		}
		op.Pads, op.CountIncludePad = pads, true
	default:
		return nil
	}
	s.logf("folded %s into %s", title(pad), title(n))
	s.setInput(n, 0, pad.Inputs[0])
	if v := pad.Outputs[0]; len(s.uses[v]) == 0 && !s.output[v] {
		s.drop(pad)
	}
	return nil
}

func sums(a, b []int) []int {
	out := make([]int, len(a))
	for i := range a {
		out[i] = a[i] + b[i]
	}
	return out
}
