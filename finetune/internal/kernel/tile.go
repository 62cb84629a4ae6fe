package kernel

// tile is one block of a matrix product: up to tileRows rows by two vectors of vecLen
// columns. For r < rows and j < 2*vecLen, with v = j/vecLen and l = j%vecLen,
//
//	s = init[r] + sum over k < len(off) of a[k*rows+r] * b[bAt[v]+off[k]+l]
//	c[cAt[v]+r*ldc+l] = s, or += s when add is set
//
// The offsets off make the columns of b anything that moves as a whole from one k to the
// next: a packed panel (off[k] = 2*vecLen*k), or windows of an image (off[k] is the place
// of tap k). The two vectors of c may be the same or overlap unless add is set.
type tile struct {
	rows int // 1..tileRows
	a    []float32
	b    []float32
	bAt  [2]int
	off  []int32
	init []float32 // at least rows elements
	c    []float32
	cAt  [2]int
	ldc  int
	add  bool
}

const (
	tileRows = 6
	vecLen   = 8
	tileCols = 2 * vecLen
)

// noInit is the init of tiles that start at zero.
var noInit [tileCols]float32

// rowPanels is the number of tiles that m rows are split into; rowPanel gives the first
// row and the number of rows of tile i. The tiles differ by at most one row.
func rowPanels(m int) int { return (m + tileRows - 1) / tileRows }

func rowPanel(m, i int) (first, rows int) {
	n := rowPanels(m)
	first = i * m / n
	return first, (i+1)*m/n - first
}
