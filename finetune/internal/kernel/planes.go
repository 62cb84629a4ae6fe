package kernel

// planes describes a copy of the planes of one image that is made so that every tap of
// a convolution reads it at a constant distance from the output position: with the
// padding in place and, for strides, split by phase. Phase (a, b) holds the rows a,
// a+stride[0], ... and columns b, b+stride[1], ... of the padded plane; only the phases
// that some tap reads are there. The copy is [phases][chans][rows][pitch].
//
// Where neither padding nor phases are needed, the copy is the source itself.
type planes struct {
	chans, h, w int     // source planes
	stride      [2]int  // phases there are
	pad         [2]int  // zero rows above, columns to the left; negative to crop
	slot        []int32 // place of phase a*stride[1]+b in the copy, or -1
	phases      int     // phases in the copy
	rows, pitch int     // one plane of the copy
	direct      bool    // no copy
}

// image is the number of elements of the copy.
func (p *planes) image() int { return p.phases * p.chans * p.rows * p.pitch }

// tap is the place of element (row, col) of channel c of the padded planes.
func (p *planes) tap(c, row, col int) int32 {
	a, b := row%p.stride[0], col%p.stride[1]
	at := int(p.slot[a*p.stride[1]+b])*p.chans + c
	return int32((at*p.rows+row/p.stride[0])*p.pitch + col/p.stride[1])
}

// layPhases gives places to the phases that the taps of v read; to the only one for the
// planes of a gradient.
func (p *planes) layPhases(v *Conv, back bool) {
	if back {
		p.slot[0], p.phases = 0, 1
		return
	}
	for i := range p.slot {
		p.slot[i] = -1
	}
	p.phases = 0
	for u := 0; u < v.KH; u++ {
		for t := 0; t < v.KW; t++ {
			row, col := u*v.Dilation[0], t*v.Dilation[1]
			s := &p.slot[row%p.stride[0]*p.stride[1]+col%p.stride[1]]
			if *s < 0 {
				*s = int32(p.phases)
				p.phases++
			}
		}
	}
}

// fill makes the copy of src [chans][h][w], starting with row first of each phase.
func (p *planes) fill(dst, src []float32, first int) {
	for phase, slot := range p.slot {
		if slot < 0 {
			continue
		}
		a, b := phase/p.stride[1], phase%p.stride[1]
		// columns [q0, q1) of the copy are source columns b-pad+q*stride
		q0, q1 := span(b-p.pad[1], p.stride[1], p.pitch, p.w)
		at := int(slot) * p.chans * p.rows * p.pitch
		for c := 0; c < p.chans; c++ {
			for r := 0; r < p.rows; r++ {
				row := dst[at : at+p.pitch]
				at += p.pitch
				y := (first+r)*p.stride[0] + a - p.pad[0]
				if y < 0 || y >= p.h || q0 == q1 {
					clear(row)
					continue
				}
				clear(row[:q0])
				clear(row[q1:])
				x := (c*p.h+y)*p.w + b - p.pad[1] + q0*p.stride[1]
				copyStep(row[q0:q1], src[x:], p.stride[1])
			}
		}
	}
}

// copyStep sets dst[i] = src[i*step].
func copyStep(dst, src []float32, step int) {
	if step == 1 {
		copy(dst, src)
		return
	}
	at := 0
	for i := range dst {
		dst[i] = src[at]
		at += step
	}
}

// span is the range [lo, hi) of the u, 0 <= u < k, for which start+u*d is in [0, n).
func span(start, d, k, n int) (lo, hi int) {
	if start < 0 {
		lo = (-start + d - 1) / d
	}
	hi = min(k, (n-start+d-1)/d)
	return lo, max(lo, hi)
}
