package finetune

import (
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// gridNode lays weights rounded to evenly spaced integers times a unit: that of their channel, or the only one where channel is nil.
// Backward the rounding counts as the identity within the range of the integers and as a constant outside it (straight
// through); a unit has the gradient of the values it moves (learned step size, LSQ):
//
//	dy/dunit = (y-x)/unit inside the range, the outermost integer outside
func gridNode(t *tape, even quant.Even, channel func(i int) int, unit, x *G.Node) *G.Node {
	n, units := x.Shape()[0], unit.Shape()[0]
	of := make([]int32, n)
	if channel != nil {
		for i := range of {
			of[i] = int32(channel(i))
		}
	}
	lo, hi := even.Range()
	dunit := make([]float32, units)
	sums := make([]float64, units)
	backward := func(dx []float32, in [][]float32) {
		dy, x, unit := in[0], in[1], in[2]
		clear(sums)
		for i, v := range x {
			ch := of[i]
			r := float64(v) / float64(unit[ch])
			switch {
			case r < lo:
				dx[i] = 0
				sums[ch] += float64(dy[i]) * even.Low
			case r > hi:
				dx[i] = 0
				sums[ch] += float64(dy[i]) * even.High
			default:
				dx[i] = dy[i]
				sums[ch] += float64(dy[i]) * (even.Nearest(r) - r)
			}
		}
		for ch, s := range sums {
			dunit[ch] = float32(s)
		}
	}
	var dx *G.Node
	dxNode := func(in []*G.Node, dy *G.Node) *G.Node {
		if dx == nil {
			dx = t.apply("Grid.dx", n, backward, nil, dy, in[0], in[1])
		}
		return dx
	}
	return t.apply("Grid", n, func(out []float32, in [][]float32) {
		for i, v := range in[0] {
			u := float64(in[1][of[i]])
			out[i] = float32(u * even.Nearest(float64(v)/u))
		}
	}, []adjoint{
		func(in []*G.Node, _, dy *G.Node) *G.Node { return dxNode(in, dy) },
		func(in []*G.Node, _, dy *G.Node) *G.Node {
			return t.apply("Grid.dunit", units, func(out []float32, _ [][]float32) { copy(out, dunit) }, nil, dxNode(in, dy))
		},
	}, x, unit)
}
