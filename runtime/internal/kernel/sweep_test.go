package kernel

import (
	"math/rand"
	"slices"
	"testing"
	"unsafe"
)

// TestSweep compares a sweep with sums and levels one channel after the other, for tiles of all
// sizes that end in the middle of vectors.
func TestSweep(t *testing.T) {
	r := rand.New(rand.NewSource(22))
	const guard = 0xA5
	for _, v := range Available() {
		if !v.sweeps() {
			continue
		}
		for n := 1; n <= 300; n++ {
			top := []int{31, 15, 63}[n%3]
			group := 255 / 4 / top
			words := ceilDiv(n, v.laneWords()*wordBytes) * v.laneWords()
			s := NewScratch(Need{Rows: 3*words + 100, Lanes: 2*words + 2*scratchAlign/wordBytes})
			for i := range s.rowBytes {
				s.rowBytes[i] = byte(r.Intn(top + 1))
			}
			even, odd := s.lanes[:words], s.lanes[words:][:words]

			channels := make([]sweepChannel, 1+r.Intn(5))
			step := n + r.Intn(20)
			size := n
			var prog []uint16
			for i := range channels {
				b := evenBreaks(1+r.Intn(31), int64(r.Intn(20000)), []int64{3, 50, 200, 255}[r.Intn(4)])
				c := &channels[i]
				c.bins = newBins(b.Breaks, b.Values, -100000, 100000, false)
				if c.bins == nil || c.bins.unit != 1 || c.bins.shift > v.binShiftLimit() {
					t.Fatalf("%d breaks do not suit", len(b.Breaks))
				}
				c.plus, c.minus = c.bins.offsets(int32(r.Intn(40000) - 20000))
				p, _ := laneProgram(r, s.rowBytes, words*wordBytes, group, 1)
				prog = append(append(prog, 1, 0), p...)
				if i > 0 {
					size += step
				}
			}
			prog = append(prog, 0)
			want := slices.Repeat([]byte{guard}, size+32)
			at := unsafe.Pointer(&prog[0])
			for i, c := range channels {
				at = sums(v, even, odd, unsafe.Pointer(&s.rows[0]), unsafe.Add(at, 4), group)
				binPairLevels(v, want[i*step:][:n], lanesOf(even), lanesOf(odd), c.bins, c.plus, c.minus)
			}
			got := slices.Repeat([]byte{guard}, size+32)
			vectorSweep(got[:size], n, step, even, odd, unsafe.Pointer(&s.rows[0]), unsafe.Pointer(&prog[0]), group, channels)
			if !slices.Equal(got, want) {
				t.Fatalf("%v: %d positions, %d channels %d apart: differs", v, n, len(channels), step)
			}
		}
	}
}
