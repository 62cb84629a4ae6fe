package kernel

// strip is a row of a matrix product with columns read in place, as in tile: for each
// vector v, in this order, and l < vecLen,
//
//	c[to[v]+l] = init + sum over k of w[k] * b[at[v]+off[k]+l]
//
// len(at) = len(to) is a multiple of stripVecs.
type strip struct {
	w      []float32
	off    []int32
	b      []float32
	at, to []int32
	c      []float32
	init   float32
}

const stripVecs = 4
