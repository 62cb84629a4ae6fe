package c

import "qconv/runtime"

// matMulWork is the memory that kernel matmul works on besides tensors, in bytes: the accumulators of a row.
func matMulWork(p *runtime.Program, i *runtime.MatMul) int { return 4 * p.Tensors[i.Out].Shape[2] }

// matMul writes the tables and the call of instruction n.
func (g *generator) matMul(n int, i *runtime.MatMul) {
	a, b := g.p.Tensors[i.A], g.p.Tensors[i.B]
	// Quarter squares of the sum of a level of a and one of b, each less its zero, and of the difference of a level of b and one of a.
	plus, minus := make([]uint16, a.Levels+b.Levels-1), make([]uint16, a.Levels+b.Levels-1)
	for k := range plus {
		sum, difference := k-a.Zero-b.Zero, k-(a.Levels-1)+a.Zero-b.Zero
		plus[k], minus[k] = uint16(sum*sum/4), uint16(difference*difference/4)
	}
	steps, each := g.steps(i.Steps)
	g.call("matmul", fields(add(&g.tables, "uint16_t", "plus", plus), add(&g.tables, "uint16_t", "minus", minus), steps,
		a.Shape[0], a.Shape[1], a.Shape[2], b.Shape[2], b.Shape[1]*b.Shape[2], g.arena.work[n], g.at(i.Out), g.at(i.A), g.at(i.B),
		a.Levels-1, each), g.o.Target.size(3, 40))
}
