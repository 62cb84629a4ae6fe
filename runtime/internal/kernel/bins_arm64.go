//go:build !purego

package kernel

import "math"

// limits states t for lanes without saturation: t = max(min(lane, ceil), floor) + offset,
// modulo 2^16.
func (b *bins) limits(minus uint16) (floor, ceil, offset uint16) {
	return minus, uint16(min(math.MaxUint16, b.top+uint32(minus))), -minus
}

// binPairLevels writes the levels of sums in lanes of even and odd positions:
// dst[2i] is that of even[i], dst[2i+1] that of odd[i]. Memory of even and odd can be read
// in whole vectors.
func binPairLevels(_ Vector, dst []byte, even, odd []uint16, b *bins, minus uint16) {
	floor, ceil, offset := b.limits(minus)
	n := len(dst) >> 4
	if n > 0 {
		pairLevelsNEON(&dst[0], &even[0], &odd[0], n, b, floor, ceil, offset)
	}
	if rest := dst[n<<4:]; len(rest) > 0 {
		var block [16]byte
		pairLevelsNEON(&block[0], &even[n<<3], &odd[n<<3], 1, b, floor, ceil, offset)
		copy(rest, block[:])
	}
}

// binLaneLevels writes the levels of sums in lanes: dst[i] is that of lanes[i].
func binLaneLevels(_ Vector, dst []byte, lanes []uint16, b *bins, minus uint16) {
	floor, ceil, offset := b.limits(minus)
	n := len(dst) >> 4
	if n > 0 {
		laneLevelsNEON(&dst[0], &lanes[0], n, b, floor, ceil, offset)
	}
	if rest := dst[n<<4:]; len(rest) > 0 {
		var block [16]byte
		laneLevelsNEON(&block[0], &lanes[n<<4], 1, b, floor, ceil, offset)
		copy(rest, block[:])
	}
}

// vectorMixLevels writes the levels of acc = add + sum of the entries of list. lanes begins with the
// lanes of even positions of the first segment; those of odd ones are odd bytes on. Lanes of wide rows are
// those of all positions.
func vectorMixLevels(_ Vector, dst []byte, lanes []uint16, odd int, wide bool, list []mixEntry, b *bins, add int32) {
	shift := uint(4) // 16 bytes of lanes for 8 positions
	if wide {
		odd, shift = 16, 5
	}
	first := &list[0]
	n := len(dst) >> 4
	if n > 0 {
		mixLevelsNEON(&dst[0], &lanes[0], odd, 1<<shift, n, first, len(list), b, add-b.low, wide)
	}
	if rest := dst[n<<4:]; len(rest) > 0 {
		var block [16]byte
		mixLevelsNEON(&block[0], &lanes[n<<shift>>1], odd, 1<<shift, 1, first, len(list), b, add-b.low, wide)
		copy(rest, block[:])
	}
}

// The functions below write blocks of 16 levels.

//go:noescape
func pairLevelsNEON(dst *byte, even, odd *uint16, blocks int, b *bins, floor, ceil, offset uint16)

//go:noescape
func laneLevelsNEON(dst *byte, lanes *uint16, blocks int, b *bins, floor, ceil, offset uint16)

//go:noescape
func mixLevelsNEON(dst *byte, lanes *uint16, odd, step, blocks int, list *mixEntry, entries int, b *bins, add int32, wide bool)
