//go:build !purego

package kernel

// binPairLevels writes the levels of sums in lanes of even and odd positions:
// dst[2i] is that of even[i], dst[2i+1] that of odd[i]. Memory of even and odd can be read
// in whole vectors.
func binPairLevels(v Vector, dst []byte, even, odd []uint16, b *bins, minus uint16) {
	if len(dst) == 0 {
		return
	}
	if v == AVX512 {
		levelsAVX512(&dst[0], &even[0], &odd[0], len(dst), 64, &inOrder, b, 0, minus)
		return
	}
	levelsAVX2(&dst[0], &even[0], &odd[0], len(dst), 32, b, minus)
}

// binLaneLevels writes the levels of sums in lanes: dst[i] is that of lanes[i].
func binLaneLevels(v Vector, dst []byte, lanes []uint16, b *bins, minus uint16) {
	if len(dst) == 0 {
		return
	}
	if v == AVX512 {
		levelsAVX512(&dst[0], &lanes[0], &lanes[0], len(dst), 128, &evenFirst, b, 0, minus)
		return
	}
	levelsAVX2(&dst[0], &lanes[0], &lanes[0], len(dst), 64, b, minus)
}

// Orders in which the bytes of a vector are stored.
var inOrder, evenFirst [64]byte

func init() {
	for i := range inOrder {
		inOrder[i] = byte(i)
		evenFirst[i] = byte(i%32*2 + i/32)
	}
}

// levelsAVX512 reads 64 lanes at a time, 32 each from even and odd, which advance by step
// bytes; order tells which lane each byte of dst belongs to, where lanes of even and odd alternate.
// With a step of 128 odd is ignored and follows even. plus is added to lanes first.
//
//go:noescape
func levelsAVX512(dst *byte, even, odd *uint16, n, step int, order *[64]byte, b *bins, plus, minus uint16)

// levelsAVX2 reads 32 lanes at a time. With a step of 64 odd is ignored and follows even.
//
//go:noescape
func levelsAVX2(dst *byte, even, odd *uint16, n, step int, b *bins, minus uint16)
