//go:build !arm || purego

package kernel

// fillInside writes rows of cols bytes, pitch bytes apart, from rows of src that are srcRow bytes apart: dst[lo+i] =
// src[i*stride] up to hi, and zero elsewhere.
func fillInside(dst, src []byte, rows, lo, hi, cols, stride int, zero byte, pitch, srcRow int) {
	for ; rows > 0; rows-- {
		fillBytes(dst[:cols], src, lo, hi, stride, zero)
		dst, src = dst[min(pitch, len(dst)):], src[min(srcRow, len(src)):]
	}
}
