//go:build !purego

package kernel

import "unsafe"

//go:generate go run ./gen

// vectorByteSums is byteSums for whole vectors: words is a multiple of v.laneWords().
func vectorByteSums(v Vector, even, odd, rows, prog unsafe.Pointer, words, group int) unsafe.Pointer {
	n := words / (32 / wordBytes)
	if v == AVX512 {
		return byteSumsAVX512(even, odd, rows, prog, n, group)
	}
	return byteSumsAVX2(even, odd, rows, prog, n, group)
}

// vectorWideSums is wideSums for whole vectors.
func vectorWideSums(v Vector, sum, rows, prog unsafe.Pointer, words int) unsafe.Pointer {
	n := words / (32 / wordBytes)
	if v == AVX512 {
		return wideSumsAVX512(sum, rows, prog, n)
	}
	return wideSumsAVX2(sum, rows, prog, n)
}

//go:noescape
func byteSumsAVX2(even, odd, rows, prog unsafe.Pointer, vectors, group int) (next unsafe.Pointer)

//go:noescape
func byteSumsAVX512(even, odd, rows, prog unsafe.Pointer, vectors, group int) (next unsafe.Pointer)

//go:noescape
func wideSumsAVX2(sum, rows, prog unsafe.Pointer, vectors int) (next unsafe.Pointer)

//go:noescape
func wideSumsAVX512(sum, rows, prog unsafe.Pointer, vectors int) (next unsafe.Pointer)
