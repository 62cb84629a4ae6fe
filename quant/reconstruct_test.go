package quant

import (
	"math"
	"math/rand/v2"
	gort "runtime"
	"slices"
	"testing"
)

// correlatedMoments makes moments of inputs that go together, as those of pictures do, weights, and what the map with these weights delivers of
// inputs without the noise that was added to them.
func correlatedMoments(seed uint64, inputs, outputs int) (*Moments, []float32) {
	rng := rand.New(rand.NewPCG(seed, 0))
	weights := make([]float32, inputs*outputs)
	for i := range weights {
		weights[i] = float32(rng.NormFloat64() * (1 + 2*float64(i%inputs)/float64(inputs)))
	}
	m := NewMoments(inputs, outputs)
	const positions = 2000
	for range positions {
		clean, noisy, y := make([]float64, inputs), make([]float64, inputs), make([]float64, outputs)
		for i := range clean {
			clean[i] = rng.NormFloat64()
			if i > 0 {
				clean[i] = 0.8*clean[i-1] + 0.6*clean[i]
			}
			noisy[i] = clean[i] + 0.02*rng.NormFloat64()
		}
		for o := range y {
			for i, x := range clean {
				y[o] += float64(weights[o*inputs+i]) * x
			}
			m.Power[o] += y[o] * y[o] / positions
			addScaled(m.Cross[o*inputs:][:inputs], y[o]/positions, noisy)
		}
		for i, x := range noisy {
			addScaled(m.Gram[i*inputs:][:inputs], x/positions, noisy)
		}
	}
	return m, weights
}

// drawnFrom expands positions.
func drawnFrom(f Fitted, at []uint16) []float32 {
	values := Expand(f.Ints, f.Unit)
	out := make([]float32, len(at))
	for i, k := range at {
		out[i] = float32(values[k])
	}
	return out
}

// TestReconstruct wants outputs that are clearly closer than those of weights rounded one by one.
func TestReconstruct(t *testing.T) {
	m, weights := correlatedMoments(1, 48, 24)
	for name, c := range map[string]struct {
		weights int
		kind    Kind
		most    float64 // of the error of plain clustering
	}{
		"16 free": {16, KindFree, 0.4}, "16 integer": {16, KindInteger, 0.4}, "4 free": {4, KindFree, 0.4}, "64 free": {64, KindFree, 0.8}, "16 cheap": {16, KindCheap, 0.5},
	} {
		cfg := DefaultClusterConfig()
		cfg.Weights, cfg.Codebook = c.weights, c.kind
		book := cfg.Fit(weights, nil, 0)
		plain := slices.Clone(weights)
		assign(plain, Expand(book.Ints, book.Unit), 0)
		found, at := cfg.Reconstruct([]*Moments{m}, [][]float32{weights}, book, ReconstructOptions{Damping: 1e-3, Centres: c.kind == KindFree, Unit: true})
		before, after := m.Error(plain), m.Error(drawnFrom(found, at[0]))
		if !(after < c.most*before) {
			t.Errorf("%s: error %g, want less than %g of %g", name, after, c.most, before)
		}
		if len(found.Ints) > c.weights || c.kind == KindInteger && !slices.Equal(found.Ints, integersAround(16)) {
			t.Errorf("%s: centres %v", name, found.Ints)
		}
		if cfg.exactZero() && !slices.Contains(found.Ints, 0) {
			t.Errorf("%s: no centre is zero: %v", name, found.Ints)
		}
	}
}

// TestReconstructGroups wants the maps of one layer to share a codebook, and pruned weights to stay zero.
func TestReconstructGroups(t *testing.T) {
	a, wa := correlatedMoments(2, 9, 4)
	b, wb := correlatedMoments(3, 9, 4)
	cfg := DefaultClusterConfig()
	cfg.Weights, cfg.Prune = 8, 0.5
	book := cfg.Fit(append(slices.Clone(wa), wb...), nil, 0)
	zeros := make([][]bool, 2)
	for g, w := range [][]float32{wa, wb} {
		for _, v := range w {
			zeros[g] = append(zeros[g], math.Abs(float64(v)) <= book.Threshold)
		}
	}
	found, at := cfg.Reconstruct([]*Moments{a, b}, [][]float32{wa, wb}, book, ReconstructOptions{Damping: 1e-3, Centres: true, Unit: true, Zeros: zeros})
	if len(found.Ints) > 8 {
		t.Errorf("%d centres, want at most 8", len(found.Ints))
	}
	moved := false
	for g := range at {
		for i, v := range drawnFrom(found, at[g]) {
			if zeros[g][i] && v != 0 {
				t.Fatalf("map %d: pruned weight %d is %g", g, i, v)
			}
			moved = moved || v != 0
		}
	}
	if !moved {
		t.Error("all weights are zero")
	}
}

// TestReconstructDeterministic wants the same on any number of processors.
func TestReconstructDeterministic(t *testing.T) {
	m, weights := correlatedMoments(4, 200, 70)
	cfg := DefaultClusterConfig()
	cfg.Weights = 16
	book := cfg.Fit(weights, nil, 0)
	var first Fitted
	var firstAt []uint16
	for i, procs := range []int{1, 4} {
		old := gort.GOMAXPROCS(procs)
		found, at := cfg.Reconstruct([]*Moments{m}, [][]float32{weights}, book, ReconstructOptions{Damping: 1e-3, Centres: true, Unit: true})
		gort.GOMAXPROCS(old)
		if i == 0 {
			first, firstAt = found, at[0]
		} else if found.Unit != first.Unit || !slices.Equal(found.Ints, first.Ints) || !slices.Equal(at[0], firstAt) {
			t.Error("another result on 4 processors than on 1")
		}
	}
}

// TestReconstructNothing wants moments that say nothing to be refused.
func TestReconstructNothing(t *testing.T) {
	cfg := DefaultClusterConfig()
	book := Fitted{Ints: []int32{-1, 1}, Unit: 1}
	for name, m := range map[string]*Moments{"zero": NewMoments(2, 1), "NaN": {Inputs: 2, Outputs: 1, Gram: []float64{math.NaN(), 0, 0, 1}, Cross: make([]float64, 2), Power: make([]float64, 1)}} {
		if _, at := cfg.Reconstruct([]*Moments{m}, [][]float32{{1, 2}}, book, ReconstructOptions{Damping: 1e-3}); at != nil {
			t.Errorf("%s: got %v, want nothing", name, at)
		}
	}
}

// TestCholesky solves equations.
func TestCholesky(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	const n = 300
	a := make([]float64, n*n)
	for range 2 * n {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		for i, x := range v {
			addScaled(a[i*n:][:n], x, v)
		}
	}
	want, b := make([]float64, n), make([]float64, n)
	for i := range want {
		want[i] = rng.NormFloat64()
	}
	for i := range b {
		b[i] = dot(a[i*n:][:n], want)
	}
	lower := slices.Clone(a)
	if !cholesky(lower, n) {
		t.Fatal("not positive definite")
	}
	solve(lower, transposed(lower, n), n, b)
	for i := range b {
		if math.Abs(b[i]-want[i]) > 1e-9 {
			t.Fatalf("x[%d] is %g, want %g", i, b[i], want[i])
		}
	}
	if cholesky([]float64{1, 2, 2, 1}, 2) {
		t.Error("a matrix with a negative eigenvalue was taken")
	}
}
