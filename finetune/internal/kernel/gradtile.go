package kernel

// gradTile is one block of a sum of outer products: up to tileRows rows by tileCols
// columns. For r < rows and j < tileCols,
//
//	s = init[j] + sum over p < len(pos) of a[at[r]+pos[p]] * b[p*tileCols+j]
//	c[r*ldc+j] = s, or += s when add is set
//
// The rows are anything that moves as a whole from one p to the next, such as the
// elements of an image under the taps of a convolution.
type gradTile struct {
	rows int // 1..tileRows
	a    []float32
	at   [tileRows]int
	pos  []int32
	b    []float32
	init []float32 // tileCols elements
	c    []float32
	ldc  int
	add  bool
}

// dots is a set of inner products that are left as sums per lane. For r < len(at) and
// l < vecLen,
//
//	c[r*vecLen+l] += sum over v < len(off) of a[at[r]+off[v]+l] * b[v*vecLen+l]
type dots struct {
	a   []float32
	at  []int32 // 1..dotRows elements
	off []int32
	b   []float32
	c   []float32
}

const dotRows = 8
