package vp8

// predict predicts the pixels of the current macroblock from those above and to the left, and adds what the coefficients say
// (RFC 6386, sections 12 and 14.5).
func (d *decoder) predict(column, row int) {
	m := &d.block
	at := d.y.origin + 16*(row*d.y.stride+column)
	if m.luma == subblocks {
		d.predictSubblocks(at, column, row)
	} else {
		d.y.predict(at, 16, m.luma, row > 0, column > 0)
		for i := range 16 {
			d.add(&d.y, at+4*(i>>2*d.y.stride+i&3), i)
		}
	}
	at = d.u.origin + 8*(row*d.u.stride+column)
	for c, p := range [2]*plane{&d.u, &d.v} {
		p.predict(at, 8, m.chroma, row > 0, column > 0)
		for i := range 4 {
			d.add(p, at+4*(i>>1*p.stride+i&1), 16+4*c+i)
		}
	}
}

// add adds a block of coefficients.
func (d *decoder) add(p *plane, at, block int) {
	switch c := &d.block.coefficients[block]; d.block.last[block] {
	case 0:
	case 1:
		p.addMean(at, c[0])
	default:
		p.addResidue(at, c)
	}
}

// predict predicts size x size pixels from at on (sections 12.2 and 12.3). The mean leaves out what lies outside the picture.
func (p *plane) predict(at, size int, mode uint8, hasAbove, hasLeft bool) {
	above := p.pix[at-p.stride:][:size]
	switch mode {
	case meanOf:
		sum, n := 0, 0
		if hasAbove {
			for _, v := range above {
				sum += int(v)
			}
			n += size
		}
		if hasLeft {
			for y := range size {
				sum += int(p.pix[at+y*p.stride-1])
			}
			n += size
		}
		mean := byte(128)
		switch n {
		case 8:
			mean = byte((sum + 4) >> 3)
		case 16:
			mean = byte((sum + 8) >> 4)
		case 32:
			mean = byte((sum + 16) >> 5)
		}
		for y := range size {
			fill(p.pix[at+y*p.stride:][:size], mean)
		}
	case vertical:
		for y := range size {
			copy(p.pix[at+y*p.stride:][:size], above)
		}
	case horizontal:
		for y := range size {
			row := p.pix[at+y*p.stride-1:][:size+1]
			fill(row[1:], row[0])
		}
	case trueMotion:
		p.predictMotion(at, size)
	}
}

// predictMotion continues the differences along the row above: TM_PRED, B_TM_PRED.
func (p *plane) predictMotion(at, size int) {
	above := p.pix[at-p.stride-1:][:size+1]
	corner, above := int32(above[0]), above[1:]
	for y := range size {
		row := p.pix[at+y*p.stride-1:][:size+1]
		left := int32(row[0]) - corner
		row = row[1:][:len(above)]
		for x, v := range above {
			row[x] = clamp(left + int32(v))
		}
	}
}

func fill(row []byte, v byte) {
	for i := range row {
		row[i] = v
	}
}
