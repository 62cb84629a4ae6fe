//go:build !purego

package kernel

// mixes says whether vectorMixLevels exists for v.
func (v Vector) mixes() bool { return v >= AVX2 }

// vectorMixLevels writes the levels of acc = add + sum of the entries of list. The lanes of
// a segment take words words for even and as many for odd positions; of wide rows, words
// words for all.
func vectorMixLevels(v Vector, dst []byte, lanes []word, words int, wide bool, list []mixEntry, b *bins, add int32) {
	if v == AVX2 {
		odd, step := words*wordBytes, 32
		if wide {
			odd, step = 32, 64
		}
		mixLevelsAVX2(&dst[0], &lanes[0], odd, step, wide, len(dst), &list[0], len(list), b, add-b.low)
		return
	}
	odd, step, order := words*wordBytes, 64, &inOrder
	if wide {
		odd, step, order = 64, 128, &evenFirst
	}
	mixLevelsAVX512(&dst[0], &lanes[0], odd, step, order, len(dst), &list[0], len(list), b, add-b.low)
}

//go:noescape
func mixLevelsAVX2(dst *byte, lanes *word, odd, step int, wide bool, n int, list *mixEntry, entries int, b *bins, add int32)

//go:noescape
func mixLevelsAVX512(dst *byte, lanes *word, odd, step int, order *[64]byte, n int, list *mixEntry, entries int, b *bins, add int32)
