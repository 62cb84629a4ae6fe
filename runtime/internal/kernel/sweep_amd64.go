//go:build !purego

package kernel

import "unsafe"

// vectorSweepBytes runs the programs of segments, which follow each other, on words words of
// byte rows. Position i of segment n goes to lane n*per+i: even holds lanes 0, 2, 4, odd the others. Behind
// its positions, a segment writes on lanes of those that follow.
func vectorSweepBytes(v Vector, even, odd []uint16, per int, rows, prog unsafe.Pointer, words, group, segments int) {
	if v != AVX2 {
		loopSweepBytes(v, even, odd, per, rows, prog, words, group, segments)
		return
	}
	low, high := per, per // bytes
	if per&1 != 0 {
		low, high = per-1, per+1
	}
	sweepBytesAVX2(&even[0], &odd[0], low, high, rows, prog, words/(32/wordBytes), group, segments)
}

// vectorSweepWide is vectorSweepBytes for 16-bit rows: lanes are those of all positions.
func vectorSweepWide(v Vector, lanes []uint16, per int, rows, prog unsafe.Pointer, words, segments int) {
	if v != AVX2 {
		loopSweepWide(v, lanes, per, rows, prog, words, segments)
		return
	}
	sweepWideAVX2(&lanes[0], 2*per, rows, prog, words/(32/wordBytes), segments)
}

// sweepBytesAVX2 moves on by low and high bytes from a segment to the next. Where they differ, even and odd
// change places.
//
//go:noescape
func sweepBytesAVX2(even, odd *uint16, low, high int, rows, prog unsafe.Pointer, vectors, group, segments int)

//go:noescape
func sweepWideAVX2(lanes *uint16, step int, rows, prog unsafe.Pointer, vectors, segments int)
