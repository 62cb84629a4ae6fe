//go:build !purego

package kernel

import "unsafe"

// vectorByteSums is byteSums for whole vectors: words is a multiple of v.laneWords().
func vectorByteSums(_ Vector, even, odd, rows, prog unsafe.Pointer, words, group int) (next unsafe.Pointer) {
	n := words >> 1 // vectors of 16 bytes
	at := 0         // bytes
	if n >= 8 {
		next = byteSumsNEON8(even, odd, rows, prog, n>>3, group)
		at = n &^ 7 << 4
	}
	if n&4 != 0 {
		next = byteSumsNEON4(unsafe.Add(even, at), unsafe.Add(odd, at), unsafe.Add(rows, at), prog, 1, group)
		at += 4 << 4
	}
	if n &= 3; n > 0 {
		next = byteSumsNEON1(unsafe.Add(even, at), unsafe.Add(odd, at), unsafe.Add(rows, at), prog, n, group)
	}
	return next
}

// vectorWideSums is wideSums for whole vectors.
func vectorWideSums(_ Vector, sum, rows, prog unsafe.Pointer, words int) (next unsafe.Pointer) {
	n := words >> 1
	at := 0
	if n >= 16 {
		next = wideSumsNEON16(sum, rows, prog, n>>4)
		at = n &^ 15 << 4
	}
	if n&12 != 0 {
		next = wideSumsNEON4(unsafe.Add(sum, at), unsafe.Add(rows, at), prog, n&12>>2)
		at = n &^ 3 << 4
	}
	if n &= 3; n > 0 {
		next = wideSumsNEON1(unsafe.Add(sum, at), unsafe.Add(rows, at), prog, n)
	}
	return next
}

// The functions below run a segment on blocks of 1, 4, 8 or 16 vectors, one block after
// the other. T and D of [sums] are vectors of 16-bit lanes in registers.

//go:noescape
func byteSumsNEON8(even, odd, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)

//go:noescape
func byteSumsNEON4(even, odd, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)

//go:noescape
func byteSumsNEON1(even, odd, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)

//go:noescape
func wideSumsNEON16(sum, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func wideSumsNEON4(sum, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func wideSumsNEON1(sum, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)
