package kernel

import (
	"fmt"
	"slices"
)

// segment is a run of planes whose sums fit a lane.
type segment struct {
	shift  int   // binary digits from the end of the segment before to the end of this one
	lo, hi int64 // of the sums
	planes []programPlane
}

type programPlane struct {
	shift    int
	add, sub *tapList
}

// segments cuts the planes of a channel, highest first, so that lanes suffice. The last
// one ends at digit 0. The result is valid until the next call.
func (c *planeTaps) segments() []segment {
	c.segs = c.segs[:0]
	c.newSegment()
	top := len(c.lists)/2 - 1
	for top > 0 && len(c.lists[2*top].rows) == 0 && len(c.lists[2*top+1].rows) == 0 {
		top--
	}
	last := top // digit at which the latest segment ends
	for b := top; b >= 0; b-- {
		add, sub := &c.lists[2*b], &c.lists[2*b+1]
		if len(add.rows) == 0 && len(sub.rows) == 0 && b > 0 {
			continue
		}
		s := &c.segs[len(c.segs)-1]
		shift := last - b
		last = b
		lo, hi := s.lo<<shift-sub.tops(), s.hi<<shift+add.tops()
		if shift < 16 && hi-lo <= maxSpan {
			s.lo, s.hi = lo, hi
			s.planes = append(s.planes, programPlane{shift, add, sub})
			if len(s.planes) > 1 {
				s.shift += shift
			}
			continue
		}
		// A new segment, and more while the plane alone is too much.
		adds, subs := *add, *sub // that are left
		for first := true; first || len(adds.rows)+len(subs.rows) > 0; first = false {
			n := c.newSegment()
			if first {
				n.shift = shift
			}
			p := programPlane{add: &tapList{}, sub: &tapList{}}
			*p.add, adds, n.hi = adds.fitting(maxSpan)
			*p.sub, subs, n.lo = subs.fitting(maxSpan - n.hi)
			n.lo = -n.lo
			n.planes = append(n.planes, p)
		}
	}
	return c.segs
}

// newSegment appends an empty segment, in memory that was used before.
func (c *planeTaps) newSegment() *segment {
	n := len(c.segs)
	if n == cap(c.segs) {
		c.segs = append(c.segs, segment{})
	}
	c.segs = c.segs[:n+1]
	s := &c.segs[n]
	*s = segment{planes: s.planes[:0]}
	return s
}

// layOut lays out the grid, whose channels have no tap programs yet.
func (g *grid) layOut(k *Grouped, l *Layer, axes [][2]axis, lay *tiling) {
	g.pitch = lay.pitch / k.laneBytes()
	g.strips = lay.strips
	word := k.vector.wordBytes()
	g.rowWords = lay.bytes / word
	if k.vector.has().fillBytes > 0 {
		g.rowWords += fillSlack / word
	}
	g.clear = g.rowWords // words: whatever a tap reads must be an index in range, also beside the rows
	if k.vector.any() {
		g.clear = lay.words // the row of zeros
	}
	for y := 0; y < lay.total[0]; y += lay.rows {
		n := min(lay.rows, lay.total[0]-y)
		long := n / lay.strips
		words := k.passWords(ceilDiv(long*lay.pitch, word))
		g.tileRows = append(g.tileRows, tileRow{rows: int32(n), words: int32(words), out: int32(y * g.outRow), lanes: int32(long * g.pitch), last: int32((n - 1) * g.outRow)})
	}
	for x := 0; x < lay.total[1]; x += lay.cols {
		g.tileCols = append(g.tileCols, tileCol{int32(min(lay.cols, lay.total[1]-x)), int32(x * g.outCol)})
	}
	for i := range l.Terms {
		g.terms = append(g.terms, newGroupedTerm(&l.Terms[i], axes[i], lay, i, k))
	}
}

// build lays out the grid and writes the tap programs of all its channels.
func (g *grid) build(k *Grouped, l *Layer, axes [][2]axis, lay *tiling) error {
	g.layOut(k, l, axes, lay)
	taps := newChannelTaps(k, l, lay)
	written := make([]channelSegments, l.Out[0])
	unit := k.vector.tapUnit(k.groupUnits == 0)
	if k.stepped() {
		unit = 0
	}
	for o := range l.Out[0] {
		if o == typicalChannels {
			g.reserve(l.Out[0])
		}
		taps.gather(l, o)
		var err error
		if written[o], err = g.write(taps, l.Bias[o], k.factors, unit); err != nil {
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

// channelSegments tells about the program of a channel.
type channelSegments struct {
	heads []uint16 // of its segments
	span  int64    // the largest lane of the first one
}

// write appends the program of a channel: the segments of the taps without a factor, then
// one for every factor. Units have that many taps; 0: segments are steps.
func (g *grid) write(c *channelTaps, bias int32, factors []factor, unit int) (channelSegments, error) {
	var w channelSegments
	if uint64(len(g.prog)) > 1<<32-1 {
		return w, fmt.Errorf("kernel: grouped: tap programs take more than 2^32 entries")
	}
	offsets := int32(0)
	segs := slices.Clip(c.segments()) // what is appended must not get into memory that is used again
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
		if unit == 0 {
			g.prog = c.steps.write(g.prog, &segs[i])
		} else {
			g.writeSegment(&segs[i], unit)
		}
	}
	g.add = append(g.add, bias-c.zeros-offsets)
	return w, nil
}

// writeSegment appends a segment with units of that many taps.
func (g *grid) writeSegment(s *segment, unit int) {
	g.prog = append(g.prog, uint16(-s.lo), uint16(len(s.planes)))
	for i := range s.planes {
		p := &s.planes[i]
		units := [2]int{ceilDiv(len(p.add.rows), unit), ceilDiv(len(p.sub.rows), unit)}
		g.prog = append(g.prog, uint16(p.shift), uint16(units[0]), uint16(units[1]))
		for i, rows := range [2][]uint16{p.add.rows, p.sub.rows} {
			g.prog = append(g.prog, rows...)
			for range unit*units[i] - len(rows) {
				g.prog = append(g.prog, 0) // the row of zeros
			}
		}
	}
}
