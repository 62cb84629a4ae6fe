//go:build !arm64 || purego

package kernel

import "unsafe"

const stripColumns = 4

func (v Vector) strips() bool { return false }

func vectorStrip(out *stripSums, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
}
