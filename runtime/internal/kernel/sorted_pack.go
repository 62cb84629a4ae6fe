package kernel

import "unsafe"

// packRun is a run of elements whose rows follow each other.
type packRun struct {
	row    int // of the first element
	weight int // its position among the weights of an output
	step   int // from the weight of an element to that of the next
	n      int
}

// pack writes the rows of the elements in runs for the weights of outs outputs, word by word.
func (p *sortedPart) pack(t *Term, outs int, runs []packRun) {
	tables := p.digits(t.Centres)
	high := make([][]word, len(tables)) // the same, for the high nibble
	for d, table := range tables {
		for _, v := range table {
			high[d] = append(high[d], v<<4)
		}
	}
	taps := t.taps()
	for c := range ceilDiv(len(p.streams), 2) {
		low, lowDigit := 2*c/p.count*wordBytes, 2*c%p.count // first output and digit of the low nibbles
		up, upDigit := (2*c+1)/p.count*wordBytes, (2*c+1)%p.count
		base, step := p.index(c, 0), 0
		if p.n > 1 {
			step = p.index(c, 1) - base
		}
		if up+wordBytes <= outs && 2*c+1 < len(p.streams) {
			for _, r := range runs {
				// The highest byte comes first.
				from := unsafe.Pointer(&t.Weights[(low+wordBytes-1)*taps+r.weight])
				_ = t.Weights[(up+wordBytes-1)*taps+r.weight+(r.n-1)*r.step]
				at := base + r.row*step
				_ = p.rows[at+(r.n-1)*step]
				packWords(&p.rows[at], step*wordBytes, from, 2*r.step, 2*taps, 2*taps*(up-low), r.n, &tables[lowDigit][0], &high[upDigit][0])
			}
			continue
		}
		p.packOutputs(t, outs, runs, base, step, low, tables[lowDigit])
		if 2*c+1 < len(p.streams) {
			p.packOutputs(t, outs, runs, base, step, up, high[upDigit])
		}
	}
}

// packOutputs adds a digit of those outputs from out on that there are.
func (p *sortedPart) packOutputs(t *Term, outs int, runs []packRun, base, step, out int, table []word) {
	for k := 0; k < wordBytes && out+k < outs; k++ {
		w := t.Weights[(out+k)*t.taps():][:t.taps()]
		for _, r := range runs {
			at, from := base+r.row*step, r.weight
			for range r.n {
				p.rows[at] |= table[w[from]] << (8 * k)
				at += step
				from += r.step
			}
		}
	}
}
