package quant

import (
	"math"

	"qconv/runtime"
)

// span is how far the accumulators of an output channel reach from zero.
type span struct {
	real     float64 // in real numbers
	rounding float64 // in units of accumulators: what rounding of weights may add
}

// spans are those of the channels of a sum over tensors of levels, without its biases.
func (s *sum) spans(tensors []runtime.Tensor) []span {
	spans := make([]span, len(s.bias))
	for ch := range spans {
		lo, hi := 0.0, 0.0
		for i := range s.terms {
			t := &s.terms[i]
			in := tensors[t.In]
			row := len(t.indices) / len(s.bias)
			var neg, pos float64 // sums of the integers of each sign
			for _, k := range t.indices[ch*row : (ch+1)*row] {
				neg += math.Min(float64(t.centres[k]), 0)
				pos += math.Max(float64(t.centres[k]), 0)
			}
			below, above := float64(-in.Zero), float64(in.Levels-1-in.Zero)
			lo += t.unitOf(ch) * (pos*below + neg*above)
			hi += t.unitOf(ch) * (pos*above + neg*below)
			spans[ch].rounding += float64(row) * math.Max(-below, above) / 2
		}
		spans[ch].real = math.Max(-lo, hi)
	}
	return spans
}

// with is the span of accumulators that a bias is added to.
func (s span) with(bias float64) span {
	return span{real: s.real + math.Abs(bias), rounding: s.rounding + 1}
}

// fits says whether accumulators of a unit stay within 32 bits.
func (s span) fits(unit float64) bool { return s.real/unit+s.rounding <= math.MaxInt32 }

// fitting is the least of unit times powers of two that fits; unit where none does, as
// rounding alone fills 32 bits or the numbers are not finite.
func (s span) fitting(unit float64) float64 {
	if s.rounding > math.MaxInt32/2 {
		return unit
	}
	for unit > 0 && unit < math.MaxFloat32 && !s.fits(unit) {
		unit *= 2
	}
	return unit
}
