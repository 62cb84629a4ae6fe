package kernel

import (
	"fmt"
	"math/bits"
	"slices"
)

// tap is a row together with the largest index it can hold.
type tap struct {
	row uint16
	top int64
}

// channelTaps are the taps of an output channel by binary digit.
type channelTaps struct {
	planeTaps
	factors []planeTaps // by factor
	zeros   int32       // sum of zero * C over all taps, modulo 2^32
}

// planeTaps are taps by binary digit.
type planeTaps struct {
	add, sub [][]tap
}

func (c *channelTaps) reset() {
	c.planeTaps.reset()
	for i := range c.factors {
		c.factors[i].reset()
	}
	c.zeros = 0
}

func (c *planeTaps) reset() {
	for b := range c.add {
		c.add[b], c.sub[b] = c.add[b][:0], c.sub[b][:0]
	}
}

func (c *planeTaps) empty() bool {
	for b := range c.add {
		if len(c.add[b])+len(c.sub[b]) > 0 {
			return false
		}
	}
	return true
}

// put adds a row with weight centre.
func (c *planeTaps) put(row uint16, centre int32, t *Term) {
	plus, minus := digits(centre)
	for len(c.add) < max(1, bits.Len64(plus|minus)) {
		c.add, c.sub = append(c.add, nil), append(c.sub, nil)
	}
	entry := tap{row, int64(t.Levels - 1)}
	for d := plus; d != 0; d &= d - 1 {
		b := bits.TrailingZeros64(d)
		c.add[b] = append(c.add[b], entry)
	}
	for d := minus; d != 0; d &= d - 1 {
		b := bits.TrailingZeros64(d)
		c.sub[b] = append(c.sub[b], entry)
	}
}

// segment is a run of planes whose sums fit a lane.
type segment struct {
	shift  int   // binary digits from the end of the segment before to the end of this one
	lo, hi int64 // of the sums
	planes []programPlane
}

type programPlane struct {
	shift    int
	add, sub []tap
}

// segments cuts the planes of a channel, highest first, so that lanes suffice. The last
// one ends at digit 0.
func (c *planeTaps) segments() []segment {
	segs := []segment{{}}
	top := len(c.add) - 1
	for top > 0 && len(c.add[top]) == 0 && len(c.sub[top]) == 0 {
		top--
	}
	last := top // digit at which the latest segment ends
	for b := top; b >= 0; b-- {
		add, sub := c.add[b], c.sub[b]
		if len(add) == 0 && len(sub) == 0 && b > 0 {
			continue
		}
		s := &segs[len(segs)-1]
		shift := last - b
		last = b
		lo, hi := s.lo<<shift-tops(sub), s.hi<<shift+tops(add)
		if shift < 16 && hi-lo <= maxSpan {
			s.lo, s.hi = lo, hi
			s.planes = append(s.planes, programPlane{shift, add, sub})
			if len(s.planes) > 1 {
				s.shift += shift
			}
			continue
		}
		// A new segment, and more while the plane alone is too much.
		for first := true; first || len(add)+len(sub) > 0; first = false {
			n := segment{}
			if first {
				n.shift = shift
			}
			var p programPlane
			p.add, add, n.hi = fitting(add, maxSpan)
			p.sub, sub, n.lo = fitting(sub, maxSpan-n.hi)
			n.lo = -n.lo
			n.planes = []programPlane{p}
			segs = append(segs, n)
		}
	}
	return segs
}

// tops is the largest sum of taps.
func tops(taps []tap) int64 {
	n := int64(0)
	for _, t := range taps {
		n += t.top
	}
	return n
}

// fitting splits off the taps at the front whose sum stays within limit.
func fitting(taps []tap, limit int64) (head, tail []tap, sum int64) {
	for i, t := range taps {
		if sum+t.top > limit {
			return taps[:i], taps[i:], sum
		}
		sum += t.top
	}
	return taps, nil, sum
}

