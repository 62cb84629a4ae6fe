//go:build !purego

package kernel

// poolsPairs says whether vectorMaxPairs exists for v.
func (v Vector) poolsPairs() bool { return v == AVX512 }

// vectorMaxPairs pools windows of 2x2 side by side: rows rows of cols columns of dst, from
// twice as many rows of inCols columns of src.
func vectorMaxPairs(dst, src []byte, rows, cols, inCols int) {
	for c := 0; c < cols; c += 32 {
		maxPairsAVX512(&dst[c], &src[c<<1], rows, min(32, cols-c), cols, inCols)
	}
}

// maxPairsAVX512 does so for n <= 32 columns.
//
//go:noescape
func maxPairsAVX512(dst, src *byte, rows, n, cols, inCols int)
