//go:build !arm || purego

package kernel

// nearLevels computes dst[i] = levels[acc[i]+add limited to [0, top]].
func nearLevels(dst []byte, acc []int32, add, top int32, levels []uint8) {
	acc = acc[:len(dst)]
	for i, a := range acc {
		dst[i] = levels[uint32(clamp(a+add, top))]
	}
}

// nearPairs is nearLevels for sums of even and odd positions, equally many.
func nearPairs(dst []byte, even, odd []uint16, add, top int32, levels []uint8) {
	odd = odd[:len(even)]
	for i, e := range even {
		pair := dst[:2]
		pair[0] = levels[uint32(clamp(int32(e)+add, top))]
		pair[1] = levels[uint32(clamp(int32(odd[i])+add, top))]
		dst = dst[2:]
	}
}
