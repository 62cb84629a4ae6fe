package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// vecLens are lengths around the vectors and the chunks.
var vecLens = []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 100, chunkLen - 1, chunkLen, chunkLen + 13, 3*chunkLen + 5}

// onVectors runs f on operands of all lengths and alignments with guards around them, and
// checks the guards.
func onVectors(t *testing.T, f func(r *rand.Rand, n int, operand func(fill []float32) []float32)) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range vecLens {
		for shift := 0; shift < 4; shift++ {
			var checks []func() bool
			f(r, n, func(fill []float32) []float32 {
				x, intact := guarded(n + shift)
				checks = append(checks, intact)
				copy(x[shift:], fill)
				return x[shift:]
			})
			for i, ok := range checks {
				if !ok() {
					t.Fatalf("length %d: wrote outside operand %d", n, i)
				}
			}
		}
	}
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d of %d: got %g, want %g", what, i, len(want), got[i], want[i])
		}
	}
}

func within(t *testing.T, what string, got []float32, want []float64, abs, rel float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= abs+rel*math.Abs(want[i])) && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d of %d: got %g, want %g", what, i, len(want), got[i], want[i])
		}
	}
}

// special puts values at the borders of functions among x.
func special(x []float32, values ...float64) []float32 {
	for i := range x {
		if i%3 == 0 && i/3%13 < len(values) {
			x[i] = float32(values[i/3%13])
		}
	}
	return x
}

var nonFinite = []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1e-30, -1e-30, 3e38, -3e38}

func TestRelu(t *testing.T) {
	onVectors(t, func(r *rand.Rand, n int, operand func([]float32) []float32) {
		xs, g := special(randoms(r, n), nonFinite...), randoms(r, n)
		wantY, wantD := make([]float32, n), make([]float32, n)
		for i, v := range xs {
			wantY[i] = max(v, 0)
			if v > 0 {
				wantD[i] = g[i]
			}
		}
		x, y, dy, dx := operand(xs), operand(nil), operand(g), operand(nil)
		Relu(y, x)
		same(t, "relu", y, wantY)
		ReluGrad(dx, dy, x)
		same(t, "gradient", dx, wantD)
		ReluGrad(dy, dy, x)
		same(t, "gradient in place", dy, wantD)
		Relu(x, x)
		same(t, "relu in place", x, wantY)
	})
}

func TestQuantize(t *testing.T) {
	const step = 0.375
	for _, b := range [][2]float32{{0, 31}, {-16, 15}, {0, 1}, {-128, 127}, {0, 255}, {-1, 1}} {
		lo, hi := b[0], b[1]
		onVectors(t, func(r *rand.Rand, n int, operand func([]float32) []float32) {
			xs, g := randoms(r, n), randoms(r, n)
			for i := range xs {
				xs[i] *= step * (hi - lo) / 3
			}
			special(xs, 0, step/2, -step/2, 1.5*step, float64(step*(lo-0.5)), float64(step*(hi+0.5)), math.Inf(1), math.Inf(-1), 1e30)
			wantY, wantD, wantS := make([]float32, n), make([]float32, n), newSums(1)
			for i, x := range xs {
				q := float32(math.Floor(float64(x)/step + 0.5))
				q = max(lo, min(hi, q))
				wantY[i] = step * q
				if x >= (lo-0.5)*step && x <= (hi+0.5)*step {
					wantD[i] = g[i]
					wantS.add(0, float64(g[i])*(float64(q)-float64(x)/step))
				} else {
					wantS.add(0, float64(g[i])*float64(q))
				}
			}
			x, y, dy, dx := operand(xs), operand(nil), operand(g), operand(nil)
			Quantize(y, x, step, lo, hi)
			same(t, "quantize", y, wantY)
			s := QuantizeGrad(dx, dy, x, step, lo, hi)
			same(t, "gradient", dx, wantD)
			near(t, "gradient of the step", []float32{s}, wantS)
			QuantizeGrad(dy, dy, x, step, lo, hi)
			same(t, "gradient in place", dy, wantD)
			Quantize(x, x, step, lo, hi)
			same(t, "quantize in place", x, wantY)
		})
	}
}

