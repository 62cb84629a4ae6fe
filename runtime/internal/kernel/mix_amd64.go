//go:build !purego

package kernel

// vectorMixLevels writes the levels of acc = add + sum of the entries of list. lanes begins with the
// lanes of even positions of the first segment; those of odd ones are odd bytes on. Lanes of wide rows are
// those of all positions.
func vectorMixLevels(v Vector, dst []byte, lanes []uint16, odd int, wide bool, list []mixEntry, b *bins, add int32) {
	if v == AVX2 {
		step := 32
		if wide {
			odd, step = 32, 64
		}
		mixLevelsAVX2(&dst[0], &lanes[0], odd, step, wide, len(dst), &list[0], len(list), b, add-b.low)
		return
	}
	step, order := 64, &inOrder
	if wide {
		odd, step, order = 64, 128, &evenFirst
	}
	mixLevelsAVX512(&dst[0], &lanes[0], odd, step, order, len(dst), &list[0], len(list), b, add-b.low)
}

//go:noescape
func mixLevelsAVX2(dst *byte, lanes *uint16, odd, step int, wide bool, n int, list *mixEntry, entries int, b *bins, add int32)

//go:noescape
func mixLevelsAVX512(dst *byte, lanes *uint16, odd, step int, order *[64]byte, n int, list *mixEntry, entries int, b *bins, add int32)
