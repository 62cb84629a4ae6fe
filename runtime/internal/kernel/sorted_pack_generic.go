//go:build !arm || purego

package kernel

import "unsafe"

// packWords writes n words, which are step bytes apart. The weights of the first one lie taps bytes apart, from behind: those
// of its low nibbles from byte from on, those of its high ones away bytes from these. From word to word they are next bytes
// apart. low and high are the nibbles of all centres.
func packWords(dst *word, step int, from unsafe.Pointer, next, taps, away, n int, low, high *word) {
	d, l, h := unsafe.Pointer(dst), unsafe.Pointer(low), unsafe.Pointer(high)
	for at := 0; n > 0; n-- {
		x, w := word(0), from
		for o := 0; ; o++ {
			a, b := *(*uint16)(w), *(*uint16)(unsafe.Add(w, away))
			x = x<<8 | *(*word)(unsafe.Add(l, uintptr(a)<<wordShift)) | *(*word)(unsafe.Add(h, uintptr(b)<<wordShift))
			if o == wordBytes-1 {
				break
			}
			w = unsafe.Add(w, -taps)
		}
		*(*word)(unsafe.Add(d, at)) = x
		at += step
		if n > 1 {
			from = unsafe.Add(from, next)
		}
	}
}
