//go:build !purego

package kernel

// fillInside writes rows of cols bytes, pitch bytes apart, from rows of src that are srcRow bytes apart: dst[lo+i] =
// src[i*stride] up to hi, and zero elsewhere.
func fillInside(dst, src []byte, rows, lo, hi, cols, stride int, zero byte, pitch, srcRow int) {
	fillInsideARM(&dst[0], &src[0], rows, lo, hi-lo, cols-hi, stride, uint32(zero), pitch, srcRow)
}

//go:noescape
func fillInsideARM(dst, src *byte, rows, before, inside, behind, stride int, zero uint32, pitch, srcRow int)
