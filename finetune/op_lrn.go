package finetune

import (
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildLRN lays y = x / s^Beta with s = Bias + Alpha/Size * sum(x^2) over the neighbouring
// channels.
func buildLRN(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.LRN)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	shape := b.shape(n.Inputs[0])
	channels, area := shape[1], size(shape[2:])
	below, above := (op.Size-1)/2, op.Size/2
	share := op.Alpha / float64(op.Size)
	// columns calls f with the values of all channels at one position, and their s, and
	// writes what it makes of them.
	columns := func(out []float32, in [][]float32, f func(y []float64, x [][]float64, s []float64)) {
		kernel.Parallel(shape[0], func(sample int) {
			y, s := make([]float64, channels), make([]float64, channels)
			v := make([][]float64, len(in))
			for k := range v {
				v[k] = make([]float64, channels)
			}
			for p := range area {
				at := sample*channels*area + p
				for k, column := range v {
					for c := range column {
						column[c] = float64(in[k][at+c*area])
					}
				}
				for c := range s {
					s[c] = 0
					for _, q := range v[0][max(0, c-below):min(channels, c+above+1)] {
						s[c] += q * q
					}
					s[c] = op.Bias + share*s[c]
				}
				f(y, v, s)
				for c, q := range y {
					out[at+c*area] = float32(q)
				}
			}
		})
	}
	forward := func(out []float32, in [][]float32) {
		columns(out, in, func(y []float64, v [][]float64, s []float64) {
			for c, x := range v[0] {
				y[c] = x * math.Pow(s[c], -op.Beta)
			}
		})
	}
	// dx[c] = dy[c]*s[c]^-Beta - 2*Beta*Alpha/Size * x[c] * sum(dy[k]*x[k]*s[k]^(-Beta-1)),
	// k over the channels that c is a neighbour of.
	back := func(out []float32, in [][]float32) {
		columns(out, in, func(dx []float64, v [][]float64, s []float64) {
			x, terms := v[0], v[1]
			for c, dy := range v[1] {
				dx[c] = dy * math.Pow(s[c], -op.Beta)
				terms[c] = dx[c] * x[c] / s[c]
			}
			for c := range dx {
				sum := 0.0
				for _, t := range terms[max(0, c-above):min(channels, c+below+1)] {
					sum += t
				}
				dx[c] -= 2 * op.Beta * share * x[c] * sum
			}
		})
	}
	count := size(shape)
	return b.apply("LRN", count, forward, []adjoint{func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("LRN.dx", count, back, nil, in[0], dy)
	}}, x), nil
}

// buildInstanceNorm lays y = (x-mean)/deviation*scale + bias per plane. Only x has a
// gradient.
func buildInstanceNorm(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.InstanceNormalization)
	nodes := make([]*G.Node, 3)
	for i := range nodes {
		var err error
		if nodes[i], err = b.in(n, i); err != nil {
			return nil, err
		}
	}
	shape := b.shape(n.Inputs[0])
	channels, area := shape[1], size(shape[2:])
	// statistics are the mean and 1/sqrt(var + Epsilon) of a plane.
	statistics := func(x []float32) (mean, factor float64) {
		for _, v := range x {
			mean += float64(v)
		}
		mean /= float64(area)
		variance := 0.0
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean)
		}
		return mean, 1 / math.Sqrt(variance/float64(area)+op.Epsilon)
	}
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(shape[0]*channels, func(p int) {
			x, y := in[0][p*area:][:area], out[p*area:][:area]
			mean, factor := statistics(x)
			factor *= float64(in[1][p%channels])
			shift := float64(in[2][p%channels])
			for i, v := range x {
				y[i] = float32((float64(v)-mean)*factor + shift)
			}
		})
	}
	// With z the normalized x: dx = factor*scale * (dy - mean(dy) - z*mean(dy*z)).
	back := func(out []float32, in [][]float32) {
		kernel.Parallel(shape[0]*channels, func(p int) {
			dy, x, dx := in[0][p*area:][:area], in[1][p*area:][:area], out[p*area:][:area]
			mean, factor := statistics(x)
			sum, product := 0.0, 0.0
			for i, v := range x {
				sum += float64(dy[i])
				product += float64(dy[i]) * (float64(v) - mean) * factor
			}
			sum, product = sum/float64(area), product/float64(area)
			scale := factor * float64(in[2][p%channels])
			for i, v := range x {
				dx[i] = float32(scale * (float64(dy[i]) - sum - (float64(v)-mean)*factor*product))
			}
		})
	}
	count := size(shape)
	return b.apply("InstanceNorm", count, forward, []adjoint{func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("InstanceNorm.dx", count, back, nil, dy, in[0], in[1])
	}, nil, nil}, nodes...), nil
}
