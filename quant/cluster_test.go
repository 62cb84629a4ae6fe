package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/onnx"
)

// laplacianSample draws weights of mean 0.1 and scale 0.5.
func laplacianSample(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(0.1 + 0.5*rng.ExpFloat64()*float64(1-2*(i%2)))
	}
	return w
}

// TestLaplacianOffsets compares the closed form with Lloyd's iteration for absolute error
// on a Laplacian density, where a cell's best centre is its median.
func TestLaplacianOffsets(t *testing.T) {
	cdf := func(x float64) float64 {
		if x < 0 {
			return math.Exp(x) / 2
		}
		return 1 - math.Exp(-x)/2
	}
	inverse := func(p float64) float64 {
		if p < 0.5 {
			return math.Log(2 * p)
		}
		return -math.Log(2 * (1 - p))
	}
	for _, k := range []int{2, 3, 4, 5, 8, 15, 16} {
		centres := make([]float64, k)
		for i := range centres {
			centres[i] = inverse((float64(i) + 0.5) / float64(k))
		}
		for range 20000 {
			below := 0.0
			next := make([]float64, k)
			for i := range centres {
				above := 1.0
				if i+1 < k {
					above = cdf((centres[i] + centres[i+1]) / 2)
				}
				next[i] = inverse((below + above) / 2)
				below = above
			}
			centres = next
		}
		for i, l := range laplacianOffsets(k) {
			if got := centres[(k+1)/2+i]; math.Abs(got-l) > 1e-8 {
				t.Errorf("k=%d: offset %d is %.10f, Lloyd finds %.10f", k, i, l, got)
			}
		}
	}
}

func TestKMeansBeatsQuantiles(t *testing.T) {
	w := laplacianSample(50000)
	sorted := sortedSample(w)
	for _, k := range []int{4, 16, 64} {
		got := kMeans(w, k, kMeansOptions{})
		if len(got) != k || !slices.IsSorted(got) {
			t.Fatalf("k=%d: %d centres, sorted %v", k, len(got), slices.IsSorted(got))
		}
		var quantiles []float64
		for i := range k {
			quantiles = append(quantiles, sorted[(2*i+1)*len(sorted)/(2*k)])
		}
		if e, q := squaredError(sorted, got), squaredError(sorted, quantiles); e > 0.7*q {
			t.Errorf("k=%d: squared error %g, quantiles alone %g", k, e, q)
		}
		// No centre can be improved by moving it alone to the mean of its cluster.
		sums, masses := make([]float64, len(sorted)+1), make([]float64, len(sorted)+1)
		for i, v := range sorted {
			sums[i+1], masses[i+1] = sums[i]+v, float64(i+1)
		}
		again := slices.Clone(got)
		lloyd(sorted, sums, masses, again)
		for i := range got {
			if math.Abs(again[i]-got[i]) > 1e-3 {
				t.Errorf("k=%d: centre %d still moves from %g to %g", k, i, got[i], again[i])
			}
		}
	}
}

func TestKMeansFewDistinct(t *testing.T) {
	w := []float32{1, 1, -2, 1, -2, 5}
	for _, f := range []func() []float64{
		func() []float64 { return kMeans(w, 3, kMeansOptions{}) },
		func() []float64 { return laplacianCentres(w, 100) },
	} {
		if got := f(); !slices.Equal(got, []float64{-2, 1, 5}) {
			t.Errorf("got %v, want the three distinct weights", got)
		}
	}
}

func TestLaplacianMethodFits(t *testing.T) {
	w := laplacianSample(20000)
	sorted := sortedSample(w)
	for _, k := range []int{2, 15, 64} {
		got := laplacianCentres(w, k)
		best := kMeans(w, k, kMeansOptions{})
		if e, b := squaredError(sorted, got), squaredError(sorted, best); len(got) != k || e > 1.35*b {
			t.Errorf("k=%d: %d centres with squared error %g, k-means %g", k, len(got), e, b)
		}
	}
}

func TestSnap(t *testing.T) {
	ints, unit := Snap([]float64{-0.5, 0.001, 0.0011, 1}, 8)
	if !slices.Equal(ints, []int32{-64, 0, 127}) && !slices.Equal(ints, []int32{-63, 0, 127}) {
		t.Errorf("ints %v", ints)
	}
	if math.Abs(unit-1.0/127) > 1e-15 {
		t.Errorf("unit %g, want 1/127", unit)
	}
	if ints, unit := Snap([]float64{0}, 8); !slices.Equal(ints, []int32{0}) || unit != 1 {
		t.Errorf("all-zero weights: ints %v, unit %g", ints, unit)
	}
}

