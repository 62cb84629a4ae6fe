package kernel

// sweep is how a grid computes levels with vectors. The sums of many channels are computed in
// one go: the lanes of a segment follow those of the one before without gaps.
type sweep struct {
	tiles []sweepTile // row after row
	odd   int         // where lanes of odd positions are in lanes16

	// Where all channels have one segment and need the same to become levels: what they need.
	bins  *bins
	minus uint16
	// Else, by channel: how segments become levels.
	mixes []mix
}

// sweepTile is how the channels of a tile are swept.
type sweepTile struct {
	kind   sweepKind
	per    int    // lanes from a segment to the next
	levels int    // of a channel, at most per
	block  int    // channels computed together
	gather gather // of kind sweepApart
}

type sweepKind uint8

const (
	sweepWhole   sweepKind = iota // all levels of a block of channels lie without gaps, as lanes do
	sweepPart                     // those of a channel do
	sweepApart                    // there are gaps between the rows of lanes, or strips; none between those of levels
	sweepScatter                  // there are gaps between levels
)

const (
	// sweepLanes limits the lanes of a block of channels: they should stay in a small cache.
	sweepLanes = 6144
	// sweepSlack is the number of lanes that vectors may read and write behind the last ones.
	sweepSlack = 128
)

// makeSweep makes the sweep of g, unless some channel has no bins or too many segments. prog, start
// and add are complete; written tells about the segments by channel.
func (g *grid) makeSweep(k *Grouped, written []channelSegments) {
	if !k.vector.any() {
		return
	}
	for o := range g.add {
		if r := k.step(o); r == nil || r.bins == nil {
			return
		}
	}
	w := &sweep{}
	segments := 1
	per := 0 // of mixes: the same for all tiles
	if !g.unify(k, w, written) {
		for _, t := range g.tileRows {
			per = max(per, alignUp(int(t.lanes), 2))
		}
		for _, c := range written {
			m, ok := k.newMix(c.heads, per)
			if !ok {
				return
			}
			w.mixes = append(w.mixes, m)
			segments = max(segments, m.segments)
		}
	}
	for _, row := range g.tileRows {
		for _, col := range g.tileCols {
			t := g.sweepTile(k, row, int(col.cols), w.mixes == nil)
			t.per = max(t.per, per)
			t.block = max(1, min(sweepLanes/(t.per*segments), k.channels))
			w.tiles = append(w.tiles, t)
			w.odd = max(w.odd, t.block*segments*t.per/2+int(row.words)*k.vector.wordBytes()/2+sweepSlack)
		}
	}
	g.sweep = w
}

// unify lets w treat all channels the same, where they suit: one segment each, the same bins for
// all, and lanes with room for the differences of add, which the offsets of segments make up for.
func (g *grid) unify(k *Grouped, w *sweep, written []channelSegments) bool {
	b := k.steps[0].bins
	if len(k.steps) != 1 || b.shift > k.vector.has().binShift {
		return false
	}
	base := b.low
	for _, add := range g.add {
		base = min(base, add)
	}
	for o, add := range g.add {
		if len(written[o].heads) != 1 || written[o].span+int64(add)-int64(base) > maxSpan {
			return false
		}
	}
	for o, add := range g.add {
		g.prog[g.start[o]+2] += uint16(add - base) // the segment's offset
		g.add[o] = base
	}
	w.bins = b
	w.minus = b.minus(base)
	return true
}

// sweepTile decides how a tile is swept; alike tells that all channels are treated the same.
func (g *grid) sweepTile(k *Grouped, row tileRow, cols int, alike bool) sweepTile {
	lanes := int(row.lanes)
	if row.rows == 1 {
		lanes = cols
	}
	unbroken := g.outCol == 1 && (row.rows == 1 || g.outRow == cols && g.pitch == cols)
	t := sweepTile{kind: sweepScatter, levels: lanes}
	switch {
	case g.strips > 1:
		t.kind, t.per = sweepApart, lanes
		t.gather = newStripGather(int(row.rows), cols, g.strips, k.outStep)
		return t
	case unbroken && alike && lanes == k.outStep:
		t.kind, t.per = sweepWhole, lanes
		return t
	case unbroken:
		t.kind = sweepPart
	case g.outCol == 1 && g.outRow == cols && int(row.rows)*cols == k.outStep:
		t.kind = sweepApart
	}
	t.per = lanes
	if k.groupUnits > 0 {
		t.per = alignUp(lanes, 2) // segments begin with a lane of an even position
	}
	if t.kind == sweepApart {
		t.levels = t.per
		t.gather = newGather(k.vector, int(row.rows), cols, g.pitch)
	}
	return t
}

// need is the Scratch of a sweep.
func (w *sweep) need(v Vector) Need {
	n := Need{Lanes: ceilDiv(2*w.odd*2, v.wordBytes())}
	for _, t := range w.tiles {
		switch t.kind {
		case sweepApart:
			n.Line = max(n.Line, t.block*t.levels+depthSlack)
		case sweepScatter:
			n.Line = max(n.Line, t.levels)
		}
	}
	return n
}

// memory is the size of w in bytes.
func (w *sweep) memory() int {
	n := 80 + 144*len(w.tiles) + 32*len(w.mixes)
	for _, m := range w.mixes {
		n += 16 * len(m.list)
	}
	return n
}
