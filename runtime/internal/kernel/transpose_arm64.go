//go:build !purego

package kernel

// vectorTranspose is transpose for 8*blocks rows and 8 columns of the cols that src has, to rows elements each of dst.
func vectorTranspose(dst, src []byte, blocks, rows, cols int) {
	transposeNEON(&dst[0], &src[0], blocks, rows, cols)
}

//go:noescape
func transposeNEON(dst, src *byte, blocks, rows, cols int)
