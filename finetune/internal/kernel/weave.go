package kernel

// weave sets, for i < rows, dst[i*ld+2*j] = a[i*na+j], j < na, and dst[i*ld+2*j+1] =
// b[i*nb+j], j < nb. nb is na or na-1.
func weave(dst []float32, ld int, a, b []float32, rows, na, nb int) {
	if weaveVec(dst, ld, a, b, rows, na, nb) {
		return
	}
	for i := 0; i < rows; i++ {
		spread(dst[i*ld:], a[i*na:][:na], 2)
		spread(dst[i*ld+1:], b[i*nb:][:nb], 2)
	}
}

// spread sets dst[i*step] = src[i].
func spread(dst, src []float32, step int) {
	at := 0
	for _, v := range src {
		dst[at] = v
		at += step
	}
}
