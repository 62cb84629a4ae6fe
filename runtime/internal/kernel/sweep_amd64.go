//go:build !purego

package kernel

import "unsafe"

// sweeps says whether the functions of this file are worth calling.
func (v Vector) sweeps() bool { return v == AVX2 }

// vectorSweepBytes runs the programs of channels, one segment each, which follow each other, on words
// words of byte rows. Position i of channel c goes to lane c*per+i of even and odd: even holds lanes 0, 2, 4,
// odd the others. Behind its positions, a channel writes on lanes of those that follow.
func vectorSweepBytes(even, odd []uint16, per int, rows, prog unsafe.Pointer, words, group, channels int) {
	low, high := per, per // bytes
	if per&1 != 0 {
		low, high = per-1, per+1
	}
	sweepBytesAVX2(&even[0], &odd[0], low, high, rows, prog, words/(32/wordBytes), group, channels)
}

// vectorSweepWide is vectorSweepBytes for 16-bit rows: lanes are those of all positions.
func vectorSweepWide(lanes []uint16, per int, rows, prog unsafe.Pointer, words, channels int) {
	sweepWideAVX2(&lanes[0], 2*per, rows, prog, words/(32/wordBytes), channels)
}

// sweepBytesAVX2 moves on by low and high bytes from a channel to the next. Where they differ, even and odd
// change places.
//
//go:noescape
func sweepBytesAVX2(even, odd *uint16, low, high int, rows, prog unsafe.Pointer, vectors, group, channels int)

//go:noescape
func sweepWideAVX2(lanes *uint16, step int, rows, prog unsafe.Pointer, vectors, channels int)
