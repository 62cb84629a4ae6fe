//go:build !purego

package kernel

import "unsafe"

// vectorSweepBytes runs the programs of segments, which follow each other, on words words of
// byte rows. Position i of segment n goes to lane n*per+i: even holds lanes 0, 2, 4, odd the others. Behind
// its positions, a segment writes on lanes of those that follow.
func vectorSweepBytes(v Vector, even, odd []uint16, per int, rows, prog unsafe.Pointer, words, group, segments int) {
	loopSweepBytes(v, even, odd, per, rows, prog, words, group, segments)
}

// vectorSweepWide is vectorSweepBytes for 16-bit rows: lanes are those of all positions.
func vectorSweepWide(v Vector, lanes []uint16, per int, rows, prog unsafe.Pointer, words, segments int) {
	loopSweepWide(v, lanes, per, rows, prog, words, segments)
}
