//go:build !purego

package kernel

import "unsafe"

// vectorByteSums is byteSums for whole vectors: len(even) is a multiple of v.laneWords().
func vectorByteSums(_ Vector, even, odd []word, rows, prog unsafe.Pointer, group int) (next unsafe.Pointer) {
	n := len(even) >> 1 // vectors of 16 bytes
	at := 0
	if n >= 8 {
		next = byteSumsNEON8(&even[0], &odd[0], rows, prog, n>>3, group)
		at = n &^ 7
	}
	if n&4 != 0 {
		next = byteSumsNEON4(&even[at<<1], &odd[at<<1], unsafe.Add(rows, at<<4), prog, 1, group)
		at += 4
	}
	if n &= 3; n > 0 {
		next = byteSumsNEON1(&even[at<<1], &odd[at<<1], unsafe.Add(rows, at<<4), prog, n, group)
	}
	return next
}

// vectorWideSums is wideSums for whole vectors.
func vectorWideSums(_ Vector, sum []word, rows, prog unsafe.Pointer) (next unsafe.Pointer) {
	n := len(sum) >> 1
	at := 0
	if n >= 16 {
		next = wideSumsNEON16(&sum[0], rows, prog, n>>4)
		at = n &^ 15
	}
	if n&12 != 0 {
		next = wideSumsNEON4(&sum[at<<1], unsafe.Add(rows, at<<4), prog, n&12>>2)
		at = n &^ 3
	}
	if n &= 3; n > 0 {
		next = wideSumsNEON1(&sum[at<<1], unsafe.Add(rows, at<<4), prog, n)
	}
	return next
}

// The functions below run a segment on blocks of 1, 4, 8 or 16 vectors, one block after
// the other. T and D of [sums] are vectors of 16-bit lanes in registers.

//go:noescape
func byteSumsNEON8(even, odd *word, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)

//go:noescape
func byteSumsNEON4(even, odd *word, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)

//go:noescape
func byteSumsNEON1(even, odd *word, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)

//go:noescape
func wideSumsNEON16(sum *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func wideSumsNEON4(sum *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func wideSumsNEON1(sum *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)
