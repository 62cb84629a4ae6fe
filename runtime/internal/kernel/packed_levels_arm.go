//go:build !purego

package kernel

// addByLevel adds the centre of every weight to the sum of the level in that it meets.
func addByLevel(sums *[256]int32, in []byte, weights []uint16, centres []int32) {
	if len(weights) > 0 {
		in = in[:len(weights)]
		addByLevelARM(sums, &in[0], &weights[0], len(weights), &centres[0])
	}
}

//go:noescape
func addByLevelARM(sums *[256]int32, in *byte, weights *uint16, n int, centres *int32)
