package vp8

// filterLimits are what the loop filter of a macroblock goes by (RFC 6386, section 15.2): how different pixels may be on both sides of
// an edge for the edge to be smoothed, those next to each other on one side, and those next to the edge for it to be called sharp.
type filterLimits struct {
	across uint8 // 0: no filter
	along  uint8
	sharp  uint8
	inside bool // the edges between subblocks are filtered too
}

// filterLimits finds the limits for each segment, and for macroblocks predicted as a whole or by subblocks (sections 9.6 and 15.2).
func (h *header) filterLimits() (limits [4][2]filterLimits) {
	for segment := range limits {
		for individual := range limits[segment] {
			level := h.filterLevel
			if h.segmented {
				if level = h.segmentFilter[segment]; h.relative {
					level += h.filterLevel
				}
			}
			if h.filterDeltas {
				level += h.intraDelta + individual*h.subblksDelta
			}
			level = max(0, min(63, level))
			along := level
			if h.sharpness > 0 {
				if along >>= 1; h.sharpness > 4 {
					along >>= 1
				}
				along = min(along, 9-h.sharpness)
			}
			along = max(1, along)
			l := &limits[segment][individual]
			if l.inside = individual == 1; level == 0 {
				continue
			}
			l.across, l.along = uint8(2*level+along), uint8(along)
			switch {
			case level >= 40:
				l.sharp = 2
			case level >= 15:
				l.sharp = 1
			}
		}
	}
	return limits
}

// filter smooths the edges of all macroblocks: of each the left one, those between subblocks from left to right, the upper one, those
// between subblocks from above (section 15.1).
func (d *decoder) filter() {
	y, c := d.y.stride, d.u.stride
	for i, l := range d.filters {
		if l.across == 0 {
			continue
		}
		column, row := i%d.columns, i/d.columns
		luma, chroma := d.y.origin+16*(row*y+column), d.u.origin+8*(row*c+column)
		if column > 0 {
			d.edge(luma, chroma, y, 1, c, 1, &l)
		}
		if l.inside {
			d.inside(luma, chroma, y, 1, c, 1, &l)
		}
		if row > 0 {
			d.edge(luma, chroma, 1, y, 1, c, &l)
		}
		if l.inside {
			d.inside(luma, chroma, 1, y, 1, c, &l)
		}
	}
}

// edge filters the edge of a macroblock before the pixels luma and chroma: the next pixel on it is next away, that on the other side across.
func (d *decoder) edge(luma, chroma, next, across, nextC, acrossC int, l *filterLimits) {
	limit := int32(l.across) + 4
	if d.simpleFilter {
		smoothSimple(d.y.pix, luma, next, across, limit)
		return
	}
	smooth(d.y.pix, luma, next, across, 16, limit, l, false)
	smooth(d.u.pix, chroma, nextC, acrossC, 8, limit, l, false)
	smooth(d.v.pix, chroma, nextC, acrossC, 8, limit, l, false)
}

// inside filters the edges between the subblocks of a macroblock in one direction.
func (d *decoder) inside(luma, chroma, next, across, nextC, acrossC int, l *filterLimits) {
	limit := int32(l.across)
	for i := 4; i < 16; i += 4 {
		if d.simpleFilter {
			smoothSimple(d.y.pix, luma+i*across, next, across, limit)
		} else {
			smooth(d.y.pix, luma+i*across, next, across, 16, limit, l, true)
		}
	}
	if !d.simpleFilter {
		smooth(d.u.pix, chroma+4*acrossC, nextC, acrossC, 8, limit, l, true)
		smooth(d.v.pix, chroma+4*acrossC, nextC, acrossC, 8, limit, l, true)
	}
}

// smoothSimple is the simple filter on an edge of 16 pixels (section 15.2).
func smoothSimple(pix []byte, at, next, across int, limit int32) {
	for range 16 {
		w := pix[at-2*across : at+across+1]
		p1, p0, q0, q1 := int32(w[0]), int32(w[across]), int32(w[2*across]), int32(w[3*across])
		if 2*abs(p0-q0)+abs(p1-q1)>>1 <= limit {
			w[across], w[2*across] = adjust(p0, q0, signed(p1-q1))
		}
		at += next
	}
}

// smooth is the normal filter on an edge of n pixels, that between macroblocks or, where between is set, that between subblocks (section 15.3).
func smooth(pix []byte, at, next, across, n int, limit int32, l *filterLimits, between bool) {
	along, sharp := int32(l.along), int32(l.sharp)
	for range n {
		w := pix[at-4*across : at+3*across+1]
		at += next
		p1, p0, q0, q1 := int32(w[2*across]), int32(w[3*across]), int32(w[4*across]), int32(w[5*across])
		if 2*abs(p0-q0)+abs(p1-q1)>>1 > limit {
			continue
		}
		p3, p2, q2, q3 := int32(w[0]), int32(w[across]), int32(w[6*across]), int32(w[7*across])
		dp, dq := abs(p1-p0), abs(q1-q0)
		if dp > along || dq > along || abs(p2-p1) > along || abs(q2-q1) > along || abs(p3-p2) > along || abs(q3-q2) > along {
			continue
		}
		switch {
		case dp > sharp || dq > sharp:
			w[3*across], w[4*across] = adjust(p0, q0, signed(p1-q1))
		case between:
			a := signed(3 * (q0 - p0))
			b := (min(a+4, 127)>>3 + 1) >> 1
			w[2*across], w[5*across] = clamp(p1+b), clamp(q1-b)
			w[3*across], w[4*across] = adjust(p0, q0, 0)
		default:
			a := signed(signed(p1-q1) + 3*(q0-p0))
			b := (27*a + 63) >> 7
			w[3*across], w[4*across] = clamp(p0+b), clamp(q0-b)
			b = (18*a + 63) >> 7
			w[2*across], w[5*across] = clamp(p1+b), clamp(q1-b)
			b = (9*a + 63) >> 7
			w[across], w[6*across] = clamp(p2+b), clamp(q2-b)
		}
	}
}

// adjust draws the two pixels at an edge together, common_adjust of section 15.2: outer is the difference of the next ones, or 0.
func adjust(p0, q0, outer int32) (p, q byte) {
	a := signed(outer + 3*(q0-p0))
	return clamp(p0 + min(a+3, 127)>>3), clamp(q0 - min(a+4, 127)>>3)
}

// signed limits v to the values of a signed byte.
func signed(v int32) int32 { return max(-128, min(127, v)) }

func abs(v int32) int32 { return max(v, -v) }
