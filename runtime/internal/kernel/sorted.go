package kernel

import (
	"fmt"
	"math"
	"math/bits"
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
	lows   []int32 // the smallest centres, by term
}

// sortedPart is a run of elements of one input whose sums fit 16-bit lanes.
type sortedPart struct {
	src, first, n int // elements first..first+n-1 of input src

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
	bits    uint // of a digit
	group   int  // rows that can be added in byte lanes

	zero    uint8      // the index worth zero
	buckets []bucket   // in the order of processing
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
	if !LittleEndian {
		return nil, fmt.Errorf("kernel: sorted: lanes need a little-endian machine")
	}
	k := &Sorted{vector: v, plane: l.positions(), single: len(l.Steps) == 1}
	outs := l.Out[0] * k.plane
	blocks := ceilDiv(outs, wordBytes)
	size := int64(0)
	k.lows = make([]int32, len(l.Terms))
	k.cost = outs * 6
	k.need = Need{Acc: blocks * wordBytes}
	for i := range l.Terms {
		t := &l.Terms[i]
		low, width, count := sortedDigits(l, t)
		k.lows[i] = low
		elems := t.Shape[0] * t.Shape[1] * t.Shape[2]
		columns := ceilDiv(blocks*count, 2)
		strip, rowBytes := v.stripColumns(), 2*wordBytes
		if strip > 0 {
			columns, rowBytes = alignUp(columns, strip), strip*wordBytes
		}
		if size += int64(elems) * int64(columns) * wordBytes; size > int64(bytes) {
			return nil, fmt.Errorf("kernel: sorted: the matrix of weights takes %d bytes or more, want at most %d", size, bytes)
		}
		most := 0xFFFF / (1<<width - 1)
		for first := 0; first < elems; first += most {
			n := min(most, elems-first)
			p := &sortedPart{
				src: i, first: first, n: n,
				vector: v, columns: columns, stripColumns: strip,
				rowShift: uint(bits.Len(uint(rowBytes - 1))), pairBytes: n * rowBytes,
				listLen: n, zero: uint8(t.Zero),
				bits: width, group: 0xFF / (1<<width - 1),
				split: t.Levels >= splitLevels && !v.looks(),
			}
			if p.split {
				p.listLen *= 2
			}
			if v.looks() {
				p.makeLooks(t)
			} else {
				p.makeBuckets(t)
			}
			for b := range blocks {
				for d := range count {
					p.streams = append(p.streams, stream{int32(b * wordBytes), uint8(uint(d) * width)})
				}
			}
			for d := range count {
				p.excess += int32(15*t.Zero*n) << (uint(d) * width)
			}
			k.parts = append(k.parts, p)
			k.need = k.need.Max(Need{List: 2*p.listLen + n})
			if k.cost += p.estimate(); k.cost > limit {
				return nil, fmt.Errorf("kernel: sorted: cost %d, want at most %d", k.cost, limit)
			}
		}
	}
	k.finisher = newFinisher(l, Portable, math.MaxInt)
	if v.looks() {
		k.finisher = newFinisher(l, v, math.MaxInt)
	}
	k.bias = make([]int32, blocks*wordBytes)
	for i := range outs {
		k.bias[i] = l.Bias[i/k.plane]
	}
	k.makeBinned(v)
	return k, nil
}

// Fill writes the weights of the layer that k was planned for.
func (k *Sorted) Fill(l *Layer) {
	for _, p := range k.parts {
		p.fill(l, &l.Terms[p.src], k.lows[p.src])
	}
}

// sortedDigits chooses how centres are cut: the smallest one, bits per digit, digits.
func sortedDigits(l *Layer, t *Term) (low int32, width uint, count int) {
	low, high := t.Centres[t.Weights[0]], t.Centres[t.Weights[0]]
	if !l.fullyConnected(t) {
		low, high = 0, 0 // pairs of elements that are not connected
	}
	for _, w := range t.Weights {
		low, high = min(low, t.Centres[w]), max(high, t.Centres[w])
	}
	n := max(1, bits.Len32(uint32(high-low)))
	count = ceilDiv(n, 4)
	return low, uint(ceilDiv(n, count)), count
}

// makeBuckets decides how indices are sorted.
func (p *sortedPart) makeBuckets(t *Term) {
	p.of[0] = make([]uint8, 256)
	if p.split {
		p.of[1] = make([]uint8, 256)
	}
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
}

// fill writes the rows and the digits of low.
func (p *sortedPart) fill(l *Layer, t *Term, low int32) {
	plus, minus := digits(low)
	for s := range uint8(32) {
		if (plus|minus)>>s&1 != 0 {
			p.low = append(p.low, lowDigit{s, minus>>s&1 != 0})
		}
	}
	p.rows = make([]word, p.n*p.columns)
	count := 1
	for count < len(p.streams) && p.streams[count].acc == 0 {
		count++
	}
	cells := make([]cell, count)
	tables := make([][]word, count) // by digit and centre
	mask := uint32(1)<<p.bits - 1
	digit := func(biased uint32, d int) word { return word(biased >> (uint(d) * p.bits) & mask) }
	for d := range tables {
		tables[d] = make([]word, len(t.Centres))
		for i, c := range t.Centres {
			tables[d][i] = digit(uint32(c-low), d)
		}
	}
	outs := l.Out[0] * l.positions()
	if l.fullyConnected(t) {
		w := t.Weights
		for o := range outs {
			for d, c := range p.cells(cells, o) {
				at := c.base
				for _, v := range w[p.first:][:p.n] {
					p.rows[at] |= tables[d][v] << c.shift
					at += c.step
				}
			}
			w = w[t.taps():]
		}
		return
	}
	// Pairs that are not connected have the weight zero.
	if low != 0 {
		for o := range outs {
			for d, c := range p.cells(cells, o) {
				none, at := digit(uint32(-low), d)<<c.shift, c.base
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

// estimate is the time of Run in additions of words.
func (p *sortedPart) estimate() int {
	if p.tables != nil {
		return p.n*(4+lookCost*p.columns/lookColumns) + p.columns*20
	}
	if p.stripColumns > 0 {
		strips := p.columns / p.stripColumns
		return p.listLen*(2*strips+6) + len(p.buckets)*strips*10 + strips*300
	}
	pairs := ceilDiv(p.columns, 2)
	perRow := p.columns*3 + pairs*2
	perBucket := p.columns*8 + pairs*8
	return p.listLen*(perRow+6) + len(p.buckets)*perBucket + p.columns*40
}

// Need is the Scratch that Run writes on.
func (k *Sorted) Need() Need { return k.need }

// Cost estimates the time of Run in additions of words.
func (k *Sorted) Cost() int { return k.cost }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Sorted) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for _, p := range k.parts {
		weights += len(p.rows) * wordBytes
		tables += len(p.tables) + 8*len(p.streams) + 3*len(p.buckets) + len(p.of[0]) + len(p.of[1]) + 2*len(p.low)
	}
	return weights, tables
}
