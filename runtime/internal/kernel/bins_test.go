package kernel

import (
	"math"
	"math/rand"
	"testing"
	"unsafe"
)

// TestBins checks bins against the definition of a step, around every break.
func TestBins(t *testing.T) {
	r := rand.New(rand.NewSource(20))
	for _, gap := range []int64{1, 2, 3, 7, 8, 100, 255, 256, 300, 1000, 65536, 1 << 20, 1 << 24} {
		for _, n := range []int{1, 2, 15, 31} {
			first := r.Int63n(2000) - 1000
			s := evenBreaks(n, first, gap)
			for i := range s.Values {
				s.Values[i] = uint8(r.Intn(256))
			}
			lo, hi := max(first-3*gap, math.MinInt32/2), min(first+(int64(n)+3)*gap, math.MaxInt32/2)
			b := newBins(s.Breaks, s.Values, int32(lo), int32(hi), true)
			if b == nil {
				t.Errorf("%d breaks %d apart: no bins", n, gap)
				continue
			}
			check := func(acc int64) {
				if acc < lo || acc > hi {
					return
				}
				v := min(max(acc-int64(b.low), 0), int64(b.top))
				i, rest := v>>b.shift, uint32(v)&b.mask
				limit := uint32(b.rest[i])
				if b.long != nil {
					limit = b.long[i]
				}
				got := b.below[i]
				if rest > limit {
					got = b.above[i]
				}
				if want := s.Values[count(s.Breaks, int32(acc))]; got != want {
					t.Fatalf("%d breaks %d apart from %d: level of %d is %d, want %d", n, gap, first, acc, got, want)
				}
			}
			for _, at := range s.Breaks {
				for d := int64(-2); d <= 2; d++ {
					check(int64(at) + d)
				}
			}
			for range 200 {
				check(lo + r.Int63n(hi-lo+1))
			}
		}
	}
}

// TestBinVectors checks the vectors against bins for every length and offset of lanes.
func TestBinVectors(t *testing.T) {
	r := rand.New(rand.NewSource(21))
	for _, v := range Available() {
		if v == Portable {
			continue
		}
		for n := range 200 {
			gap := []int64{3, 50, 200, 255, 700}[n%5]
			s := evenBreaks(31, int64(r.Intn(2000)), gap)
			if n%3 == 0 { // steps of other heights than one
				r.Shuffle(len(s.Values), func(i, j int) { s.Values[i], s.Values[j] = s.Values[j], s.Values[i] })
			}
			b := newBins(s.Breaks, s.Values, -100000, 100000, false)
			if b == nil || b.shift > v.has().binShift {
				continue
			}
			add := b.low - int32(r.Intn(6000))
			minus := b.minus(add)
			words := (n + 127) / 128 * 128 / wordBytes * 2
			all := NewScratch(Need{Rows: 2*words + 32}).rows
			even, odd := lanesOf(all[:words+16]), lanesOf(all[words:])
			for i := range odd {
				odd[i] = uint16(r.Intn(1 << 16 >> r.Intn(5)))
			}
			for i := range even[:words*wordBytes/2] {
				even[i] = uint16(r.Intn(1 << 16 >> r.Intn(5)))
			}
			pairs, lanes := make([]byte, n), make([]byte, n)
			for i := range n {
				pair := even
				if i&1 != 0 {
					pair = odd
				}
				pairs[i] = s.Values[count(s.Breaks, int32(pair[i/2])+add)]
				lanes[i] = s.Values[count(s.Breaks, int32(even[i])+add)]
			}
			sameBytes(t, "pairs "+v.String(), pairs, func(dst []byte) { binPairLevels(v, dst, even, odd, b, minus) })
			sameBytes(t, "lanes "+v.String(), lanes, func(dst []byte) { binLaneLevels(v, dst, even, b, minus) })
		}
	}
}

// lanesOf is the memory of words as lanes.
func lanesOf(words []word) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*wordBytes/2)
}
