package kernel

import (
	"math/bits"
	"unsafe"
)

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out. Decoding cannot fail: NewExpanded was given what the
// data decode to.
func (e *Expanded) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	for i := range e.terms {
		t := e.terms[i]
		_ = s.decoders[i].Start(t.Kind, t.Data, t.Count, t.Size)
	}
	for i, g := range e.of.grids {
		if i > 0 {
			for j := range e.terms {
				s.decoders[j].Rewind()
			}
		}
		e.run(g, e.grids[i], dst, out, src, s)
	}
}

// run computes the positions of a grid.
func (e *Expanded) run(g *grid, eg *expandGrid, dst []byte, out []int32, src [][]byte, s *Scratch) {
	k := e.of
	rows := s.rows[:g.rowWords]
	clear(rows[:g.clear])
	var lanes tileLanes
	decoded := s.weights
	for i := range eg.terms {
		n := e.terms[i].taps
		eg.terms[i].list(decoded[n:])
		decoded = decoded[n<<1:]
	}
	channel, at := 0, g.outStart
	for sec := range k.sections {
		for i := range e.terms {
			s.decoders[i].Mark()
		}
		for ty := range g.tileRows {
			row := &g.tileRows[ty]
			if sec == 0 || len(g.tileRows) > 1 {
				lanes = k.lanes(s, int(row.words))
			}
			for tx, col := range g.tileCols {
				if ty|tx != 0 {
					for i := range e.terms {
						s.decoders[i].Return()
					}
				}
				for i, t := range g.terms {
					t.fill(s.rowBytes, src[i], sec, ty, tx, int(row.rows), int(col.cols))
				}
				a := at + int(row.out) + int(col.out)
				for o := range k.channels {
					prog := e.program(eg, o, s)
					g.channel(k, prog, dst, out, a, channel+o, row, int(col.cols), &lanes, s)
					a += k.outStep
				}
			}
		}
		channel += k.channels
		for range k.channels {
			at += k.outStep
		}
	}
}

// list writes the rows of all taps, in the order of the weights that meet inputs.
func (p *expandPlaces) list(dst []uint16) {
	step := uint16(0)
	for range p.cg {
		to := dst[:len(p.rows)]
		for i, r := range p.rows {
			to[i] = r + step
		}
		dst = dst[len(p.rows):]
		step += p.step
	}
}

// program decodes the weights of the next output channel, the o-th of its section, and writes its program.
func (e *Expanded) program(g *expandGrid, o int, s *Scratch) unsafe.Pointer {
	var ends [maxExpandLists]uint32 // of every list: first its length, then where it has come to
	area := s.weights
	for i := range e.terms {
		t := e.terms[i]
		weights := area[:t.taps]
		_ = s.decoders[i].Read(weights)
		weights = g.terms[i].compact(weights)
		countTaps(&ends, weights, t.start, t.lists)
		area = area[t.taps<<1:]
	}
	prog := area[:g.entries]
	stepped, first := e.of.stepped(), 0
	if stepped {
		first = g.lineUp(ends[:e.counts])
	} else {
		e.heads(g, &ends, prog)
	}
	rest := s.weights
	for i := range e.terms {
		t, p := e.terms[i], g.terms[i]
		n := t.taps
		if p.met != nil {
			n = 0
			for range p.cg {
				n += len(p.met)
			}
		}
		group := uint16(0)
		if p.first != nil {
			group = p.first[o]
		}
		placeTaps(prog, &ends, rest[:n], rest[t.taps:][:n], group, t.start, t.lists)
		rest = rest[t.taps<<1:]
	}
	if stepped {
		e.writeSteps(g, &ends, prog, first)
	}
	return unsafe.Pointer(unsafe.SliceData(prog))
}

// lineUp turns the lengths of lists into the places where they begin: one behind the other in the order of steps, so that the last
// one ends with the longest program. It returns where the first one begins.
func (g *expandGrid) lineUp(lists []uint32) (first int) {
	at := uint32(g.entries)
	for _, n := range lists {
		at -= n
	}
	first = int(at)
	for i := range g.cut {
		for _, p := range g.cut[i].planes {
			if p.sub > 0 {
				n := lists[p.sub]
				lists[p.sub] = at
				at += n
			}
			if p.add > 0 {
				n := lists[p.add]
				lists[p.add] = at
				at += n
			}
		}
	}
	return first
}

// writeSteps writes a program at the front of prog, whose lists end at these places and the first of which begins at first.
// Steps never get to lists that are still to be read.
func (e *Expanded) writeSteps(g *expandGrid, ends *[maxExpandLists]uint32, prog []uint16, first int) {
	w := e.steps
	at := 0
	for i := range g.cut {
		c := &g.cut[i]
		prog[at], prog[at+1] = uint16(len(g.cut)-i), c.head
		at += 2
		w.start(prog[at:])
		for j, p := range c.planes {
			subs, adds := first, first
			if p.sub > 0 {
				adds = int(ends[p.sub])
			}
			first = adds
			if p.add > 0 {
				first = int(ends[p.add])
			}
			w.plane(int(p.shift), prog[subs:adds], prog[adds:first], j == 0)
		}
		at += w.end()
	}
	prog[at] = 0
}

// compact moves the weights that meet inputs to the front.
func (p *expandPlaces) compact(weights []uint16) []uint16 {
	if p.met == nil {
		return weights
	}
	n, from := 0, weights
	for range p.cg {
		for _, at := range p.met {
			weights[n] = from[at]
			n++
		}
		from = from[p.area:]
	}
	return weights[:n]
}

// heads writes everything but taps of a program whose lists have these lengths, which become the places where they begin.
func (e *Expanded) heads(g *expandGrid, lists *[maxExpandLists]uint32, prog []uint16) {
	unit := e.of.vector.tapUnit(e.of.groupUnits == 0)
	unitShift := uint(bits.Len(uint(unit-1))) & 7
	lists[0] = 0
	at := 0
	for i := range g.cut {
		c := &g.cut[i]
		head := prog[at:][:4]
		head[0], head[1] = uint16(len(g.cut)-i), c.head
		head[2], head[3] = c.offset, uint16(len(c.planes))
		at += len(head)
		for _, p := range c.planes {
			adds, subs := (int(lists[p.add])+unit-1)>>unitShift, (int(lists[p.sub])+unit-1)>>unitShift
			head := prog[at:][:3]
			head[0], head[1], head[2] = uint16(p.shift), uint16(adds), uint16(subs)
			at = begin(prog, at+len(head), &lists[p.add], adds<<unitShift)
			at = begin(prog, at, &lists[p.sub], subs<<unitShift)
		}
	}
	prog[at] = 0
}

// begin makes room at entry at for a list of taps, of which there are n with those that fill up the last unit, and turns its
// length into the entry where it begins. It returns the entry behind it.
func begin(prog []uint16, at int, list *uint32, n int) int {
	if n == 0 {
		return at
	}
	clear(prog[at+int(*list) : at+n]) // the row of zeros
	*list = uint32(at)
	return at + n
}