// build lays out the grid and writes the tap programs of all its channels.
func (g *grid) build(k *Grouped, l *Layer, axes [][2]axis, lay *tiling) error {
	g.pitch = lay.pitch / k.laneBytes()
	g.strips = lay.strips
	g.rowWords = lay.bytes / wordBytes
	if k.vector.fills() {
		g.rowWords += fillSlack / wordBytes
	}
	g.clear = g.rowWords // words: whatever a tap reads must be an index in range, also beside the rows
	if k.vector != Portable {
		g.clear = lay.words // the row of zeros
	}
	for y := 0; y < lay.total[0]; y += lay.rows {
		n := min(lay.rows, lay.total[0]-y)
		long := n / lay.strips
		words := k.passWords(ceilDiv(long*lay.pitch, wordBytes))
		g.tileRows = append(g.tileRows, tileRow{rows: int32(n), words: int32(words), out: int32(y * g.outRow), lanes: int32(long * g.pitch)})
	}
	for x := 0; x < lay.total[1]; x += lay.cols {
		g.tileCols = append(g.tileCols, tileCol{int32(min(lay.cols, lay.total[1]-x)), int32(x * g.outCol)})
	}
	for i := range l.Terms {
		g.terms = append(g.terms, newGroupedTerm(&l.Terms[i], axes[i], lay, i, k))
	}

	taps := channelTaps{factors: make([]planeTaps, len(k.factors))}
	written := make([]channelSegments, l.Out[0])
	unit := k.vector.tapUnit(k.groupUnits == 0)
	for o := range l.Out[0] {
		if o == typicalChannels {
			g.reserve(l.Out[0])
		}
		taps.reset()
		for i := range l.Terms {
			if err := taps.gather(l, i, o, k, lay); err != nil {
				return err
			}
		}
		var err error
		if written[o], err = g.write(&taps, l.Bias[o], k.factors, unit); err != nil {
			return err
		}
	}
	g.prog = append(g.prog, 0) // sums returns a pointer behind the last segment, which must be valid
	g.makeSweep(k, written)
	return nil
}

// typicalChannels is the number of channels whose programs tell how long the others are.
const typicalChannels = 16

// reserve makes room for the programs of all channels once the first are written. Without
// it, prog would be copied several times as it grows.
func (g *grid) reserve(channels int) {
	mean := len(g.prog)/typicalChannels + 1
	g.prog = slices.Grow(g.prog, mean*(channels-typicalChannels)+mean*channels/32)
}

// gather adds the taps of term i to those of output channel o.
func (c *channelTaps) gather(l *Layer, i, o int, k *Grouped, lay *tiling) error {
	t, m := &l.Terms[i], &lay.maps[i]
	cg := t.Shape[0] / t.Groups
	group := o / (l.Out[0] / t.Groups)
	section := o / (l.Out[0] / k.sections)
	first := group*cg - section*(t.Shape[0]/k.sections) // channel within the section
	w := t.Weights[o*t.taps():]
	for ch := range cg {
		base := lay.base[i] + (first+ch)*m.bytes
		for _, line := range m.at {
			for _, at := range line {
				if at >= 0 {
					row, centre := uint16((base+at)/tapBytes), t.Centres[w[0]]
					q, e := k.factors[i].split(centre)
					if q != 0 {
						c.factors[i].put(row, q, t)
					}
					c.put(row, e, t)
					c.zeros += int32(t.Zero) * centre
				}
				w = w[1:]
			}
		}
	}
	return nil
}

// channelSegments tells about the program of a channel.
type channelSegments struct {
	heads []uint16 // of its segments
	span  int64    // the largest lane of the first one
}

// write appends the program of a channel: the segments of the taps without a factor, then
// one for every factor.
func (g *grid) write(c *channelTaps, bias int32, factors []factor, unit int) (channelSegments, error) {
	var w channelSegments
	if uint64(len(g.prog)) > 1<<32-1 {
		return w, fmt.Errorf("kernel: grouped: tap programs take more than 2^32 entries")
	}
	offsets := int32(0)
	segs := c.segments()
	w.span = segs[0].hi - segs[0].lo
	for _, s := range segs {
		w.heads = append(w.heads, uint16(s.shift))
		offsets = offsets<<s.shift + int32(-s.lo)
	}
	for i := range c.factors {
		if c.factors[i].empty() {
			continue
		}
		of := c.factors[i].segments()
		left := 0 // binary digits to digit 0
		for _, s := range of[1:] {
			left += s.shift
		}
		for j, s := range of {
			if j > 0 {
				left -= s.shift
			}
			segs = append(segs, s)
			w.heads = append(w.heads, factorHead(left, i))
			offsets += factors[i].m * int32(-s.lo) << left
		}
	}
	g.start = append(g.start, uint32(len(g.prog)))
	for i := range segs {
		g.prog = append(g.prog, uint16(len(segs)-i), w.heads[i])
		g.writeSegment(&segs[i], unit)
	}
	g.add = append(g.add, bias-c.zeros-offsets)
	return w, nil
}

// writeSegment appends a segment with units of that many taps.
func (g *grid) writeSegment(s *segment, unit int) {
	g.prog = append(g.prog, uint16(-s.lo), uint16(len(s.planes)))
	for _, p := range s.planes {
		units := [2]int{ceilDiv(len(p.add), unit), ceilDiv(len(p.sub), unit)}
		g.prog = append(g.prog, uint16(p.shift), uint16(units[0]), uint16(units[1]))
		for i, list := range [2][]tap{p.add, p.sub} {
			for j := range unit * units[i] {
				row := uint16(0) // the row of zeros
				if j < len(list) {
					row = list[j].row
				}
				g.prog = append(g.prog, row)
			}
		}
	}
}
