package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func at(trans bool, x []float32, rows, cols, i, j int) float64 {
	if trans {
		return float64(x[j*rows+i])
	}
	return float64(x[i*cols+j])
}

func TestGemm(t *testing.T) {
	sizes := [][3]int{{1, 1, 1}, {1, 10, 33}, {3, 17, 5}, {5, 16, 9}, {6, 16, 8}, {7, 31, 40}, {8, 8, 8}, {16, 48, 144},
		{64, 10, 128}, {13, 100, 27}, {1, 100, 800}, {1, 8, 8}, {1, 77, 100}, {1, 9, 5000}, {1, 2001, 9}, {100, 1, 64}, {2, 3, 2000}, {65, 129, 257}, {4, 64, 0}, {0, 3, 4}, {1600, 20, 3}, {9, 3100, 4}}
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range sizes {
		m, n, k := s[0], s[1], s[2]
		for mode := 0; mode < 4; mode++ {
			ta, tb := mode&1 != 0, mode&2 != 0
			a, b := randoms(r, m*k), randoms(r, k*n)
			want := newSums(m * n)
			for i := 0; i < m; i++ {
				for j := 0; j < n; j++ {
					for p := 0; p < k; p++ {
						want.add(i*n+j, at(ta, a, m, k, i, p)*at(tb, b, k, n, p, j))
					}
				}
			}
			for _, beta := range []float32{0, 1, -0.5} {
				c, intact := guarded(m * n)
				sum := newSums(m * n)
				copy(sum.v, want.v)
				copy(sum.mag, want.mag)
				if beta != 0 {
					copy(c, randoms(r, m*n))
					for i, v := range c {
						sum.add(i, float64(beta*v))
					}
				}
				Gemm(ta, tb, m, n, k, a, b, beta, c)
				near(t, fmt.Sprintf("%dx%dx%d trans %v %v beta %g", m, n, k, ta, tb, beta), c, sum)
				if !intact() {
					t.Fatalf("%dx%dx%d: wrote outside", m, n, k)
				}
			}
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, c := range []struct {
		name    string
		ta, tb  bool
		m, n, k int
	}{
		{"square512", false, false, 512, 512, 512},
		{"square1024", false, false, 1024, 1024, 1024},
		{"dense800x128/forward", false, true, 64, 128, 800},
		{"dense800x128/input", false, false, 64, 800, 128},
		{"dense800x128/weights", true, false, 128, 800, 64},
		{"dense784x128/one", false, true, 1, 128, 784},
		{"dense784x128/oneInput", false, false, 1, 784, 128},
		{"dense128x10/forward", false, true, 64, 10, 128},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			x, y, z := randoms(r, c.m*c.k), randoms(r, c.k*c.n), make([]float32, c.m*c.n)
			bench(b, 2*c.m*c.n*c.k, func() { Gemm(c.ta, c.tb, c.m, c.n, c.k, x, y, 0, z) })
		})
	}
}
