//go:build !purego

package kernel

import "unsafe"

// vectorLookList is lookList; in is not empty.
func vectorLookList(_ Vector, small, large []uint32, in []byte, all bool, split int) (few, many int, sum uint32) {
	take, below := 0, 0
	if all {
		take = 0xFF
	}
	if split > 0 {
		below = 0xFF
	}
	return lookListAVX2(&small[0], &large[0], &in[0], len(in), &compact, take, below, split-1)
}

// compact moves the bytes of a set of eight to the front: byte i of entry s is the i-th member of s.
var compact [256][8]byte

func init() {
	for s := range compact {
		n := 0
		for i := range 8 {
			if s>>i&1 != 0 {
				compact[s][n] = byte(i)
				n++
			}
		}
	}
}

// vectorLooks is lookSums, for at least one row. High bytes of group rows can be added in
// byte lanes, low bytes of groups times as many in 16 bits.
func vectorLooks(_ Vector, out *stripSums, base unsafe.Pointer, small, large []uint32, tables []byte, group, groups int) {
	looksAVX2(out, base, unsafe.SliceData(small), len(small)>>1, unsafe.SliceData(large), len(large)>>1, &tables[0], group, groups)
}

// vectorStreams is addStreams.
func vectorStreams(_ Vector, acc []int32, sums *stripSums, streams []stream, high int) {
	streamsAVX2(&acc[0], sums, &streams[0], len(streams), high)
}

// vectorLimit is limitLanes for whole words of outputs.
func vectorLimit(_ Vector, lanes []uint16, acc []int32, add, top int32) {
	limitAVX2(&lanes[0], &acc[0], len(acc)>>3, add, top)
}

// vectorAddTo is addTo.
func vectorAddTo(v Vector, out, acc []int32, add int32) {
	n := len(out) &^ 7
	if v >= AVX2 && n > 0 {
		addToAVX2(&out[0], &acc[0], n>>3, add)
		out, acc = out[n:], acc[n:]
	}
	addTo(out, acc, add)
}

//go:noescape
func addToAVX2(out, acc *int32, n int, add int32)

//go:noescape
func limitAVX2(lanes *uint16, acc *int32, n int, add, top int32)

// lookListAVX2 reads up to 7 bytes behind in. take is the set of elements, of eight, that are listed
// in any case, below that of those that are small when they are not above top.
//
//go:noescape
func lookListAVX2(small, large *uint32, in *byte, n int, compact *[256][8]byte, take, below, top int) (few, many int, sum uint32)

//go:noescape
func looksAVX2(out *stripSums, base unsafe.Pointer, small *uint32, few int, large *uint32, many int, tables *byte, group, groups int)

//go:noescape
func streamsAVX2(acc *int32, sums *stripSums, streams *stream, n, high int)
