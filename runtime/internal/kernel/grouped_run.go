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
	// Whatever a tap reads must be an index in range, also beside the rows and beyond.
	clear(rows)
	wide := k.groupUnits == 0
	channel, at := 0, g.outStart
	for sec := range k.sections {
		for ty, row := range g.tileRows {
			for tx, col := range g.tileCols {
				for i, t := range g.terms {
					t.fill(bytesOf(rows), src[i], sec, ty, tx, int(row.rows), int(col.cols), wide)
					if t.complement > 0 {
						t.fillComplements(rows)
					}
				}
				a := at + int(row.out) + int(col.out)
				for o := channel; o < channel+k.channels; o++ {
					acc := g.sums(k, s, o, int(row.words), wide)
					g.deliver(k, dst, out, a, acc, o, int(row.rows), int(col.cols), s)
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

// sums computes the accumulators of channel o for words words of positions.
func (g *grid) sums(k *Grouped, s *Scratch, o, words int, wide bool) []int32 {
	prog := unsafe.Pointer(&g.prog[g.start[o]])
	rows := unsafe.Pointer(unsafe.SliceData(s.rows))
	even := s.lanes[:words]
	var odd []word
	acc := s.acc[:words<<(wordShift-1)]
	if !wide {
		odd = s.lanes[words : words<<1]
		acc = s.acc[:words<<wordShift]
	}
	segments := *(*uint16)(prog)
	prog = unsafe.Add(prog, 2)
	for first := true; segments > 0; segments-- {
		shift := *(*uint16)(prog) & (bits.UintSize - 1)
		prog = sums(even, odd, rows, unsafe.Add(prog, 2), k.groupUnits)
		switch {
		case wide && first:
			for i, v := range lanes16(even) {
				acc[i] = int32(v)
			}
		case wide:
			for i, v := range lanes16(even) {
				acc[i] = acc[i]<<shift + int32(v)
			}
		case first:
			mergePairs(acc, lanes16(even), lanes16(odd))
		default:
			addPairs(acc, lanes16(even), lanes16(odd), shift)
		}
		first = false
	}
	return acc
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
