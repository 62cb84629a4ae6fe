package quant

import "math"

// fineness is how many bits finer the common unit of several terms is made than the
// finest of theirs, at most, so that the others are nearly whole multiples of it.
const fineness = 8

// inaccuracy is what a term's unit may be wrong by, as a part of a level of the result when the
// term spans all levels.
const inaccuracy = 1.0 / 16

// matching is a common unit of terms.
type matching struct {
	units     []float64   // one for all output channels, or one for each
	multiples [][]float64 // of it, by term: their own units; one for all channels, or one for each
}

// unitOf is the unit of an output channel.
func (m matching) unitOf(channel int) float64 { return m.units[min(channel, len(m.units)-1)] }

// use is what accumulators are for: it decides what their units may be.
type use uint8

const (
	useLevels use = iota // brought to levels, whose rounding hides a small error
	useExact             // brought to levels by a rounding of the network's own: nothing may be lost that can be kept
	useSums              // delivered or compared: one unit for all channels
)

// exactBits is how many bits finer the common unit of several terms is made than the finest of theirs where nothing may be lost.
const exactBits = 20

// matchings lists common units of the terms of a sum from the best on.
//
// The first one's multiples are whole and take few
// additions, if there is such a unit: they differ from the units of terms by nothing or, where that is
// impossible and the use allows it, by too little to matter to a result of that many levels. The others do not differ at
// all, and centres are rounded.
//
// Where units differ by channel, so may the common one: it is then that of the term with the most weights, or a part of it.
//
// A channel whose accumulators would leave 32 bits over its unit gets a coarser one of its own. Spans are those of the channels; only units that
// differ need them.
func matchings(s *sum, levels int, use use, spans []span) []matching {
	terms, base := s.terms, -1
	for i, t := range terms {
		if t.units != nil && (base < 0 || len(t.indices) > len(terms[base].indices)) {
			base = i
		}
	}
	if base < 0 {
		return uniform(terms, levels, use)
	}
	var list []matching
	if use == useSums {
		finest := math.Inf(1)
		for ch := range s.bias {
			for _, t := range terms {
				if u := t.unitOf(ch); u > 0 {
					finest = math.Min(finest, u)
				}
			}
		}
		// A channel of next to no weights must not keep the unit of all so fine that none fits.
		unit := math.Ldexp(finest, -exactBits)
		for ch, v := range s.bias {
			unit = spans[ch].with(v).fitting(unit)
		}
		for shift := range exactBits + 17 {
			list = append(list, matchedOver(s, []float64{math.Ldexp(unit, shift)}))
		}
		return list
	}
	shifted := func(shift int, fit bool) matching {
		units := make([]float64, len(s.bias))
		for ch := range units {
			units[ch] = math.Ldexp(terms[base].units[ch], -shift)
			if fit {
				units[ch] = spans[ch].fitting(units[ch])
			}
		}
		return matchedOver(s, units)
	}
	if len(terms) == 1 {
		list = append(list, shifted(0, true))
	}
	for shift := exactBits; shift >= -16; shift-- {
		list = append(list, shifted(shift, shift <= fineness))
	}
	return list
}

// matchedOver is the matching over given units.
func matchedOver(s *sum, units []float64) matching {
	m := matching{units: units}
	for _, t := range s.terms {
		multiples := make([]float64, len(s.bias))
		for ch := range multiples {
			multiples[ch] = t.unitOf(ch) / m.unitOf(ch)
		}
		if !varies(multiples) {
			multiples = multiples[:1]
		}
		m.multiples = append(m.multiples, multiples)
	}
	return m
}

// uniform lists common units of terms that have one unit each.
func uniform(terms []term, levels int, use use) []matching {
	finest := math.Inf(1)
	for _, t := range terms {
		finest = math.Min(finest, t.unit)
	}
	var list []matching
	tolerances, finer := []float64{1e-9, inaccuracy / float64(levels)}, fineness
	if use == useExact {
		tolerances, finer = tolerances[:1], exactBits
	}
	for _, tolerance := range tolerances {
		if m, ok := wholeMatching(terms, finest, tolerance); ok {
			list = append(list, m)
			break
		}
	}
	for shift := finer; shift >= -16; shift-- {
		unit := math.Ldexp(finest, -shift)
		m := matching{units: []float64{unit}}
		for _, t := range terms {
			m.multiples = append(m.multiples, []float64{t.unit / unit})
		}
		list = append(list, m)
	}
	return list
}

// wholeMatching finds the unit whose multiples have the fewest signed binary digits; of several
// the coarsest.
func wholeMatching(terms []term, finest, tolerance float64) (best matching, ok bool) {
	least := math.MaxInt
	for shift := range fineness + 1 {
		unit, digits := math.Ldexp(finest, -shift), 0
		m := matching{units: []float64{unit}}
		for _, t := range terms {
			k := wholeMultiple(t.unit/unit, tolerance)
			if k == 0 {
				digits = math.MaxInt
				break
			}
			digits += signedDigits(k)
			m.multiples = append(m.multiples, []float64{float64(k)})
		}
		if digits < least {
			best, least = m, digits
		}
	}
	return best, least < math.MaxInt
}

// wholeMultiple is the whole number next to ratio, which is 1 or more, whose signed binary digits are the
// fewest, and of those the nearest one; 0 if there is none within tolerance*ratio.
func wholeMultiple(ratio, tolerance float64) int32 {
	if ratio > 1<<24 {
		return 0
	}
	best, least, nearest := int32(0), math.MaxInt, 0.0
	for k := math.Ceil(ratio * (1 - tolerance)); k <= ratio*(1+tolerance); k++ {
		digits, far := signedDigits(int32(k)), math.Abs(k-ratio)
		if digits < least || digits == least && far < nearest {
			best, least, nearest = int32(k), digits, far
		}
	}
	return best
}
