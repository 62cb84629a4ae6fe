package finetune

import "math"

// normal95 is the 97.5th percentile of the normal distribution: a 95 % interval reaches as many deviations to either side.
const normal95 = 1.959963984540054

// Interval is where a figure of all samples of a kind lies in 95 of 100 draws, given that of the samples measured, which must be drawn at random.
type Interval struct{ Low, High float64 }

// Wilson is the 95 % interval of a share, 0..1, that n samples have: the score interval of E. B. Wilson, Probable Inference, the Law of
// Succession, and Statistical Inference, Journal of the American Statistical Association 22 (1927), p. 209-212:
//
//	(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)
//
// Unlike p ± z sqrt(p(1-p)/n) it stays within 0..1 and has a width where p is 0 or 1. Without samples it is 0..1.
func Wilson(share float64, n int) Interval {
	if n < 1 {
		return Interval{0, 1}
	}
	z2 := normal95 * normal95 / float64(n)
	centre := share + z2/2
	reach := normal95 * math.Sqrt(share*(1-share)/float64(n)+z2/(4*float64(n)))
	return Interval{max(0, (centre-reach)/(1+z2)), min(1, (centre+reach)/(1+z2))}
}

// MeanInterval is the 95 % interval of a mean over samples with a standard error: mean ± z error, as the central limit theorem has it. It
// is meant for errors, which are no less than 0, and so is the interval.
func MeanInterval(mean, standardError float64) Interval {
	reach := normal95 * standardError
	return Interval{max(0, mean-reach), mean + reach}
}

// standardError is that of the mean of n numbers, given their sum and that of their squares: sqrt(s²/n) with the variance s² of a sample.
func standardError(sum, squares float64, n int) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	count := float64(n)
	return math.Sqrt(max(0, squares-sum*sum/count) / (count - 1) / count)
}
