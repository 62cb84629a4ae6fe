package finetune

import (
	"slices"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildResize lays an interpolation, one dimension after the other, as sums of neighbours.
func buildResize(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Resize)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	in, out := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	for d := range in {
		if taps := op.Taps(d, in[d], out[d]); taps != nil {
			x = b.interpolate(slices.Concat(out[:d], in[d:]), d, taps, float32(op.Extrapolation), x)
		}
	}
	return x, nil
}

// interpolate lays the sums of taps along one dimension of x, one tap for each position of
// the result.
func (b *builder) interpolate(shape []int, axis int, taps []onnx.Tap, extrapolation float32, x *G.Node) *G.Node {
	outer, length, inner := size(shape[:axis]), shape[axis], size(shape[axis+1:])
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(outer, func(o int) {
			src, dst := in[0][o*length*inner:], out[o*len(taps)*inner:]
			for p, t := range taps {
				line := dst[p*inner:][:inner]
				if t.From == nil {
					for i := range line {
						line[i] = extrapolation
					}
					continue
				}
				clear(line)
				for k, from := range t.From {
					w := float32(t.Weights[k])
					for i, v := range src[from*inner:][:inner] {
						line[i] += w * v
					}
				}
			}
		})
	}
	back := func(out []float32, in [][]float32) {
		clear(out)
		kernel.Parallel(outer, func(o int) {
			dst, src := out[o*length*inner:], in[0][o*len(taps)*inner:]
			for p, t := range taps {
				line := src[p*inner:][:inner]
				for k, from := range t.From {
					w := float32(t.Weights[k])
					d := dst[from*inner:][:inner]
					for i, v := range line {
						d[i] += w * v
					}
				}
			}
		})
	}
	return b.apply("Resize", outer*len(taps)*inner, forward, []adjoint{func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("Resize.dx", outer*length*inner, back, nil, dy)
	}}, x)
}
