package runtime

import (
	"cmp"
	"slices"
)

// order is the order in which instructions are prepared. Layers with most weights come first, as they need most memory
// for a while.
func (p *Program) order() []int {
	order := make([]int, len(p.Instrs))
	rank := make([]int, len(p.Instrs))
	for n, instr := range p.Instrs {
		order[n] = n
		if l, ok := instr.(*Linear); ok {
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
