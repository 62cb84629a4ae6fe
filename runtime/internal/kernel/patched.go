package kernel

import (
	"fmt"
	"slices"
)

// Patched computes a [Layer] one position after the other, each as [Sorted] computes its only one: with the outputs
// in lanes, one row of weights per element of the patch of inputs that the position meets. Positions share the rows.
//
// It suits maps of a few positions, and inputs many of which are worth zero: these cost nothing. Terms whose outputs see
// few of the input channels, such as a residual connection, are added by look-ups.
type Patched struct {
	finisher
	vector   Vector
	channels int
	size     [2]int  // rows and columns of positions
	plane    int     // positions
	bias     []int32 // per channel, whole words
	terms    []patchTerm
	lookups  []patchLookup
	buffer   int // bytes of the inputs and of a patch
	single   bool
	binned   bool // and vectors find the levels of the channels of a position
	need     Need
	cost     int
}

// patchTerm is a term whose outputs see all channels of the input, which are put next to each other.
type patchTerm struct {
	src             int
	channels, plane int // of the input
	zero            byte
	parts           []*sortedPart
	elems           int           // of a patch: channels after channels, in the order of kernel coordinates
	steps           int           // kernel coordinates: rows by columns
	rows, cols      [][]patchStep // by row and column of positions: the kernel rows and columns that meet the input
	at, patchAt     int           // of the input and of a patch in the buffer
	pixel           bool          // a patch is one position of the input, at any rate
}

// patchStep is a kernel row or column: how far its inputs are from the first ones, in the input and in a patch.
type patchStep struct{ in, patch int32 }

// patchLookup is a term that is added by look-ups.
type patchLookup struct {
	src  int
	term *lookupTerm
}

// patchSlack is the number of bytes that may be read behind a patch.
const patchSlack = 64

// patchPositionCost is what a position takes besides its patch and sums, in additions of words.
const patchPositionCost = 150

// NewPatched prepares l for instruction set v. It fails as [PlanPatched] does.
func NewPatched(l *Layer, bytes, limit int, v Vector) (*Patched, error) {
	k, err := PlanPatched(l, bytes, limit, v)
	if err == nil {
		k.Fill(l)
	}
	return k, err
}

// PlanPatched is NewPatched without the large work, which Fill does: the kernel cannot run before, but its Cost is
// known. It fails where there is one position only, where no term sees all channels, where Cost would exceed limit,
// where the rows of all weights would take more than bytes bytes, and where the machine is not little-endian.
func PlanPatched(l *Layer, bytes, limit int, v Vector) (*Patched, error) {
	k := &Patched{vector: v, channels: l.Out[0], size: [2]int(l.Out[1:]), plane: l.positions(), single: len(l.Steps) == 1}
	switch {
	case v.has().bigEndian:
		return nil, fmt.Errorf("kernel: patched: lanes need a little-endian machine")
	case k.plane == 1:
		return nil, fmt.Errorf("kernel: patched: one position")
	}
	word := v.wordBytes()
	blocks := ceilDiv(k.channels, word)
	each := blocks*word*5 + patchPositionCost // of a position
	for i := range l.Terms {
		t := &l.Terms[i]
		if t.Groups > 1 {
			k.cost += len(t.Weights) * k.plane * lookupCost
			k.lookups = append(k.lookups, patchLookup{src: i})
			continue
		}
		p := newPatchTerm(l, t, i)
		p.at, p.patchAt = k.buffer, k.buffer
		k.buffer += alignUp(p.channels*p.plane+patchSlack, word)
		if !p.pixel {
			p.patchAt = k.buffer
			k.buffer += alignUp(p.elems+patchSlack, word)
			each += 2*ceilDiv(p.elems, word) + 10*t.Kernel[0]*t.Kernel[1]
		}
		k.cost += 4 * p.channels * p.plane
		var err error
		if p.parts, err = newParts(t, i, p.elems, blocks, newDigitCut(t, true), v, &bytes); err != nil {
			return nil, err
		}
		for _, part := range p.parts {
			part.listed = ceilDiv(part.listed*p.meets(), p.steps)
			each += part.estimate()
			k.need = k.need.Max(part.need())
		}
		k.terms = append(k.terms, p)
	}
	if len(k.terms) == 0 {
		return nil, fmt.Errorf("kernel: patched: no term sees all channels")
	}
	if each > (limit-k.cost)/k.plane {
		return nil, fmt.Errorf("kernel: patched: a cost of %d for each of %d positions, want at most %d altogether", each, k.plane, limit)
	}
	k.cost += k.plane * each
	for i := range k.lookups {
		k.lookups[i].term = newLookupTerm(l, &l.Terms[k.lookups[i].src])
	}
	k.finisher = newSortedFinisher(l, v)
	k.bias = make([]int32, blocks*word)
	copy(k.bias, l.Bias)
	k.need = k.need.Max(Need{Acc: len(k.bias), Rows: k.buffer / word})
	switch {
	case k.single && len(k.lookups) == 0 && k.steps[0].takesLimited(v):
		k.binned = true
		k.need.Lanes = limitedLanes(v, len(k.bias))
		k.need.Line = k.channels * k.plane
	case len(l.Steps) > 0:
		k.need.Acc += k.channels * k.plane
	}
	return k, nil
}

