package kernel

import (
	"fmt"
	"math"
	"math/bits"
)

// sortedPart is a run of elements of one input, or of a patch of it, whose sums fit 16-bit lanes.
type sortedPart struct {
	src, first, n int // elements first..first+n-1 of input src
	listed        int // of them, how many are expected not to be worth zero

	// rows holds, for every pair of columns, two words per input element, and one word
	// for a last odd column. A column is a word of two digits per byte: the low nibbles
	// are those of stream 2*i, the high ones those of stream 2*i+1.
	rows    []word
	columns int
	vector  Vector
	// stripColumns is the number of columns of a strip; 0: rows are cut into pairs of columns.
	stripColumns int
	// 1<<rowShift is the size in bytes of a row of a pair or strip, pairBytes that of all its
	// rows.
	rowShift  uint
	pairBytes int
	listLen   int // entries that are sorted

	// Tables of products, where they are looked up instead of sorting: see looks.go.
	tables []byte
	groups int    // of group rows each, that can be added in 16-bit lanes
	excess int32  // of the products of all rows, in every output element
	zeros  uint32 // sum of the elements where all are zero
	small  int    // levels below have products of one byte; 0: they are not told apart

	streams []stream
	digitCut
	group int // rows that can be added in byte lanes

	zero    uint8      // the index worth zero
	buckets []bucket   // in the order of processing
	order   []uint8    // the level of each, where levels are not split
	of      [2][]uint8 // by index: position in buckets, plus 1; 0: dropped
	split   bool       // of[1] is in use
	low     []lowDigit // the smallest centre
}

// stream is a digit of a word of outputs.
type stream struct {
	acc   int32 // first output element
	shift uint8
}

// bucket is a value of one digit of the inputs.
type bucket struct {
	last   bool  // the lowest of its digit: the next bucket starts a new sum
	negate bool  // values below zero
	shift  uint8 // of the input digit
}

// lowDigit is a signed binary digit of the smallest centre.
type lowDigit struct {
	shift  uint8
	negate bool
}

// splitLevels is the number of levels from which indices are sorted by two digits of
// four bits instead of one by one.
const splitLevels = 65

// digitCut says how the centres of a term are cut: C - least is written in count digits of bits bits.
type digitCut struct {
	least int32
	bits  uint
	count int
}

// newDigitCut cuts the centres that t uses, and, unless all elements are connected, zero.
func newDigitCut(t *Term, connected bool) digitCut {
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	if !connected {
		low, high = 0, 0
	}
	for i, n := range t.counts() {
		if n > 0 {
			low, high = min(low, t.Centres[i]), max(high, t.Centres[i])
		}
	}
	n := max(1, bits.Len32(uint32(high-low)))
	count := ceilDiv(n, 4)
	return digitCut{low, uint(ceilDiv(n, count)), count}
}

// digits are those of every centre, by digit.
func (c digitCut) digits(centres []int32) [][]word {
	tables := make([][]word, c.count)
	for d := range tables {
		tables[d] = make([]word, len(centres))
		for i, centre := range centres {
			tables[d][i] = c.digit(centre, d)
		}
	}
	return tables
}

// digit is digit d of a centre.
func (c digitCut) digit(centre int32, d int) word {
	return word(uint32(centre-c.least) >> (uint(d) * c.bits) & (1<<c.bits - 1))
}

// newParts plans the parts of input src, whose elems elements have rows of weights for blocks words of
// outputs. bytes is what their rows may take, and becomes what is left of it.
func newParts(t *Term, src, elems, blocks int, cut digitCut, v Vector, bytes *int) ([]*sortedPart, error) {
	tooLarge := func(size int64) error {
		return fmt.Errorf("kernel: sorted: the matrix of weights takes %d bytes or more, %d are left", size, *bytes)
	}
	if size := int64(elems) * int64(ceilDiv(blocks*cut.count, 2)*v.wordBytes()); size > int64(*bytes) {
		return nil, tooLarge(size)
	}
	var parts []*sortedPart
	most := 0xFFFF / (1<<cut.bits - 1)
	for first := 0; first < elems; first += most {
		var best *sortedPart
		for _, form := range v.rowForms() {
			p := newPart(t, src, first, min(most, elems-first), blocks, cut, form, v)
			if best == nil || p.estimate() < best.estimate() {
				best = p
			}
		}
		size := int64(best.rowBytes())
		if size > int64(*bytes) {
			return nil, tooLarge(size)
		}
		*bytes -= int(size)
		parts = append(parts, best)
	}
	return parts, nil
}

// rowForm is a way to add up rows.
type rowForm struct {
	columns int  // of a strip; 0: pairs of columns
	looks   bool // products are looked up, see looks.go; else rows are sorted
}

