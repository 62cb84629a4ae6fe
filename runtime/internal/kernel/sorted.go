package kernel

import (
	"fmt"
)

// Sorted computes a [Layer] with the outputs in lanes, one row of weights per input
// element. Inputs are sorted by index, those worth zero are dropped, and rows are added
// from the largest index down: the running sum after index v is added once per step of
// the index, so that
//
//	sum of v * (rows with index v) = sum over v > 0 of (rows with index >= v)
//
// Negative values are treated alike with the opposite sign. Weights are stored as
// C - low >= 0, cut into digits of a few bits, two digits to a byte; low times the sum of all
// inputs is added at the end.
//
// With some vectors the products of a digit with 16 values and an input are looked up
// instead, which needs no sorting.
//
// It suits layers whose weights are used once: fully connected ones, and any whose
// input is small.
type Sorted struct {
	finisher
	parts  []*sortedPart
	bias   []int32 // per output element
	plane  int     // elements of an output channel
	single bool    // one step for all channels
	binned bool    // and its levels are found by vectors
	vector Vector
	need   Need
	cost   int
}

// NewSorted prepares l for instruction set v. It fails as [PlanSorted] does.
func NewSorted(l *Layer, bytes, limit int, v Vector) (*Sorted, error) {
	k, err := PlanSorted(l, bytes, limit, v)
	if err == nil {
		k.Fill(l)
	}
	return k, err
}

// PlanSorted is NewSorted without the large work, which Fill does: the kernel cannot run before, but its Cost is known. It fails where
// Cost would exceed limit, where the matrix of all weights would take more than bytes bytes, and where the machine
// is not little-endian.
func PlanSorted(l *Layer, bytes, limit int, v Vector) (*Sorted, error) {
	if v.has().bigEndian {
		return nil, fmt.Errorf("kernel: sorted: lanes need a little-endian machine")
	}
	k := &Sorted{vector: v, plane: l.positions(), single: len(l.Steps) == 1}
	outs := l.Out[0] * k.plane
	word := v.wordBytes()
	blocks := ceilDiv(outs, word)
	k.cost = outs * 6
	k.need = Need{Acc: blocks * word}
	for i := range l.Terms {
		t := &l.Terms[i]
		cut := newDigitCut(t, l.fullyConnected(t))
		parts, err := newParts(t, i, t.Shape[0]*t.Shape[1]*t.Shape[2], blocks, cut, v, &bytes)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			k.need = k.need.Max(p.need())
			if k.cost += p.estimate(); k.cost > limit {
				return nil, fmt.Errorf("kernel: sorted: cost %d, want at most %d", k.cost, limit)
			}
		}
		k.parts = append(k.parts, parts...)
	}
	k.finisher = newSortedFinisher(l, v)
	k.bias = make([]int32, blocks*word)
	for i := range outs {
		k.bias[i] = l.Bias[i/k.plane]
	}
	if k.single && k.steps[0].takesLimited(v) {
		k.binned = true
		k.need.Lanes = limitedLanes(v, len(k.bias))
	}
	return k, nil
}

// newSortedFinisher has bins where vectors find the levels of sums in 32 bits.
func newSortedFinisher(l *Layer, v Vector) finisher {
	if v.has().looks {
		return newFinisher(l, v, tablesOf(l))
	}
	return newFinisher(l, Portable, tablesOf(l))
}

// Fill writes the weights of the layer that k was planned for.
func (k *Sorted) Fill(l *Layer) {
	for _, p := range k.parts {
		p.fill(l, &l.Terms[p.src])
	}
}

// Need is the Scratch that Run writes on.
func (k *Sorted) Need() Need { return k.need }

// Cost estimates the time of Run in additions of words.
func (k *Sorted) Cost() int { return k.cost }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Sorted) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for _, p := range k.parts {
		w, n := p.memory()
		weights += w
		tables += n
	}
	return weights, tables
}
