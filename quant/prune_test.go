package quant

import (
	"math"
	"slices"
	"testing"
)

func TestPrunedShare(t *testing.T) {
	w := laplacianSample(10000)
	for _, kind := range []Kind{KindFree, KindInteger, KindCheap} {
		for _, share := range []float64{0, 0.3, 0.9} {
			cfg := DefaultClusterConfig()
			cfg.Weights, cfg.Codebook, cfg.Prune = 16, kind, share
			f := cfg.Fit(w, nil, 0)
			if share > 0 && !slices.Contains(f.Ints, 0) {
				t.Fatalf("%s, %g pruned: no centre at zero: %v", kind, share, f.Ints)
			}
			if len(f.Ints) > 16 {
				t.Errorf("%s, %g pruned: %d centres, want at most 16", kind, share, len(f.Ints))
			}
			got := slices.Clone(w)
			assign(got, Expand(f.Ints, f.Unit), float32(f.Threshold))
			zeros, small := 0, 0
			for i, v := range got {
				if v == 0 {
					zeros++
				}
				if math.Abs(float64(w[i])) <= f.Threshold {
					small++
					if v != 0 {
						t.Fatalf("%s, %g pruned: weight %g became %g", kind, share, w[i], v)
					}
				}
			}
			if want := int(share * float64(len(w))); zeros < want || small < want || small > want+10 {
				t.Errorf("%s, %g pruned: %d weights are zero, %d within the threshold, want %d", kind, share, zeros, small, want)
			}
		}
	}
}

func TestPruneAll(t *testing.T) {
	cfg := DefaultClusterConfig()
	cfg.Prune = 0.99
	f := cfg.Fit([]float32{2, 2, 2}, nil, 0)
	if !slices.Equal(f.Ints, []int32{0}) || f.Threshold != 2 {
		t.Errorf("equal weights: got %+v, want the one centre 0", f)
	}
}

func TestWithZero(t *testing.T) {
	for _, c := range []struct {
		centres []float64
		k       int
		want    []float64
	}{
		{[]float64{-2, 0, 1}, 3, []float64{-2, 0, 1}},
		{[]float64{-2, 0.5, 1}, 3, []float64{-2, 0, 1}},
		{[]float64{-2, 0.5, 1}, 4, []float64{-2, 0, 0.5, 1}},
		{[]float64{1, 2}, 2, []float64{0, 2}},
	} {
		if got := withZero(slices.Clone(c.centres), c.k); !slices.Equal(got, c.want) {
			t.Errorf("withZero(%v, %d) = %v, want %v", c.centres, c.k, got, c.want)
		}
	}
}
