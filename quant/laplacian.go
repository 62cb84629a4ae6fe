package quant

import (
	"math"
	"slices"
)

// laplacianOffsets returns the positive offsets, ascending, of the L1-optimal centres of
// a Laplacian with mean 0 and scale 1; an odd k has a centre at 0 besides. With K = k/2:
//
//	k odd:  L_i = -2 ln(1 - i/(K+1)),              i = 1..K
//	k even: L_i = ln((K+1)/K) - 2 ln(1 - (i-1)/K), i = 1..K
//
// Both follow from the memoryless tail: going inwards, neighbouring centres are
// 2 ln(2/1), 2 ln(3/2), 2 ln(4/3), ... apart.
func laplacianOffsets(k int) []float64 {
	half := k / 2
	out := make([]float64, half)
	for j := range out {
		i := float64(j + 1)
		if k%2 == 1 {
			out[j] = -2 * math.Log(1-i/float64(half+1))
		} else {
			out[j] = math.Log(float64(half+1)/float64(half)) - 2*math.Log(1-(i-1)/float64(half))
		}
	}
	return out
}

// laplacianCentres returns k centres, ascending, in closed form: those that are optimal for
// Laplacian weights, at mean(w) +- b*L_i. The scale b starts as mean|w - mean(w)| and is
// then fitted to the weights at hand by their squared error, since real weights have
// shorter tails. Weights must be finite and not empty; when they are all equal, or have no
// more than k distinct values, those values come back.
func laplacianCentres(weights []float32, k int) []float64 {
	sorted := sortedSample(weights)
	if distinct := distinctValues(sorted, k); len(distinct) <= k {
		return distinct
	}
	mean, scale := 0.0, 0.0
	for _, w := range sorted {
		mean += w
	}
	mean /= float64(len(sorted))
	for _, w := range sorted {
		scale += math.Abs(w - mean)
	}
	scale /= float64(len(sorted))

	offsets := laplacianOffsets(k)
	place := func(b float64) []float64 {
		centres := make([]float64, 0, k)
		for _, l := range slices.Backward(offsets) {
			centres = append(centres, mean-b*l)
		}
		if k%2 == 1 {
			centres = append(centres, mean)
		}
		for _, l := range offsets {
			centres = append(centres, mean+b*l)
		}
		return centres
	}
	factor := minimize(0.3, 1.5, func(f float64) float64 { return squaredError(sorted, place(f*scale)) })
	return place(factor * scale)
}

// minimize finds a minimum of f on [lo, hi] by golden section; f should have one valley.
func minimize(lo, hi float64, f func(float64) float64) float64 {
	ratio := (math.Sqrt(5) - 1) / 2
	a, b := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fa, fb := f(a), f(b)
	for range 30 {
		if fa < fb {
			hi, b, fb = b, a, fa
			a = hi - ratio*(hi-lo)
			fa = f(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + ratio*(hi-lo)
			fb = f(b)
		}
	}
	return (lo + hi) / 2
}

// squaredError is the sum over sorted weights of the squared distance to the nearest centre.
func squaredError(sorted, centres []float64) float64 {
	sum, c := 0.0, 0
	for _, w := range sorted {
		for c+1 < len(centres) && centres[c+1]-w <= w-centres[c] {
			c++
		}
		d := w - centres[c]
		sum += d * d
	}
	return sum
}