func TestAdamStep(t *testing.T) {
	const lr, eps = 0.01, 1e-8
	b1, b2 := float64(float32(0.9)), float64(float32(0.999))
	onVectors(t, func(r *rand.Rand, n int, operand func([]float32) []float32) {
		w, g, m, v := operand(randoms(r, n)), operand(randoms(r, n)), operand(randoms(r, n)), operand(randoms(r, n))
		wantW, wantM, wantV := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range w {
			v[i] = v[i] * v[i]
			d := float64(g[i])
			wantM[i] = b1*float64(m[i]) + (1-b1)*d
			wantV[i] = b2*float64(v[i]) + (1-b2)*d*d
			wantW[i] = float64(w[i]) - lr*(wantM[i]/0.271)/(math.Sqrt(wantV[i]/0.003)+eps)
		}
		AdamStep(w, g, m, v, lr, float32(b1), float32(b2), eps, 0.271, 0.003)
		within(t, "m", m, wantM, 1e-6, 1e-5)
		within(t, "v", v, wantV, 1e-7, 1e-4)
		within(t, "w", w, wantW, 1e-5, 1e-4)
	})
}

func TestTanhSigmoid(t *testing.T) {
	onVectors(t, func(r *rand.Rand, n int, operand func([]float32) []float32) {
		xs, g := randoms(r, n), randoms(r, n)
		for i := range xs {
			xs[i] *= []float32{0.01, 1, 5, 40}[i%4]
		}
		special(xs, nonFinite...)
		for _, f := range []struct {
			name     string
			f        func(y, x []float32)
			exact    func(x float64) float64
			grad     func(dx, dy, y []float32)
			slope    func(y float64) float64
			abs, rel float64
		}{
			{"tanh", Tanh, math.Tanh, TanhGrad, func(y float64) float64 { return 1 - y*y }, 0, 4e-7},
			{"sigmoid", Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, SigmoidGrad, func(y float64) float64 { return y * (1 - y) }, 2e-7, 0},
		} {
			want := make([]float64, n)
			for i, x := range xs {
				want[i] = f.exact(float64(x))
			}
			x, y, dy, dx := operand(xs), operand(nil), operand(g), operand(nil)
			f.f(y, x)
			within(t, f.name, y, want, f.abs, f.rel)
			f.f(x, x)
			same(t, f.name+" in place", x, y)
			for i := range want {
				want[i] = float64(g[i]) * f.slope(float64(y[i]))
			}
			f.grad(dx, dy, y)
			within(t, f.name+" gradient", dx, want, 2e-7, 1e-6)
			f.grad(y, dy, y)
			same(t, f.name+" gradient in place", y, dx)
		}
	})
}

func TestAddScaleSum(t *testing.T) {
	onVectors(t, func(r *rand.Rand, n int, operand func([]float32) []float32) {
		xs, ys := randoms(r, n), randoms(r, n)
		want, total := make([]float32, n), newSums(1)
		for i := range xs {
			want[i] = ys[i] + xs[i]
			total.add(0, float64(xs[i]))
		}
		x, y := operand(xs), operand(ys)
		Add(y, x)
		same(t, "add", y, want)
		near(t, "sum", []float32{Sum(x)}, total)
		for i := range xs {
			want[i] = ys[i] - 0.25*xs[i]
		}
		copy(y, ys)
		Axpy(y, -0.25, x)
		for i := range xs {
			if math.Abs(float64(y[i]-want[i])) > 1e-6 {
				t.Fatalf("axpy: element %d of %d: got %g, want %g", i, n, y[i], want[i])
			}
			want[i] = xs[i] * 3
		}
		Scale(y, 3, x)
		same(t, "scale", y, want)
	})
}

