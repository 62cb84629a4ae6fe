package vp8

// predictSubblocks predicts the 4x4 pixels of each subblock of the luma from at on, and adds its coefficients, since the next one is
// predicted from the result (RFC 6386, section 12.3).
func (d *decoder) predictSubblocks(at, column, row int) {
	p := &d.y
	// Subblocks at the right edge take the pixels right of those above them from the macroblock above that to the right, whatever
	// their row. At the edge of the picture its last pixel is repeated.
	var corner [4]byte
	copy(corner[:], p.pix[at-p.stride+16:][:4])
	if last := d.columns - 1; column == last && row > 0 {
		fill(corner[:], p.pix[at-p.stride+15])
	}
	for i, mode := range d.block.modes {
		x, y := i&3, i>>2
		at := at + 4*(y*p.stride+x)
		switch mode {
		case subMean:
			p.subMean(at)
		case subTrueMotion:
			p.predictMotion(at, 4)
		default:
			right := p.pix[at-p.stride+4:][:4]
			if x == 3 {
				right = corner[:]
			}
			p.subDirection(at, &directions[mode], right)
		}
		d.add(p, at, i)
	}
}

// subMean is B_DC_PRED: the mean of the pixels above and to the left, be they in the picture or not.
func (p *plane) subMean(at int) {
	sum := 4
	for _, v := range p.pix[at-p.stride:][:4] {
		sum += int(v)
	}
	for y := range 4 {
		sum += int(p.pix[at+y*p.stride-1])
	}
	for y := range 4 {
		fill(p.pix[at+y*p.stride:][:4], byte(sum>>3))
	}
}

// subDirection continues the edge of a subblock along lines of one direction. The edge is the pixels to the left from the lowest to
// the highest, the corner, those above and right, those right of them; both ends are repeated once. Smoothed, it has values at and
// halfway between pixels, of which each pixel of the subblock takes one.
func (p *plane) subDirection(at int, from *[16]uint8, right []byte) {
	var edge [15]uint32
	for y := range 4 {
		edge[4-y] = uint32(p.pix[at+y*p.stride-1])
	}
	for x, v := range p.pix[at-p.stride-1:][:5] {
		edge[5+x] = uint32(v)
	}
	for x, v := range right[:4] {
		edge[10+x] = uint32(v)
	}
	edge[0], edge[14] = edge[1], edge[13]
	var smooth [32]byte // at 2*k at pixel k, at 2*k+1 halfway to the next
	for k := 1; k <= 13; k++ {
		a, b, c := edge[k-1], edge[k], edge[k+1]
		smooth[2*k-1] = byte((a + b + 1) >> 1)
		smooth[2*k] = byte((a + 2*b + c + 2) >> 2)
	}
	for y := range 4 {
		row, from := p.pix[at+y*p.stride:][:4], from[4*y:][:4]
		for x, k := range from {
			row[x] = smooth[k&31]
		}
	}
}

// directions are the modes of subDirection: for each pixel, which value of the smoothed edge it takes. There the lowest pixel to the
// left is at 2, the corner at 10, the four above from 12 on, and those to the right of them up to 26.
var directions = [subblockModes][16]uint8{
	subVertical: {
		12, 14, 16, 18,
		12, 14, 16, 18,
		12, 14, 16, 18,
		12, 14, 16, 18,
	},
	subHorizontal: {
		8, 8, 8, 8,
		6, 6, 6, 6,
		4, 4, 4, 4,
		2, 2, 2, 2,
	},
	subLeftDown: {
		14, 16, 18, 20,
		16, 18, 20, 22,
		18, 20, 22, 24,
		20, 22, 24, 26,
	},
	subRightDown: {
		10, 12, 14, 16,
		8, 10, 12, 14,
		6, 8, 10, 12,
		4, 6, 8, 10,
	},
	subVerticalRight: {
		11, 13, 15, 17,
		10, 12, 14, 16,
		8, 11, 13, 15,
		6, 10, 12, 14,
	},
	subVerticalLeft: {
		13, 15, 17, 19,
		14, 16, 18, 20,
		15, 17, 19, 22,
		16, 18, 20, 24,
	},
	subHorizontalDown: {
		9, 10, 12, 14,
		7, 8, 9, 10,
		5, 6, 7, 8,
		3, 4, 5, 6,
	},
	subHorizontalUp: {
		7, 6, 5, 4,
		5, 4, 3, 2,
		3, 2, 1, 1,
		1, 1, 1, 1,
	},
}
