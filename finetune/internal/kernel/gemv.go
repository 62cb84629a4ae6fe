package kernel

import (
	"math"
	"sync"
)

// gemv is a product of a vector of k elements and a matrix: Gemm with one row, which does
// not repay packing.
type gemv struct {
	transB  bool
	n, k    int
	a, b, c []float32
	add     bool
	block   int // columns of a task
	run     func(i int)
}

var gemvs = sync.Pool{New: func() any {
	g := new(gemv)
	g.run = g.task
	return g
}}

// gemvTask is the number of elements of the matrix that a task goes through.
const gemvTask = 1 << 17

// gemvFits reports whether the matrix suits gemv.
func gemvFits(n, k int) bool { return n >= vecLen && k >= vecLen && n*k <= math.MaxInt32 }

func runGemv(transB bool, n, k int, a, b []float32, add bool, c []float32) {
	g := gemvs.Get().(*gemv)
	g.transB, g.n, g.k, g.a, g.b, g.c, g.add = transB, n, k, a, b, c, add
	g.block = max(4*vecLen, gemvTask/k) &^ (vecLen - 1)
	Parallel(ceilDiv(n, g.block), g.run)
	g.a, g.b, g.c = nil, nil, nil
	gemvs.Put(g)
}

func (g *gemv) task(i int) {
	s := getScratch()
	first, end := i*g.block, min(g.n, (i+1)*g.block)
	if end-first < vecLen { // the vectors of the last task overlap the task before
		first = end - vecLen
	}
	out := s.floats.get(end - first)
	if g.transB {
		g.rows(s, out, first)
	} else {
		g.cols(s, out, first)
	}
	done := i*g.block - first // by the task before
	if c := g.c[i*g.block : end]; g.add {
		axpy(c, 1, out[done:])
	} else {
		copy(c, out[done:])
	}
	s.put()
}

// rows computes elements from first on, whose columns are rows of b.
func (g *gemv) rows(s *scratch, out []float32, first int) {
	vecs := g.k / vecLen
	d := dots{a: g.b, off: s.ints.get(vecs), b: g.a}
	for v := range d.off {
		d.off[v] = int32(v * vecLen)
	}
	at := s.ints.get(dotRows)
	lanes := s.floats.get(dotRows * vecLen)
	for j := 0; j < len(out); j += dotRows {
		d.at, d.c = at[:min(dotRows, len(out)-j)], lanes
		clear(lanes)
		for r := range d.at {
			d.at[r] = int32((first + j + r) * g.k)
		}
		runDots(&d)
		for r, from := range d.at {
			sum := sum(lanes[r*vecLen:][:vecLen])
			for k := vecs * vecLen; k < g.k; k++ {
				sum += g.a[k] * g.b[int(from)+k]
			}
			out[j+r] = sum
		}
	}
}

// cols computes elements from first on, whose columns are columns of b.
func (g *gemv) cols(s *scratch, out []float32, first int) {
	t := strip{w: g.a[:g.k], off: s.ints.get(g.k), b: g.b[first:], c: out}
	for k := range t.off {
		t.off[k] = int32(k * g.n)
	}
	t.at = s.ints.get(len(out)/vecLen + 1 + stripVecs)[:0]
	for j := 0; j < len(out); j += vecLen {
		t.at = append(t.at, int32(min(j, len(out)-vecLen)))
	}
	t.at = repeatLast(t.at, stripVecs)
	t.to = t.at
	runStrip(&t)
}
