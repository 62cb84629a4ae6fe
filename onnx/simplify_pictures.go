package onnx

import (
	"math"
	"slices"
)

// Pictures that together are one sample, [N][C][spatial...] with a fixed N, are the channels of a single one,
// [1][N*C][spatial...]: a pool works on each as before, and a convolution gets groups for each, with the same weights
// again. Those in one dimension, [N][C][L], are the rows of a single picture, [1][C][N][L], for a convolution.

// onePicture rewrites an operator on several pictures that are one sample.
func (s *simplifier) onePicture(n *Node) error {
	if len(n.Inputs) == 0 || n.Inputs[0] == nil {
		return nil
	}
	x := n.Inputs[0]
	if x.Const != nil || x.Type != Float || len(x.Shape) < 2 || x.Shape.batched() || x.Shape[0] == 1 || len(n.Outputs) != 1 {
		return nil
	}
	count, out := x.Shape[0], n.Outputs[0].Shape
	by := newSpelling(n)
	switch op := n.Op.(type) {
	case *MaxPool, *AveragePool, *GlobalMaxPool, *GlobalAveragePool:
		by.finish(by.add(op, by.channelsOfAll(x)), out)
	case *Conv:
		w := n.Inputs[1]
		if w.Const == nil || len(n.Inputs) > 2 && n.Inputs[2] != nil && n.Inputs[2].Const == nil {
			return nil
		}
		if len(op.Kernel) == 1 {
			by.rowsOfAll(x, n, op)
			break
		}
		all := *op
		all.Groups *= count
		in := append([]*Value{by.channelsOfAll(x)}, by.again(n.Inputs[1:], count)...)
		by.finish(by.add(&all, in...), out)
	case *ConvTranspose:
		if n.Inputs[1].Const == nil || len(n.Inputs) > 2 && n.Inputs[2] != nil && n.Inputs[2].Const == nil {
			return nil
		}
		all := *op
		all.Groups *= count
		in := append([]*Value{by.channelsOfAll(x)}, by.again(n.Inputs[1:], count)...)
		by.finish(by.add(&all, in...), out)
	case *BatchNormalization:
		if !by.affine(x, n, op) {
			return nil
		}
	default:
		return nil
	}
	if !s.affords(by) {
		return nil
	}
	s.logf("made the %d pictures of %s one", count, title(n))
	return s.spell(n, by)
}

// channelsOfAll is x [N][C][...] as [1][N*C][...].
func (s *spelling) channelsOfAll(x *Value) *Value {
	return s.reshape(x, append(Shape{1, x.Shape[0] * x.Shape[1]}, x.Shape[2:]...))
}

// again is constants with their first dimension repeated.
func (s *spelling) again(constants []*Value, times int) (out []*Value) {
	for _, c := range constants {
		if c == nil {
			out = append(out, nil)
			continue
		}
		shape := c.Const.Shape.clone()
		shape[0] *= times
		out = append(out, s.constant(&Tensor{Type: Float, Shape: shape, Floats: slices.Repeat(c.Const.Floats, times)}))
	}
	return out
}

// rowsOfAll spells the convolution of x [N][C][L] over rows of a picture.
func (s *spelling) rowsOfAll(x *Value, n *Node, op *Conv) {
	wide := &Conv{
		Kernel: []int{1, op.Kernel[0]}, Strides: []int{1, op.Strides[0]}, Dilations: []int{1, op.Dilations[0]},
		Pads: []int{0, op.Pads[0], 0, op.Pads[1]}, Groups: op.Groups,
	}
	w := n.Inputs[1].Const
	in := []*Value{
		s.reshape(s.transpose(x, 1, 0, 2), Shape{1, x.Shape[1], x.Shape[0], x.Shape[2]}),
		s.constant(w.as(w.Shape[0], w.Shape[1], 1, w.Shape[2])),
	}
	if len(n.Inputs) > 2 && n.Inputs[2] != nil {
		in = append(in, n.Inputs[2])
	}
	y := s.add(wide, in...)
	s.transpose(s.reshape(y, y.Shape[1:]), 1, 0, 2)
}

// affine spells a normalization by known statistics of every channel of x [N][C][...].
func (s *spelling) affine(x *Value, n *Node, op *BatchNormalization) bool {
	var by [4]*Tensor // scale, bias, mean, variance
	for i := range by {
		if len(n.Inputs) < 5 || n.Inputs[1+i].Const == nil {
			return false
		}
		by[i] = n.Inputs[1+i].Const
	}
	shape := Shape{by[0].Shape[0]}
	for range x.Shape[2:] {
		shape = append(shape, 1)
	}
	factor, shift := make([]float32, shape[0]), make([]float32, shape[0])
	for c := range factor {
		f := float64(by[0].Floats[c]) / math.Sqrt(float64(by[3].Floats[c])+op.Epsilon)
		factor[c], shift[c] = float32(f), float32(float64(by[1].Floats[c])-float64(by[2].Floats[c])*f)
	}
	y := s.add(&Mul{}, x, s.constant(&Tensor{Type: Float, Shape: shape, Floats: factor}))
	s.add(&Add{}, y, s.constant(&Tensor{Type: Float, Shape: shape.clone(), Floats: shift}))
	return true
}
