//go:build !purego

package kernel

// transposeRows is transpose for at most vecLen rows. The vector code writes whole
// vectors in ascending order. With fewer rows it spoils elements that the next column
// overwrites if ldd is rows; then it stops where it would leave the result.
func transposeRows(dst []float32, ldd int, src []float32, lds, rows, cols int, loose bool) {
	blocks := 0
	switch {
	case !useAVX2:
	case rows == vecLen:
		blocks = cols / vecLen
	case rows == ldd:
		blocks = max(0, cols-(vecLen-1)/rows) / vecLen
	case loose:
		blocks = min(cols, (len(dst)-vecLen)/ldd+1) / vecLen
	}
	if blocks > 0 {
		transposeAVX2(&dst[0], ldd, &src[0], lds, rows, blocks)
	}
	transposeScalar(dst, ldd, src, lds, rows, blocks*vecLen, cols)
}

// transposeAVX2 sets dst[j*ldd+i] = src[i'*lds+j] for i < 8 and j < 8*blocks in ascending
// order of j, where i' is i, or 0 from rows on.
//
//go:noescape
func transposeAVX2(dst *float32, ldd int, src *float32, lds, rows, blocks int)
