package quant

import (
	"math"
	"slices"
)

// pruneThreshold is the magnitude that the given share of the weights does not exceed.
func pruneThreshold(weights []float32, share float64) float64 {
	magnitudes := make([]float32, len(weights))
	for i, w := range weights {
		magnitudes[i] = float32(math.Abs(float64(w)))
	}
	slices.Sort(magnitudes)
	n := int(share * float64(len(weights)))
	if n == 0 {
		return 0
	}
	return float64(magnitudes[n-1])
}

// beyond are the weights of larger magnitude than the threshold.
func beyond(weights []float32, threshold float64) []float32 {
	var out []float32
	for _, w := range weights {
		if math.Abs(float64(w)) > threshold {
			out = append(out, w)
		}
	}
	return out
}

// Prune sets to zero the weights whose magnitude is at most threshold; dst may be w, and is
// as long. A threshold of 0 changes nothing.
func Prune(dst, w []float32, threshold float32) {
	for i, v := range w {
		if v <= threshold && v >= -threshold {
			v = 0
		}
		dst[i] = v
	}
}
