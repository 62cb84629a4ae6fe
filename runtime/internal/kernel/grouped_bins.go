package kernel

import "unsafe"

// binLevels is channel with the epilogue in vectors. It returns false, and has done
// nothing, where the sums of the channel do not suit.
func (g *grid) binLevels(k *Grouped, r *Requantizer, dst []byte, at, o int, row tileRow, cols int, s *Scratch) bool {
	prog := unsafe.Pointer(&g.prog[g.start[o]])
	segments := *(*uint16)(prog)
	wide := k.groupUnits == 0
	switch {
	case segments == 1 && r.bins.fits(g.add[o]) && r.bins.shift <= k.vector.binShiftLimit():
	case k.vector.mixes():
		return g.mixLevels(k, r, dst, at, o, row, cols, s)
	default:
		return false
	}
	line, packed := s.line[:row.lanes], false
	if n := g.unbroken(row, cols); n > 0 {
		line, packed = dst[at:][:n], true
	}

	rows := unsafe.Pointer(unsafe.SliceData(s.rows))
	words := int(row.words)
	half := words << (wordShift - 1)
	even, odd := s.lanes[:words], s.lanes[words:]
	even16, odd16 := s.lanes16[:half], s.lanes16[half:]
	if !wide {
		odd = odd[:words]
	}
	sums(k.vector, even, odd, rows, unsafe.Add(prog, 4), k.groupUnits)
	plus, minus := r.bins.offsets(g.add[o])
	if wide {
		binLaneLevels(k.vector, line, even16, r.bins, plus, minus)
	} else {
		binPairLevels(k.vector, line, even16, odd16, r.bins, plus, minus)
	}
	if !packed {
		g.unpack(dst, line, at, int(row.rows), cols)
	}
	return true
}

// unbroken is the number of levels of a tile where these lie without gaps, as its lanes do; else 0.
func (g *grid) unbroken(row tileRow, cols int) int {
	switch {
	case g.outCol != 1:
		return 0
	case row.rows == 1:
		return cols
	case g.outRow == cols && g.pitch == cols:
		return int(row.lanes)
	}
	return 0
}

// unpack moves rows of levels that are pitch bytes apart to their places in dst.
func (g *grid) unpack(dst, line []byte, at, rows, cols int) {
	for {
		if g.outCol == 1 {
			copy(dst[at:at+cols], line)
		} else {
			to := at
			for _, v := range line[:cols] {
				dst[to] = v
				to += g.outCol
			}
		}
		if rows--; rows == 0 {
			return
		}
		line = line[g.pitch:]
		at += g.outRow
	}
}

// mixLevels is binLevels for any sum of segments.
func (g *grid) mixLevels(k *Grouped, r *Requantizer, dst []byte, at, o int, row tileRow, cols int, s *Scratch) bool {
	line, packed := s.line[:row.lanes], false
	if n := g.unbroken(row, cols); n > 0 {
		line, packed = dst[at:][:n], true
	}
	var list [mixEntries]mixEntry
	n, ok := g.mix(k, &list, unsafe.Pointer(&g.prog[g.start[o]]), int(row.words), s)
	if !ok {
		return false
	}
	vectorMixLevels(k.vector, line, s.lanes, int(row.words), k.groupUnits == 0, list[:n], r.bins, g.add[o])
	if !packed {
		g.unpack(dst, line, at, int(row.rows), cols)
	}
	return true
}
