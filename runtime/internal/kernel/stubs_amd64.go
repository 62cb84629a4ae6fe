//go:build !purego

package kernel

import "unsafe"

// Functions that are slower than others on these machines.

func vectorCountLevels(counts *[256]uint32, in []byte) {}

func vectorPlaceRows(list []uint32, at *[256]uint32, in []byte, step uint32) {}

const stripColumns = 4

func vectorStrip(out *stripSums, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
}
