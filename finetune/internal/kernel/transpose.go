package kernel

// transpose sets dst[j*ldd+i] = src[i*lds+j] for i < rows, j < cols. ldd is at least rows.
// With loose set, the rest of dst may become anything.
func transpose(dst []float32, ldd int, src []float32, lds, rows, cols int, loose bool) {
	for i := 0; i < rows; i += vecLen {
		transposeRows(dst[i:], ldd, src[i*lds:], lds, min(vecLen, rows-i), cols, loose && i+vecLen <= ldd)
	}
}

// transposeScalar is transpose from column first on.
func transposeScalar(dst []float32, ldd int, src []float32, lds, rows, first, cols int) {
	for i := 0; i < rows; i++ {
		s := src[i*lds : i*lds+cols]
		at := first*ldd + i
		for _, v := range s[first:] {
			dst[at] = v
			at += ldd
		}
	}
}
