//go:build !purego

package kernel

// weaveVec does the work of weave if it can.
func weaveVec(dst []float32, ld int, a, b []float32, rows, na, nb int) bool {
	if !useAVX2 || nb < vecLen {
		return false
	}
	weaveAVX2(&dst[0], ld, &a[0], &b[0], rows, na, nb)
	return true
}

// weaveAVX2 is weave for nb of at least 8.
//
//go:noescape
func weaveAVX2(dst *float32, ld int, a, b *float32, rows, na, nb int)
