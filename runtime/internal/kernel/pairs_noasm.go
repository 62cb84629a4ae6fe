//go:build !arm64 || purego

package kernel

func vectorMergePairs(_ Vector, acc []int32, even, odd []uint16) { mergePairs(acc, even, odd) }

func vectorAddPairs(_ Vector, acc []int32, even, odd []uint16, shift uint16) {
	addPairs(acc, even, odd, shift)
}

// accLevels says whether binAccLevels exists.
const accLevels = false

func binAccLevels([]byte, []int32, *bins, int32) { panic("BUG: no vectors") }
