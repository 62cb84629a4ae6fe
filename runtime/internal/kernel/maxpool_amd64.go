//go:build !purego

package kernel

// poolsPairs says whether vectorMaxPairs exists for v.
func (v Vector) poolsPairs() bool { return v >= AVX2 }

// vectorMaxPairs pools windows of 2x2 side by side: rows rows of cols columns of dst, from
// twice as many rows of inCols columns of src.
func vectorMaxPairs(v Vector, dst, src []byte, rows, cols, inCols int) {
	switch {
	case v == AVX512:
		for c := 0; c < cols; c += 32 {
			maxPairsAVX512(&dst[c], &src[c<<1], rows, min(32, cols-c), cols, inCols)
		}
	case cols >= 8:
		maxPairs8AVX2(&dst[0], &src[0], rows, cols, inCols)
	case cols >= 4:
		maxPairs4AVX2(&dst[0], &src[0], rows, cols, inCols)
	default:
		maxPairs(dst, src, rows, cols, inCols)
	}
}

// maxPairs8AVX2 is vectorMaxPairs for cols >= 8. The last 8 columns of a row may be written
// twice.
//
//go:noescape
func maxPairs8AVX2(dst, src *byte, rows, cols, inCols int)

// maxPairs4AVX2 is the same with 4 columns.
//
//go:noescape
func maxPairs4AVX2(dst, src *byte, rows, cols, inCols int)

// maxPairsAVX512 is vectorMaxPairs for n <= 32 columns.
//
//go:noescape
func maxPairsAVX512(dst, src *byte, rows, n, cols, inCols int)
