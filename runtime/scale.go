package runtime

import (
	"math"
	"math/bits"
)

// Float is the nearest float64. It is not part of the run path.
func (s Scale) Float() float64 {
	return math.Ldexp(float64(s.Mant), int(s.Exp))
}

// ScaleOf is the scale nearest to f, ties to the even mantissa. It is zero unless f is
// positive and finite. Every positive float32 is kept exactly, with Mant's top bit set.
func ScaleOf(f float64) Scale {
	if !(f > 0) || math.IsInf(f, 1) {
		return Scale{}
	}
	frac, exp := math.Frexp(f) // f = frac * 2^exp, 0.5 <= frac < 1
	m := uint64(math.RoundToEven(math.Ldexp(frac, 32)))
	if bits.Len64(m) > 32 {
		m, exp = m>>1, exp+1
	}
	return Scale{Mant: uint32(m), Exp: int32(exp - 32)}
}
