//go:build !purego

package kernel

import "unsafe"

// wordTapUnit is the number of taps of a unit of 16-bit rows without vectors.
const wordTapUnit = 1

// wordByteSums is sums for byte rows without vectors.
func wordByteSums(even, odd []word, rows, prog unsafe.Pointer) (next unsafe.Pointer) {
	at := 0
	if n := len(even) >> 2; n > 0 {
		next = byteSumsARM4(&even[0], &odd[0], rows, prog, n)
		at = n << 2
	}
	for ; at < len(even); at += 2 {
		next = byteSumsARM2(&even[at], &odd[at], unsafe.Add(rows, at<<2), prog, 1)
	}
	return next
}

// wordWideSums is sums for 16-bit rows without vectors.
func wordWideSums(sum []word, rows, prog unsafe.Pointer) (next unsafe.Pointer) {
	at := 0
	if n := len(sum) >> 2; n > 0 {
		next = wideSumsARM4(&sum[0], rows, prog, n)
		at = n << 2
	}
	for ; at < len(sum); at += 2 {
		next = wideSumsARM2(&sum[at], unsafe.Add(rows, at<<2), prog, 1)
	}
	return next
}

// The functions below run a segment on blocks of 4 or 2 words, one block after the other.

//go:noescape
func byteSumsARM4(even, odd *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func byteSumsARM2(even, odd *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func wideSumsARM4(sum *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)

//go:noescape
func wideSumsARM2(sum *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)
