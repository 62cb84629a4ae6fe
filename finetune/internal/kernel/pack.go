package kernel

// packRows lays out r rows of a matrix for a tile: dst[k*r+i] = element (i, k), k < n.
// Element (i, k) is src[i*lds+k] or, with trans, src[k*lds+i].
func packRows(dst, src []float32, lds, r, n int, trans bool) {
	if !trans {
		transpose(dst[:n*r], r, src, lds, r, n, false)
		return
	}
	for k := 0; k < n; k++ {
		copy(dst[k*r:k*r+r], src[k*lds:])
	}
}

// packCols lays out c <= tileCols columns of a matrix as a panel: dst[k*tileCols+j] =
// element (k, j), k < n. Element (k, j) is src[k*lds+j] or, with trans, src[j*lds+k].
// The other columns of the panel become anything.
func packCols(dst, src []float32, lds, c, n int, trans bool) {
	dst = dst[:n*tileCols]
	switch {
	case trans:
		transpose(dst, tileCols, src, lds, c, n, true)
	case c == tileCols:
		for k := 0; k < n; k++ {
			*(*[tileCols]float32)(dst[k*tileCols:]) = [tileCols]float32(src[k*lds:])
		}
	default:
		for k := 0; k < n; k++ {
			copy(dst[k*tileCols:k*tileCols+c], src[k*lds:])
		}
	}
}
