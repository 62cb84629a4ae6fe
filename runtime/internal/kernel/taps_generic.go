//go:build !arm || purego

package kernel

import "unsafe"

// wordTapUnit is the number of taps of a unit of 16-bit rows without vectors.
const wordTapUnit = 4

// wordByteSums is sums for byte rows.
func wordByteSums(even, odd []word, rows, prog unsafe.Pointer) (next unsafe.Pointer) {
	for len(even) >= 4 {
		next = byteSums4((*[4]word)(even), (*[4]word)(odd), rows, prog)
		even, odd, rows = even[4:], odd[4:], unsafe.Add(rows, 4*wordBytes)
	}
	if len(even) >= 2 {
		next = byteSums2((*[2]word)(even), (*[2]word)(odd), rows, prog)
		even, odd, rows = even[2:], odd[2:], unsafe.Add(rows, 2*wordBytes)
	}
	if len(even) > 0 {
		next = byteSums1((*[1]word)(even), (*[1]word)(odd), rows, prog)
	}
	return next
}

// wordWideSums is sums for 16-bit rows.
func wordWideSums(sum []word, rows, prog unsafe.Pointer) (next unsafe.Pointer) {
	for len(sum) >= 4 {
		next = wideSums4((*[4]word)(sum), rows, prog)
		sum, rows = sum[4:], unsafe.Add(rows, 4*wordBytes)
	}
	if len(sum) >= 2 {
		next = wideSums2((*[2]word)(sum), rows, prog)
		sum, rows = sum[2:], unsafe.Add(rows, 2*wordBytes)
	}
	if len(sum) > 0 {
		next = wideSums1((*[1]word)(sum), rows, prog)
	}
	return next
}
