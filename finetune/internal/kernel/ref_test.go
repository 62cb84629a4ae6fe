package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// randoms returns n numbers of either sign, a few of them zero.
func randoms(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		if r.IntN(16) > 0 {
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// nan32 fills x with NaN, so that what is not written or wrongly read shows.
func nan32(x []float32) []float32 {
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

// sums are exact results: values and the sums of the magnitudes of their terms, to which
// rounding errors are proportional.
type sums struct{ v, mag []float64 }

func newSums(n int) sums { return sums{make([]float64, n), make([]float64, n)} }

func (s sums) add(i int, term float64) {
	s.v[i] += term
	s.mag[i] += math.Abs(term)
}

// near fails unless got is want to 1e-5 of the magnitudes.
func near(t *testing.T, what string, got []float32, want sums) {
	t.Helper()
	if len(got) != len(want.v) {
		t.Fatalf("%s: got %d elements, want %d", what, len(got), len(want.v))
	}
	for i, g := range got {
		if d := math.Abs(float64(g) - want.v[i]); !(d <= 1e-5*want.mag[i]+1e-30) {
			t.Fatalf("%s: element %d: got %g, want %g", what, i, g, want.v[i])
		}
	}
}

// guarded is a slice with NaN on both sides; intact reports whether they are still there.
func guarded(n int) (x []float32, intact func() bool) {
	const pad = 64
	all := nan32(make([]float32, n+2*pad))
	return all[pad : pad+n : pad+n], func() bool {
		for i := 0; i < pad; i++ {
			if all[i] == all[i] || all[pad+n+i] == all[pad+n+i] {
				return false
			}
		}
		return true
	}
}

// bench times f, which does flops operations. The machine may be busy, so it also
// reports the shortest time of one call and the speed at that.
func bench(b *testing.B, flops int, f func()) {
	b.ReportAllocs()
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(best.Nanoseconds())/1e3, "min-us")
	if flops > 0 {
		b.ReportMetric(float64(flops)/float64(best.Nanoseconds()), "max-GFLOPS")
	}
}
