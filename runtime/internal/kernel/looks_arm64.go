//go:build !purego

package kernel

import "unsafe"

// vectorLookList is lookList.
func vectorLookList(_ Vector, small, large []uint32, in []byte, all bool, split int) (few, many int, sum uint32) {
	return lookList(small, large, in, all, split)
}

// vectorLooks is lookSums, for at least one row, none of them in small. High bytes of group rows can be added in
// byte lanes, low bytes of groups times as many in 16 bits.
func vectorLooks(_ Vector, out *stripSums, base unsafe.Pointer, _, large []uint32, tables []byte, group, groups int) {
	looksNEON(out, base, &large[0], len(large)>>1, &tables[0], group, groups)
}

// vectorStreams is addStreams.
func vectorStreams(_ Vector, acc []int32, sums *stripSums, streams []stream, high int) {
	streamsNEON(&acc[0], sums, &streams[0], len(streams), high)
}

// vectorLimit is limitLanes for whole words of outputs.
func vectorLimit(_ Vector, lanes []uint16, acc []int32, add, top int32) {
	limitNEON(&lanes[0], &acc[0], len(acc)>>3, add, top)
}

// vectorAddTo is addTo.
func vectorAddTo(_ Vector, out, acc []int32, add int32) { addTo(out, acc, add) }

//go:noescape
func looksNEON(out *stripSums, base unsafe.Pointer, list *uint32, n int, tables *byte, group, groups int)
