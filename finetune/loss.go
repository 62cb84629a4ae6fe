package finetune

import (
	"math"

	"qconv/finetune/internal/kernel"

	G "gorgonia.org/gorgonia"
)

// classLoss is the loss on logits z [n][classes], averaged over the n samples:
//
//	teacher * T^2 * KL(softmax(t/T) || softmax(z/T)) + labels * cross-entropy(z, label)
//
// with the teacher's logits t. The square keeps the gradient's size whatever T. A sample
// without label (negative) has no cross-entropy.
type classLoss struct {
	n, classes      int
	temperature     float64
	teacher, labels float64 // weights of the two parts
}

// node lays the loss, which has one element. t and label may be nil where their weight is 0; labels
// are whole numbers in float32.
func (l classLoss) node(tp *tape, z, t, label *G.Node) *G.Node {
	in := []*G.Node{z}
	adjoints := []adjoint{nil}
	tAt, labelAt := 0, 0
	if t != nil {
		tAt = len(in)
		in, adjoints = append(in, t), append(adjoints, nil)
	}
	if label != nil {
		labelAt = len(in)
		in, adjoints = append(in, label), append(adjoints, nil)
	}
	dz := make([]float32, l.n*l.classes)
	losses := make([]float64, l.n)
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(l.n, func(s int) {
			row := func(v []float32) []float32 { return v[s*l.classes:][:l.classes] }
			grad := row(dz)
			clear(grad)
			losses[s] = 0
			if tAt > 0 {
				losses[s] += l.distil(grad, row(in[0]), row(in[tAt]))
			}
			if labelAt > 0 && in[labelAt][s] >= 0 {
				losses[s] += l.crossEntropy(grad, row(in[0]), int(in[labelAt][s]))
			}
		})
		out[0] = meanOf(losses)
	}
	adjoints[0] = stashed(tp, "classLoss.dz", dz)
	return tp.apply("classLoss", 1, forward, adjoints, in...)
}

// distil adds the gradient of one sample's divergence to grad and returns the divergence.
func (l classLoss) distil(grad, z, t []float32) float64 {
	loss := 0.0
	zNorm, tNorm := logNorm(z, l.temperature), logNorm(t, l.temperature)
	scale := l.teacher * l.temperature / float64(l.n)
	for c := range z {
		logQ := float64(z[c])/l.temperature - zNorm
		logP := float64(t[c])/l.temperature - tNorm
		p := math.Exp(logP)
		loss += p * (logP - logQ)
		grad[c] += float32(scale * (math.Exp(logQ) - p))
	}
	return l.teacher * l.temperature * l.temperature * loss
}

// crossEntropy adds the gradient of one sample's cross-entropy to grad and returns it.
func (l classLoss) crossEntropy(grad, z []float32, label int) float64 {
	norm := logNorm(z, 1)
	scale := l.labels / float64(l.n)
	for c := range z {
		q := math.Exp(float64(z[c]) - norm)
		if c == label {
			q--
		}
		grad[c] += float32(scale * q)
	}
	return l.labels * (norm - float64(z[label]))
}

// logNorm is log(sum(exp(z/temperature))).
func logNorm(z []float32, temperature float64) float64 {
	top := math.Inf(-1)
	for _, v := range z {
		top = math.Max(top, float64(v))
	}
	sum := 0.0
	for _, v := range z {
		sum += math.Exp((float64(v) - top) / temperature)
	}
	return top/temperature + math.Log(sum)
}

// valueLoss lays the weighted mean squared difference between y and each target.
func valueLoss(tp *tape, y *G.Node, targets []*G.Node, weights []float64) *G.Node {
	count := y.Shape()[0]
	dy := make([]float32, count)
	parts := make([]float64, (count+chunk-1)/chunk)
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(len(parts), func(p int) {
			sum := 0.0
			for i := p * chunk; i < min((p+1)*chunk, count); i++ {
				g := 0.0
				for k, w := range weights {
					d := float64(in[0][i] - in[1+k][i])
					sum += w * d * d
					g += w * d
				}
				dy[i] = float32(2 * g / float64(count))
			}
			parts[p] = sum
		})
		total := 0.0
		for _, p := range parts {
			total += p
		}
		out[0] = float32(total / float64(count))
	}
	adjoints := make([]adjoint, 1+len(targets))
	adjoints[0] = stashed(tp, "valueLoss.dy", dy)
	return tp.apply("valueLoss", 1, forward, adjoints, append([]*G.Node{y}, targets...)...)
}

// stashed is the adjoint of a loss that computes its gradient by the way: d, for a loss
// gradient of 1.
func stashed(tp *tape, name string, d []float32) adjoint {
	return func(_ []*G.Node, loss, grad *G.Node) *G.Node {
		// The loss is an input so that d is there.
		return tp.apply(name, len(d), func(out []float32, in [][]float32) {
			g := in[0][0]
			for i, v := range d {
				out[i] = g * v
			}
		}, nil, grad, loss)
	}
}

func meanOf(v []float64) float32 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return float32(sum / float64(len(v)))
}
