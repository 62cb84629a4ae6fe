package kernel

import (
	"math"
	"slices"
)

// Requantizer applies a [Step] to accumulators of a known range.
//
// Where the range is small there is a level for every accumulator. Otherwise the range is
// cut into bins of 2^shift accumulators. Where no bin holds two breaks, and every break leads to the next value, marks
// has for every bin its first value in the highest 8 bits, and below them what carries into these from the break on:
//
//	level = (marks[t>>shift] + t) >> 24
//
// Else base holds the number of breaks at or below the first accumulator of every bin, and from there
// the level is found by comparing upward, once where no bin holds two breaks.
type Requantizer struct {
	kind   uint8
	shift  uint8
	low    int32    // t = acc - low
	top    int32    // t is clamped to [0, top]
	marks  []uint32 // by t >> shift
	base   []uint16 // by t >> shift
	last   []int32  // last[j]: the largest t at which j breaks are passed
	values []uint8  // by number of breaks passed; of reqDirect and reqNear: by t
	bins   *bins    // for vectors; nil: none
}

const (
	reqConstant = iota // one value whatever the accumulator
	reqDirect          // a level for every accumulator
	reqNear            // a level for every accumulator between the first break and the last, after clamping
	reqCovered         // marks cover every accumulator
	reqClamped         // marks, after clamping
	reqOnce            // base, after clamping, and one comparison
	reqLoop            // base, after clamping
	reqSearch          // no table: the breaks are searched
)

// maxBins limits the table of a Requantizer, smallBins one that is to be small; coverBins limits it where a larger table
// saves the clamping, and fewBins where accumulators are few as well; maxDirect limits a table of levels.
const (
	smallBins = 256
	maxBins   = 2048
	coverBins = 2048
	fewBins   = 1024
	maxDirect = 16384
)

// markShift is where the value of a mark begins.
const markShift = 24

// NewRequantizer prepares s for accumulators in [lo, hi], uses of them per Run of the
// layer: no table is made that has more entries than that to save a comparison. Negative uses stand for a table that is as
// small as can be.
func NewRequantizer(s *Step, lo, hi int32, uses int) *Requantizer {
	first := count(s.Breaks, lo)
	breaks := s.Breaks[first:count(s.Breaks, hi)]
	r := &Requantizer{values: s.Values[first : first+len(breaks)+1]}
	if len(breaks) == 0 {
		return r
	}
	n := len(breaks)
	span := int64(hi) - int64(lo)
	if span >= math.MaxInt32 {
		r.kind, r.last = reqSearch, breaks // differences need more than 32 bits
		return r
	}
	if span < int64(min(maxDirect, uses)) {
		r.kind, r.low, r.top = reqDirect, lo, int32(span)
		r.values = levelTable(breaks, r.values, lo, r.top)
		return r
	}

	// Clamped: t = 0 is below the first break, t = top is at the last one.
	r.kind, r.low = reqClamped, breaks[0]-1
	r.top = breaks[n-1] - r.low
	if int(r.top) < min(maxDirect, uses) {
		r.kind = reqNear
		r.values = levelTable(breaks, r.values, r.low, r.top)
		return r
	}
	most, cover := maxBins, min(coverBins, max(fewBins, uses))
	if uses < 0 {
		most, cover = smallBins, smallBins
	}
	shift, single := binShift(breaks, r.low, r.top, most)
	r.shift = shift
	if !single || r.top>>markShift != 0 || !consecutive(r.values) {
		if r.kind = reqLoop; single {
			r.kind = reqOnce
		}
		r.base = make([]uint16, int(r.top>>shift)+1)
		r.last = make([]int32, n+1)
		for j, b := range breaks {
			r.last[j] = b - r.low - 1
		}
		r.last[n] = math.MaxInt32
		for i := range r.base {
			r.base[i] = uint16(count(breaks, r.low+int32(i)<<shift))
		}
		return r
	}
	if s, ok := binShift(breaks, lo, int32(span), cover); ok && span>>markShift == 0 {
		r.kind, r.low, r.top, r.shift = reqCovered, lo, int32(span), s
	}
	r.marks = marks(breaks, r.values, r.low, r.top, r.shift)
	return r
}

// consecutive says whether every value is the one before plus 1, modulo 256.
func consecutive(values []uint8) bool {
	for j := 1; j < len(values); j++ {
		if values[j] != values[j-1]+1 {
			return false
		}
	}
	return true
}

// marks are those of the bins of [low, low+top].
func marks(breaks []int32, values []uint8, low, top int32, shift uint8) []uint32 {
	list := make([]uint32, 0, int(top>>shift)+1)
	j := 0 // breaks at or below the first accumulator of a bin
	for len(list) < cap(list) {
		first := int32(len(list)) << shift
		for j < len(breaks) && breaks[j]-low <= first {
			j++
		}
		m := uint32(values[j]) << markShift
		if j < len(breaks) && (breaks[j]-low)>>shift == int32(len(list)) {
			m += 1<<markShift - uint32(breaks[j]-low)
		}
		list = append(list, m)
	}
	return list
}

