package quant

import (
	"math"
	"slices"
	"testing"
)

func TestSignedDigits(t *testing.T) {
	for c, want := range map[int32]int{0: 0, 1: 1, -1: 1, 3: 2, 7: 2, 8: 1, 127: 2, -96: 2, 85: 4, 0x55555: 10} {
		if got := signedDigits(c); got != want {
			t.Errorf("signedDigits(%d) = %d, want %d", c, got, want)
		}
	}
}

// TestCheapCentres checks that prices buy what they are for: fewer digits, fewer bits, and
// nothing at all when they are zero.
func TestCheapCentres(t *testing.T) {
	w := laplacianSample(20000)
	sorted := sortedSample(w)
	measure := func(c ClusterConfig) (distortion, digits, entropy float64) {
		f := c.Fit(w, nil, 0)
		if !slices.IsSorted(f.Ints) || len(slices.Compact(slices.Clone(f.Ints))) != len(f.Ints) {
			t.Fatalf("centres %v do not ascend", f.Ints)
		}
		values := Expand(f.Ints, f.Unit)
		counts := make([]float64, len(values))
		for _, v := range sorted {
			counts[Nearest(values, v)]++
		}
		for i, n := range counts {
			if p := n / float64(len(sorted)); p > 0 {
				digits += p * float64(signedDigits(f.Ints[i]))
				entropy -= p * math.Log2(p)
			}
		}
		return squaredError(sorted, values), digits, entropy
	}
	free := DefaultClusterConfig()
	free.Weights = 32
	cheap := free
	cheap.Codebook = KindCheap
	d0, digits0, bits0 := measure(free)
	cheap.DigitPrice, cheap.EntropyPrice = 0, 0
	if d, _, _ := measure(cheap); d > d0 {
		t.Errorf("without prices the squared error rises from %g to %g", d0, d)
	}
	cheap.DigitPrice = 3e-3
	d, digits, _ := measure(cheap)
	if digits > 0.8*digits0 || d > 3*d0 {
		t.Errorf("a price on digits: %g digits instead of %g, squared error %g instead of %g", digits, digits0, d, d0)
	}
	cheap.DigitPrice, cheap.EntropyPrice = 0, 2e-2
	d, _, bits := measure(cheap)
	if bits > bits0-0.3 || d > 5*d0 {
		t.Errorf("a price on bits: %g bits instead of %g, squared error %g instead of %g", bits, bits0, d, d0)
	}
}