func newPatchTerm(l *Layer, t *Term, src int) patchTerm {
	p := patchTerm{src: src, channels: t.Shape[0], plane: t.Shape[1] * t.Shape[2], zero: byte(t.Zero), elems: t.taps(), steps: t.Kernel[0] * t.Kernel[1]}
	p.rows = patchSteps(t, 0, l.Out[1], p.channels*t.Shape[2], p.channels*t.Kernel[1])
	p.cols = patchSteps(t, 1, l.Out[2], p.channels, p.channels)
	whole := func(list [][]patchStep) bool {
		return !slices.ContainsFunc(list, func(s []patchStep) bool { return len(s) != 1 })
	}
	p.pixel = t.Kernel == [2]int{1, 1} && whole(p.rows) && whole(p.cols)
	return p
}

// meets is the number of kernel coordinates that meet the input, of all positions the mean, rounded up.
func (t *patchTerm) meets() int {
	rows, cols := 0, 0
	for _, r := range t.rows {
		rows += len(r)
	}
	for _, c := range t.cols {
		cols += len(c)
	}
	return ceilDiv(rows*cols, len(t.rows)*len(t.cols))
}

// patchSteps lists the kernel coordinates along axis a that meet the input, for each of n positions.
func patchSteps(t *Term, a, n, in, patch int) [][]patchStep {
	list := make([][]patchStep, n)
	for y := range list {
		for k := range t.Kernel[a] {
			if v, ok := t.source(a, y, k); ok {
				list[y] = append(list[y], patchStep{int32(v * in), int32(k * patch)})
			}
		}
	}
	return list
}

// Fill writes the weights of the layer that k was planned for.
func (k *Patched) Fill(l *Layer) {
	for i := range k.terms {
		t := &l.Terms[k.terms[i].src]
		for _, p := range k.terms[i].parts {
			p.fillPatch(t, l.Out[0])
		}
	}
}

// fillPatch writes the rows of the elements of a patch for outs channels.
func (p *sortedPart) fillPatch(t *Term, outs int) {
	p.rows = make([]word, p.n*p.columns)
	area := t.Kernel[0] * t.Kernel[1]
	var runs []packRun // of the channels, for every kernel coordinate
	for tap := range area {
		from := tap*t.Shape[0] - p.first // element of channel 0
		first, end := max(0, -from), min(t.Shape[0], p.n-from)
		if first < end {
			runs = append(runs, packRun{row: from + first, weight: first*area + tap, step: area, n: end - first})
		}
	}
	p.pack(t, outs, runs)
}

// Need is the Scratch that Run writes on.
func (k *Patched) Need() Need { return k.need }

// Cost estimates the time of Run in additions of words.
func (k *Patched) Cost() int { return k.cost }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Patched) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for i := range k.terms {
		t := &k.terms[i]
		for _, list := range [2][][]patchStep{t.rows, t.cols} {
			for _, steps := range list {
				tables += 24 + 8*len(steps)
			}
		}
		for _, p := range t.parts {
			w, n := p.memory()
			weights += w
			tables += n
		}
	}
	for i := range k.lookups {
		t := k.lookups[i].term
		weights += 2 * len(t.weights)
		tables += 4*len(t.table) + t.memory()
	}
	return weights, tables
}
