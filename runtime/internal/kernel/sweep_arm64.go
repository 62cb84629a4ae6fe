//go:build !purego

package kernel

import "unsafe"

// vectorSweepBytes runs the programs of segments, which follow each other, on words words of
// byte rows, a multiple of v.laneWords(). Position i of segment n goes to lane n*per+i: even holds lanes 0, 2,
// 4, odd the others. Behind its positions, a segment writes on lanes of those that follow.
func vectorSweepBytes(_ Vector, even, odd unsafe.Pointer, per int, rows, prog unsafe.Pointer, words, group, segments int) unsafe.Pointer {
	low, high := per&^1, (per+1)&^1 // bytes
	for {
		prog = byteSumsNEON(even, odd, rows, unsafe.Add(prog, 4), words, group)
		if segments--; segments == 0 {
			return prog
		}
		if per&1 != 0 {
			even, odd = odd, even
		}
		even, odd = unsafe.Add(even, low), unsafe.Add(odd, high)
	}
}

// vectorSweepWide is vectorSweepBytes for 16-bit rows: lanes are those of all positions.
func vectorSweepWide(_ Vector, lanes unsafe.Pointer, per int, rows, prog unsafe.Pointer, words, segments int) unsafe.Pointer {
	for {
		prog = wideSumsNEON(lanes, rows, unsafe.Add(prog, 4), words)
		if segments--; segments == 0 {
			return prog
		}
		lanes = unsafe.Add(lanes, per<<1)
	}
}

// byteSumsNEON runs one segment on byte rows.
func byteSumsNEON(even, odd, rows, prog unsafe.Pointer, words, group int) (next unsafe.Pointer) {
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

// wideSumsNEON runs one segment on 16-bit rows.
func wideSumsNEON(sum, rows, prog unsafe.Pointer, words int) (next unsafe.Pointer) {
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
