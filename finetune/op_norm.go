package finetune

import (
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildBatchNorm lays a batch normalization with fixed statistics: y = x*a + c per channel.
// The statistics have no gradient.
func buildBatchNorm(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.BatchNormalization)
	nodes := make([]*G.Node, 5)
	for i := range nodes {
		var err error
		if nodes[i], err = b.in(n, i); err != nil {
			return nil, err
		}
	}
	shape := b.shape(n.Inputs[0])
	channels, area := shape[1], size(shape[2:])
	// factor is the slope a of channel c; in holds scale, bias, mean and var.
	factor := func(in [][]float32, c int) float64 {
		return float64(in[0][c]) / math.Sqrt(float64(in[3][c])+op.Epsilon)
	}
	count := size(shape)
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(shape[0]*channels, func(p int) {
			c := p % channels
			a := factor(in[1:], c)
			shift := float32(float64(in[2][c]) - a*float64(in[3][c]))
			slope := float32(a)
			x, y := in[0][p*area:][:area], out[p*area:][:area]
			for i, v := range x {
				y[i] = v*slope + shift
			}
		})
	}
	dx := func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("BatchNorm.dx", count, func(out []float32, in [][]float32) {
			kernel.Parallel(shape[0]*channels, func(p int) {
				slope := float32(factor(in[1:], p%channels))
				g, d := in[0][p*area:][:area], out[p*area:][:area]
				for i, v := range g {
					d[i] = v * slope
				}
			})
		}, nil, append([]*G.Node{dy}, in[1:]...)...)
	}
	dscale := func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("BatchNorm.dscale", channels, func(out []float32, in [][]float32) {
			kernel.Parallel(channels, func(c int) {
				mean, sum := float64(in[2][c]), 0.0
				for s := range shape[0] {
					at := (s*channels + c) * area
					for i, g := range in[0][at:][:area] {
						sum += float64(g) * (float64(in[1][at+i]) - mean)
					}
				}
				out[c] = float32(sum / math.Sqrt(float64(in[3][c])+op.Epsilon))
			})
		}, nil, dy, in[0], in[3], in[4])
	}
	dbias := func(_ []*G.Node, _, dy *G.Node) *G.Node { return b.channelSum(dy, channels, area) }
	return b.apply("BatchNorm", count, forward, []adjoint{dx, dscale, dbias, nil, nil}, nodes...), nil
}