func newPart(t *Term, src, first, n, blocks int, cut digitCut, form rowForm, v Vector) *sortedPart {
	word := v.wordBytes()
	columns, rowBytes := ceilDiv(blocks*cut.count, 2), 2*word
	if form.columns > 0 {
		columns, rowBytes = alignUp(columns, form.columns), form.columns*word
	}
	p := &sortedPart{
		src: src, first: first, n: n, listed: n,
		vector: v, columns: columns, stripColumns: form.columns,
		rowShift: uint(bits.Len(uint(rowBytes - 1))), pairBytes: n * rowBytes,
		listLen: n, zero: uint8(t.Zero),
		digitCut: cut, group: 0xFF / (1<<cut.bits - 1),
		split: t.Levels >= splitLevels && !form.looks,
	}
	if t.Zero == 0 {
		p.listed = ceilDiv(5*n, 8) // rectified
	}
	if p.split {
		p.listLen *= 2
	}
	if form.looks {
		p.makeLooks(t)
	} else {
		p.makeBuckets(t)
	}
	plus, minus := digits(p.least)
	for s := range uint8(32) {
		if (plus|minus)>>s&1 != 0 {
			p.low = append(p.low, lowDigit{s, minus>>s&1 != 0})
		}
	}
	for b := range blocks {
		for d := range cut.count {
			p.streams = append(p.streams, stream{int32(b * word), uint8(uint(d) * cut.bits)})
		}
	}
	for d := range cut.count {
		p.excess += int32(15*t.Zero*n) << (uint(d) * cut.bits)
	}
	return p
}

// makeBuckets decides how indices are sorted.
func (p *sortedPart) makeBuckets(t *Term) {
	p.of[0], p.of[1] = make([]uint8, 256), make([]uint8, 256)
	digit := func(table int, shift uint, mask int, negate bool) {
		top := t.Levels - 1 - t.Zero
		if negate {
			top = t.Zero
		}
		top = min(top>>shift, mask)
		for v := top; v > 0; v-- {
			p.buckets = append(p.buckets, bucket{last: v == 1, negate: negate, shift: uint8(shift)})
			for x := range t.Levels {
				a := x - t.Zero
				if negate {
					a = -a
				}
				if a > 0 && a>>shift&mask == v {
					p.of[table][x] = uint8(len(p.buckets))
					p.order = append(p.order, uint8(x))
				}
			}
		}
	}
	for _, negate := range []bool{false, true} {
		if p.split {
			digit(1, 4, 15, negate)
			digit(0, 0, 15, negate)
		} else {
			digit(0, 0, 255, negate)
		}
	}
	if p.split {
		p.order = nil
	} else {
		p.of = [2][]uint8{}
	}
}

// rowBytes is the size of the rows.
func (p *sortedPart) rowBytes() int { return p.n * p.columns * p.vector.wordBytes() }

// fill writes the rows of the elements of an input.
func (p *sortedPart) fill(l *Layer, t *Term) {
	p.rows = make([]word, p.n*p.columns)
	outs := l.Out[0] * l.positions()
	if l.fullyConnected(t) {
		p.pack(t, outs, []packRun{{weight: p.first, step: 1, n: p.n}})
		return
	}
	cells := make([]cell, p.count)
	tables := p.digits(t.Centres)
	// Pairs that are not connected have the weight zero.
	if p.least != 0 {
		for o := range outs {
			for d, c := range p.cells(cells, o) {
				none, at := p.digit(0, d)<<c.shift, c.base
				for range p.n {
					p.rows[at] |= none
					at += c.step
				}
			}
		}
	}
	last := -1
	l.connections(t, func(out, in int, v uint16) {
		if out != last {
			p.cells(cells, out)
			last = out
		}
		if in -= p.first; in < 0 || in >= p.n {
			return
		}
		for d, c := range cells {
			w := &p.rows[c.base+in*c.step]
			*w = *w&^(15<<c.shift) | tables[d][v]<<c.shift
		}
	})
}

// cell is where the digits of an output stand in the rows: in word base + step*input, shifted.
type cell struct {
	base, step int
	shift      uint
}

// cells finds those of all digits of an output.
func (p *sortedPart) cells(list []cell, out int) []cell {
	for d := range list {
		s := out/wordBytes*len(list) + d
		list[d] = cell{base: p.index(s/2, 0), shift: uint(out%wordBytes)*8 + uint(s&1)*4}
		if p.n > 1 {
			list[d].step = p.index(s/2, 1) - list[d].base
		}
	}
	return list
}

// index is the position in rows of column c of input element i.
func (p *sortedPart) index(c, i int) int {
	if n := p.stripColumns; n > 0 {
		return (c/n*p.n+i)*n + c%n
	}
	pair := c / 2 * 2
	if pair+1 == p.columns {
		return pair*p.n + i
	}
	return pair*p.n + 2*i + c%2
}

// estimate is the time of a run in additions of words.
func (p *sortedPart) estimate() int {
	c := sortCosts[p.vector]
	if p.tables != nil {
		return p.n*c.list + p.listed*p.vector.has().lookCost*(p.columns/lookColumns) + p.columns*20
	}
	listed := p.listed
	if p.split {
		listed *= 2
	}
	if p.stripColumns > 0 {
		strips := p.columns / p.stripColumns
		return p.n*c.list + listed*c.row*strips + len(p.buckets)*strips*c.bucket + strips*c.strip
	}
	pairs := ceilDiv(p.columns, 2)
	return p.n*c.list + listed*(p.columns*c.row+pairs*2) + len(p.buckets)*(p.columns*c.bucket+pairs*8) + p.columns*40
}

// need is the Scratch that a run writes on.
func (p *sortedPart) need() Need {
	if p.tables != nil {
		return Need{List: 2 * p.listLen}
	}
	return Need{List: p.listLen}
}

// memory is the size of the rows and of the tables, in bytes.
func (p *sortedPart) memory() (rows, tables int) {
	return p.rowBytes(), len(p.tables) + 8*len(p.streams) + 3*len(p.buckets) + len(p.of[0]) + len(p.of[1]) + len(p.order) + 2*len(p.low)
}
