//go:build !purego

package kernel

// poolsPairs says whether vectorMaxPairs exists for v.
func (v Vector) poolsPairs() bool { return v == NEON }

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
