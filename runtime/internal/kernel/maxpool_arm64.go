//go:build !purego

package kernel

// vectorMaxPairs pools windows of 2x2 side by side: rows rows of cols columns of dst, from
// twice as many rows of inCols columns of src.
func vectorMaxPairs(_ Vector, dst, src []byte, rows, cols, inCols int) {
	if cols >= 8 {
		maxPairsNEON(&dst[0], &src[0], rows, cols, inCols)
		return
	}
	maxPairs(dst, src, rows, cols, inCols)
}

// maxPairsNEON is vectorMaxPairs for cols >= 8. The last 8 columns of a row may be written
// twice.
//
//go:noescape
func maxPairsNEON(dst, src *byte, rows, cols, inCols int)

// vectorPoolRows writes rows of dst, pitch bytes apart: the largest of the columns of rows.n rows of src from element
// rows.from on, which are step bytes apart; 0 where there are none. Whole vectors are read and written.
func vectorPoolRows(_ Vector, dst, src []byte, rows []poolRow, width, pitch, step int) {
	poolRowsNEON(&dst[0], &src[0], &rows[0], len(rows), width, pitch, step)
}

// vectorPoolColumns computes buffer[i] = the largest of taps >= 2 bytes from i on, which are step bytes apart, for
// i < n. Whole vectors are read and written.
func vectorPoolColumns(_ Vector, buffer []byte, n, taps, step int) {
	poolColumnsNEON(&buffer[0], n, taps, step)
}

//go:noescape
func poolRowsNEON(dst, src *byte, rows *poolRow, n, width, pitch, step int)

//go:noescape
func poolColumnsNEON(buffer *byte, n, taps, step int)
