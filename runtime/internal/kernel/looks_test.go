package kernel

import (
	"math/rand"
	"slices"
	"testing"
	"unsafe"
)

func TestLooks(t *testing.T) {
	r := rand.New(rand.NewSource(33))
	for _, v := range Available() {
		if !v.has().looks {
			continue
		}
		for _, levels := range []int{2, 17, 18, 32, 255, 256} {
			for _, zero := range []int{0, levels / 2, levels - 1} {
				for _, n := range []int{1, 2, 16, 17, 18, 19, 36, 37, 252, 253, 255, 256, 270, 511, 1000, 4369} {
					p := &sortedPart{vector: v, n: n}
					p.makeLooks(&Term{Levels: levels, Zero: zero})
					rows := make([]byte, n*lookBytes)
					for i := range rows {
						rows[i] = byte(r.Uint32()) | byte(r.Intn(2)*255)
					}
					var small, large []uint32
					for i := range n {
						x := levels - 1
						if r.Intn(2) == 0 {
							x = r.Intn(levels)
						}
						list := &large
						if x < p.small {
							list = &small
						}
						*list = append(*list, uint32(i*lookBytes), uint32(x*lookBytes))
					}
					var want, got stripSums
					lookSums(&want, unsafe.Pointer(&rows[0]), small, large, p.tables)
					vectorLooks(v, &got, unsafe.Pointer(&rows[0]), small, large, p.tables, p.group, p.groups)
					if got != want {
						t.Fatalf("%v: %d rows of %d levels, zero %d: got %v, want %v", v, n, levels, zero, got, want)
					}
				}
			}
		}
	}
}

// TestLookList lists elements of all lengths, with guards around the lists.
func TestLookList(t *testing.T) {
	r := rand.New(rand.NewSource(34))
	const guard, slack = 0xA5A5A5A5, lookSlack / 2
	for _, v := range Available() {
		if !v.has().looks {
			continue
		}
		for n := 1; n <= 700; n++ {
			in := make([]byte, n+Margin)
			for i := range in {
				if in[i] = byte(r.Uint32()) >> r.Intn(8); r.Intn(3) == 0 {
					in[i] = 0
				}
			}
			in = in[:n]
			for _, all := range []bool{false, true} {
				for _, split := range []int{0, 1, 18} {
					lists := func() (l [2][]uint32) {
						for i := range l {
							l[i] = slices.Repeat([]uint32{guard}, 2*n+2*lookSlack)
						}
						return l
					}
					want, got := lists(), lists()
					few, many, sum := lookList(want[0][slack:], want[1][slack:], in, all, split)
					gotFew, gotMany, gotSum := vectorLookList(v, got[0][slack:], got[1][slack:], in, all, split)
					if gotFew != few || gotMany != many || gotSum != sum {
						t.Fatalf("%v: %d elements, all %v, split %d: %d and %d entries, sum %d, want %d, %d, %d", v, n, all, split, gotFew, gotMany, gotSum, few, many, sum)
					}
					for i, size := range []int{few, many} {
						if !slices.Equal(got[i][:slack+size], want[i][:slack+size]) {
							t.Fatalf("%v: %d elements, all %v, split %d: list %d differs", v, n, all, split, i)
						}
						for _, g := range got[i][slack+size+lookSlack:] {
							if g != guard {
								t.Fatalf("%v: %d elements, all %v, split %d: wrote behind list %d", v, n, all, split, i)
							}
						}
					}
				}
			}
		}
	}
}

func TestStreams(t *testing.T) {
	r := rand.New(rand.NewSource(34))
	for _, v := range Available() {
		if !v.has().looks {
			continue
		}
		for n := 1; n <= 2*lookColumns; n++ {
			var sums stripSums
			for i := range sums {
				sums[i] = int32(r.Uint32())
			}
			const guard = 0x5A5A5A5A
			var want, got [12 * 8]int32
			for i := range want {
				want[i] = guard
			}
			got = want
			var streams []stream
			for range n {
				streams = append(streams, stream{int32(8 * r.Intn(10)), uint8(r.Intn(32))})
			}
			addStreams(want[8:88], &sums, streams, 8*lookColumns)
			vectorStreams(v, got[8:88], &sums, streams, 8*lookColumns)
			if got != want {
				t.Fatalf("%v: %d streams: got %v, want %v", v, n, got, want)
			}
		}
	}
}

func TestLimit(t *testing.T) {
	r := rand.New(rand.NewSource(35))
	for _, v := range Available() {
		if !v.has().looks {
			continue
		}
		for n := 8; n <= 80; n += 8 {
			for _, top := range []int32{1, 255, 0x7FFF, 0x8000, 0xFFFF} {
				acc := make([]int32, n)
				for i := range acc {
					acc[i] = int32(r.Uint32()) >> r.Intn(32)
				}
				const guard = 0x5A5A
				want, got := make([]uint16, n+16), make([]uint16, n+16)
				for i := range want {
					want[i], got[i] = guard, guard
				}
				add := int32(r.Intn(1<<17) - 1<<16)
				for i := range acc {
					acc[i] -= add // no sum wraps
				}
				limitLanes(want[8:8+n], acc, add, top)
				vectorLimit(v, got[8:8+n], acc, add, top)
				if !slices.Equal(got, want) {
					t.Fatalf("%v: %d lanes, top %d: got %v, want %v", v, n, top, got, want)
				}
			}
		}
	}
}

func TestAddTo(t *testing.T) {
	r := rand.New(rand.NewSource(36))
	const guard = 0x5A5A5A5A
	for _, v := range Available() {
		for n := 1; n <= 70; n++ {
			acc := make([]int32, n)
			for i := range acc {
				acc[i] = int32(r.Uint32())
			}
			want, got := slices.Repeat([]int32{guard}, n+16), slices.Repeat([]int32{guard}, n+16)
			add := int32(r.Uint32())
			addTo(want[8:8+n], acc, add)
			vectorAddTo(v, got[8:8+n], acc, add)
			if !slices.Equal(got, want) {
				t.Fatalf("%v: %d elements: got %v, want %v", v, n, got, want)
			}
		}
	}
}
