package kernel

import "unsafe"

// sweep is how a grid computes the levels of many output channels in one go. The lanes of a
// channel follow those of the one before without gaps, and all need the same to become levels.
type sweep struct {
	bins        *bins
	plus, minus uint16
	tiles       []sweepTile // by tile, row after row
	odd         int         // where lanes of odd positions are in lanes16
}

// sweepTile is how the channels of a tile are swept.
type sweepTile struct {
	kind   sweepKind
	levels int // of a channel
	per    int // lanes from a channel to the next; that many bytes for kind sweepApart
	block  int // channels computed together
}

type sweepKind uint8

const (
	sweepNone  sweepKind = iota // channels are computed one by one
	sweepWhole                  // levels are whole channels without gaps
	sweepPart                   // levels are a part of each channel without gaps
	sweepApart                  // levels are whole channels; there are gaps between the rows of lanes
)

const (
	// sweepLanes limits the lanes of a block of channels: they should stay in a small cache.
	sweepLanes = 6144
	// sweepSlack is the number of lanes that vectors may write behind the last ones.
	sweepSlack = 64
)

// makeSweep makes the sweep of g, where its channels suit: one segment each, the same bins for
// all, and lanes with room for the differences of add. spans are the largest lanes by channel;
// prog, start and add are complete.
func (g *grid) makeSweep(k *Grouped, spans []int64) {
	if !k.vector.sweeps() || len(k.steps) != 1 || k.steps[0].bins == nil {
		return
	}
	base := g.add[0]
	for _, add := range g.add {
		base = min(base, add)
	}
	b := k.steps[0].bins
	if !b.fits(base) || b.shift > k.vector.binShiftLimit() {
		return
	}
	for o, add := range g.add {
		if g.prog[g.start[o]] != 1 || spans[o]+int64(add)-int64(base) > maxSpan {
			return
		}
	}
	g.sweep = &sweep{bins: b}
	g.sweep.plus, g.sweep.minus = b.offsets(base)
	for o, add := range g.add {
		g.prog[g.start[o]+2] += uint16(add - base) // the segment's offset
		g.add[o] = base
	}
	for _, row := range g.tileRows {
		for _, col := range g.tileCols {
			t := g.sweepTile(k, row, int(col.cols))
			g.sweep.tiles = append(g.sweep.tiles, t)
			g.sweep.odd = max(g.sweep.odd, t.block*t.per/2+int(row.words)*wordBytes/2+sweepSlack)
		}
	}
}

// sweepTile decides how a tile is swept.
func (g *grid) sweepTile(k *Grouped, row tileRow, cols int) sweepTile {
	t := sweepTile{levels: g.unbroken(row, cols)}
	even := k.groupUnits > 0 // channels begin with a lane of an even position
	switch {
	case t.levels > 0 && t.levels == k.outStep:
		t.kind, t.per, even = sweepWhole, t.levels, false
	case t.levels > 0:
		t.kind, t.per = sweepPart, t.levels
	case g.outCol == 1 && g.outRow == cols && int(row.rows)*cols == k.outStep:
		t.kind, t.per = sweepApart, int(row.lanes)
	default:
		return t
	}
	if even {
		t.per = alignUp(t.per, 2)
	}
	t.block = max(1, min(sweepLanes/t.per, k.channels))
	return t
}

// need is the Scratch of a sweep.
func (w *sweep) need() Need {
	n := Need{Lanes: ceilDiv(2*w.odd*2, wordBytes) + 2*scratchAlign/wordBytes}
	for _, t := range w.tiles {
		if t.kind == sweepApart {
			n.Line = max(n.Line, t.block*t.per+depthSlack)
		}
	}
	return n
}

// runSweep computes the levels of the section whose first channel is o and starts at element at.
func (g *grid) runSweep(k *Grouped, t *sweepTile, dst []byte, at, o int, row tileRow, cols int, s *Scratch) {
	for left := k.channels; left > 0; {
		n := min(t.block, left)
		left -= n
		lanes, size := 0, 0
		for range n {
			lanes += t.per
			size += k.outStep
		}
		g.sweepSums(k, t, o, n, int(row.words), s)
		switch t.kind {
		case sweepWhole:
			g.sweepLevels(k, dst[at:at+lanes], 0, s)
		case sweepPart:
			lane, at := 0, at
			for range n {
				g.sweepLevels(k, dst[at:at+t.levels], lane, s)
				lane += t.per
				at += k.outStep
			}
		case sweepApart:
			g.sweepLevels(k, s.line[:lanes], 0, s)
			unpackChannels(k.vector, dst[at:], s.line, n, k.outStep, int(row.rows), cols, g.pitch, t.per)
		}
		o += n
		at += size
	}
}

// sweepSums computes the lanes of n channels from channel o on.
func (g *grid) sweepSums(k *Grouped, t *sweepTile, o, n, words int, s *Scratch) {
	rows, prog := unsafe.Pointer(unsafe.SliceData(s.rows)), unsafe.Pointer(&g.prog[g.start[o]])
	if k.groupUnits == 0 {
		vectorSweepWide(s.lanes16, t.per, rows, prog, words, n)
		return
	}
	vectorSweepBytes(s.lanes16, s.lanes16[g.sweep.odd:], t.per, rows, prog, words, k.groupUnits, n)
}

// sweepLevels writes the levels of lanes from the given one on.
func (g *grid) sweepLevels(k *Grouped, dst []byte, lane int, s *Scratch) {
	w := g.sweep
	if k.groupUnits == 0 {
		binLaneLevels(k.vector, dst, s.lanes16[lane:], w.bins, w.plus, w.minus)
		return
	}
	half := lane >> 1
	binPairLevels(k.vector, dst, s.lanes16[half:], s.lanes16[w.odd+half:], w.bins, w.plus, w.minus)
}
