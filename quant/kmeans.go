package quant

import (
	"cmp"
	"math"
	"slices"
)

// maxSample is how many weights k-means looks at; of more, every n-th is taken.
const maxSample = 1 << 20

// kMeansOptions steer [kMeans]. The zero value is the default.
type kMeansOptions struct {
	// Iterations of Lloyd's algorithm at most; 0 means 300. It stops as soon as no
	// centre moves.
	Iterations int
	// Start are the centres to begin with, ascending (a warm start); nil means companded.
	Start []float64
	// Importance, one for each weight, is by how much its squared error counts, 0 or more;
	// nil means all count alike.
	Importance []float32
}

// kMeans returns at most k centres, ascending and distinct, that (locally) minimize the
// squared distance of every weight to its nearest centre, times its importance: Lloyd's algorithm
// in one dimension. Without a warm start the first centres stand at the quantiles of
// (importance * density)^(1/3), the asymptotically optimal placement; quantiles of the density itself
// would leave the tails bare. Fewer than k centres come back when there are fewer than
// k distinct weights. Weights must be finite and not empty.
func kMeans(weights []float32, k int, o kMeansOptions) []float64 {
	sorted, mass := weighedSample(weights, o.Importance)
	centres := slices.Clone(o.Start)
	if len(centres) == 0 {
		distinct := distinctValues(sorted, k)
		if len(distinct) <= k {
			return distinct
		}
		centres = compandedCentres(sorted, mass, k)
	}
	iterations := o.Iterations
	if iterations == 0 {
		iterations = 300
	}
	// sums[i] is the sum of the first i weights, each times its mass, and masses[i] that of
	// their masses, so that a cluster's mean is four look-ups.
	sums, masses := make([]float64, len(sorted)+1), make([]float64, len(sorted)+1)
	for i, w := range sorted {
		sums[i+1] = sums[i] + w*mass[i]
		masses[i+1] = masses[i] + mass[i]
	}
	for range iterations {
		if !lloyd(sorted, sums, masses, centres) {
			break
		}
	}
	return slices.Compact(centres)
}

// lloyd moves every centre to the mean of the weights nearest to it and tells whether
// any moved. A centre without weights, or with none that counts, stays where it is.
func lloyd(sorted, sums, masses, centres []float64) bool {
	moved := false
	begin := 0
	for i := range centres {
		end := len(sorted)
		if i+1 < len(centres) {
			bound := (centres[i] + centres[i+1]) / 2
			end = begin + lowerBound(sorted[begin:], bound)
		}
		if m := masses[end] - masses[begin]; m > 0 {
			mean := (sums[end] - sums[begin]) / m
			if mean != centres[i] {
				centres[i] = mean
				moved = true
			}
		}
		begin = end
	}
	return moved
}

// lowerBound is the number of elements of sorted that are less than v.
func lowerBound(sorted []float64, v float64) int {
	n, _ := slices.BinarySearch(sorted, v)
	return n
}

// sortedSample returns at most maxSample of the weights, evenly picked, ascending.
func sortedSample(weights []float32) []float64 {
	stride := (len(weights) + maxSample - 1) / maxSample
	stride = max(stride, 1)
	out := make([]float64, 0, (len(weights)+stride-1)/stride)
	for i := 0; i < len(weights); i += stride {
		out = append(out, float64(weights[i]))
	}
	slices.Sort(out)
	return out
}

// weighedSample is [sortedSample] with the mass of each weight: its importance as a part of the largest,
// or 1 for all where there is none, or where nothing counts.
func weighedSample(weights, importance []float32) (sorted, mass []float64) {
	largest := float32(0)
	for _, v := range importance {
		largest = max(largest, v)
	}
	if largest == 0 {
		sorted = sortedSample(weights)
		return sorted, slices.Repeat([]float64{1}, len(sorted))
	}
	stride := max((len(weights)+maxSample-1)/maxSample, 1)
	var order []int
	for i := 0; i < len(weights); i += stride {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b)) })
	for _, i := range order {
		sorted, mass = append(sorted, float64(weights[i])), append(mass, float64(importance[i]/largest))
	}
	return sorted, mass
}

// distinctValues returns the distinct values of sorted, or the first limit+1 of them.
func distinctValues(sorted []float64, limit int) []float64 {
	var out []float64
	for i, w := range sorted {
		if i == 0 || w != sorted[i-1] {
			out = append(out, w)
			if len(out) > limit {
				break
			}
		}
	}
	return out
}

// compandedCentres places k centres at the quantiles of density^(1/3), the density
// taken from a histogram of the sorted weights, each with its mass.
func compandedCentres(sorted, masses []float64, k int) []float64 {
	lo, hi := sorted[0], sorted[len(sorted)-1]
	bins := min(max(4*k, 256), 1<<16)
	width := (hi - lo) / float64(bins)
	mass := make([]float64, bins)
	for i, w := range sorted {
		mass[min(int((w-lo)/width), bins-1)] += masses[i]
	}
	total := 0.0
	for i, m := range mass {
		mass[i] = math.Cbrt(m)
		total += mass[i]
	}
	centres := make([]float64, 0, k)
	bin, before := 0, 0.0
	for i := range k {
		target := (float64(i) + 0.5) / float64(k) * total
		for bin < bins-1 && before+mass[bin] < target {
			before += mass[bin]
			bin++
		}
		inside := 0.5
		if mass[bin] > 0 {
			inside = math.Min((target-before)/mass[bin], 1)
		}
		centres = append(centres, lo+(float64(bin)+inside)*width)
	}
	return centres
}
