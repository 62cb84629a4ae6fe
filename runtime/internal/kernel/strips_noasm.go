//go:build !amd64 || purego

package kernel

import "unsafe"

// stripColumns is 0: the functions of this file are never called.
func (v Vector) stripColumns() int { return 0 }

func vectorStrip(_ Vector, out *[16 * maxStripColumns]int32, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
}

func vectorStreams(_ Vector, acc []int32, sums *[16 * maxStripColumns]int32, streams []stream, high int) {
	addStreams(acc, sums, streams, high)
}
