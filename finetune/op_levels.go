package finetune

import (
	"qconv/finetune/internal/kernel"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// roundNode lays x rounded to levels, with the step taken from a node of one element. Backward
// the rounding counts as the identity within the range and as a constant outside it
// (straight through); the step has the gradient of the values it moves:
//
//	dy/dstep = (y-x)/step inside the range, the outermost index outside
func roundNode(t *tape, l quant.Levels, step, x *G.Node) *G.Node {
	n := x.Shape()[0]
	lo, hi := float32(-l.Zero), float32(l.Size()-1-l.Zero)
	forward := func(y, x []float32, step float32) { kernel.Quantize(y, x, step, lo, hi) }
	backward := func(dx, dy, x []float32, step float32) float32 {
		return kernel.QuantizeGrad(dx, dy, x, step, lo, hi)
	}
	if l.Stride == 2 {
		forward, backward = roundSign, roundSignGrad
	}
	dstep := make([]float32, 1)
	grad := func(out []float32, in [][]float32) { dstep[0] = backward(out, in[0], in[1], in[2][0]) }
	var dx *G.Node
	dxNode := func(in []*G.Node, dy *G.Node) *G.Node {
		if dx == nil {
			dx = t.apply("Levels.dx", n, grad, nil, dy, in[0], in[1])
		}
		return dx
	}
	return t.apply("Levels", n, func(out []float32, in [][]float32) { forward(out, in[0], in[1][0]) },
		[]adjoint{
			func(in []*G.Node, _, dy *G.Node) *G.Node { return dxNode(in, dy) },
			func(in []*G.Node, _, dy *G.Node) *G.Node {
				return t.apply("Levels.dstep", 1, func(out []float32, _ [][]float32) { copy(out, dstep) }, nil, dxNode(in, dy))
			},
		}, x, step)
}

// roundSign rounds to the two levels -step and +step; zero goes up.
func roundSign(y, x []float32, step float32) {
	for i, v := range x {
		if v >= 0 {
			y[i] = step
		} else {
			y[i] = -step
		}
	}
}

// roundSignGrad is the straight-through gradient of [roundSign]; the range reaches half the
// distance of the levels beyond them.
func roundSignGrad(dx, dy, x []float32, step float32) float32 {
	sum := 0.0
	for i, v := range x {
		g := dy[i]
		switch {
		case v > 2*step:
			dx[i] = 0
			sum += float64(g)
		case v < -2*step:
			dx[i] = 0
			sum -= float64(g)
		default:
			dx[i] = g
			y := step
			if v < 0 {
				y = -step
			}
			sum += float64(g) * float64((y-v)/step)
		}
	}
	return float32(sum)
}
