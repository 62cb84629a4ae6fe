package kernel

// planes describes a copy of the planes of one image that is made so that every tap of
// a convolution reads it at a constant distance from the output position: with the
// padding in place and, for strides, split by phase. Phase (a, b) holds the rows a,
// a+stride[0], ... and columns b, b+stride[1], ... of the padded plane; only the phases
// that some tap reads are there. The copy is [phases][chans][rows][pitch].
type planes struct {
	chans, h, w int     // source planes
	stride      [2]int  // phases there are
	pad         [2]int  // zero rows above, columns to the left; negative to crop
	slot        []int32 // place of phase a*stride[1]+b in the copy, or -1
	phases      int     // phases in the copy
	rows, pitch int     // one plane of the copy
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

// whole reports whether the copy that starts with row first has no padding.
func (p *planes) whole(first int) bool {
	return p.stride == [2]int{1, 1} && p.pad == [2]int{} && p.pitch <= p.w && first+p.rows <= p.h
}

// fill makes the copy of src [chans][h][w], starting with row first of each phase. It does
// not write the padding: dst is zero there from the start.
func (p *planes) fill(dst, src []float32, first int) {
	for phase, slot := range p.slot {
		if slot < 0 {
			continue
		}
		// row r, column q of the phase is row r*stride+y, column q*stride+x of src
		y, x := first*p.stride[0]+phase/p.stride[1]-p.pad[0], phase%p.stride[1]-p.pad[1]
		r0, r1 := span(y, p.stride[0], p.rows, p.h)
		q0, q1 := span(x, p.stride[1], p.pitch, p.w)
		if r0 == r1 || q0 == q1 {
			continue
		}
		c := blockCopy{
			dst: dst[(int(slot)*p.chans*p.rows+r0)*p.pitch+q0:], dstPlane: p.rows * p.pitch, dstRow: p.pitch,
			src: src[(y+r0*p.stride[0])*p.w+x+q0*p.stride[1]:], srcPlane: p.h * p.w, srcRow: p.stride[0] * p.w,
			planes: p.chans, rows: r1 - r0, cols: q1 - q0, step: p.stride[1],
		}
		c.run()
	}
}

// blockCopy sets, for p < planes, i < rows and j < cols,
//
//	dst[p*dstPlane+i*dstRow+j] = src[p*srcPlane+i*srcRow+j*step]
type blockCopy struct {
	dst, src           []float32
	dstPlane, srcPlane int
	dstRow, srcRow     int
	planes, rows, cols int
	step               int
}

func (c *blockCopy) generic() {
	for p := 0; p < c.planes; p++ {
		for i := 0; i < c.rows; i++ {
			dst := c.dst[p*c.dstPlane+i*c.dstRow:][:c.cols]
			src := c.src[p*c.srcPlane+i*c.srcRow:]
			at := 0
			for j := range dst {
				dst[j] = src[at]
				at += c.step
			}
		}
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
