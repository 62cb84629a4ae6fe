package finetune

import (
	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildArgMax lays the position of the largest element along an axis, or of the smallest. It has no gradient.
func buildArgMax(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.ArgMax)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	shape := b.shape(n.Inputs[0])
	outer, length, inner := size(shape[:op.Axis]), shape[op.Axis], size(shape[op.Axis+1:])
	return b.apply("ArgMax", outer*inner, func(out []float32, in [][]float32) {
		kernel.Parallel(outer, func(o int) {
			for i := range inner {
				line := in[0][o*length*inner+i:]
				best := 0
				for k := 1; k < length; k++ {
					if v, top := line[k*inner], line[best*inner]; v > top && !op.Least || v < top && op.Least || op.SelectLast && v == top {
						best = k
					}
				}
				out[o*inner+i] = float32(best)
			}
		})
	}, nil, x), nil
}
