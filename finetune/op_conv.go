package finetune

import (
	"fmt"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildConv lays y = conv(x, w) + bias.
func buildConv(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Conv)
	x, w, bias, err := b.linearInputs(n)
	if err != nil {
		return nil, err
	}
	xs, ws := plane(b.shape(n.Inputs[0])), plane(b.shape(n.Inputs[1]))
	c := &kernel.Conv{
		N: xs[0], C: xs[1], H: xs[2], W: xs[3], O: ws[0], KH: ws[2], KW: ws[3],
		Stride: pair(op.Strides, 1), Dilation: pair(op.Dilations, 1), Pad: pads(op.Pads), Groups: op.Groups,
	}
	var dw *G.Node
	db := make([]float32, c.O)
	adjoints := []adjoint{
		func(in []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("Conv.dx", size(xs[:]), func(out []float32, in [][]float32) {
				c.BackwardInput(out, in[0], in[1])
			}, nil, dy, in[1])
		},
		func(in []*G.Node, _, dy *G.Node) *G.Node {
			dw = b.apply("Conv.dw", size(ws[:]), func(out []float32, in [][]float32) {
				c.BackwardWeights(out, db, in[0], in[1])
			}, nil, dy, in[0])
			return dw
		},
	}
	forward := func(out []float32, in [][]float32) { c.Forward(out, in[0], in[1], nil) }
	in := []*G.Node{x, w}
	if bias != nil {
		in = append(in, bias)
		forward = func(out []float32, in [][]float32) { c.Forward(out, in[0], in[1], in[2]) }
		adjoints = append(adjoints, func(_ []*G.Node, _, dy *G.Node) *G.Node {
			if dw == nil { // the weights are fixed
				return b.channelSum(dy, c.O, c.OH()*c.OW())
			}
			// Conv.dw computed the bias gradient by the way; it is an input only to run first.
			return b.apply("Conv.db", c.O, func(out []float32, _ [][]float32) { copy(out, db) }, nil, dw)
		})
	}
	return b.apply("Conv", c.N*c.O*c.OH()*c.OW(), forward, adjoints, in...), nil
}

// buildConvTranspose lays the transpose of a convolution: what is the input gradient
// there is the result here.
func buildConvTranspose(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.ConvTranspose)
	x, w, bias, err := b.linearInputs(n)
	if err != nil {
		return nil, err
	}
	xs, ws, ys := plane(b.shape(n.Inputs[0])), plane(b.shape(n.Inputs[1])), plane(b.shape(n.Outputs[0]))
	c := &kernel.Conv{
		N: ys[0], C: ys[1], H: ys[2], W: ys[3], O: xs[1], KH: ws[2], KW: ws[3],
		Stride: pair(op.Strides, 1), Dilation: pair(op.Dilations, 1), Pad: pads(op.Pads), Groups: op.Groups,
	}
	if c.OH() != xs[2] || c.OW() != xs[3] {
		return nil, fmt.Errorf("output padding %v is not smaller than the strides %v", op.OutputPadding, op.Strides)
	}
	area := c.H * c.W
	adjoints := []adjoint{
		func(in []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("ConvTranspose.dx", size(xs[:]), func(out []float32, in [][]float32) {
				c.Forward(out, in[0], in[1], nil)
			}, nil, dy, in[1])
		},
		func(in []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("ConvTranspose.dw", size(ws[:]), func(out []float32, in [][]float32) {
				c.BackwardWeights(out, nil, in[1], in[0])
			}, nil, dy, in[0])
		},
	}
	forward := func(out []float32, in [][]float32) { c.BackwardInput(out, in[0], in[1]) }
	in := []*G.Node{x, w}
	if bias != nil {
		in = append(in, bias)
		forward = func(out []float32, in [][]float32) {
			c.BackwardInput(out, in[0], in[1])
			kernel.AddChannels(out, area, in[2])
		}
		adjoints = append(adjoints, func(_ []*G.Node, _, dy *G.Node) *G.Node {
			return b.channelSum(dy, c.C, area)
		})
	}
	return b.apply("ConvTranspose", size(ys[:]), forward, adjoints, in...), nil
}

// linearInputs are the nodes of x, weights and, unless left out, bias.
func (b *builder) linearInputs(n *onnx.Node) (x, w, bias *G.Node, err error) {
	if x, err = b.in(n, 0); err != nil {
		return
	}
	if w, err = b.in(n, 1); err != nil {
		return
	}
	bias, err = b.optional(n, 2)
	return
}

// channelSum is the gradient of a bias: the sum of dy [N][channels][area] over samples
// and positions.
func (b *builder) channelSum(dy *G.Node, channels, area int) *G.Node {
	return b.apply("bias.db", channels, func(out []float32, in [][]float32) {
		kernel.SumChannels(out, in[0], area)
	}, nil, dy)
}

// plane views the shape [N][C][W] of a one-dimensional layer as [N][C][1][W].
func plane(shape []int) [4]int {
	switch len(shape) {
	case 3:
		return [4]int{shape[0], shape[1], 1, shape[2]}
	case 4:
		return [4]int(shape)
	}
	panic(fmt.Sprintf("BUG: finetune: shape %v has no plane", shape))
}

// pair is a spatial attribute as (vertical, horizontal); a one-dimensional layer has the
// neutral value vertically.
func pair(v []int, neutral int) [2]int {
	if len(v) == 1 {
		return [2]int{neutral, v[0]}
	}
	return [2]int(v)
}

// pads are top, left, bottom, right.
func pads(v []int) [4]int {
	if len(v) == 2 {
		return [4]int{0, v[0], 0, v[1]}
	}
	return [4]int(v)
}
