package kernel

import (
	"math"
	"math/bits"
)

// factor writes the centres of a term as C = m*c + e. The digits of c and e are taps; the
// sum of the c is multiplied by m once per position, as a sum of shifts.
//
// Centres that are about multiples of a large number cost few digits that way: those of a
// layer whose terms have different scales, for example.
type factor struct {
	m      int32
	digits []mixDigit // of m
}

// mixDigit is a signed power of two.
type mixDigit struct {
	shift  uint8
	negate bool
}

// The head of a segment that belongs to a factor: factorFlag, the binary digits from the end of the
// segment to digit 0, and the position in Grouped.factors.
const (
	factorFlag  = 0x8000
	factorShift = 8 // where the binary digits begin
	maxFactors  = 1 << factorShift
)

func factorHead(digits, position int) uint16 {
	return factorFlag | uint16(digits)<<factorShift | uint16(position)
}

// factorOf splits a head into its binary digits and position.
func factorOf(head uint16) (digits uint16, position int) {
	return head &^ factorFlag >> factorShift, int(head & (maxFactors - 1))
}

// maxFactorCentres limits the search for factors.
const maxFactorCentres = 64

func newFactor(m int32) factor {
	f := factor{m: m}
	plus, minus := digits(m)
	for s := range uint8(32) {
		if (plus|minus)>>s&1 != 0 {
			f.digits = append(f.digits, mixDigit{s, minus>>s&1 != 0})
		}
	}
	return f
}

// split writes c as m*q + e with the smallest e.
func (f *factor) split(c int32) (q, e int32) {
	if f.m == 0 {
		return 0, c
	}
	q = c / f.m
	e = c - q*f.m
	if 2*int64(e) > int64(f.m) {
		q, e = q+1, e-f.m
	} else if 2*int64(e) < -int64(f.m) {
		q, e = q-1, e+f.m
	}
	return q, e
}

func digitsOf(c int32) int {
	plus, minus := digits(c)
	return bits.OnesCount64(plus) + bits.OnesCount64(minus)
}

// chooseFactors finds a factor for every term; m is 0 where none is worth it.
func chooseFactors(l *Layer) []factor {
	factors := make([]factor, len(l.Terms))
	for i := range l.Terms[:min(len(l.Terms), maxFactors)] {
		t := &l.Terms[i]
		plain := t.digitCount(&factor{})
		best, least := factor{}, plain*4/5
		for _, m := range t.candidates() {
			f := newFactor(m)
			// A multiplication costs about as much as some taps, for every output channel.
			if n := t.digitCount(&f) + 4*len(f.digits)*l.Out[0]; n < least && len(f.digits) > 1 {
				best, least = f, n
			}
		}
		factors[i] = best
	}
	return factors
}

// segmentsVectorGain is how much less the time of segments is in additions of vectors.
const segmentsVectorGain = 3

// segmentsCost estimates the time that sums take which do not fit a lane of 16 bits, and products of factors, in additions of words.
func (l *Layer) segmentsCost(factors []factor) int {
	const laneBits, segmentBits, segmentCost, productCost = 16, 8, 5, 3
	each := 0 // of an output element
	low, high := l.Bounds()
	most := int64(0)
	for o := range low {
		most = max(most, int64(high[o])-int64(low[o]))
	}
	if more := bits.Len64(uint64(most)) - laneBits; more > 0 {
		each += segmentCost * (1 + ceilDiv(more, segmentBits))
	}
	for i := range factors {
		if f := &factors[i]; f.m != 0 {
			each += productCost + 2*len(f.digits)
		}
	}
	return min(each, math.MaxInt/max(1, l.Out[0])/max(1, l.positions())) * l.Out[0] * l.positions()
}

// digitCount is the number of taps that all weights need.
func (t *Term) digitCount(f *factor) int {
	n := 0
	for j, u := range t.counts() {
		if u > 0 {
			q, e := f.split(t.Centres[j])
			n += int(u) * (digitsOf(q) + digitsOf(e))
		}
	}
	return n
}

// candidates are numbers that centres may be multiples of: their greatest common divisor, and
// where there are few, centres, distances of centres, and parts of them.
func (t *Term) candidates() []int32 {
	var used []int32
	for j, u := range t.counts() {
		if u > 0 {
			used = append(used, t.Centres[j])
		}
	}
	var list []int32
	common := 0
	for _, c := range used {
		common = gcd(int(max(int64(c), -int64(c))), common)
	}
	if common >= 3 && common <= 1<<24 {
		list = append(list, int32(common))
	}
	if len(used) > maxFactorCentres {
		return list
	}
	seen := map[int32]bool{int32(common): true}
	put := func(d int64) {
		for part := int64(1); part <= 3; part++ {
			m := d / part
			if m < 3 || m > 1<<24 || seen[int32(m)] {
				continue
			}
			seen[int32(m)] = true
			list = append(list, int32(m))
		}
	}
	for i, c := range used {
		put(max(int64(c), -int64(c)))
		for _, d := range used[:i] {
			put(max(int64(c)-int64(d), int64(d)-int64(c)))
		}
	}
	return list
}

// add computes acc += m * lane<<digits for lanes of even and odd positions; where odd is
// nil, for lanes in order.
func (f *factor) add(acc []int32, even, odd []uint16, digits uint16) {
	for _, d := range f.digits {
		shift, sign := (uint16(d.shift)+digits)&31, int32(0)
		if d.negate {
			sign = -1
		}
		if odd == nil {
			for i, v := range even {
				acc[i] += (int32(v)<<shift ^ sign) - sign
			}
			continue
		}
		odd := odd[:len(even)]
		rest := acc
		for i, v := range even {
			pair := rest[:2]
			pair[0] += (int32(v)<<shift ^ sign) - sign
			pair[1] += (int32(odd[i])<<shift ^ sign) - sign
			rest = rest[2:]
		}
	}
}
