//go:build !purego

package kernel

import "unsafe"

//go:generate go run ./gen

// vectorByteSums is byteSums for whole vectors: len(even) is a multiple of v.laneWords().
func vectorByteSums(v Vector, even, odd []word, rows, prog unsafe.Pointer, group int) unsafe.Pointer {
	n := len(even) / (32 / wordBytes)
	if v == AVX512 {
		return byteSumsAVX512(&even[0], &odd[0], rows, prog, n, group)
	}
	return byteSumsAVX2(&even[0], &odd[0], rows, prog, n, group)
}

// vectorWideSums is wideSums for whole vectors.
func vectorWideSums(v Vector, sum []word, rows, prog unsafe.Pointer) unsafe.Pointer {
	n := len(sum) / (32 / wordBytes)
	if v == AVX512 {
		return wideSumsAVX512(&sum[0], rows, prog, n)
	}
	return wideSumsAVX2(&sum[0], rows, prog, n)
}

//go:noescape
func byteSumsAVX2(even, odd *word, rows, prog unsafe.Pointer, vectors, group int) (next unsafe.Pointer)

//go:noescape
func byteSumsAVX512(even, odd *word, rows, prog unsafe.Pointer, vectors, group int) (next unsafe.Pointer)

//go:noescape
func wideSumsAVX2(sum *word, rows, prog unsafe.Pointer, vectors int) (next unsafe.Pointer)

//go:noescape
func wideSumsAVX512(sum *word, rows, prog unsafe.Pointer, vectors int) (next unsafe.Pointer)
