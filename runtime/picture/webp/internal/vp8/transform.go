package vp8

// spreadMeans makes the first coefficients of the blocks of luma: the inverse Walsh-Hadamard transform of means
// (RFC 6386, section 14.3).
func (m *macroblock) spreadMeans(means *[16]int16) {
	var columns [16]int32
	for i := range 4 {
		a, b, c, d := int32(means[i]), int32(means[4+i]), int32(means[8+i]), int32(means[12+i])
		columns[i], columns[4+i] = a+d+b+c, a-d+b-c
		columns[8+i], columns[12+i] = a+d-b-c, a-d-b+c
	}
	for i := range 4 {
		r := columns[4*i:][:4]
		a, b, c, d := r[0]+3, r[1], r[2], r[3]
		for x, v := range [4]int32{a + d + b + c, a - d + b - c, a + d - b - c, a - d - b + c} {
			m.coefficients[4*i+x][0] = int16(v >> 3)
		}
	}
}

// byCos and bySin multiply by sqrt(2)*cos(pi/8) and sqrt(2)*sin(pi/8), in units of 2^-16 (section 14.4).
func byCos(x int32) int32 { return x * 85627 >> 16 }
func bySin(x int32) int32 { return x * 35468 >> 16 }

// addResidue adds the inverse discrete cosine transform of a block to the pixels from at on (sections 14.4 and 14.5).
func (p *plane) addResidue(at int, block *[16]int16) {
	var columns [16]int32
	for i := range 4 {
		c0, c1, c2, c3 := int32(block[i]), int32(block[4+i]), int32(block[8+i]), int32(block[12+i])
		a, b := c0+c2, c0-c2
		c, d := bySin(c1)-byCos(c3), byCos(c1)+bySin(c3)
		columns[i], columns[4+i], columns[8+i], columns[12+i] = a+d, b+c, b-c, a-d
	}
	for i := range 4 {
		r := columns[4*i : 4*i+4 : 4*i+4]
		a, b := r[0]+4+r[2], r[0]+4-r[2]
		c, d := bySin(r[1])-byCos(r[3]), byCos(r[1])+bySin(r[3])
		row := p.pix[at+i*p.stride:][:4]
		row[0] = clamp(int32(row[0]) + (a+d)>>3)
		row[1] = clamp(int32(row[1]) + (b+c)>>3)
		row[2] = clamp(int32(row[2]) + (b-c)>>3)
		row[3] = clamp(int32(row[3]) + (a-d)>>3)
	}
}

// addMean is addResidue for a block whose first coefficient alone is not 0.
func (p *plane) addMean(at int, first int16) {
	add := (int32(first) + 4) >> 3
	for i := range 4 {
		row := p.pix[at+i*p.stride:][:4]
		for x, v := range row {
			row[x] = clamp(int32(v) + add)
		}
	}
}

// clamp is the nearest byte.
func clamp(v int32) byte {
	if uint32(v) > 255 {
		return byte(^v >> 31)
	}
	return byte(v)
}
