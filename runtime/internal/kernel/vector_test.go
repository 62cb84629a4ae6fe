package kernel

import (
	"math/rand"
	"testing"
	"unsafe"
)

// laneProgram is the program of one random segment and the sums it must give, modulo 2^16, by position.
func laneProgram(r *rand.Rand, v Vector, rows []byte, positions, group, width int) (prog, want []uint16) {
	want = make([]uint16, positions)
	offset := uint16(r.Uint32())
	planes := r.Intn(4)
	prog = []uint16{1, 0, offset, uint16(planes)}
	for range planes {
		shift := r.Intn(4)
		units := [2]int{r.Intn(2*group + 2), r.Intn(2*group + 2)}
		prog = append(prog, uint16(shift), uint16(units[0]), uint16(units[1]))
		for i := range want {
			want[i] <<= shift
		}
		for list, n := range units {
			for range v.tapUnit(width == 2) * n {
				tap := r.Intn((len(rows) - positions*width) / tapBytes)
				prog = append(prog, uint16(tap))
				for i := range want {
					v := uint16(rows[tap*tapBytes+i*width])
					if width == 2 {
						v |= uint16(rows[tap*tapBytes+i*width+1]) << 8
					}
					want[i] += v * (1 - 2*uint16(list))
				}
			}
		}
	}
	for i := range want {
		want[i] += offset
	}
	return prog, want
}

// TestVectorSums runs programs whose lanes wrap: vectors carry nothing between them.
func TestVectorSums(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	const guard = 0x5A
	for _, v := range Available() {
		if v == Portable {
			continue
		}
		for blocks := 1; blocks <= 40; blocks++ {
			for _, top := range []int{0, 31, 15, 63} { // 0: 16-bit rows
				words := blocks * v.laneWords()
				width, group := 2, 0
				if top > 0 {
					width, group = 1, 255/4/top
				}
				positions := words * wordBytes / width
				s := NewScratch(Need{Rows: 3*words + 100, Lanes: 2*words + 16})
				for i := range s.rowBytes {
					s.rowBytes[i] = byte(r.Uint32())
					if top > 0 {
						s.rowBytes[i] = byte(r.Intn(top + 1))
					}
				}
				for i := range s.lanes16 {
					s.lanes16[i] = guard
				}
				prog, want := laneProgram(r, v, s.rowBytes, positions, max(group, 1), width)
				end := sums(v, s.lanes[8:][:words], s.lanes[8+words:][:words], unsafe.Pointer(&s.rows[0]), unsafe.Pointer(&prog[0]), group)
				if n := (uintptr(end) - uintptr(unsafe.Pointer(&prog[0]))) / 2; int(n) != len(prog) {
					t.Fatalf("%v: %d blocks, top %d: stopped at entry %d, want %d", v, blocks, top, n, len(prog))
				}
				lanes := s.lanes16[8*wordBytes/2:]
				half := words * wordBytes / 2
				for i, w := range want {
					at := i
					if width == 1 {
						at = i>>1 + i&1*half
					}
					if lanes[at] != w {
						t.Fatalf("%v: %d blocks, top %d: position %d is %d, want %d", v, blocks, top, i, lanes[at], w)
					}
				}
				written := half
				if width == 1 {
					written *= 2
				}
				for i, l := range s.lanes16 {
					if (i < 8*wordBytes/2 || i >= 8*wordBytes/2+written) && l != guard {
						t.Fatalf("%v: %d blocks, top %d: wrote lane %d", v, blocks, top, i-8*wordBytes/2)
					}
				}
			}
		}
	}
}

// TestMixLevels mixes sums of several segments.
func TestMixLevels(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for _, v := range Available() {
		if v == Portable {
			continue
		}
		for range 300 {
			n := 1 + r.Intn(100)
			words := alignUp(n, 64) / (wordBytes / 2) // of even lanes, or of all
			scratch := NewScratch(Need{Lanes: 2*words*3 + 2*scratchAlign})
			lanes := scratch.lanes16
			for i := range lanes {
				lanes[i] = uint16(r.Intn(1 << 12))
			}
			wide := r.Intn(2) == 0
			segment := words
			if !wide {
				segment *= 2
			}
			var list []mixEntry
			for k := range 1 + r.Intn(3) {
				list = append(list, mixEntry{lanes: k * segment * wordBytes, shift: uint32(r.Intn(10)), flags: uint32(r.Intn(2))})
				for range r.Intn(3) {
					same := list[len(list)-1]
					same.shift, same.flags = uint32(r.Intn(10)), mixSame|uint32(r.Intn(2))
					list = append(list, same)
				}
			}
			add := int32(r.Intn(100000) - 50000)
			accs := make([]int32, n)
			for i := range accs {
				accs[i] = add
				for _, e := range list {
					at := e.lanes/2 + i
					if !wide {
						at = e.lanes/2 + i>>1 + i&1*words*wordBytes/2
					}
					l := int32(lanes[at]) << e.shift
					if e.flags&mixNegate != 0 {
						l = -l
					}
					accs[i] += l
				}
			}
			near := accs[r.Intn(n)]
			step := evenBreaks(2+r.Intn(30), int64(near)-int64(r.Intn(100000)), int64(1+r.Intn(30000>>r.Intn(10))))
			if r.Intn(3) == 0 { // steps of other heights than one
				r.Shuffle(len(step.Values), func(i, j int) { step.Values[i], step.Values[j] = step.Values[j], step.Values[i] })
			}
			b := newBins(step.Breaks, step.Values, -1<<30, 1<<30, false)
			if b == nil {
				t.Fatalf("%d breaks from %d on: no bins", len(step.Breaks), step.Breaks[0])
			}
			dst, intact := guarded(n, 0)
			vectorMixLevels(v, dst, lanes, words*wordBytes, wide, list, b, add)
			checkLevels(t, v.String()+" mix", step, accs, dst)
			if !intact() {
				t.Fatalf("%v: mix: wrote outside its output", v)
			}
		}
	}
}
