package kernel

import (
	"math/rand"
	"slices"
	"testing"
	"unsafe"
)

// TestSteps runs random segments as steps, with lists of all lengths whose rows have several largest indices, on all numbers of
// words, between guards.
func TestSteps(t *testing.T) {
	if !LittleEndian {
		t.Skip("lanes need a little-endian machine")
	}
	r := rand.New(rand.NewSource(31))
	const guard = 0x5A5A
	kinds := map[stepKind]int{}
	for trial := range 3000 {
		words := 1 + r.Intn(14)
		tops := []int64{1, 31, 3, 63, 15}[:1+r.Intn(5)]
		each := 40 // rows with the same largest index
		room := words + 2
		s := NewScratch(Need{Rows: (1+each*len(tops))*room + 8, Lanes: 2*words + 20})
		rowBytes := s.rowBytes
		for i := room * wordBytes; i < len(rowBytes); i++ {
			top := tops[min(len(tops)-1, (i/(room*wordBytes)-1)/each)]
			rowBytes[i] = byte(r.Int63n(top + 1))
			if r.Intn(3) == 0 {
				rowBytes[i] = byte(top)
			}
		}
		var c planeTaps
		digits := 1 + r.Intn(9)
		c.reach(digits)
		longest := 1 + r.Intn(1<<r.Intn(6))
		for i := range tops {
			for d := range 2 * digits {
				for range r.Intn(longest) {
					row := 1 + i*each + r.Intn(each)
					c.lists[d].put([]uint16{uint16(row * room * wordBytes / tapBytes)})
				}
			}
			c.close(slices.Max(tops))
		}
		w := newStepWriter(int(slices.Max(tops)))
		for n, seg := range c.segments() {
			prog := w.write([]uint16{7, 7}, &seg)
			countSteps(prog[2:], kinds)
			prog = append(prog, 0)
			for i := range s.lanes16 {
				s.lanes16[i] = guard
			}
			const lead = 4 // words before the lanes
			even, odd := s.lanes[lead:][:passRound(words)], s.lanes[lead+passRound(words)+2:][:passRound(words)]
			end := sums(Portable, even, odd, unsafe.Pointer(&s.rows[0]), unsafe.Pointer(&prog[0]), 1)
			if at := (uintptr(end) - uintptr(unsafe.Pointer(&prog[0]))) / 2; int(at) != len(prog)-1 {
				t.Fatalf("trial %d, segment %d: stopped at entry %d, want %d", trial, n, at, len(prog)-1)
			}
			for i := range words * wordBytes {
				want := int64(0)
				for _, p := range seg.planes {
					want <<= p.shift
					for _, row := range p.add.rows {
						want += int64(rowBytes[int(row)*tapBytes+i])
					}
					for _, row := range p.sub.rows {
						want -= int64(rowBytes[int(row)*tapBytes+i])
					}
				}
				want -= seg.lo
				lanes := lanesOf([][]word{even, odd}[i&1])
				if got := lanes[i>>1]; int64(got) != want {
					t.Fatalf("trial %d, segment %d of %d words: position %d is %d, want %d", trial, n, words, i, got, want)
				}
			}
			clear(even)
			clear(odd)
			for i, l := range s.lanes16 {
				if l != guard && l != 0 {
					t.Fatalf("trial %d, segment %d of %d words: wrote lane %d", trial, n, words, i)
				}
			}
		}
	}
	for kind := stepMiddle; kind <= stepDouble; kind++ {
		if kinds[kind] < 100 {
			t.Errorf("%d steps of kind %d, want at least 100", kinds[kind], kind)
		}
	}
}

// countSteps counts the steps of a program by kind.
func countSteps(prog []uint16, kinds map[stepKind]int) {
	for len(prog) > 0 {
		n := 1 + int(prog[0]&0xFF)
		if subs := int(prog[0] >> 8); subs > 0 {
			n += 1 + subs
		}
		kinds[stepKind(prog[n]>>8)]++
		prog = prog[n+1:]
	}
}

// passRound is how many words sums works on when asked for n.
func passRound(n int) int { return (&Grouped{vector: Portable}).passWords(n) }
