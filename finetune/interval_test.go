package finetune

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestWilson compares with the table of R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine
// 17 (1998), p. 857-872 (method 3), and counts how often the interval holds the truth.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		hits, n   int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {29, 29, 0.8830, 1}} {
		i := Wilson(float64(c.hits)/float64(c.n), c.n)
		if math.Abs(i.Low-c.low) > 5e-5 || math.Abs(i.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: got %.4f..%.4f, want %.4f..%.4f", c.hits, c.n, i.Low, i.High, c.low, c.high)
		}
	}
	if i := Wilson(0, 0); i != (Interval{0, 1}) {
		t.Errorf("without samples: got %v", i)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	const draws, n, share = 4000, 30, 0.85
	held := 0
	for range draws {
		hits := 0
		for range n {
			if rng.Float64() < share {
				hits++
			}
		}
		if i := Wilson(float64(hits)/n, n); i.Low <= share && share <= i.High {
			held++
		}
	}
	if part := float64(held) / draws; part < 0.93 || part > 0.97 {
		t.Errorf("%.1f %% of the intervals hold the share, want about 95", 100*part)
	}
}

func TestMeanInterval(t *testing.T) {
	// Of 1, 2, 3, 4: the mean is 2.5, the variance 5/3, the error sqrt(5/12).
	if got, want := standardError(10, 30, 4), math.Sqrt(5.0/12); math.Abs(got-want) > 1e-12 {
		t.Errorf("standard error %g, want %g", got, want)
	}
	if i := MeanInterval(2.5, 0.5); math.Abs(i.Low-1.52) > 1e-3 || math.Abs(i.High-3.48) > 1e-3 {
		t.Errorf("got %v, want 2.5 ± 0.98", i)
	}
	if i := MeanInterval(0.1, 1); i.Low != 0 {
		t.Errorf("an error of at least 0 has the interval %v", i)
	}
	if i := MeanInterval(1, standardError(1, 1, 1)); !math.IsInf(i.High, 1) {
		t.Errorf("one sample says %v of the mean", i)
	}
}
