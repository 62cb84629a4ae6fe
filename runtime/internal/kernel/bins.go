package kernel

import "math"

// bins are the form of a [Step] that vectors use: the range in which breaks lie is cut
// into at most binCount bins of 2^shift accumulators, none of which holds two breaks.
//
//	t     = acc - low, limited to [0, top]
//	i     = t >> shift
//	level = above[i] if t&mask > rest[i], else below[i]
type bins struct {
	rest  [binCount]uint16 // one less than where the break is in the bin; 0xFFFF: no break
	below [binCount]uint8
	above [binCount]uint8
	rest8 [binCount]uint8 // rest where shift <= 8; 0xFF: no break
	mask  uint32
	top   uint32
	shift uint32
	low   int32
	long  *[binCount]uint32 // rest where shift > 16; 0xFFFFFFFF: no break
	// lower and upper are the bytes of rest.
	lower, upper [binCount]uint8
	// unit is 1 where every break raises the level by one. above is below+1 then, also where
	// there is no break.
	unit uint32
	// last is 1 where the last quarter of the tables is needed: there are more than 48 bins, or
	// steps are none of unit.
	last uint8
}

const (
	binCount = 64
	binBytes = 7*binCount + 32 // size of bins without long
	// binMargin is kept from the ends of an int32 by t before it is limited.
	binMargin = 1 << 17
)

// newBins returns nil where the breaks do not suit bins. All accumulators are in [lo, hi],
// all breaks in [lo+1, hi]; values has one entry more. long allows shifts above 16.
func newBins(breaks []int32, values []uint8, lo, hi int32, long bool) *bins {
	if len(breaks) == 0 {
		return nil
	}
	b := &bins{low: breaks[0] - 1}
	if int64(hi)-int64(b.low) > math.MaxInt32-binMargin || int64(lo)-int64(b.low) < math.MinInt32+binMargin {
		return nil
	}
	top := breaks[len(breaks)-1] - b.low
	shift, single := binShift(breaks, b.low, top, binCount)
	for shift > 0 && top>>(shift-1) < binCount {
		shift-- // small rests take fewer instructions
	}
	if !single || shift > 16 && !long {
		return nil
	}
	b.shift, b.mask, b.top = uint32(shift), 1<<shift-1, uint32(top)
	if shift > 16 {
		b.long = new([binCount]uint32)
	}
	b.unit = 1
	for i := range values[1:] {
		if values[i+1] != values[i]+1 {
			b.unit = 0
		}
	}
	if b.unit == 0 || b.top>>b.shift >= binCount*3/4 {
		b.last = 1
	}
	for i := range binCount {
		first := int64(b.low) + int64(i)<<shift
		n, m := len(breaks), len(breaks)
		if first <= int64(breaks[len(breaks)-1]) {
			n = count(breaks, int32(first)) // breaks passed at the start of the bin
			m = count(breaks, int32(min(first+int64(b.mask), math.MaxInt32)))
		}
		b.below[i], b.above[i], b.rest[i] = values[n], values[m], 0xFFFF
		if b.unit == 1 {
			b.above[i] = values[n] + 1
		}
		if m > n {
			b.rest[i] = uint16(int64(breaks[n]) - first - 1)
		}
		if b.long != nil {
			b.long[i] = math.MaxUint32
			if m > n {
				b.long[i] = uint32(int64(breaks[n]) - first - 1)
			}
		}
		b.rest8[i] = uint8(min(b.rest[i], 0xFF))
		b.lower[i], b.upper[i] = uint8(b.rest[i]), uint8(b.rest[i]>>8)
	}
	return b
}

// minus is what a lane is more than t, before it is limited: t = lane - minus with saturation, where
// acc = lane + add and add is at most low.
func (b *bins) minus(add int32) uint16 { return uint16(clamp(b.low-add, 0xFFFF)) }
