package kernel

import (
	"fmt"
	"math"
)

// Depthwise computes a [Layer] of one term whose output channels each see one input
// channel. The channel is copied to a buffer where the index worth zero surrounds it, so
// that every tap meets the positions of all rows as one run of bytes. The products of a
// weight with every level are a table of 32 entries, small enough for vectors to look up
// many positions at once:
//
//	lane[i] = sum over taps of T[tap][buffer[offset[tap]+i]],  acc = lane + add
//
// With a stride of s columns or rows, the buffer holds s planes per direction, so that
// positions next to each other meet inputs next to each other.
type Depthwise struct {
	finisher
	vector   Vector
	out      [3]int
	plane    int  // elements of an input channel
	outPlane int  // of an output channel
	rows     int  // of positions; 1 where those of a channel lie without gaps
	cols     int  // of positions in such a row
	binned   bool // all channels have bins that suit
	common   bool // and the same bins and value of add
	channels int  // of the input
	per      int  // output channels that see the same input channel
	paired   bool // vectors hold a pair of channels
	blocks   []depthBlock
	room     int // bytes of the channels of a block in the buffer

	fill   depthFill
	gather gather
	pitch  int          // lanes from one row of positions to the next
	lanes  int          // from the first position to the last, whole steps of vectors
	bytes  int          // of a channel in the buffer
	taps   []int32      // offsets in the buffer
	wide   bool         // products take two bytes
	tables []byte       // per output channel and tap: 32 low bytes of the products; if wide, 32 high ones
	table  int          // bytes of the tables of a channel
	starts []depthStart // per output channel: where lanes start
	add    []int32      // per output channel
}

// depthFill says how a channel is copied to the buffer. Assembly knows the order of
// fields.
type depthFill struct {
	rows   []depthRow
	cols   int       // columns that are copied
	stride int       // columns, 1 or 2
	odd    int       // with a stride of 2: from the place of a column to that of the next
	empty  int       // the byte of the index worth zero
	blank  [2]int    // bytes of the last vector of a row that are none of its columns; of the second plane
	moves  *rowMoves // of all rows; nil: they are moved one by one
}

// depthStart is a value of lanes, in the form of vectors: see SPILL.
type depthStart struct {
	all uint16 // lane + lane<<8
	odd uint16 // lane
}

// depthRow is a row of the input that some tap meets.
type depthRow struct {
	src int // element of the channel
	dst int // place in the buffer of the first column
}

const (
	// depthLevels is the number of levels up to which Depthwise works.
	depthLevels = 32
	// depthSlack is the number of bytes that may be read and written behind a plane.
	depthSlack = 64
	// depthBuffer limits a channel in the buffer, depthTogether what several take together
	// with their lanes and levels.
	depthBuffer   = 1 << 16
	depthTogether = 24 << 10
)

// NewDepthwise prepares l for instruction set v. It fails where l has another form, where
// the sums do not fit lanes of 16 bits, where Cost would exceed limit, and where v has no
// look-ups of many positions: additions are faster then.
func NewDepthwise(l *Layer, limit int, v Vector) (*Depthwise, error) {
	t := &l.Terms[0]
	switch {
	case !v.has().depthwise:
		return nil, fmt.Errorf("kernel: depthwise: %v has no look-ups of many positions", v)
	case len(l.Terms) != 1 || t.Groups != t.Shape[0]:
		return nil, fmt.Errorf("kernel: depthwise: a channel sees more than one of the input")
	case t.Levels > depthLevels:
		return nil, fmt.Errorf("kernel: depthwise: %d levels, want at most %d", t.Levels, depthLevels)
	case t.Up != [2]int{1, 1} || t.Stride[1] > 2:
		return nil, fmt.Errorf("kernel: depthwise: stride %d, up %d", t.Stride, t.Up)
	}
	k := &Depthwise{vector: v, out: l.Out, plane: t.Shape[1] * t.Shape[2], outPlane: l.positions(), channels: t.Groups, per: l.Out[0] / t.Groups}
	k.findWide(t)
	if err := k.layout(t); err != nil {
		return nil, err
	}
	if c := k.Cost(); c > limit {
		return nil, fmt.Errorf("kernel: depthwise: cost %d, want at most %d", c, limit)
	}
	if err := k.makeTables(l, t); err != nil {
		return nil, err
	}
	k.finisher = newFinisher(l, v, tablesOf(l))
	k.common = len(k.steps) == 1 && k.unify(l, k.channels*k.per)
	k.binned = k.common || k.unify(l, 1)
	return k, nil
}