func TestBias(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range [][3]int{{1, 1, 1}, {3, 10, 1}, {4, 33, 1}, {2, 3, 5}, {5, 16, 64}, {2, 7, 100}} {
		n, c, plane := s[0], s[1], s[2]
		b, dy := randoms(r, c), randoms(r, n*c*plane)
		y, intact := guarded(len(dy))
		want, wantB := newSums(len(dy)), newSums(c)
		for i := range dy {
			want.add(i, float64(dy[i]))
			want.add(i, float64(b[i/plane%c]))
			wantB.add(i/plane%c, float64(dy[i]))
		}
		copy(y, dy)
		AddChannels(y, plane, b)
		near(t, fmt.Sprint("add channels ", s), y, want)
		db := nan32(make([]float32, c))
		SumChannels(db, dy, plane)
		near(t, fmt.Sprint("sum channels ", s), db, wantB)
		if !intact() {
			t.Fatal("wrote outside")
		}
	}
}

func TestAssign(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, k := range []int{1, 2, 3, 16, 17, 100, 256, 1000, 65536} {
		for _, spread := range []float64{1, 1e-20, 1e6, 8} {
			centres := randoms(r, k)
			for i := range centres {
				if spread == 8 { // crowded around zero, with some far out
					centres[i] = float32(math.Pow(float64(centres[i]), 7))
				} else {
					centres[i] *= float32(spread)
				}
			}
			slices.Sort(centres)
			n := 2000
			if k == 16 {
				n = 2*chunkLen + 3
			}
			w := randoms(r, n)
			for i := range w {
				switch i % 5 {
				case 0:
					w[i] = centres[r.IntN(k)]
				case 1:
					j := r.IntN(max(k-1, 1))
					w[i] = (centres[j] + centres[min(j+1, k-1)]) / 2
				default:
					w[i] *= float32(spread)
				}
			}
			special(w, math.Inf(1), math.Inf(-1), 3e38)
			dst, idx := make([]float32, n), make([]uint16, n)
			Assign(dst, idx, w, centres)
			for i, v := range w {
				j := sort.Search(k-1, func(j int) bool { return float64(v) < (float64(centres[j])+float64(centres[j+1]))/2 })
				if int(idx[i]) != j || dst[i] != centres[j] {
					t.Fatalf("%d centres: %g: got centre %d (%g), want %d (%g)", k, v, idx[i], dst[i], j, centres[j])
				}
			}
			Assign(w, nil, w, centres)
			same(t, "in place", w, dst)
		}
	}
	var idx [1]uint16
	Assign(nil, idx[:], []float32{float32(math.NaN())}, []float32{-1, 0, 1})
	if idx[0] != 0 {
		t.Errorf("NaN: got centre %d, want 0", idx[0])
	}
}

func BenchmarkVec(b *testing.B) {
	const n = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	x, y, z, a, u := randoms(r, n), randoms(r, n), randoms(r, n), randoms(r, n), make([]float32, n)
	idx := make([]uint16, n)
	for _, f := range []struct {
		name string
		f    func()
	}{
		{"relu", func() { Relu(y, x) }},
		{"reluGrad", func() { ReluGrad(y, z, x) }},
		{"quantize", func() { Quantize(y, x, 0.1, 0, 31) }},
		{"quantizeGrad", func() { QuantizeGrad(y, z, x, 0.1, 0, 31) }},
		{"adam", func() { AdamStep(a, y, z, u, 1e-6, 0.9, 0.999, 1e-8, 1, 1) }},
		{"tanh", func() { Tanh(y, x) }},
		{"sigmoid", func() { Sigmoid(y, x) }},
		{"add", func() { Add(y, x) }},
		{"sum", func() { Sum(x) }},
	} {
		b.Run(f.name, func(b *testing.B) { bench(b, 0, f.f) })
	}
	w := randoms(r, n)
	for _, k := range []int{16, 64, 256, 1000} {
		centres := make([]float32, k)
		for i := range centres {
			centres[i] = float32(r.NormFloat64())
		}
		slices.Sort(centres)
		b.Run(fmt.Sprint("assign", k), func(b *testing.B) { bench(b, 0, func() { Assign(y, idx, w, centres) }) })
	}
}
