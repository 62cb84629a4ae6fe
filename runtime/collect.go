package runtime

import (
	"cmp"
	"runtime"
	"slices"
)

// collector keeps the heap small while the layers of a large program are prepared. Each
// leaves behind about as much garbage as it keeps, which would be collected only when the
// heap has twice the size.
type collector struct {
	limit   int64 // weights after which garbage is collected
	weights int64 // since then
}

// minCollected is the least number of weights for which garbage is collected, maxCollections
// about how often that happens in a program.
const (
	minCollected   = 1 << 17
	maxCollections = 16
)

func newCollector(p *Program) *collector {
	return &collector{limit: max(minCollected, p.weightCount()/maxCollections)}
}

// prepared says that the kernels of l were made.
func (c *collector) prepared(l *Linear) {
	c.weights += int64(l.weightCount())
	if c.weights >= c.limit {
		c.weights = 0
		runtime.GC()
	}
}

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