// unify prepares channels for bins: n in a row get the same value of add, which is at most the low end of the
// bins, as far as lanes have room for the differences. It returns false, and has done nothing, where they
// have not, or where bins do not suit.
func (k *Depthwise) unify(l *Layer, n int) bool {
	bases := make([]int32, len(k.add))
	_, high := l.Bounds()
	for first := 0; first < len(k.add); first += n {
		r := k.step(first)
		if r == nil || r.bins == nil || r.bins.shift > k.vector.has().binShift {
			return false
		}
		base, most := r.bins.low, int64(math.MinInt64)
		for o := first; o < first+n; o++ {
			base, most = min(base, k.add[o]), max(most, int64(high[o]))
		}
		if most-int64(base) > maxSpan {
			return false
		}
		for o := first; o < first+n; o++ {
			bases[o] = base
		}
	}
	for o, base := range bases {
		lane := uint16(k.add[o] - base)
		k.starts[o] = depthStart{lane + lane<<8, lane}
		k.add[o] = base
	}
	return true
}

// layout places planes, rows and taps in the buffer.
func (k *Depthwise) layout(t *Term) error {
	var padded, size [2]int // of the input with its surroundings; of a plane
	for a := range 2 {
		padded[a] = (k.out[1+a]-1)*t.Stride[a] + (t.Kernel[a]-1)*t.Dilation[a] + 1
		size[a] = ceilDiv(padded[a], t.Stride[a])
		if padded[a] > depthBuffer {
			return fmt.Errorf("kernel: depthwise: %d rows or columns", padded[a])
		}
	}
	k.pitch = size[1]
	lanes := (k.out[1]-1)*k.pitch + k.out[2]
	k.lanes = alignUp(lanes, k.vector.has().depthStep)
	if n := alignUp(lanes, pairStep); k.vector.has().depthPairs && k.per == 1 && k.channels&1 == 0 && !k.wide && 9*n <= 8*k.lanes {
		k.paired, k.lanes = true, n
	}
	k.rows, k.cols = k.out[1], k.out[2]
	if k.pitch == k.cols {
		k.rows, k.cols = 1, k.outPlane
	}
	planeBytes := alignUp(size[0]*size[1]+depthSlack, depthSlack)
	k.bytes = t.Stride[0]*t.Stride[1]*planeBytes + depthSlack
	if k.bytes > depthBuffer {
		return fmt.Errorf("kernel: depthwise: a buffer of %d bytes, want at most %d", k.bytes, depthBuffer)
	}
	// at is the place in the buffer of a row and column of the padded input.
	at := func(row, col int) int {
		plane := row%t.Stride[0]*t.Stride[1] + col%t.Stride[1]
		return plane*planeBytes + row/t.Stride[0]*k.pitch + col/t.Stride[1]
	}
	first := max(0, -t.Pad[1])
	f := &k.fill
	f.cols = max(0, min(t.Shape[2], padded[1]-t.Pad[1])-first)
	f.stride = t.Stride[1]
	f.odd = at(0, first+t.Pad[1]+1) - at(0, first+t.Pad[1])
	f.empty = t.Zero + depthBias
	for row := range t.Shape[1] {
		if r := row + t.Pad[0]; r >= 0 && r < padded[0] && f.cols > 0 {
			f.rows = append(f.rows, depthRow{row*t.Shape[2] + first, at(r, first+t.Pad[1])})
		}
	}
	if n := len(f.rows); n > 0 {
		const vector = depthSlack / 2
		step := f.stride * vector
		last := f.cols - (f.cols-1)/step*step
		f.blank = [2]int{vector - ceilDiv(last, f.stride), vector - last/f.stride}
		if f.stride == 1 && t.Stride[0] == 1 && f.cols == t.Shape[2] && n == t.Shape[1] {
			f.moves = newRowMoves(k.vector, n, f.cols, f.cols, k.pitch, depthBias, byte(f.empty))
		}
	}
	for ky := range t.Kernel[0] {
		for kx := range t.Kernel[1] {
			k.taps = append(k.taps, int32(at(ky*t.Dilation[0], kx*t.Dilation[1])))
		}
	}
	k.gather = newGather(k.vector, k.rows, k.cols, k.pitch)
	k.table = len(k.taps) * depthLevels
	if k.wide {
		k.table *= 2
	}
	together := min(max(1, depthTogether/(k.bytes+3*k.per*k.lanes)), k.channels)
	if k.paired {
		together = max(2, together&^1)
	}
	k.cut(together)
	return nil
}

