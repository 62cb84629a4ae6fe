//go:build !purego

package kernel

import "unsafe"

// looks says whether vectorLooks exists for v.
func (v Vector) looks() bool { return v == NEON }

// lookCost estimates the time of a strip of one row in additions of vectors.
const lookCost = 12

// vectorLookList is lookList.
func vectorLookList(_ Vector, list []uint32, in []byte, all bool) (n int, sum uint32) {
	return lookList(list, in, all)
}

// vectorLooks is lookSums, for at least one row. High bytes of group rows can be added in
// byte lanes, low bytes of groups times as many in 16 bits.
func vectorLooks(_ Vector, out *stripSums, base unsafe.Pointer, list []uint32, tables []byte, group, groups int) {
	looksNEON(out, base, &list[0], len(list)>>1, &tables[0], group, groups)
}

func vectorStreams(_ Vector, acc []int32, sums *stripSums, streams []stream, high int) {
	addStreams(acc, sums, streams, high)
}

func vectorLimit(_ Vector, lanes []uint16, acc []int32, add, top int32) {
	limitLanes(lanes, acc, add, top)
}

//go:noescape
func looksNEON(out *stripSums, base unsafe.Pointer, list *uint32, n int, tables *byte, group, groups int)
