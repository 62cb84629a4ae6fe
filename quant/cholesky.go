package quant

import (
	"math"
	gort "runtime"
	"sync"
	"sync/atomic"
)

// cholesky replaces the lower triangle of a symmetric matrix a [n][n] by the matrix L with L L^T = a, and clears the rest. It reports
// false where a is not positive definite.
func cholesky(a []float64, n int) bool {
	for j := range n {
		row := a[j*n:][:n]
		pivot := row[j] - dot(row[:j], row[:j])
		if !(pivot > 0) || math.IsInf(pivot, 0) {
			return false
		}
		row[j] = math.Sqrt(pivot)
		clear(row[j+1:])
		inverse := 1 / row[j]
		below := func(i int) {
			other := a[i*n:][:n]
			other[j] = (other[j] - dot(other[:j], row[:j])) * inverse
		}
		if (n-j)*j < 1<<15 {
			for i := j + 1; i < n; i++ {
				below(i)
			}
			continue
		}
		const rows = 64
		parallel((n-j-1+rows-1)/rows, func(part int) {
			for i := j + 1 + part*rows; i < min(n, j+1+(part+1)*rows); i++ {
				below(i)
			}
		})
	}
	return true
}

// solve replaces b by the x with upper^T upper x = b, where upper [n][n] is the transpose of what [cholesky] makes.
func solve(lower, upper []float64, n int, b []float64) {
	for i := range n {
		row := lower[i*n:][:n]
		b[i] = (b[i] - dot(row[:i], b[:i])) / row[i]
	}
	for i := n - 1; i >= 0; i-- {
		row := upper[i*n:][:n]
		b[i] = (b[i] - dot(row[i+1:], b[i+1:])) / row[i]
	}
}

// transposed is the transpose of a [n][n].
func transposed(a []float64, n int) []float64 {
	out := make([]float64, n*n)
	for i := range n {
		for j := range n {
			out[j*n+i] = a[i*n+j]
		}
	}
	return out
}

// dot is the sum of products, in an order that depends on the length alone.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	for len(a) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return s0 + s1 + (s2 + s3)
}

// addScaled adds f*b to a.
func addScaled(a []float64, f float64, b []float64) {
	b = b[:len(a)]
	for i := range a {
		a[i] += f * b[i]
	}
}

// parallel calls f(0), ..., f(n-1) on all processors and returns when all are done.
func parallel(n int, f func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, gort.GOMAXPROCS(0)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wait.Wait()
}