// levelTable holds the levels of accumulators from low to low+top.
func levelTable(breaks []int32, values []uint8, low, top int32) []uint8 {
	levels := make([]uint8, 0, int(top)+1)
	for i := 0; len(levels) < cap(levels); i++ {
		end := top + 1 // of the run of values[i]
		if i < len(breaks) {
			end = min(end, breaks[i]-low)
		}
		for int32(len(levels)) < end {
			levels = append(levels, values[i])
		}
	}
	return levels
}

// newSearch is a Requantizer for every accumulator that refers to s and has no tables.
func newSearch(s *Step) *Requantizer {
	return &Requantizer{kind: reqSearch, last: s.Breaks, values: s.Values}
}

// binShift is the largest shift at which no bin of [low, low+span] holds two breaks and
// at most limit bins are needed. If there is none, single is false and the shift is the
// smallest that keeps to the limit.
func binShift(breaks []int32, low, span int32, limit int) (shift uint8, single bool) {
	for s := 30; s >= 0; s-- {
		if int(span>>s) >= limit {
			return uint8(s + 1), false
		}
		ok := true
		for j := 1; j < len(breaks) && ok; j++ {
			ok = (breaks[j]-low)>>s != (breaks[j-1]-low)>>s
		}
		if ok {
			return uint8(s), true
		}
	}
	return 0, false
}

// count is the number of breaks <= acc.
func count(breaks []int32, acc int32) int {
	n, found := slices.BinarySearch(breaks, acc)
	if found {
		n++
	}
	return n
}

// Bytes is the memory of the tables.
func (r *Requantizer) Bytes() int {
	n := 4*len(r.marks) + 2*len(r.base) + 4*len(r.last) + len(r.values)
	if r.bins != nil {
		n += binBytes
		if r.bins.long != nil {
			n += 4 * binCount
		}
	}
	return n
}

// Run writes the levels of accumulators:
//
//	dst[i] = Values[number of Breaks <= acc[i]+add]
//
// len(acc) >= len(dst). The sum is taken modulo 2^32 and must lie in the range the
// Requantizer was made for.
func (r *Requantizer) Run(dst []byte, acc []int32, add int32) {
	acc = acc[:len(dst)]
	values, last, base := r.values, r.last, r.base
	add -= r.low // 0 where breaks are searched
	shift := r.shift & 31
	switch r.kind {
	case reqConstant:
		v := values[0]
		for i := range dst {
			dst[i] = v
		}
	case reqDirect:
		directLevels(dst, acc, add, values)
	case reqNear:
		nearLevels(dst, acc, add, r.top, values)
	case reqCovered:
		coveredLevels(dst, acc, add, shift, r.marks)
	case reqClamped:
		clampedLevels(dst, acc, add, r.top, shift, r.marks)
	case reqOnce:
		top := r.top
		for i, a := range acc {
			t := clamp(a+add, top)
			j := int(base[uint32(t)>>shift])
			j -= int((last[j] - t) >> 31)
			dst[i] = values[j]
		}
	case reqLoop:
		top := r.top
		for i, a := range acc {
			t := clamp(a+add, top)
			j := int(base[uint32(t)>>shift])
			for t > last[j] {
				j++
			}
			dst[i] = values[j]
		}
	case reqSearch:
		for i, a := range acc {
			acc := a + add
			lo, hi := 0, len(last)
			for lo < hi {
				mid := (lo + hi) >> 1
				if last[mid] <= acc {
					lo = mid + 1
				} else {
					hi = mid
				}
			}
			dst[i] = values[lo]
		}
	}
}

// takesPairs says that RunPairs can be used.
func (r *Requantizer) takesPairs() bool {
	return r.kind == reqDirect || r.kind == reqNear || r.kind == reqCovered || r.kind == reqClamped
}

// RunPairs is Run for sums of even and odd positions: acc[2i] = even[i], acc[2i+1] = odd[i].
func (r *Requantizer) RunPairs(dst []byte, even, odd []uint16, add int32) {
	r.RunPairRows(dst, even, odd, add, 1, len(dst), 0, 0)
}

// RunPairRows is RunPairs for rows of cols positions, of which the levels are outRow apart, and the lanes of even and of odd
// positions pitch lanes.
func (r *Requantizer) RunPairRows(dst []byte, even, odd []uint16, add int32, rows, cols, outRow, pitch int) {
	add -= r.low
	shift := r.shift & 31
	switch r.kind {
	case reqDirect:
		directPairs(dst, even, odd, rows, cols, outRow, pitch, add, r.values)
	case reqNear:
		nearPairs(dst, even, odd, rows, cols, outRow, pitch, add, r.top, r.values)
	case reqCovered:
		coveredPairs(dst, even, odd, rows, cols, outRow, pitch, add, shift, r.marks)
	case reqClamped:
		clampedPairs(dst, even, odd, rows, cols, outRow, pitch, add, r.top, shift, r.marks)
	}
}

// marked is the level of t, a bin of marks being 1<<shift long.
func marked(t int32, shift uint8, marks []uint32) uint8 {
	return uint8((marks[uint32(t)>>shift] + uint32(t)) >> markShift)
}

// clamp is t limited to [0, top], without a branch.
func clamp(t, top int32) int32 {
	t &^= t >> 31
	d := top - t
	return t + d&(d>>31)
}
