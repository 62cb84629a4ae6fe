package finetune

import (
	"fmt"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

func buildMaxPool(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.MaxPool)
	return b.maxPool(n, b.pool(n, op.Kernel, op.Strides, op.Dilations, op.Pads))
}

func buildAveragePool(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.AveragePool)
	return b.averagePool(n, b.pool(n, op.Kernel, op.Strides, op.Dilations, op.Pads), op.CountIncludePad)
}

func buildGlobalMaxPool(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.maxPool(n, b.globalPool(n))
}

func buildGlobalAveragePool(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.averagePool(n, b.globalPool(n), false)
}

// pool is the geometry of a pooling node.
func (b *builder) pool(n *onnx.Node, window, strides, dilations, padding []int) *kernel.Pool {
	x, y := plane(b.shape(n.Inputs[0])), plane(b.shape(n.Outputs[0]))
	k := pair(window, 1)
	return &kernel.Pool{
		N: x[0], C: x[1], H: x[2], W: x[3], KH: k[0], KW: k[1],
		Stride: pair(strides, 1), Dilation: pair(dilations, 1), Pad: pads(padding), OH: y[2], OW: y[3],
	}
}

// globalPool is the geometry of a pool over the whole plane.
func (b *builder) globalPool(n *onnx.Node) *kernel.Pool {
	x := plane(b.shape(n.Inputs[0]))
	return &kernel.Pool{
		N: x[0], C: x[1], H: x[2], W: x[3], KH: x[2], KW: x[3],
		Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, OH: 1, OW: 1,
	}
}

func (b *builder) maxPool(n *onnx.Node, p *kernel.Pool) (*G.Node, error) {
	for d, window := range [2]int{(p.KH-1)*p.Dilation[0] + 1, (p.KW-1)*p.Dilation[1] + 1} {
		if p.Pad[d] >= window || p.Pad[d+2] >= window {
			return nil, fmt.Errorf("pads %v leave a window of %d without an input", p.Pad, window)
		}
	}
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	count := p.N * p.C * p.OH * p.OW
	argmax := make([]int32, count)
	return b.apply("MaxPool", count, func(out []float32, in [][]float32) {
		p.MaxForward(out, argmax, in[0])
	}, []adjoint{func(_ []*G.Node, y, dy *G.Node) *G.Node {
		// y is an input so that argmax is there.
		return b.apply("MaxPool.dx", x.Shape()[0], func(out []float32, in [][]float32) {
			p.MaxBackward(out, in[0], argmax)
		}, nil, dy, y)
	}}, x), nil
}

func (b *builder) averagePool(n *onnx.Node, p *kernel.Pool, countIncludePad bool) (*G.Node, error) {
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	return b.apply("AveragePool", p.N*p.C*p.OH*p.OW, func(out []float32, in [][]float32) {
		p.AvgForward(out, in[0], countIncludePad)
	}, []adjoint{func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("AveragePool.dx", x.Shape()[0], func(out []float32, in [][]float32) {
			p.AvgBackward(out, in[0], countIncludePad)
		}, nil, dy)
	}}, x), nil
}
