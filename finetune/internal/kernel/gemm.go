package kernel

import "sync"

// Gemm computes C = op(A) op(B) + beta C, where op(A) is [m][k], op(B) is [k][n] and
// C is [m][n]. With transA, a is stored as [k][m]; with transB, b is stored as [n][k].
// When beta is 0, c is only written. c must not overlap a or b.
func Gemm(transA, transB bool, m, n, k int, a, b []float32, beta float32, c []float32) {
	need("Gemm", "a", len(a), m*k)
	need("Gemm", "b", len(b), k*n)
	need("Gemm", "c", len(c), m*n)
	switch {
	case beta == 0 && k == 0:
		clear(c)
	case beta != 0 && beta != 1:
		Scale(c, beta, c)
	}
	if m == 0 || n == 0 || k == 0 {
		return
	}
	if m == 1 && gemvFits(n, k) {
		runGemv(transB, n, k, a, b, beta != 0, c)
		return
	}
	g := gemms.Get().(*gemm)
	s := getScratch()
	g.transA, g.transB, g.m, g.n, g.k = transA, transB, m, n, k
	g.a, g.b, g.c = a, b, c
	kc := split(k, gemmK)
	g.pa = s.floats.get(min(m, gemmM) * kc)
	g.pb = s.floats.get((min(n, gemmN) + tileCols) * kc)
	g.off = s.ints.get(kc)
	for i := range g.off {
		g.off[i] = int32(i * tileCols)
	}
	for g.k0 = 0; g.k0 < k; g.k0 += kc {
		g.kn = min(kc, k-g.k0)
		g.add = beta != 0 || g.k0 > 0
		for g.n0 = 0; g.n0 < n; g.n0 += gemmN {
			g.nn = min(gemmN, n-g.n0)
			for g.m0 = 0; g.m0 < m; g.m0 += gemmM {
				g.mn = min(gemmM, m-g.m0)
				g.block()
			}
		}
	}
	g.a, g.b, g.c, g.pa, g.pb, g.off = nil, nil, nil, nil, nil, nil
	s.put()
	gemms.Put(g)
}

// A product is cut into blocks of at most gemmM x gemmN elements of C and gemmK of the
// sum, whose operands are packed, and a block into tasks of about gemmTask
// multiplications.
const (
	gemmM    = 1536
	gemmN    = 3072
	gemmK    = 768
	gemmTask = 1 << 20
)

// split is the length of the pieces when n is cut into equal pieces of at most limit.
func split(n, limit int) int {
	pieces := (n + limit - 1) / limit
	return (n + pieces - 1) / pieces
}

// gemm is one matrix product and its current block: rows m0 to m0+mn, columns n0 to
// n0+nn, and the terms k0 to k0+kn of the sums.
type gemm struct {
	transA, transB         bool
	m, n, k                int
	a, b, c                []float32
	m0, n0, k0, mn, nn, kn int
	add                    bool // add to c instead of writing it
	pa, pb                 []float32
	off                    []int32

	packSize           int // panels a packing task does
	rowsSize, colsSize int // panels a multiplication task does
	rowTasks           int
	pack, multiply     func(i int) // bound methods
}

var gemms = sync.Pool{New: func() any {
	g := new(gemm)
	g.pack, g.multiply = g.packTask, g.multiplyTask
	return g
}}

func (g *gemm) block() {
	rows, cols := rowPanels(g.mn), (g.nn+tileCols-1)/tileCols
	tiles := max(1, gemmTask/(g.kn*tileRows*tileCols))
	// Tall or wide tasks would read one operand more often than needed.
	g.colsSize = min(cols, max(1, tiles/min(rows, 16)))
	g.rowsSize = min(rows, max(1, tiles/g.colsSize))
	g.rowTasks = (rows + g.rowsSize - 1) / g.rowsSize
	g.packSize = max(1, (1<<15)/(g.kn*tileCols))
	Parallel((rows+cols+g.packSize-1)/g.packSize, g.pack)
	Parallel(g.rowTasks*((cols+g.colsSize-1)/g.colsSize), g.multiply)
}

// packTask packs panels of A, then of B.
func (g *gemm) packTask(i int) {
	rows, cols := rowPanels(g.mn), (g.nn+tileCols-1)/tileCols
	for p := i * g.packSize; p < min(rows+cols, (i+1)*g.packSize); p++ {
		if p < rows {
			first, r := rowPanel(g.mn, p)
			ld, at := g.k, (g.m0+first)*g.k+g.k0
			if g.transA {
				ld, at = g.m, g.k0*g.m+g.m0+first
			}
			packRows(g.pa[first*g.kn:], g.a[at:], ld, r, g.kn, g.transA)
			continue
		}
		first := (p - rows) * tileCols
		c := min(tileCols, g.nn-first)
		ld, at := g.n, g.k0*g.n+g.n0+first
		if g.transB {
			ld, at = g.k, (g.n0+first)*g.k+g.k0
		}
		packCols(g.pb[first*g.kn:], g.b[at:], ld, c, g.kn, g.transB)
	}
}

func (g *gemm) multiplyTask(i int) {
	rows, cols := rowPanels(g.mn), (g.nn+tileCols-1)/tileCols
	r0, c0 := i%g.rowTasks*g.rowsSize, i/g.rowTasks*g.colsSize
	t := tile{b: g.pb, off: g.off[:g.kn], init: noInit[:]}
	var edge [tileRows * tileCols]float32
	for q := c0; q < min(cols, c0+g.colsSize); q++ {
		t.bAt = [2]int{q * tileCols * g.kn, q*tileCols*g.kn + vecLen}
		col := g.n0 + q*tileCols
		width := min(tileCols, g.n0+g.nn-col)
		for p := r0; p < min(rows, r0+g.rowsSize); p++ {
			first, r := rowPanel(g.mn, p)
			t.rows, t.a = r, g.pa[first*g.kn:]
			at := (g.m0+first)*g.n + col
			if width == tileCols {
				t.c, t.cAt, t.ldc, t.add = g.c, [2]int{at, at + vecLen}, g.n, g.add
				runTile(&t)
				continue
			}
			t.c, t.cAt, t.ldc, t.add = edge[:], [2]int{0, vecLen}, tileCols, false
			runTile(&t)
			for i := 0; i < r; i++ {
				dst, src := g.c[at+i*g.n:][:width], edge[i*tileCols:][:width]
				if !g.add {
					copy(dst, src)
					continue
				}
				for j, v := range src {
					dst[j] += v
				}
			}
		}
	}
}
