package kernel

// transpose makes rows of columns: dst[i*rows+r] = src[r*cols+i].
func transpose(v Vector, dst, src []byte, rows, cols int) {
	left := 0 // columns that vectors have not done
	if rows >= 8 && cols >= 8 && v.any() {
		left = cols & 7
		to, from := dst, src
		for n := cols - left; n > 0; n -= 8 {
			vectorTranspose(to, from, rows>>3, rows, cols)
			for range 8 {
				to = to[min(rows, len(to)):]
			}
			from = from[8:]
		}
		// The last rows, then the last columns of the others.
		first := 0
		for range rows &^ 7 {
			first += cols
		}
		transposeSlow(dst[rows&^7:], src[first:], rows&7, rows, cols, cols)
		transposeSlow(to, from, rows&^7, rows, cols, left)
		return
	}
	transposeSlow(dst, src, rows, rows, cols, cols)
}

// transposeSlow computes dst[i*to+r] = src[r*from+i] for r < rows and i < cols.
func transposeSlow(dst, src []byte, rows, to, from, cols int) {
	for r := range rows {
		at := r
		for _, x := range src[:cols] {
			dst[at] = x
			at += to
		}
		src = src[min(from, len(src)):]
	}
}
