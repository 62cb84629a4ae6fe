package finetune

import (
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

func buildSoftmax(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.softmax(n, n.Op.(*onnx.Softmax).Axis, false)
}

func buildLogSoftmax(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.softmax(n, n.Op.(*onnx.LogSoftmax).Axis, true)
}

// softmax lays exp(x)/sum(exp(x)) along an axis, or its logarithm.
func (b *builder) softmax(n *onnx.Node, axis int, logarithm bool) (*G.Node, error) {
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	shape := b.shape(n.Inputs[0])
	classes, step := shape[axis], size(shape[axis+1:])
	// lines calls f with the first position of every line along the axis.
	lines := func(f func(at int)) {
		kernel.Parallel(size(shape[:axis]), func(i int) {
			for k := range step {
				f(i*classes*step + k)
			}
		})
	}
	forward := func(out []float32, in [][]float32) {
		lines(func(at int) {
			top := float32(math.Inf(-1))
			for c := range classes {
				top = max(top, in[0][at+c*step])
			}
			sum := 0.0
			for c := range classes {
				sum += math.Exp(float64(in[0][at+c*step] - top))
			}
			for c := range classes {
				v := float64(in[0][at+c*step] - top)
				if logarithm {
					out[at+c*step] = float32(v - math.Log(sum))
				} else {
					out[at+c*step] = float32(math.Exp(v) / sum)
				}
			}
		})
	}
	// With p = softmax(x): dx = p*(dy - sum(dy*p)), or dy - p*sum(dy) for the logarithm.
	back := func(out []float32, in [][]float32) {
		lines(func(at int) {
			sum := 0.0
			for c := range classes {
				if i := at + c*step; logarithm {
					sum += float64(in[0][i])
				} else {
					sum += float64(in[0][i]) * float64(in[1][i])
				}
			}
			for c := range classes {
				dy, y := float64(in[0][at+c*step]), float64(in[1][at+c*step])
				if logarithm {
					out[at+c*step] = float32(dy - math.Exp(y)*sum)
				} else {
					out[at+c*step] = float32(y * (dy - sum))
				}
			}
		})
	}
	count := size(shape)
	return b.apply(n.Op.Type(), count, forward, []adjoint{func(_ []*G.Node, y, dy *G.Node) *G.Node {
		return b.apply(n.Op.Type()+".dx", count, back, nil, dy, y)
	}}, x), nil
}
