//go:build !arm || purego

package kernel

// addByLevel adds the centre of every weight to the sum of the level in that it meets.
func addByLevel(sums *[256]int32, in []byte, weights []uint16, centres []int32) {
	in = in[:len(weights)]
	for i, w := range weights {
		sums[in[i]] += centres[w]
	}
}
