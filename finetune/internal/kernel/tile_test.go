package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// offsets returns n places from 0 to limit-1, so that limit+vecLen elements are read.
func offsets(r *rand.Rand, n, limit int) []int32 {
	off := make([]int32, n)
	for i := range off {
		off[i] = int32(r.IntN(limit))
	}
	return off
}

func TestTile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for rows := 1; rows <= tileRows; rows++ {
		for _, k := range []int{1, 2, 3, 8, 33} {
			for _, add := range []bool{false, true} {
				for shift := 0; shift < 4; shift++ {
					ldc := 20 + shift
					b, _ := guarded(200)
					copy(b, randoms(r, 200))
					s := tile{rows: rows, a: randoms(r, rows*k), b: b, bAt: [2]int{shift, 90 - shift}, off: offsets(r, k, 100),
						init: randoms(r, rows), cAt: [2]int{shift, ldc - vecLen}, ldc: ldc, add: add}
					old := randoms(r, rows*ldc)
					want := newSums(rows * ldc)
					for i, v := range old {
						want.add(i, float64(v))
					}
					for i := 0; i < rows; i++ {
						for j := 0; j < tileCols; j++ {
							v, l := j/vecLen, j%vecLen
							at := s.cAt[v] + i*ldc + l
							if !add {
								want.v[at], want.mag[at] = 0, 0
							}
							want.add(at, float64(s.init[i]))
							for p := 0; p < k; p++ {
								want.add(at, float64(s.a[p*rows+i])*float64(b[s.bAt[v]+int(s.off[p])+l]))
							}
						}
					}
					for name, run := range map[string]func(*tile){"best": runTile, "generic": tileGeneric} {
						c, intact := guarded(rows * ldc)
						copy(c, old)
						s.c = c
						run(&s)
						near(t, fmt.Sprintf("%s: %d rows, %d terms, add %v", name, rows, k, add), c, want)
						if !intact() {
							t.Fatalf("%s: %d rows: wrote outside", name, rows)
						}
					}
				}
			}
		}
	}
}

func TestGradTile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for rows := 1; rows <= tileRows; rows++ {
		for _, n := range []int{1, 2, 3, 8, 33} {
			for _, add := range []bool{false, true} {
				ldc := 16 + n%4
				s := gradTile{rows: rows, a: randoms(r, 150), pos: offsets(r, n, 100), b: randoms(r, n*tileCols), init: randoms(r, tileCols), ldc: ldc, add: add}
				for i := range s.at {
					s.at[i] = r.IntN(50)
				}
				old := randoms(r, (rows-1)*ldc+tileCols)
				want := newSums(len(old))
				for i, v := range old {
					want.add(i, float64(v))
				}
				for i := 0; i < rows; i++ {
					for j := 0; j < tileCols; j++ {
						at := i*ldc + j
						if !add {
							want.v[at], want.mag[at] = 0, 0
						}
						want.add(at, float64(s.init[j]))
						for p := range s.pos {
							want.add(at, float64(s.a[s.at[i]+int(s.pos[p])])*float64(s.b[p*tileCols+j]))
						}
					}
				}
				for name, run := range map[string]func(*gradTile){"best": runGradTile, "generic": gradTileGeneric} {
					c, intact := guarded(len(old))
					copy(c, old)
					s.c = c
					run(&s)
					near(t, fmt.Sprintf("%s: %d rows, %d terms, add %v", name, rows, n, add), c, want)
					if !intact() {
						t.Fatalf("%s: %d rows: wrote outside", name, rows)
					}
				}
			}
		}
	}
}

func TestDots(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for rows := 1; rows <= dotRows; rows++ {
		for _, n := range []int{1, 2, 3, 8, 33} {
			d := dots{a: randoms(r, 150+vecLen), at: offsets(r, rows, 50), off: offsets(r, n, 100), b: randoms(r, n*vecLen)}
			old := randoms(r, rows*vecLen)
			want := newSums(len(old))
			for i, v := range old {
				want.add(i, float64(v))
				for v, o := range d.off {
					want.add(i, float64(d.a[int(d.at[i/vecLen]+o)+i%vecLen])*float64(d.b[v*vecLen+i%vecLen]))
				}
			}
			for name, run := range map[string]func(*dots){"best": runDots, "generic": dotsGeneric} {
				c, intact := guarded(len(old))
				copy(c, old)
				d.c = c
				run(&d)
				near(t, fmt.Sprintf("%s: %d rows, %d vectors", name, rows, n), c, want)
				if !intact() {
					t.Fatalf("%s: %d rows: wrote outside", name, rows)
				}
			}
		}
	}
}

func TestStrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, vecs := range []int{stripVecs, 2 * stripVecs, 5 * stripVecs} {
		for _, k := range []int{1, 2, 3, 8, 25} {
			s := strip{w: randoms(r, k), off: offsets(r, k, 100), b: randoms(r, 200+vecLen), at: offsets(r, vecs, 100), init: 0.5}
			for v := range vecs { // each vector overlaps the one before
				s.to = append(s.to, int32(v*5))
			}
			want := newSums(5*(vecs-1) + vecLen)
			for v, to := range s.to {
				for l := 0; l < vecLen; l++ {
					i := int(to) + l
					want.v[i], want.mag[i] = 0, 0
					want.add(i, 0.5)
					for p, o := range s.off {
						want.add(i, float64(s.w[p])*float64(s.b[int(s.at[v]+o)+l]))
					}
				}
			}
			for name, run := range map[string]func(*strip){"best": runStrip, "generic": stripGeneric} {
				c, intact := guarded(len(want.v))
				s.c = c
				run(&s)
				near(t, fmt.Sprintf("%s: %d vectors, %d taps", name, vecs, k), c, want)
				if !intact() {
					t.Fatalf("%s: %d vectors: wrote outside", name, vecs)
				}
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for rows := 1; rows <= 20; rows++ {
		for _, cols := range []int{1, 2, 7, 8, 9, 10, 16, 23, 40} {
			for _, extra := range []int{0, 3} {
				for _, loose := range []bool{false, true} {
					lds, ldd := cols+extra, rows+extra
					src := randoms(r, rows*lds)
					dst, intact := guarded((cols-1)*ldd + rows)
					transpose(dst, ldd, src, lds, rows, cols, loose)
					for i, v := range dst {
						row, col := i%ldd, i/ldd
						if row < rows && v != src[row*lds+col] || row >= rows && !loose && v == v {
							t.Fatalf("%dx%d, ld %d and %d: element %d: got %g", rows, cols, lds, ldd, i, v)
						}
					}
					if !intact() {
						t.Fatalf("%dx%d, ld %d and %d: wrote outside", rows, cols, lds, ldd)
					}
				}
			}
		}
	}
}

func TestBlockCopy(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for cols := 1; cols <= 26; cols++ {
		for step := 1; step <= 3; step++ {
			const planes, rows = 2, 3
			c := blockCopy{dstRow: cols + 2, srcRow: cols*step + 1, planes: planes, rows: rows, cols: cols, step: step}
			c.dstPlane, c.srcPlane = rows*c.dstRow+1, rows*c.srcRow+4
			src, _ := guarded((planes-1)*c.srcPlane + (rows-1)*c.srcRow + (cols-1)*step + 1)
			copy(src, randoms(r, len(src)))
			c.src = src
			want := nan32(make([]float32, (planes-1)*c.dstPlane+(rows-1)*c.dstRow+cols))
			for p := 0; p < planes; p++ {
				for i := 0; i < rows; i++ {
					for j := 0; j < cols; j++ {
						want[p*c.dstPlane+i*c.dstRow+j] = src[p*c.srcPlane+i*c.srcRow+j*step]
					}
				}
			}
			for name, run := range map[string]func(){"best": c.run, "generic": c.generic} {
				dst, intact := guarded(len(want))
				c.dst = dst
				run()
				same(t, fmt.Sprintf("%s: %d columns, step %d", name, cols, step), dst, want)
				for i := range dst {
					if math.IsNaN(float64(want[i])) && dst[i] == dst[i] {
						t.Fatalf("%s: %d columns, step %d: wrote element %d", name, cols, step, i)
					}
				}
				if !intact() {
					t.Fatalf("%s: %d columns, step %d: wrote outside", name, cols, step)
				}
			}
		}
	}
}

func TestWeave(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for nb := 1; nb <= 26; nb++ {
		for na := nb; na <= nb+1; na++ {
			const rows = 3
			n := na + nb
			ld := 2*n + 1
			a, b := randoms(r, rows*na), randoms(r, rows*nb)
			dst, intact := guarded((rows-1)*ld + n)
			weave(dst, ld, a, b, rows, na, nb)
			for i, v := range dst {
				row, col := i/ld, i%ld
				switch {
				case col >= n && v == v:
					t.Fatalf("%d and %d: wrote element %d", na, nb, i)
				case col < n && col%2 == 0 && v != a[row*na+col/2], col < n && col%2 == 1 && v != b[row*nb+col/2]:
					t.Fatalf("%d and %d: element %d: got %g", na, nb, i, v)
				}
			}
			if !intact() {
				t.Fatalf("%d and %d: wrote outside", na, nb)
			}
		}
	}
}

func BenchmarkTile(b *testing.B) {
	for rows := 1; rows <= tileRows; rows++ {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			const k = 256
			off := make([]int32, k)
			for i := range off {
				off[i] = int32(i * tileCols)
			}
			t := &tile{rows: rows, a: make([]float32, k*rows), b: make([]float32, k*tileCols), off: off,
				bAt: [2]int{0, 8}, cAt: [2]int{0, 8}, ldc: 16, init: noInit[:], c: make([]float32, 96)}
			bench(b, 200*2*rows*tileCols*k, func() {
				for range 200 {
					runTile(t)
				}
			})
		})
	}
}
