package runtime

import (
	"cmp"
	"slices"

	"qconv/runtime/internal/kernel"
)

// order is the order in which instructions are prepared. Layers with most weights come first, as they need most memory
// for a while; but where memory is short, those whose weights are used most often, as fast forms serve them best.
func (p *Program) order(o Options) []int {
	order := make([]int, len(p.Instrs))
	rank := make([]int, len(p.Instrs))
	for n, instr := range p.Instrs {
		order[n] = n
		l, ok := instr.(*Linear)
		switch {
		case ok && o.thrift == kernel.Scarce:
			rank[n] = p.Tensors[l.Out].Shape[1] * p.Tensors[l.Out].Shape[2]
		case ok:
			rank[n] = l.weightCount()
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank[b], rank[a]) })
	return order
}

// weightCount is the number of weights of all terms.
func (l *Linear) weightCount() int {
	n := 0
	for i := range l.Terms {
		n += l.Terms[i].Weights.Len()
	}
	return n
}
