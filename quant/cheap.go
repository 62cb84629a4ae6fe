package quant

import (
	"math"
	"math/bits"
	"slices"
)

// signedDigits is the number of non-zero digits of c in canonical signed-digit form: how many
// additions a weight of that value costs a kernel that adds rows by binary digit.
func signedDigits(c int32) int {
	v := uint64(max(int64(c), -int64(c)))
	return bits.OnesCount64(v ^ (3 * v))
}

// cheapening looks for centres that are worth their price. With sigma^2 the mean square of
// the weights, p_i the share of weights nearest to centre c_i, and unit the value of 1, it
// lowers
//
//	mean (w - unit*c)^2 / sigma^2 + DigitPrice * sum p_i digits(c_i) - EntropyPrice * sum p_i log2 p_i
//
// by moving one centre at a time between its neighbours, or removing it, until nothing helps.
// A centre at zero stays.
type cheapening struct {
	sorted          []float64
	sums, squares   []float64 // of the first i weights
	unit, variance  float64
	digits, entropy float64 // prices
}

// cheapCentres starts from centres in units of unit, ascending and distinct.
func cheapCentres(weights []float32, ints []int32, unit float64, c ClusterConfig) []int32 {
	s := &cheapening{sorted: sortedSample(weights), unit: unit, digits: c.DigitPrice, entropy: c.EntropyPrice}
	s.sums, s.squares = make([]float64, len(s.sorted)+1), make([]float64, len(s.sorted)+1)
	for i, w := range s.sorted {
		s.sums[i+1] = s.sums[i] + w
		s.squares[i+1] = s.squares[i] + w*w
	}
	s.variance = s.squares[len(s.sorted)]
	if s.variance == 0 {
		return ints
	}
	ints = slices.Clone(ints)
	for range 30 {
		changed := false
		for i := 0; i < len(ints); i++ {
			if ints[i] == 0 {
				continue
			}
			best := s.improve(ints, i)
			switch {
			case best == removed:
				ints = slices.Delete(ints, i, i+1)
				changed = true
				i--
			case best != ints[i]:
				ints[i] = best
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	return ints
}

// removed stands for a centre that is better left out.
const removed = math.MinInt32

// reach is how far, in units, a centre is moved at most in one step.
const reach = 24

// improve is the best place of centre i while the others stay: where it is, another one, or
// [removed].
func (s *cheapening) improve(ints []int32, i int) int32 {
	lo, hi := ints[i]-reach, ints[i]+reach
	// Only the cells of the neighbours change: they reach from a to b.
	var around []int32
	a, b := 0, len(s.sorted)
	at := 0
	if i > 0 {
		lo = max(lo, ints[i-1]+1)
		around = append(around, ints[i-1])
		at = 1
		if i > 1 {
			a = s.border(ints[i-2], ints[i-1])
		}
	}
	around = append(around, ints[i])
	if i+1 < len(ints) {
		hi = min(hi, ints[i+1]-1)
		around = append(around, ints[i+1])
		if i+2 < len(ints) {
			b = s.border(ints[i+1], ints[i+2])
		}
	}
	best, least := ints[i], s.price(around, a, b)
	for c := lo; c <= hi; c++ {
		around[at] = c
		if p := s.price(around, a, b); p < least-1e-12 {
			best, least = c, p
		}
	}
	if len(ints) > 2 && s.price(slices.Delete(around, at, at+1), a, b) < least-1e-12 {
		return removed
	}
	return best
}

// border is the number of weights nearer to c than to the next centre d.
func (s *cheapening) border(c, d int32) int {
	return lowerBound(s.sorted, s.unit*float64(c+d)/2)
}

// price is what neighbouring centres cost, which share the weights from a to b.
func (s *cheapening) price(centres []int32, a, b int) float64 {
	total, from := 0.0, a
	n := float64(len(s.sorted))
	for i, c := range centres {
		to := b
		if i+1 < len(centres) {
			to = max(from, min(b, s.border(c, centres[i+1])))
		}
		if count := float64(to - from); count > 0 {
			v := s.unit * float64(c)
			distortion := s.squares[to] - s.squares[from] - 2*v*(s.sums[to]-s.sums[from]) + count*v*v
			share := count / n
			total += distortion/s.variance + share*(s.digits*float64(signedDigits(c))-s.entropy*math.Log2(share))
		}
		from = to
	}
	return total
}