// findWide finds out how many bytes products take.
func (k *Depthwise) findWide(t *Term) {
	for _, w := range t.Weights {
		c := int64(t.Centres[w])
		k.wide = k.wide || max(c, -c)*int64(t.Levels-1) > 0xFF
	}
}

// makeTables computes the products of all weights. Lanes are never negative.
func (k *Depthwise) makeTables(l *Layer, t *Term) error {
	n := len(k.taps)
	worth := func(c int32, level int) int64 { return int64(c) * int64(level-t.Zero) }
	k.tables = make([]byte, l.Out[0]*k.table)
	k.add = make([]int32, l.Out[0])
	k.starts = make([]depthStart, l.Out[0])
	tables := k.tables
	for o := range l.Out[0] {
		low, span := int64(0), int64(0)
		for _, w := range t.Weights[o*n : o*n+n] {
			c := t.Centres[w]
			least := min(worth(c, 0), worth(c, t.Levels-1))
			low += least
			span += max(worth(c, 0), worth(c, t.Levels-1)) - least
			for level := range t.Levels {
				p := worth(c, level) - least
				tables[level] = byte(p)
				if k.wide {
					tables[depthLevels+level] = byte(p >> 8)
				}
			}
			tables = tables[k.table/n:]
		}
		if span > maxSpan {
			return fmt.Errorf("kernel: depthwise: the sums of channel %d span %d, want at most %d", o, span, maxSpan)
		}
		k.add[o] = int32(int64(l.Bias[o]) + low)
	}
	if k.paired {
		k.tables = pairTables(k.tables, n)
	}
	return nil
}

// pairTables joins the tables of one byte of every two channels with n taps. For every tap there are
// the products of levels 0..15 for the first channel and for the second one, then those of levels 16..31.
func pairTables(tables []byte, n int) []byte {
	paired := make([]byte, 0, len(tables))
	for ; len(tables) > 0; tables = tables[2*n*depthLevels:] {
		for t := range n {
			a, b := tables[t*depthLevels:][:depthLevels], tables[(n+t)*depthLevels:][:depthLevels]
			paired = append(append(paired, a[:16]...), b[:16]...)
			paired = append(append(paired, a[16:]...), b[16:]...)
		}
	}
	return paired
}

// pairStep is the number of lanes of each channel of a pair. A vector of them takes an eighth
// longer than one of the same channel.
const pairStep = 16

// Need is the Scratch that Run writes on.
func (k *Depthwise) Need() Need {
	lanes, word := 2*k.blocks[0].half, k.vector.wordBytes()
	return Need{
		Rows:  ceilDiv(k.room, word),
		Lanes: ceilDiv(2*lanes, word) + 2*scratchAlign/word,
		Acc:   k.lanes,
		Line:  lanes + depthSlack,
	}
}

// Cost estimates the time of Run in additions of words.
func (k *Depthwise) Cost() int {
	each := 20 + 2*(len(k.fill.rows)+k.rows) + k.vector.has().depthCosts(k.lanes, len(k.taps))
	return k.out[0] * each
}

// Memory is the size of the weights and of the tables, in bytes.
func (k *Depthwise) Memory() (weights, tables int) {
	return len(k.tables), k.finisher.bytes() + 8*len(k.add) + 4*len(k.taps) + 16*len(k.fill.rows) + 64*len(k.blocks) + 2*56
}
