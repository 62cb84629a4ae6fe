package kernel

import "unsafe"

// run computes the levels of the section's channels in a tile. The first one is channel o and starts
// at element at.
func (w *sweep) run(g *grid, k *Grouped, t *sweepTile, dst []byte, at, o int, row tileRow, cols int, s *Scratch) {
	for left := k.channels; left > 0; {
		n := min(t.block, left)
		left -= n
		segments := n
		if w.mixes != nil {
			segments = 0
			for _, m := range w.mixes[o : o+n] {
				segments += m.segments
			}
		}
		w.sums(g, k, o, segments, t.per, int(row.words), s)
		if w.mixes == nil && (t.kind == sweepWhole || t.kind == sweepApart) {
			lanes := 0
			for range n {
				lanes += t.per
			}
			line := s.line
			if t.kind == sweepWhole {
				line = dst[at:]
			}
			w.levels(k, line[:lanes], 0, s)
		} else {
			w.channels(g, k, t, dst, at, o, n, row, cols, s)
		}
		size := 0
		for range n {
			size += k.outStep
		}
		if t.kind == sweepApart {
			t.gather.channels(k.vector, dst[at:], s.line, n, t.levels, size)
		}
		o += n
		at += size
	}
}

// channels computes the levels of n channels from channel o on, one after the other.
func (w *sweep) channels(g *grid, k *Grouped, t *sweepTile, dst []byte, at, o, n int, row tileRow, cols int, s *Scratch) {
	line, lane := s.line, 0
	for ; n > 0; n-- {
		to := line
		if t.kind == sweepPart {
			to = dst[at:]
		}
		segments := 1
		if w.mixes != nil {
			m := &w.mixes[o]
			w.mixLevels(k, m, to[:t.levels], lane, o, g.add[o], s)
			segments = m.segments
		} else {
			w.levels(k, to[:t.levels], lane, s)
		}
		switch t.kind {
		case sweepApart:
			line = line[t.levels:]
		case sweepScatter:
			g.unpack(dst, line, at, int(row.rows), cols)
		}
		for range segments {
			lane += t.per
		}
		at += k.outStep
		o++
	}
}

// sums computes the lanes of segments from the first of channel o on.
func (w *sweep) sums(g *grid, k *Grouped, o, segments, per, words int, s *Scratch) {
	rows, prog := unsafe.Pointer(unsafe.SliceData(s.rows)), unsafe.Pointer(&g.prog[g.start[o]])
	if k.groupUnits == 0 {
		vectorSweepWide(k.vector, unsafe.Pointer(&s.lanes16[0]), per, rows, prog, words, segments)
		return
	}
	vectorSweepBytes(k.vector, unsafe.Pointer(&s.lanes16[0]), unsafe.Pointer(&s.lanes16[w.odd]), per, rows, prog, words, k.groupUnits, segments)
}

// levels writes the levels of lanes from the given one on.
func (w *sweep) levels(k *Grouped, dst []byte, lane int, s *Scratch) {
	if k.groupUnits == 0 {
		binLaneLevels(k.vector, dst, s.lanes16[lane:], w.bins, w.minus)
		return
	}
	half := lane >> 1
	binPairLevels(k.vector, dst, s.lanes16[half:], s.lanes16[w.odd+half:], w.bins, w.minus)
}

// mixLevels writes the levels of channel o, whose segments' lanes begin with the given one.
func (w *sweep) mixLevels(k *Grouped, m *mix, dst []byte, lane, o int, add int32, s *Scratch) {
	wide := k.groupUnits == 0
	if !wide {
		lane >>= 1
	}
	vectorMixLevels(k.vector, dst, s.lanes16[lane:], w.odd<<1, wide, m.list, k.step(o).bins, add)
}
