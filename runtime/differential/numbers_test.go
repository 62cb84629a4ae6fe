package differential

import (
	"math"
	"slices"

	"qconv/runtime/internal/kernel"
)

// centres draws the centres of a codebook, none beyond limit.
func (s *source) centres(limit int) []int32 {
	var list []int
	spread := func(n, reach int) { // n centres or less
		for range n {
			list = append(list, s.r.IntN(2*reach+1)-reach)
		}
	}
	switch s.intn(14) {
	case 0:
		list = []int{s.between(-300, 300)}
	case 1:
		list = []int{s.oneOf(-1, 0, 1)}
	case 2:
		list = []int{-1, 0, 1}
	case 3:
		list = []int{-1, 1}
	case 4, 5:
		for c := -s.between(0, 8); c <= 7; c++ {
			list = append(list, c)
		}
	case 6:
		for k := range s.between(1, 12) {
			list = append(list, 1<<k, -1<<k)
		}
		if s.chance(70) {
			list = append(list, 0)
		}
	case 7:
		spread(s.oneOf(4, 16, 40, 500), 127)
	case 8:
		spread(s.oneOf(2, 16, 200), 1<<11)
	case 9:
		spread(s.oneOf(2, 16, 200, 1000), 1<<15)
	case 10:
		spread(s.oneOf(300, 1000, 4000), 1<<15)
	case 11: // a factor pays
		m := s.between(3, 2000)
		for k := range s.between(3, 100) {
			list = append(list, k*m, -k*m)
		}
		spread(s.intn(2), 1000)
	case 12: // of one sign
		sign := s.oneOf(-1, 1)
		for range s.between(1, 20) {
			list = append(list, sign*s.between(1, 300))
		}
	default:
		spread(s.between(2, 8), 1<<22)
	}
	var c []int32
	for _, v := range list {
		c = append(c, int32(min(max(v, -limit), limit)))
	}
	slices.Sort(c)
	return slices.Compact(c)
}

// weights draws weights of t: evenly, most in the middle, mostly zero, or all the same.
func (s *source) weights(t *kernel.Term) {
	n := len(t.Centres)
	usual, found := slices.BinarySearch(t.Centres, 0)
	if !found {
		usual = 0
	}
	form, same := s.intn(6), s.r.IntN(n)
	for i := range t.Weights {
		switch w := s.r.IntN(n); {
		case form == 0 && s.r.IntN(10) > 0, form == 1 && s.r.IntN(300) > 0:
			t.Weights[i] = uint16(usual)
		case form == 2:
			t.Weights[i] = uint16(same)
		case form == 3:
			t.Weights[i] = uint16((w + s.r.IntN(n) + s.r.IntN(n)) / 3)
		default:
			t.Weights[i] = uint16(w)
		}
	}
}

// steps draws the step functions of l, where accumulators lie or anywhere.
func (s *source) steps(l *kernel.Layer) {
	n := s.oneOf(0, 1, 1, 1, l.Out[0])
	levels := s.levels()
	for o := range n {
		lo, hi := bounds(l, o)
		count := s.oneOf(levels-1, levels-1, levels-1, s.intn(levels), s.intn(3), s.oneOf(300, 2000))
		if s.chance(5) {
			lo, hi = math.MinInt32, math.MaxInt32
		}
		room := max(1, (hi-lo)>>s.oneOf(0, 0, 2, 4, 6))
		from := lo
		if d := hi - lo - room; d > 0 {
			from += s.r.Int64N(d)
		}
		even := s.chance(40)
		var st kernel.Step
		for i := range count {
			b := from + room*int64(i)/int64(count)
			if !even {
				b = from + s.r.Int64N(room)
			}
			st.Breaks = append(st.Breaks, int32(min(max(b, math.MinInt32), math.MaxInt32)))
		}
		slices.Sort(st.Breaks)
		st.Breaks = slices.Compact(st.Breaks)
		st.Values = s.table(len(st.Breaks)+1, levels)
		if s.chance(50) { // a rising function: 0, 1, 2, ...
			for i := range st.Values {
				st.Values[i] = uint8(min(i, levels-1))
			}
		}
		l.Steps = append(l.Steps, st)
	}
}

// bounds are limits of the accumulators of channel o.
func bounds(l *kernel.Layer, o int) (lo, hi int64) {
	lo, hi = int64(l.Bias[o]), int64(l.Bias[o])
	for i := range l.Terms {
		t := &l.Terms[i]
		for _, w := range t.Weights[o*taps(t):][:taps(t)] {
			a, b := int64(t.Centres[w])*int64(-t.Zero), int64(t.Centres[w])*int64(t.Levels-1-t.Zero)
			lo, hi = lo+min(a, b), hi+max(a, b)
		}
	}
	return lo, hi
}
