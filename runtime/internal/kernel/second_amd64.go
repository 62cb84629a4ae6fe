//go:build !purego

package kernel

// takeSecond copies every second byte of rows of src to rows of cols bytes:
//
//	for y := range rows { for x := range cols { dst[y*pitch+x] = src[y*srcRow+2*x] } }
//
// Whole vectors of src are read.
func takeSecond(dst, src []byte, rows, cols, pitch, srcRow int) {
	// Whole vectors are written too: the last rows may end too close to the end of dst.
	whole := (cols + 15) &^ 15
	n, at, from := 0, 0, 0
	for ; n < rows && at+whole <= len(dst); n++ {
		at += pitch
		from += srcRow
	}
	if n > 0 {
		takeSecondAVX2(&dst[0], &src[0], n, cols, pitch, srcRow)
	}
	if n < rows {
		takeSecondSlow(dst[at:], src[from:], rows-n, cols, pitch, srcRow)
	}
}

//go:noescape
func takeSecondAVX2(dst, src *byte, rows, cols, pitch, srcRow int)
