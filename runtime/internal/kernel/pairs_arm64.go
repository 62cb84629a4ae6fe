//go:build !purego

package kernel

// vectorMergePairs is mergePairs.
func vectorMergePairs(v Vector, acc []int32, even, odd []uint16) {
	n := len(even) >> 3
	if v == Portable || n == 0 {
		mergePairs(acc, even, odd)
		return
	}
	mergePairsNEON(&acc[0], &even[0], &odd[0], n)
	mergePairs(acc[n<<4:], even[n<<3:], odd[n<<3:])
}

// vectorAddPairs is addPairs.
func vectorAddPairs(v Vector, acc []int32, even, odd []uint16, shift uint16) {
	n := len(even) >> 3
	if v == Portable || n == 0 {
		addPairs(acc, even, odd, shift)
		return
	}
	addPairsNEON(&acc[0], &even[0], &odd[0], n, int(shift))
	addPairs(acc[n<<4:], even[n<<3:], odd[n<<3:], shift)
}

// accLevels says whether binAccLevels exists.
const accLevels = true

// binAccLevels writes the levels of acc[i]+add.
func binAccLevels(dst []byte, acc []int32, b *bins, add int32) {
	n := len(dst) >> 4
	if n > 0 {
		accLevelsNEON(&dst[0], &acc[0], n, b, add-b.low)
	}
	if rest := dst[n<<4:]; len(rest) > 0 {
		var block [16]byte
		var last [16]int32
		copy(last[:], acc[n<<4:len(dst)])
		accLevelsNEON(&block[0], &last[0], 1, b, add-b.low)
		copy(rest, block[:])
	}
}

// The functions below work on blocks of 16 positions.

//go:noescape
func mergePairsNEON(acc *int32, even, odd *uint16, blocks int)

//go:noescape
func addPairsNEON(acc *int32, even, odd *uint16, blocks, shift int)

//go:noescape
func accLevelsNEON(dst *byte, acc *int32, blocks int, b *bins, add int32)
