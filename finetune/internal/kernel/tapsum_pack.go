package kernel

// pack packs the weights of some row panels.
func (s *tapSum) pack(i int) {
	n := len(s.units)
	for u := i * s.packUnits; u < min((i+1)*s.packUnits, n*len(s.parts)); u++ {
		s.packUnit(&s.parts[u/n], s.units[u%n])
	}
}

// packUnit packs a row panel: a[k*ld+r] = w[base+r*step+from[k]]. With ld more than rows,
// the rest becomes anything.
func (s *tapSum) packUnit(q *tapPart, u tapUnit) {
	taps := s.conv.KH * s.conv.KW
	k := len(q.off)
	dst := q.a[u.at*k:][:u.ld*k]
	step := s.srcChans * taps
	w := s.w[u.group*s.m*step:]
	if s.back {
		w, step = w[u.first*taps:], taps
	} else {
		w = w[u.first*step:]
	}
	switch whole := k == s.srcChans*taps && !s.byRows; {
	case whole && !s.back:
		transpose(dst, u.ld, w, k, u.rows, k, true)
	case whole && taps == 1:
		for o := 0; o < k; o++ {
			copy(dst[o*u.ld:][:u.rows], w[o*s.m:])
		}
	case whole && taps >= vecLen:
		for o := 0; o < s.srcChans; o++ {
			transpose(dst[o*taps*u.ld:][:taps*u.ld], u.ld, w[o*s.m*taps:], taps, u.rows, taps, true)
		}
	default:
		for _, from := range q.from {
			at := int(from)
			for r := range dst[:u.rows] {
				dst[r] = w[at]
				at += step
			}
			dst = dst[u.ld:]
		}
	}
}
