package kernel

import (
	"math/bits"
	"slices"

	"qconv/runtime/internal/coding"
)

// tapList is a list of rows that are added or subtracted.
type tapList struct {
	rows  []uint16
	spans []tapSpan // of all rows, in order
}

// tapSpan is a run of rows with the same largest index.
type tapSpan struct {
	n   int
	top int64
}

// put appends rows.
func (l *tapList) put(rows []uint16) {
	at := len(l.rows)
	if end := at + len(rows); len(rows) <= 8 && end <= cap(l.rows) {
		l.rows = l.rows[:end]
		for i, row := range rows {
			l.rows[at+i] = row
		}
		return
	}
	l.rows = append(l.rows, rows...)
}

// close notes that the latest rows have indices that are at most top.
func (l *tapList) close(top int64) {
	n := len(l.rows)
	for _, s := range l.spans {
		n -= s.n
	}
	if n > 0 {
		l.spans = append(l.spans, tapSpan{n, top})
	}
}

// tops is the largest sum of the rows.
func (l *tapList) tops() int64 {
	n := int64(0)
	for _, s := range l.spans {
		n += int64(s.n) * s.top
	}
	return n
}

// fitting splits off the rows at the front whose sum stays within limit.
func (l *tapList) fitting(limit int64) (head, tail tapList, sum int64) {
	at := 0
	for i, s := range l.spans {
		n := int(min(int64(s.n), (limit-sum)/s.top))
		at += n
		sum += int64(n) * s.top
		if n < s.n {
			tail.rows = l.rows[at:]
			tail.spans = slices.Clone(l.spans[i:])
			tail.spans[0].n -= n
			head.spans = append(slices.Clone(l.spans[:i]), tapSpan{n, s.top})
			break
		}
		head.spans = l.spans[:i+1]
	}
	head.rows = l.rows[:at]
	return head, tail, sum
}

// planeTaps are taps by binary digit.
type planeTaps struct {
	lists []tapList // to add and to subtract, in turns, by digit
	segs  []segment
}

func (c *planeTaps) reset() {
	for i := range c.lists {
		l := &c.lists[i]
		l.rows, l.spans = l.rows[:0], l.spans[:0]
	}
}

func (c *planeTaps) empty() bool {
	for i := range c.lists {
		if len(c.lists[i].rows) > 0 {
			return false
		}
	}
	return true
}

// reach makes room for the first n digits.
func (c *planeTaps) reach(n int) {
	for len(c.lists) < 2*n {
		c.lists = append(c.lists, tapList{})
	}
}

// put adds rows to the lists of digits.
func (c *planeTaps) put(rows []uint16, digits []uint8) {
	for _, d := range digits {
		c.lists[d].put(rows)
	}
}

// close ends the rows of a term, whose indices are at most top.
func (c *planeTaps) close(top int64) {
	for i := range c.lists {
		c.lists[i].close(top)
	}
}

// listsOf are the positions in lists of the digits of a number, lowest first.
func (c *planeTaps) listsOf(n int32) (list []uint8) {
	plus, minus := digits(n)
	for both := plus | minus; both != 0; both &= both - 1 {
		b := bits.TrailingZeros64(both)
		list = append(list, uint8(2*b+int(minus>>b&1)))
	}
	c.reach(bits.Len64(plus | minus))
	return list
}

// channelTaps are the taps of an output channel by binary digit.
type channelTaps struct {
	planeTaps
	factors []planeTaps // by factor
	zeros   int32       // sum of zero * C over all taps, modulo 2^32

	terms  []termTaps
	counts []uint32 // by centre; zeros between terms
	used   []uint16 // centres
	few    [256]uint32
	rows   []uint16 // of a term, by centre
	steps  stepWriter
}

// termTaps tells where the taps of a term are, and what digits they have.
type termTaps struct {
	*Term
	centres []tapCentre
	top     int64    // what an index is taken to be at most
	met     []int32  // weights of a channel that meet inputs; nil: all do
	rows    []uint16 // of these, in the first group of a section
	group   uint16   // rows from a group to the next
	groups  int      // of a section
	weights []uint16 // met ones
}

