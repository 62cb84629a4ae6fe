//go:build !purego

package kernel

import "unsafe"

//go:generate go run ./gen

// vectorSweepBytes runs the programs of segments, which follow each other, on words words of
// byte rows, a multiple of v.laneWords(). Position i of segment n goes to lane n*per+i: even holds lanes 0, 2,
// 4, odd the others. Behind its positions, a segment writes on lanes of those that follow.
func vectorSweepBytes(v Vector, even, odd unsafe.Pointer, per int, rows, prog unsafe.Pointer, words, group, segments int) (next unsafe.Pointer) {
	low, high := per, per // bytes
	if per&1 != 0 {
		low, high = per-1, per+1
	}
	vectors := words / (32 / wordBytes)
	if v == AVX512 {
		return sweepBytesAVX512(even, odd, low, high, rows, prog, vectors, group, segments)
	}
	return sweepBytesAVX2(even, odd, low, high, rows, prog, vectors, group, segments)
}

// vectorSweepWide is vectorSweepBytes for 16-bit rows: lanes are those of all positions.
func vectorSweepWide(v Vector, lanes unsafe.Pointer, per int, rows, prog unsafe.Pointer, words, segments int) (next unsafe.Pointer) {
	vectors := words / (32 / wordBytes)
	if v == AVX512 {
		return sweepWideAVX512(lanes, 2*per, rows, prog, vectors, segments)
	}
	return sweepWideAVX2(lanes, 2*per, rows, prog, vectors, segments)
}

// The functions for bytes move on by low and high bytes from a segment to the next. Where they differ, even
// and odd change places.

//go:noescape
func sweepBytesAVX2(even, odd unsafe.Pointer, low, high int, rows, prog unsafe.Pointer, vectors, group, segments int) (next unsafe.Pointer)

//go:noescape
func sweepBytesAVX512(even, odd unsafe.Pointer, low, high int, rows, prog unsafe.Pointer, vectors, group, segments int) (next unsafe.Pointer)

//go:noescape
func sweepWideAVX2(lanes unsafe.Pointer, step int, rows, prog unsafe.Pointer, vectors, segments int) (next unsafe.Pointer)

//go:noescape
func sweepWideAVX512(lanes unsafe.Pointer, step int, rows, prog unsafe.Pointer, vectors, segments int) (next unsafe.Pointer)
