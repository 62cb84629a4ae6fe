//go:build !purego

package kernel

import "unsafe"

// vectorSweepBytes runs the programs of segments, which follow each other, on words words of
// byte rows, a multiple of v.laneWords(). Position i of segment n goes to lane n*per+i: even holds lanes 0, 2,
// 4, odd the others. Behind its positions, a segment writes on lanes of those that follow.
func vectorSweepBytes(_ Vector, even, odd unsafe.Pointer, per int, rows, prog unsafe.Pointer, words, group, segments int) unsafe.Pointer {
	low, high := per&^1, (per+1)&^1 // bytes
	return sweepBytesNEON(even, odd, low, high, rows, prog, words>>1, group, segments)
}

// vectorSweepWide is vectorSweepBytes for 16-bit rows: lanes are those of all positions.
func vectorSweepWide(_ Vector, lanes unsafe.Pointer, per int, rows, prog unsafe.Pointer, words, segments int) unsafe.Pointer {
	return sweepWideNEON(lanes, per<<1, rows, prog, words>>1, segments)
}

// sweepBytesNEON moves on by low and high bytes from a segment to the next. Where they differ, even
// and odd change places.
//
//go:noescape
func sweepBytesNEON(even, odd unsafe.Pointer, low, high int, rows, prog unsafe.Pointer, vectors, group, segments int) (next unsafe.Pointer)

//go:noescape
func sweepWideNEON(lanes unsafe.Pointer, step int, rows, prog unsafe.Pointer, vectors, segments int) (next unsafe.Pointer)
