//go:build !purego

package kernel

// nearLevels computes dst[i] = levels[acc[i]+add limited to [0, top]].
func nearLevels(dst []byte, acc []int32, add, top int32, levels []uint8) {
	if len(dst) > 0 {
		_ = levels[top]
		nearLevelsARM(&dst[0], &acc[:len(dst)][0], len(dst), add, top, &levels[0])
	}
}

// nearPairs is nearLevels for sums of even and odd positions, equally many.
func nearPairs(dst []byte, even, odd []uint16, add, top int32, levels []uint8) {
	if n := len(even); n > 0 {
		_, _, _ = dst[n<<1-1], odd[n-1], levels[top]
		nearPairsARM(&dst[0], &even[0], &odd[0], n, add, top, &levels[0])
	}
}

//go:noescape
func nearLevelsARM(dst *byte, acc *int32, n int, add, top int32, levels *uint8)

//go:noescape
func nearPairsARM(dst *byte, even, odd *uint16, n int, add, top int32, levels *uint8)
