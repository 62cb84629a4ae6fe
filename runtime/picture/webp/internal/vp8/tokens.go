package vp8

// Kinds of blocks, by which tokens have probabilities (RFC 6386, section 13.3).
const (
	lumaRest  = iota // of luma, the first coefficient being among the means
	lumaMeans        // the first coefficients of all blocks of luma
	chromaBlock
	lumaWhole
	blockKinds

	bands    = 8
	contexts = 3
	tokens   = 12
)

var (
	// bandOf is the band of each position.
	bandOf = [16]uint8{0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7}
	// placeOf is where in the block each position is (section 13).
	placeOf = [16]uint8{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}
)

// categories are ranges of values: the least, and the probabilities of the bits that are added, the highest first (section 13.2).
var categories = [6]struct {
	least int32
	probs []uint8
}{
	{5, []uint8{159}},
	{7, []uint8{165, 145}},
	{11, []uint8{173, 148, 140}},
	{19, []uint8{176, 155, 140, 135}},
	{35, []uint8{180, 157, 141, 134, 130}},
	{67, []uint8{254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}},
}

// readCoefficients reads the coefficients of the current macroblock, and tells its neighbours-to-be which blocks have any.
func (d *decoder) readCoefficients(r *boolReader, column int) {
	m, above, left := &d.block, &d.above[column], &d.left
	if m.coded {
		m.coefficients = [24][16]int16{}
	}
	m.last, m.coded = [24]uint8{}, false
	whole := m.luma == subblocks
	if m.skipped {
		above.luma, above.chroma = [4]uint8{}, [2][2]uint8{}
		left.luma, left.chroma = [4]uint8{}, [2][2]uint8{}
		if !whole {
			above.means, left.means = 0, 0
		}
		return
	}
	quant := &d.quant[m.segment]
	kind, first := lumaWhole, 0
	if !whole {
		kind, first = lumaRest, 1
		var means [16]int16
		n := r.readBlock(&d.probs[lumaMeans], above.means+left.means, 0, &quant.means, &means)
		above.means = min(n, 1)
		left.means = above.means
		if n > 0 {
			m.spreadMeans(&means)
		}
	}
	for i := range 16 {
		a, l := &above.luma[i&3], &left.luma[i>>2]
		n := r.readBlock(&d.probs[kind], *a+*l, first, &quant.luma, &m.coefficients[i])
		*a = 0
		if int(n) > first {
			*a = 1
		}
		*l = *a
		m.keep(i, int(n), first)
	}
	for i := range 8 {
		a, l := &above.chroma[i>>2][i&1], &left.chroma[i>>2][i>>1&1]
		n := r.readBlock(&d.probs[chromaBlock], *a+*l, 0, &quant.chroma, &m.coefficients[16+i])
		*a = min(n, 1)
		*l = *a
		m.keep(16+i, int(n), 0)
	}
}

// keep notes that the coefficients of a block from first on, up to last, have been read; the one before first is among the means.
func (m *macroblock) keep(block, last, first int) {
	m.coded = m.coded || last > first
	if last <= 1 {
		last = 0
		if m.coefficients[block][0] != 0 {
			last, m.coded = 1, true
		}
	}
	m.last[block] = uint8(last)
}

// readBlock reads the coefficients of a block from position first on, by the number of its neighbours that have some, and scales them;
// block is zero before. It returns the position after the last, first where there is none.
func (r *boolReader) readBlock(probs *[bands][contexts][tokens - 1]uint8, context uint8, first int, scale *scales, block *[16]int16) uint8 {
	p := &probs[bandOf[first]][context]
	if !r.bool(p[0]) {
		return uint8(first)
	}
	for i := first; ; {
		if !r.bool(p[1]) { // a zero, after which the block does not end
			if i++; i == 16 {
				return 16
			}
			p = &probs[bandOf[i]][0]
			continue
		}
		v, next := int32(1), 1
		if r.bool(p[2]) {
			v, next = r.readLarge(p), 2
		}
		if r.flag() {
			v = -v
		}
		block[placeOf[i]] = int16(v * scale[min(i, 1)]) // the values of 16 bits that the specification has
		if i++; i == 16 {
			return 16
		}
		if p = &probs[bandOf[i]][next]; !r.bool(p[0]) {
			return uint8(i)
		}
	}
}

// readLarge reads a value of 2 or more: the rest of coeff_tree (section 13.2).
func (r *boolReader) readLarge(p *[tokens - 1]uint8) int32 {
	if !r.bool(p[3]) {
		if !r.bool(p[4]) {
			return 2
		}
		return 3 + r.bit(p[5])
	}
	var category int32
	if !r.bool(p[6]) {
		category = r.bit(p[7])
	} else if !r.bool(p[8]) {
		category = 2 + r.bit(p[9])
	} else {
		category = 4 + r.bit(p[10])
	}
	c := &categories[category]
	var more int32
	for _, zero := range c.probs {
		more = more<<1 | r.bit(zero)
	}
	return c.least + more
}
