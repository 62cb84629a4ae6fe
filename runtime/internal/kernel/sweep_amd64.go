//go:build !purego

package kernel

import "unsafe"

// sweeps says whether vectorSweep is worth calling.
func (v Vector) sweeps() bool { return v == AVX2 }

// vectorSweep writes n levels for every channel, step bytes apart in dst. The programs of the
// channels follow each other; even and odd are worked on.
func vectorSweep(dst []byte, n, step int, even, odd []word, rows, prog unsafe.Pointer, group int, channels []sweepChannel) {
	sweepAVX2(&dst[0], n, step, &even[0], &odd[0], rows, prog, len(even)/(32/wordBytes), group, &channels[0], len(channels))
}

//go:noescape
func sweepAVX2(dst *byte, n, step int, even, odd *word, rows, prog unsafe.Pointer, vectors, group int, first *sweepChannel, channels int)
