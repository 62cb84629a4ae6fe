//go:build !purego

package kernel

import "unsafe"

// packWords writes n words, which are step bytes apart. The weights of the first one lie taps bytes apart, from behind: those
// of its low nibbles from byte from on, those of its high ones away bytes from these. From word to word they are next bytes
// apart. low and high are the nibbles of all centres.
//
//go:noescape
func packWords(dst *word, step int, from unsafe.Pointer, next, taps, away, n int, low, high *word)
