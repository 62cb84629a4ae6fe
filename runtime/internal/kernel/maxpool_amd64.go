//go:build !purego

package kernel

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

// vectorPoolRows writes rows of dst, pitch bytes apart: the largest of the columns of rows.n rows of src from element
// rows.from on, which are step bytes apart; 0 where there are none. Whole vectors are read and written.
func vectorPoolRows(_ Vector, dst, src []byte, rows []poolRow, width, pitch, step int) {
	poolRowsAVX2(&dst[0], &src[0], &rows[0], len(rows), width, pitch, step)
}

// vectorPoolColumns computes buffer[i] = the largest of taps >= 2 bytes from i on, which are step bytes apart, for
// i < n. Whole vectors are read and written.
func vectorPoolColumns(_ Vector, buffer []byte, n, taps, step int) {
	poolColumnsAVX2(&buffer[0], n, taps, step)
}

//go:noescape
func poolRowsAVX2(dst, src *byte, rows *poolRow, n, width, pitch, step int)

//go:noescape
func poolColumnsAVX2(buffer *byte, n, taps, step int)
