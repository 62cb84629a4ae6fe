package kernel

import (
	"math/rand"
	"testing"
	"unsafe"
)

// TestSweepSums compares sweeps with sums of one channel after the other, for all distances between
// channels, with guards around the lanes.
func TestSweepSums(t *testing.T) {
	r := rand.New(rand.NewSource(22))
	const guard = 0xA5A5
	for _, v := range Available() {
		if !v.any() {
			continue
		}
		for per := 1; per <= 300; per++ {
			for _, top := range []int{31, 15, 63, 0} { // 0: 16-bit rows
				width, group := 2, 0
				if top > 0 {
					width, group = 1, 255/4/top
				}
				words := ceilDiv(per*width, v.laneWords()*wordBytes) * v.laneWords()
				channels := 1 + r.Intn(6)
				s := NewScratch(Need{Rows: 3*words + 100, Lanes: 2 * words})
				for i := range s.rowBytes {
					s.rowBytes[i] = byte(r.Uint32())
					if top > 0 {
						s.rowBytes[i] = byte(r.Intn(top + 1))
					}
				}
				rows := unsafe.Pointer(&s.rows[0])
				var progs []uint16
				want := make([]uint16, channels*per)
				for c := range channels {
					prog, _ := laneProgram(r, v, s.rowBytes, words*wordBytes/width, max(group, 1), width)
					even, odd := s.lanes[:words], s.lanes[words:][:words]
					sums(v, even, odd, rows, unsafe.Pointer(&prog[0]), group)
					for i := range per {
						lane := lanesOf(even)[min(i, len(lanesOf(even))-1)]
						if top > 0 {
							lane = lanesOf([][]word{even, odd}[i&1])[i>>1]
						}
						want[c*per+i] = lane
					}
					progs = append(progs, prog...)
				}
				progs = append(progs, 0)

				// Lanes of odd positions, if any, follow those of even ones.
				size := channels*per + words*wordBytes/2 + sweepSlack
				all := make([]uint16, 64+2*size+64)
				for i := range all {
					all[i] = guard
				}
				even, odd := all[64:][:size:size], all[64+size:][:size:size]
				if top > 0 {
					vectorSweepBytes(v, unsafe.Pointer(&even[0]), unsafe.Pointer(&odd[0]), per, rows, unsafe.Pointer(&progs[0]), words, group, channels)
				} else {
					vectorSweepWide(v, unsafe.Pointer(&even[0]), per, rows, unsafe.Pointer(&progs[0]), words, channels)
				}
				for i, w := range want {
					got := even[i]
					if top > 0 {
						got = [][]uint16{even, odd}[i&1][i>>1]
					}
					if got != w {
						t.Fatalf("%v: %d channels, %d lanes apart, top %d: lane %d is %d, want %d", v, channels, per, top, i, got, w)
					}
				}
				for i := range 64 {
					if all[i] != guard || all[len(all)-1-i] != guard || top == 0 && odd[i] != guard {
						t.Fatalf("%v: %d channels, %d lanes apart, top %d: wrote outside its lanes", v, channels, per, top)
					}
				}
			}
		}
	}
}
