//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

func (v Vector) looks() bool { return false }

const lookCost = 0

func vectorLookList(_ Vector, list []uint32, in []byte, all bool) (n int, sum uint32) {
	return lookList(list, in, all)
}

func vectorLooks(_ Vector, out *stripSums, base unsafe.Pointer, list []uint32, tables []byte, group, groups int) {
	lookSums(out, base, list, tables)
}

func vectorStreams(_ Vector, acc []int32, sums *stripSums, streams []stream, high int) {
	addStreams(acc, sums, streams, high)
}

func vectorLimit(_ Vector, lanes []uint16, acc []int32, add, top int32) {
	limitLanes(lanes, acc, add, top)
}
