package kernel

import (
	"fmt"
	"slices"
)

// channelCut finds out how the planes of all channels can be cut into the same segments.
type channelCut struct {
	stepped bool      // segments are steps: every channel has its own offsets
	tops    [][]int64 // per channel: the largest sum of every list, those without a factor first
	sizes   [][]int   // the same: taps
	bases   []int     // where the lists of a factor begin
}

// put notes the lists of a channel.
func (c *channelCut) put(taps *channelTaps) {
	var tops []int64
	var sizes []int
	add := func(p *planeTaps) {
		for i := range p.lists {
			tops, sizes = append(tops, p.lists[i].tops()), append(sizes, len(p.lists[i].rows))
		}
	}
	add(&taps.planeTaps)
	c.bases = c.bases[:0]
	for i := range taps.factors {
		c.bases = append(c.bases, len(tops))
		add(&taps.factors[i])
	}
	c.tops, c.sizes = append(c.tops, tops), append(c.sizes, sizes)
}

// segments cuts the planes without a factor, then those of every factor. numbers are those of the lists, see
// [Expanded.number]. To offsets goes what the sums of every channel have too much.
func (c *channelCut) segments(factors []factor, numbers [][]uint8, offsets []int32) (cut []expandSegment, err error) {
	plain, err := c.planes(0, numbers[0])
	if err != nil {
		return nil, err
	}
	for _, s := range plain {
		cut = append(cut, s.expandSegment)
		for o := range offsets {
			offsets[o] = offsets[o]<<s.head + c.offset(&s, o)
		}
	}
	for i := range factors {
		if !slices.ContainsFunc(numbers[1+i], func(n uint8) bool { return n > 0 }) {
			continue
		}
		of, err := c.planes(c.bases[i], numbers[1+i])
		if err != nil {
			return nil, err
		}
		left := 0 // binary digits to digit 0
		for _, s := range of[1:] {
			left += int(s.head)
		}
		for j, s := range of {
			if j > 0 {
				left -= int(s.head)
			}
			s.head = factorHead(left, i)
			cut = append(cut, s.expandSegment)
			for o := range offsets {
				offsets[o] += factors[i].m * c.offset(&s, o) << left
			}
		}
	}
	return cut, nil
}

// places tells where in tops and sizes the list of every number is, of which there are so many.
func (c *channelCut) places(numbers [][]uint8, count int) []int {
	places := make([]int, count)
	for i, of := range numbers {
		base := 0
		if i > 0 {
			base = c.bases[i-1]
		}
		for list, n := range of {
			places[n] = base + list
		}
	}
	return places
}

// cutSegment is a segment with the ranges of its sums.
type cutSegment struct {
	expandSegment
	lo, hi []int64 // per channel
}

// offset is what the sums of channel o in s have too much.
func (c *channelCut) offset(s *cutSegment, o int) int32 {
	if c.stepped {
		return int32(-s.lo[o])
	}
	return int32(s.offset)
}

// span is the range that lanes of sums in [lo, hi] must have.
func (c *channelCut) span(lo, hi []int64) int64 {
	if !c.stepped {
		return slices.Max(hi) - slices.Min(lo)
	}
	most := int64(0)
	for o := range lo {
		most = max(most, hi[o]-lo[o])
	}
	return most
}

// planes cuts the lists from base on, which have these numbers, highest digits first. The head of a segment is its shift; the
// last one ends at digit 0.
func (c *channelCut) planes(base int, numbers []uint8) ([]cutSegment, error) {
	channels := len(c.tops)
	begin := func(shift int) cutSegment {
		return cutSegment{expandSegment{head: uint16(shift)}, make([]int64, channels), make([]int64, channels)}
	}
	// with is s and the plane of digit b, shift digits behind its end.
	with := func(s *cutSegment, b, shift int) (lo, hi []int64, span int64) {
		lo, hi = make([]int64, channels), make([]int64, channels)
		for o := range channels {
			lo[o] = s.lo[o]<<shift - c.tops[o][base+2*b+1]
			hi[o] = s.hi[o]<<shift + c.tops[o][base+2*b]
		}
		return lo, hi, c.span(lo, hi)
	}
	var list []cutSegment
	s := begin(0)
	top := len(numbers)/2 - 1
	for top > 0 && numbers[2*top] == 0 && numbers[2*top+1] == 0 {
		top--
	}
	last := top // digit at which the latest plane ends
	for b := top; b >= 0; b-- {
		if numbers[2*b] == 0 && numbers[2*b+1] == 0 && b > 0 {
			continue
		}
		shift := last - b
		last = b
		fits := shift < 16
		var lo, hi []int64
		var span int64
		if fits {
			lo, hi, span = with(&s, b, shift)
			fits = span <= maxSpan
		}
		inner := shift
		switch {
		case fits && len(s.planes) > 0:
			s.head += uint16(shift)
		case !fits && len(s.planes) > 0:
			list = append(list, s)
			s, inner = begin(shift), 0
			lo, hi, span = with(&s, b, 0)
		}
		least, most := slices.Min(lo), slices.Max(hi)
		if span > maxSpan {
			// A segment to add and one to subtract.
			if most > maxSpan || -least > maxSpan {
				return nil, fmt.Errorf("kernel: expanded: the sums of a plane span %d, want at most %d", most-least, maxSpan)
			}
			s.planes = []expandPlane{{uint8(inner), numbers[2*b], 0}}
			list = append(list, s)
			s = begin(0)
			s.offset, s.lo = uint16(-least), lo
			s.planes = []expandPlane{{0, 0, numbers[2*b+1]}}
			continue
		}
		s.lo, s.hi = lo, hi
		s.offset = uint16(-least)
		s.planes = append(s.planes, expandPlane{uint8(inner), numbers[2*b], numbers[2*b+1]})
	}
	return append(list, s), nil
}
