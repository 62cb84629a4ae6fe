package finetune

import (
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"

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

// buildPair lays a function of two operands by its definition in double precision; several are
// combined from the first on.
func buildPair(b *builder, n *onnx.Node) (*G.Node, error) {
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	op := n.Op.(onnx.Pair)
	combine, partials := op.Combine, op.Partials
	if b.plan.round != nil {
		combine, partials = quant.OfLevels(op), finitePartials(op)
	}
	f := func(x, y float32) float32 { return float32(combine(float64(x), float64(y))) }
	if n.Outputs[0].Type == onnx.Int {
		f = func(x, y float32) float32 { return float32(math.Trunc(combine(float64(x), float64(y)))) }
	}
	acc := in[0]
	for _, x := range in[1:] {
		acc = b.pairwise(n.Op.Type(), acc, x, f, func(x, y float32) (dx, dy float32) {
			a, b := partials(float64(x), float64(y))
			return float32(a), float32(b)
		})
	}
	return acc, nil
}

// finitePartials are the derivatives of a function of levels. A quotient by a level that is zero has an outermost level, whose
// derivative counts as zero.
func finitePartials(op onnx.Pair) func(x, y float64) (dx, dy float64) {
	if _, divides := op.(*onnx.Div); !divides {
		return op.Partials
	}
	return func(x, y float64) (dx, dy float64) {
		if y == 0 {
			return 0, 0
		}
		return op.Partials(x, y)
	}
}

// pairwise lays f of two nodes; partials are its derivatives by each.
func (b *builder) pairwise(name string, x, y *G.Node, f func(x, y float32) float32, partials func(x, y float32) (dx, dy float32)) *G.Node {
	count := x.Shape()[0]
	partial := func(second bool) adjoint {
		return func(in []*G.Node, _, grad *G.Node) *G.Node {
			return b.apply(name+".d", count, func(out []float32, in [][]float32) {
				eachChunk(count, func(lo, hi int) {
					for i := lo; i < hi; i++ {
						d, dy := partials(in[1][i], in[2][i])
						if second {
							d = dy
						}
						out[i] = in[0][i] * d
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
	}, []adjoint{partial(false), partial(true)}, x, y)
}

// buildSub lays x - y; whole numbers are left to [buildPair].
func buildSub(b *builder, n *onnx.Node) (*G.Node, error) {
	if n.Outputs[0].Type == onnx.Int {
		return buildPair(b, n)
	}
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	count := in[0].Shape()[0]
	pass := func(_ []*G.Node, _, dy *G.Node) *G.Node { return dy }
	negative := func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("Sub.dy", count, func(out []float32, in [][]float32) {
			eachChunk(count, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					out[i] = -in[0][i]
				}
			})
		}, nil, dy)
	}
	return b.apply("Sub", count, func(out []float32, in [][]float32) {
		eachChunk(count, func(lo, hi int) {
			x, y := in[0][lo:hi], in[1][lo:hi]
			for i, v := range x {
				out[lo+i] = v - y[i]
			}
		})
	}, []adjoint{pass, negative}, in...), nil
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

// chunk is how many elements one task of an elementwise function has.
const chunk = 8192

// eachChunk calls f on the ranges that n elements are cut into, in parallel.
func eachChunk(n int, f func(lo, hi int)) {
	kernel.Parallel((n+chunk-1)/chunk, func(i int) { f(i*chunk, min((i+1)*chunk, n)) })
}
