package kernel

import "unsafe"

// sweepChannel is an output channel that a sweep can compute: its program has one segment,
// its bins are of unit steps. Assembly knows the order of fields.
type sweepChannel struct {
	bins        *bins // nil: no sweep
	plus, minus uint16
}

// makeSweep finds the channels of g that sweeps compute. prog, start and add are complete.
func (g *grid) makeSweep(k *Grouped) {
	if !k.vector.sweeps() || k.groupUnits == 0 || g.outCol != 1 {
		return
	}
	any := false
	list := make([]sweepChannel, len(g.start))
	for o := range list {
		r := k.step(o)
		if r == nil || r.bins == nil || g.prog[g.start[o]] != 1 {
			continue
		}
		if b := r.bins; b.unit == 1 && b.fits(g.add[o]) && b.shift <= k.vector.binShiftLimit() {
			list[o].bins = b
			list[o].plus, list[o].minus = b.offsets(g.add[o])
			any = true
		}
	}
	if any {
		g.sweep = list
	}
}

// runSweep computes the levels of channels first to end-1 in a tile, up to the first one that
// cannot be swept, and returns their number. Element at is the first position of channel first;
// levels is the number of positions, which lie without gaps.
func (g *grid) runSweep(k *Grouped, dst []byte, at, first, end, words, levels int, s *Scratch) int {
	n := 0
	for _, c := range g.sweep[first:end] {
		if c.bins == nil {
			break
		}
		n++
	}
	if n == 0 {
		return 0
	}
	vectorSweep(dst[at:], levels, k.outStep, s.lanes[:words], s.lanes[words:][:words],
		unsafe.Pointer(unsafe.SliceData(s.rows)), unsafe.Pointer(&g.prog[g.start[first]]), k.groupUnits, g.sweep[first:first+n])
	return n
}
