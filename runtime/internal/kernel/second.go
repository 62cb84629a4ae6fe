package kernel

// takeSecondSlow is takeSecond without vectors.
func takeSecondSlow(dst, src []byte, rows, cols, pitch, srcRow int) {
	at, from := 0, 0
	for range rows {
		fillBytes(dst[at:at+cols], src[from:], 0, cols, 2, 0)
		at += pitch
		from += srcRow
	}
}
