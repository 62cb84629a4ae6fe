package finetune

import (
	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildGemm lays y = Alpha * op(a) * op(b) + Beta * c.
func buildGemm(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Gemm)
	x, w, c, err := b.linearInputs(n)
	if err != nil {
		return nil, err
	}
	as, ys := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	rows, cols, inner := ys[0], ys[1], as[1]
	if op.TransA {
		inner = as[0]
	}
	y := b.product(product{op.TransA, op.TransB, rows, cols, inner}, x, w)
	y = b.scale(y, op.Alpha)
	if c == nil || op.Beta == 0 {
		return y, nil
	}
	c = b.scale(c, op.Beta)
	if cs := b.shape(n.Inputs[2]); len(cs) > 0 && size(cs) == cols && cs[len(cs)-1] == cols {
		return b.addRow(y, c, cols), nil
	}
	return b.sum(ys, b.expand(c, b.shape(n.Inputs[2]), ys), y), nil
}

// product is a matrix product: op(a) is [m][k], op(b) is [k][n].
type product struct {
	transA, transB bool
	m, n, k        int
}

// product lays one matrix product with gradients for both operands.
func (b *builder) product(p product, x, w *G.Node) *G.Node {
	dx := func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("Gemm.da", p.m*p.k, func(out []float32, in [][]float32) {
			p.backwardA(out, in[0], in[1], 0)
		}, nil, dy, in[1])
	}
	dw := func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("Gemm.db", p.k*p.n, func(out []float32, in [][]float32) {
			p.backwardB(out, in[0], in[1], 0)
		}, nil, dy, in[0])
	}
	return b.apply("Gemm", p.m*p.n, func(out []float32, in [][]float32) {
		kernel.Gemm(p.transA, p.transB, p.m, p.n, p.k, in[0], in[1], 0, out)
	}, []adjoint{dx, dw}, x, w)
}

// backwardA computes da = dy * op(b)^T + beta*da, in the layout of a.
func (p product) backwardA(da, dy, b []float32, beta float32) {
	if p.transA {
		kernel.Gemm(p.transB, true, p.k, p.m, p.n, b, dy, beta, da)
	} else {
		kernel.Gemm(false, !p.transB, p.m, p.k, p.n, dy, b, beta, da)
	}
}

// backwardB computes db = op(a)^T * dy + beta*db, in the layout of b.
func (p product) backwardB(db, dy, a []float32, beta float32) {
	if p.transB {
		kernel.Gemm(true, p.transA, p.n, p.k, p.m, dy, a, beta, db)
	} else {
		kernel.Gemm(!p.transA, false, p.k, p.n, p.m, a, dy, beta, db)
	}
}

// addRow lays y + row, the row repeated for every row of y.
func (b *builder) addRow(y, row *G.Node, cols int) *G.Node {
	pass := func(_ []*G.Node, _, dy *G.Node) *G.Node { return dy }
	sum := func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("bias.db", cols, func(out []float32, in [][]float32) {
			kernel.SumRows(out, in[0], cols)
		}, nil, dy)
	}
	return b.apply("AddRow", y.Shape()[0], func(out []float32, in [][]float32) {
		copy(out, in[0])
		kernel.AddRow(out, cols, in[1])
	}, []adjoint{pass, sum}, y, row)
}

// scale lays a*x, or x itself where a is 1.
func (b *builder) scale(x *G.Node, a float64) *G.Node {
	if a == 1 {
		return x
	}
	n, f := x.Shape()[0], float32(a)
	times := func(out []float32, in [][]float32) {
		for i, v := range in[0] {
			out[i] = f * v
		}
	}
	return b.apply("scale", n, times, []adjoint{func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("scale.dx", n, times, nil, dy)
	}}, x)
}

// buildMatMul lays the product of stacks of matrices.
func buildMatMul(b *builder, n *onnx.Node) (*G.Node, error) {
	x, w, _, err := b.linearInputs(n)
	if err != nil {
		return nil, err
	}
	as, bs := b.shape(n.Inputs[0]), b.shape(n.Inputs[1])
	if len(as) == 1 {
		as = []int{1, as[0]}
	}
	if len(bs) == 1 {
		bs = []int{bs[0], 1}
	}
	p := product{m: as[len(as)-2], k: as[len(as)-1], n: bs[len(bs)-1]}
	if len(bs) == 2 { // one matrix for all rows of all stacks
		p.m = size(as) / p.k
		return b.product(p, x, w), nil
	}
	stackA, stackB := as[:len(as)-2], bs[:len(bs)-2]
	stack := broadcastShape(stackA, stackB)
	atA, atB := positions(broadcastMove(stackA, stack)), positions(broadcastMove(stackB, stack))
	matA, matB, matY := p.m*p.k, p.k*p.n, p.m*p.n
	each := func(a, bm, y []float32, f func(a, b, y []float32)) {
		for i := range atA {
			f(a[int(atA[i])*matA:][:matA], bm[int(atB[i])*matB:][:matB], y[i*matY:][:matY])
		}
	}
	da := func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("MatMul.da", size(as), func(out []float32, in [][]float32) {
			clear(out)
			each(out, in[1], in[0], func(a, b, y []float32) { p.backwardA(a, y, b, 1) })
		}, nil, dy, in[1])
	}
	db := func(in []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("MatMul.db", size(bs), func(out []float32, in [][]float32) {
			clear(out)
			each(in[1], out, in[0], func(a, b, y []float32) { p.backwardB(b, y, a, 1) })
		}, nil, dy, in[0])
	}
	return b.apply("MatMul", len(atA)*matY, func(out []float32, in [][]float32) {
		each(in[0], in[1], out, func(a, b, y []float32) {
			kernel.Gemm(false, false, p.m, p.n, p.k, a, b, 0, y)
		})
	}, []adjoint{da, db}, x, w), nil
}