// tapCentre is a centre, cut by the factor of its term.
type tapCentre struct {
	many, rest []uint8 // the lists of the multiples of the factor, and of what is left
	zero       int32   // the centre times the index worth zero
}

// newChannelTaps prepares to gather taps for tiles of a grid.
func newChannelTaps(k *Grouped, l *Layer, lay *tiling) *channelTaps {
	c := &channelTaps{factors: make([]planeTaps, len(k.factors))}
	c.reach(1)
	if k.stepped() {
		c.steps = newStepWriter(k.top)
	}
	most, centres := 0, 0
	for i := range l.Terms {
		t, m := &l.Terms[i], &lay.maps[i]
		p := termTaps{Term: t, centres: make([]tapCentre, len(t.Centres)), top: int64(t.Levels - 1), groups: t.Groups / k.sections}
		if k.stepped() {
			p.top = int64(k.top) // biases are the same for all terms
		}
		for j, n := range t.counts() {
			if n > 0 {
				q, e := k.factors[i].split(t.Centres[j])
				p.centres[j] = tapCentre{c.factors[i].listsOf(q), c.listsOf(e), int32(t.Zero) * t.Centres[j]}
			}
		}
		cg, area := t.Shape[0]/t.Groups, t.Kernel[0]*t.Kernel[1]
		p.group = uint16(cg * m.bytes / tapBytes)
		p.rows, p.met = make([]uint16, 0, t.taps()), []int32{}
		for ch := range cg {
			for ky, line := range m.at {
				for kx, at := range line {
					if at >= 0 {
						p.rows = append(p.rows, uint16((lay.base[i]+ch*m.bytes+at)/tapBytes))
						p.met = append(p.met, int32(ch*area+ky*len(line)+kx))
					}
				}
			}
		}
		if len(p.met) == t.taps() {
			p.met = nil
		}
		p.weights = make([]uint16, len(p.met))
		most, centres = max(most, len(p.rows)), max(centres, len(t.Centres))
		c.terms = append(c.terms, p)
	}
	c.rows, c.counts = make([]uint16, most), make([]uint32, centres)
	return c
}

// gather collects the taps of output channel o.
func (c *channelTaps) gather(l *Layer, o int) {
	c.reset()
	for i := range c.factors {
		c.factors[i].reset()
	}
	c.zeros = 0
	for i := range c.terms {
		t := &c.terms[i]
		group := o / (l.Out[0] / t.Groups)
		c.gatherTerm(t, &c.factors[i], t.Weights[o*t.taps():][:t.taps()], uint16(group%t.groups)*t.group)
	}
}

// gatherTerm adds the taps of a term with these weights. first is added to their rows.
func (c *channelTaps) gatherTerm(t *termTaps, factor *planeTaps, weights []uint16, first uint16) {
	if t.met != nil {
		for i, at := range t.met {
			t.weights[i] = weights[at]
		}
		weights = t.weights
	}
	c.tally(weights, len(t.Centres))
	// The rows of every centre come behind each other.
	at := uint32(0)
	for _, x := range c.used {
		n := c.counts[x]
		c.counts[x] = at
		at += n
	}
	rows := c.rows[:len(weights)]
	from := t.rows[:len(weights)]
	for i, x := range weights {
		n := c.counts[x]
		c.counts[x] = n + 1
		rows[n] = from[i] + first
	}
	at = 0
	for _, x := range c.used {
		end := c.counts[x]
		c.counts[x] = 0
		list, centre := rows[at:end], &t.centres[x]
		at = end
		c.put(list, centre.rest)
		factor.put(list, centre.many)
		c.zeros += int32(len(list)) * centre.zero
	}
	c.close(t.top)
	factor.close(t.top)
}

// tally counts weights by centre, of which there are so many, and lists those that are used.
func (c *channelTaps) tally(weights []uint16, centres int) {
	c.used = c.used[:0]
	if centres <= len(c.few) && len(weights) >= 2*centres {
		coding.Count(&c.few, weights)
		for x, n := range c.few[:centres] {
			if n > 0 {
				c.used = append(c.used, uint16(x))
				c.counts[x] = n
			}
		}
		clear(c.few[:centres])
		return
	}
	for _, x := range weights {
		if c.counts[x] == 0 {
			c.used = append(c.used, x)
		}
		c.counts[x]++
	}
}
