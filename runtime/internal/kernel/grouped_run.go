package kernel

import (
	"math/bits"
	"unsafe"
)

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Grouped) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	for _, g := range k.grids {
		g.run(k, dst, out, src, s)
	}
}

func (g *grid) run(k *Grouped, dst []byte, out []int32, src [][]byte, s *Scratch) {
	rows := s.rows[:g.rowWords]
	clear(rows[:g.clear])
	channel, at := 0, g.outStart
	var lanes tileLanes
	for sec := range k.sections {
		var sweeps []sweepTile
		if g.sweep != nil {
			sweeps = g.sweep.tiles
		}
		for ty := range g.tileRows {
			row := &g.tileRows[ty]
			if sec == 0 || len(g.tileRows) > 1 {
				lanes = k.lanes(s, int(row.words))
			}
			for tx, col := range g.tileCols {
				for i, t := range g.terms {
					t.fill(s.rowBytes, src[i], sec, ty, tx, int(row.rows), int(col.cols))
				}
				a := at + int(row.out) + int(col.out)
				if g.sweep != nil {
					g.sweep.run(g, k, &sweeps[0], dst, a, channel, *row, int(col.cols), s)
					sweeps = sweeps[1:]
					continue
				}
				for o := channel; o < channel+k.channels; o++ {
					g.channel(k, unsafe.Pointer(&g.prog[g.start[o]]), dst, out, a, o, row, int(col.cols), &lanes, s)
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

// tileLanes are the lanes of a tile; of byte rows those of even and of odd positions.
type tileLanes struct {
	even, odd     []word
	even16, odd16 []uint16 // the same memory
}

// lanes are those of so many words of positions.
func (k *Grouped) lanes(s *Scratch, words int) tileLanes {
	half := words << (wordShift - 1)
	t := tileLanes{even: s.lanes[:words], even16: s.lanes16[:half]}
	if k.groupUnits > 0 {
		t.odd, t.odd16 = s.lanes[words:][:words], s.lanes16[half:][:half]
	}
	return t
}

// channel runs prog, which is that of output channel o, for a tile whose first position is element at.
func (g *grid) channel(k *Grouped, prog unsafe.Pointer, dst []byte, out []int32, at, o int, row *tileRow, cols int, t *tileLanes, s *Scratch) {
	segments := *(*uint16)(prog)
	if segments == 1 && k.groupUnits > 0 && g.outCol == 1 {
		if r := k.step(o); r != nil && r.takesPairs() {
			sums(k.vector, t.even, t.odd, unsafe.Pointer(unsafe.SliceData(s.rows)), prog, k.groupUnits)
			g.deliverPairs(r, dst[at:], t.even16, t.odd16, g.add[o], row, cols)
			return
		}
	}
	acc := g.sums(k, s, prog, t)
	g.deliver(k, dst, out, at, acc, o, int(row.rows), cols, s)
}

// sums computes accumulators from the program of a channel.
func (g *grid) sums(k *Grouped, s *Scratch, prog unsafe.Pointer, t *tileLanes) []int32 {
	even16, odd16 := t.even16, t.odd16
	wide := k.groupUnits == 0
	rows := unsafe.Pointer(unsafe.SliceData(s.rows))
	acc := s.acc[:len(even16)]
	if !wide {
		acc = s.acc[:len(even16)<<1]
	}
	segments := *(*uint16)(prog)
	for first := true; segments > 0; segments-- {
		head := *(*uint16)(unsafe.Add(prog, 2))
		shift := head & (bits.UintSize - 1)
		prog = sums(k.vector, t.even, t.odd, rows, prog, k.groupUnits)
		switch {
		case head&factorFlag != 0:
			odd := odd16
			if wide {
				odd = nil
			}
			digits, i := factorOf(head)
			k.factors[i].add(acc, even16, odd, digits)
		case wide && first:
			for i, v := range even16 {
				acc[i] = int32(v)
			}
		case wide:
			for i, v := range even16 {
				acc[i] = acc[i]<<shift + int32(v)
			}
		case first:
			mergePairs(acc, even16, odd16)
		default:
			addPairs(acc, even16, odd16, shift)
		}
		first = false
	}
	return acc
}

// deliverPairs turns the only segment of a tile into levels.
func (g *grid) deliverPairs(r *Requantizer, dst []byte, even, odd []uint16, add int32, row *tileRow, cols int) {
	if row.rows > 1 && (g.outRow != cols || g.pitch != cols) {
		r.RunPairRows(dst[:int(row.last)+cols], even, odd, add, int(row.rows), cols, g.outRow, g.pitch)
		return
	}
	if row.rows > 1 {
		cols = int(row.lanes)
	}
	r.RunPairRows(dst[:cols], even, odd, add, 1, cols, 0, 0)
}

// mergePairs writes the lanes of even and odd positions in order.
func mergePairs(acc []int32, even, odd []uint16) {
	odd = odd[:len(even)]
	for i, v := range even {
		pair := acc[:2]
		pair[0] = int32(v)
		pair[1] = int32(odd[i])
		acc = acc[2:]
	}
}

// addPairs computes acc<<shift + lane.
func addPairs(acc []int32, even, odd []uint16, shift uint16) {
	odd = odd[:len(even)]
	for i, v := range even {
		pair := acc[:2]
		pair[0] = pair[0]<<shift + int32(v)
		pair[1] = pair[1]<<shift + int32(odd[i])
		acc = acc[2:]
	}
}

// deliver finishes the accumulators of a tile whose first position is element at.
func (g *grid) deliver(k *Grouped, dst []byte, out []int32, at int, acc []int32, o, rows, cols int, s *Scratch) {
	add := g.add[o]
	if g.outCol == 1 && g.outRow == cols && g.pitch == cols {
		n := 0
		for range rows {
			n += cols
		}
		k.finish(dst, out, at, acc[:n], o, add)
		return
	}
	for ; rows > 0; rows-- {
		if g.outCol == 1 {
			k.finish(dst, out, at, acc[:cols], o, add)
		} else {
			g.scatter(k, dst, out, at, acc[:cols], o, s)
		}
		at += g.outRow
		acc = acc[g.pitch:]
	}
}

// scatter finishes a row of accumulators whose elements are outCol apart.
func (g *grid) scatter(k *Grouped, dst []byte, out []int32, at int, acc []int32, o int, s *Scratch) {
	r := k.step(o)
	if r == nil {
		for _, a := range acc {
			out[at] = a + g.add[o]
			at += g.outCol
		}
		return
	}
	line := s.line[:len(acc)]
	r.Run(line, acc, g.add[o])
	for _, v := range line {
		dst[at] = v
		at += g.outCol
	}
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