func TestIntegerCentres(t *testing.T) {
	w := laplacianSample(20000)
	sorted := sortedSample(w)
	for _, want := range [][]int32{{-1, 1}, {-1, 0, 1}, {-3, -1, 1, 3}, {-4, -3, -2, -1, 0, 1, 2, 3}} {
		k := len(want)
		ints, unit := integerCentres(w, k)
		if !slices.Equal(ints, want) {
			t.Fatalf("k=%d: centres %v, want %v", k, ints, want)
		}
		got := squaredError(sorted, Expand(ints, unit))
		for _, f := range []float64{0.8, 0.95, 1.05, 1.25} {
			if e := squaredError(sorted, Expand(ints, f*unit)); e < got {
				t.Errorf("k=%d: unit %g has squared error %g, %g times it %g", k, unit, got, f, e)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	centres := []float64{-1, 0, 2}
	for _, c := range []struct {
		v    float64
		want int
	}{{-9, 0}, {-0.6, 0}, {-0.5, 1}, {0.9, 1}, {1, 2}, {2, 2}, {7, 2}} {
		if got := Nearest(centres, c.v); got != c.want {
			t.Errorf("Nearest(%g) = %d, want %d", c.v, got, c.want)
		}
	}
}

// TestGlobalInput wants weights that meet pixels of 0..255 to be clustered as those of a network
// whose inputs reach to 1, and all others raw.
func TestGlobalInput(t *testing.T) {
	conv := &onnx.Conv{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1}, Groups: 1}
	b, in := newBuild(t, onnx.Shape{1, 3, 8, 8})
	x := b.node("first", conv, in, b.weights("w0", 4, 3, 3, 3), b.weights("b0", 4))
	x = b.node("relu", &onnx.Relu{}, x)
	x = b.node("second", conv, x, b.weights("w1", 2, 4, 3, 3))
	b.graph.Outputs = []*onnx.Value{x}
	m, err := NewModel(b.graph)
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range []float64{0, 255, 0.5} {
		want := []float64{1, 1, 1} // w0, w1, b0
		if top > 0 {
			levels, err := NewLevels(256, 0, top)
			if err != nil {
				t.Fatal(err)
			}
			m.Levels["input"] = levels
			want[0] = 1 / top
		}
		g := Groups(m, ScopeGlobal)
		if len(g) != 1 || len(g[0].Scales) != 3 {
			t.Fatalf("%d groups of %d tensors", len(g), len(g[0].Scales))
		}
		for i, s := range g[0].Scales {
			if math.Abs(s-want[i]) > 1e-9*want[i] {
				t.Errorf("input up to %g: %s is divided by %g, want %g", top, g[0].Values[i].Name, s, want[i])
			}
		}
	}
}

// TestKMeansImportance wants a weight that counts three times to be as good as three weights.
func TestKMeansImportance(t *testing.T) {
	w := laplacianSample(3000)
	var repeated, importance []float32
	for i, v := range w {
		n := 1 + 2*(i%2)
		importance = append(importance, float32(n))
		for range n {
			repeated = append(repeated, v)
		}
	}
	want, got := kMeans(repeated, 8, kMeansOptions{}), kMeans(w, 8, kMeansOptions{Importance: importance})
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-6 {
			t.Fatalf("centres are %v, want %v", got, want)
		}
	}
	if plain := kMeans(w, 8, kMeansOptions{}); slices.Equal(plain, got) {
		t.Error("importance changes nothing")
	}
	if got := kMeans(w, 8, kMeansOptions{Importance: make([]float32, len(w))}); !slices.Equal(got, kMeans(w, 8, kMeansOptions{})) {
		t.Error("weights none of which counts are not clustered as if all did")
	}
}

// TestGlobalBits wants raw codebooks to keep centres apart that 8 bits of the largest would merge.
func TestGlobalBits(t *testing.T) {
	w := laplacianSample(20000)
	for i := range w {
		if w[i] /= 50; i%100 == 0 {
			w[i] *= 200
		}
	}
	cfg := DefaultClusterConfig()
	cfg.Weights = 64
	local := cfg.Fit(w, nil, 0)
	if cfg.Scope = ScopeGlobal; len(cfg.Fit(w, nil, 0).Ints) <= len(local.Ints) {
		t.Errorf("%d of 64 centres are left in scope global, %d in scope layer, want more", len(cfg.Fit(w, nil, 0).Ints), len(local.Ints))
	}
}
