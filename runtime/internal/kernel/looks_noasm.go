//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

func (v Vector) looks() bool { return false }

const lookCost = 0

func (v Vector) smallLooks() bool { return false }

func vectorLookList(_ Vector, small, large []uint32, in []byte, all bool, split int) (few, many int, sum uint32) {
	return lookList(small, large, in, all, split)
}

func vectorLooks(_ Vector, out *stripSums, base unsafe.Pointer, small, large []uint32, tables []byte, _, _ int) {
	lookSums(out, base, small, large, tables)
}

func vectorStreams(_ Vector, acc []int32, sums *stripSums, streams []stream, high int) {
	addStreams(acc, sums, streams, high)
}

func vectorLimit(_ Vector, lanes []uint16, acc []int32, add, top int32) {
	limitLanes(lanes, acc, add, top)
}

func vectorAddTo(_ Vector, out, acc []int32, add int32) { addTo(out, acc, add) }
