//go:build !purego

package kernel

// takeSecond copies every second byte of rows of src to rows of cols bytes:
//
//	for y := range rows { for x := range cols { dst[y*pitch+x] = src[y*srcRow+2*x] } }
func takeSecond(dst, src []byte, rows, cols, pitch, srcRow int) {
	// Whole vectors are read; the last row may end too close to the end of src.
	read := (cols + 7) &^ 7 << 1
	at, from := 0, 0
	for range rows - 1 {
		at += pitch
		from += srcRow
	}
	if n := len(src) - from; n < read {
		if rows--; rows > 0 && n+srcRow < read {
			// Rows that are shorter than a vector: none is far enough from the end.
			takeSecondSlow(dst, src, rows, cols, pitch, srcRow)
			rows = 0
		}
		takeSecondSlow(dst[at:], src[from:], 1, cols, pitch, srcRow)
	}
	if rows > 0 {
		_ = dst[at : at+1]
		takeSecondNEON(&dst[0], &src[0], rows, cols, pitch, srcRow)
	}
}

//go:noescape
func takeSecondNEON(dst, src *byte, rows, cols, pitch, srcRow int)
