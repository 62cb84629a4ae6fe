package runtime

import (
	"cmp"
	"slices"
)

// byWeights is the order in which instructions are prepared: those with most weights come
// first, as they need most memory for a while.
func (p *Program) byWeights() []int {
	order := make([]int, len(p.Instrs))
	weights := make([]int, len(p.Instrs))
	for n, instr := range p.Instrs {
		order[n] = n
		if l, ok := instr.(*Linear); ok {
			weights[n] = l.weightCount()
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
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
