package finetune

import (
	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// operands are the nodes of all inputs of n, broadcast to its output's shape.
func (b *builder) operands(n *onnx.Node) ([]*G.Node, error) {
	to := b.shape(n.Outputs[0])
	in := make([]*G.Node, len(n.Inputs))
	for i, v := range n.Inputs {
		x, err := b.in(n, i)
		if err != nil {
			return nil, err
		}
		in[i] = b.expand(x, b.shape(v), to)
	}
	return in, nil
}

// sum lays the sum of nodes of one shape.
func (b *builder) sum(shape []int, in ...*G.Node) *G.Node {
	if len(in) == 1 {
		return in[0]
	}
	adjoints := make([]adjoint, len(in))
	for i := range adjoints {
		adjoints[i] = func(_ []*G.Node, _, dy *G.Node) *G.Node { return dy }
	}
	return b.apply("Add", size(shape), func(out []float32, in [][]float32) {
		eachChunk(len(out), func(lo, hi int) {
			copy(out[lo:hi], in[0][lo:hi])
			for _, x := range in[1:] {
				kernel.Add(out[lo:hi], x[lo:hi])
			}
		})
	}, adjoints, in...)
}

func buildAdd(b *builder, n *onnx.Node) (*G.Node, error) {
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	return b.sum(b.shape(n.Outputs[0]), in...), nil
}

func buildMean(b *builder, n *onnx.Node) (*G.Node, error) {
	y, err := buildAdd(b, n)
	if err != nil {
		return nil, err
	}
	return b.scale(y, 1/float64(len(n.Inputs))), nil
}

// binary lays an elementwise function of two operands with its partial derivatives.
func (b *builder) binary(n *onnx.Node, f, dx, dy func(x, y float32) float32) (*G.Node, error) {
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	return b.pairwise(n.Op.Type(), in[0], in[1], f, dx, dy), nil
}

func (b *builder) pairwise(name string, x, y *G.Node, f, dx, dy func(x, y float32) float32) *G.Node {
	count := x.Shape()[0]
	partial := func(d func(x, y float32) float32) adjoint {
		return func(in []*G.Node, _, grad *G.Node) *G.Node {
			return b.apply(name+".d", count, func(out []float32, in [][]float32) {
				eachChunk(count, func(lo, hi int) {
					for i := lo; i < hi; i++ {
						out[i] = in[0][i] * d(in[1][i], in[2][i])
					}
				})
			}, nil, grad, in[0], in[1])
		}
	}
	return b.apply(name, count, func(out []float32, in [][]float32) {
		eachChunk(count, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				out[i] = f(in[0][i], in[1][i])
			}
		})
	}, []adjoint{partial(dx), partial(dy)}, x, y)
}

func buildSub(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.binary(n,
		func(x, y float32) float32 { return x - y },
		func(_, _ float32) float32 { return 1 },
		func(_, _ float32) float32 { return -1 })
}

func buildMul(b *builder, n *onnx.Node) (*G.Node, error) {
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	count := in[0].Shape()[0]
	product := func(out []float32, in [][]float32) {
		eachChunk(count, func(lo, hi int) {
			x, y := in[0][lo:hi], in[1][lo:hi]
			for i, v := range x {
				out[lo+i] = v * y[i]
			}
		})
	}
	times := func(other int) adjoint {
		return func(in []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("Mul.dx", count, product, nil, dy, in[other])
		}
	}
	return b.apply("Mul", count, product, []adjoint{times(1), times(0)}, in...), nil
}

// buildDiv lays x / y; the quotient of integers is rounded towards zero.
func buildDiv(b *builder, n *onnx.Node) (*G.Node, error) {
	f := func(x, y float32) float32 { return x / y }
	if n.Outputs[0].Type == onnx.Int {
		f = func(x, y float32) float32 { return truncate(x / y) }
	}
	return b.binary(n, f,
		func(_, y float32) float32 { return 1 / y },
		func(x, y float32) float32 { return -x / (y * y) })
}

// choose folds operands by a choice between two; the gradient goes to the one chosen, to
// the first of two equal ones.
func (b *builder) choose(n *onnx.Node, first func(x, y float32) bool) (*G.Node, error) {
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	acc := in[0]
	for _, x := range in[1:] {
		acc = b.pairwise(n.Op.Type(), acc, x,
			func(x, y float32) float32 {
				if first(x, y) {
					return x
				}
				return y
			},
			func(x, y float32) float32 {
				if first(x, y) {
					return 1
				}
				return 0
			},
			func(x, y float32) float32 {
				if first(x, y) {
					return 0
				}
				return 1
			})
	}
	return acc, nil
}

func buildMax(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.choose(n, func(x, y float32) bool { return x >= y || x != x })
}

func buildMin(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.choose(n, func(x, y float32) bool { return x <= y || x != x })
}

// chunk is how many elements one task of an elementwise function has.
const chunk = 8192

// eachChunk calls f on the ranges that n elements are cut into, in parallel.
func eachChunk(n int, f func(lo, hi int)) {
	kernel.Parallel((n+chunk-1)/chunk, func(i int) { f(i*chunk, min((i+1)*chunk, n)) })
}
