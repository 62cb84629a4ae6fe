package kernel

import "unsafe"

// groupedTerm fills the rows of one term.
type groupedTerm struct {
	planes     []*groupedPlane
	base       int // byte offset of the first plane in the buffer
	chanBytes  int // bytes of the planes of a channel
	channels   int // input channels per section
	plane      int // elements of an input channel
	height     int
	width      int
	strideRow  int // input rows from one plane row to the next
	strideElem int // the same in elements
	strideCol  int
	pitch      int // bytes of a plane row
	zero       byte
	sectionIn  []int       // first element of every section
	tiles      []inputTile // per row of tiles

	job      fillJob
	pieces   [][]fillPiece // per tile; none: row by row
	pieceRow []int         // first tile of a row of tiles

	// Without vectors, for byte rows.
	wordJob wordFill
	words   [][]wordPiece // per tile
	again   []wordPiece   // where there is one tile and no vectors: what a section writes behind another one
}

// inputTile is where the input of a row of tiles starts, for a plane with first == 0.
type inputTile struct {
	row, elem int
}

type groupedPlane struct {
	plane
	elem int // first, in elements
}

// newGroupedTerm prepares term i of a grid with tiling lay.
func newGroupedTerm(t *Term, axes [2]axis, lay *tiling, i int, k *Grouped) *groupedTerm {
	m := &lay.maps[i]
	g := &groupedTerm{
		base:       lay.base[i],
		chanBytes:  m.bytes,
		channels:   t.Shape[0] / k.sections,
		plane:      t.Shape[1] * t.Shape[2],
		height:     t.Shape[1],
		width:      t.Shape[2],
		strideRow:  axes[0].stride,
		strideElem: axes[0].stride * t.Shape[2],
		strideCol:  axes[1].stride,
		pitch:      lay.pitch,
		zero:       byte(t.Zero),
	}
	for _, p := range m.planes {
		g.planes = append(g.planes, &groupedPlane{p, p.first * t.Shape[2]})
	}
	for s := range k.sections {
		g.sectionIn = append(g.sectionIn, s*g.channels*g.plane)
	}
	for y := 0; y < lay.total[0]; y += lay.rows {
		g.tiles = append(g.tiles, inputTile{y * g.strideRow, y * g.strideElem})
	}
	for ty := range g.tiles {
		g.pieceRow = append(g.pieceRow, ty*ceilDiv(lay.total[1], lay.cols))
	}
	switch {
	case len(g.planes) == 0:
	case k.vectorFills(axes[1]):
		g.prepareFill(k, lay)
	case lay.strips > 1:
		panic("BUG: kernel: grouped: strips of rows that vectors do not fill")
	case k.groupUnits > 0:
		g.prepareWords(k, lay)
	}
	return g
}

// memory is the size of the tables.
func (t *groupedTerm) memory() int {
	n := 8*len(t.sectionIn) + 16*len(t.tiles) + 80*len(t.again)
	for _, p := range t.words {
		n += 24 + 80*len(p)
	}
	for _, p := range t.planes {
		n += 40 + 24*len(p.cols)
	}
	for _, p := range t.pieces {
		n += 24 + 56*len(p)
	}
	n += 8 * len(t.pieceRow)
	return n
}

// fill writes the rows of section sec for tile (ty, tx) of rows x cols positions. Without pieces
// the tile has one strip, and rows are 16-bit rows.
func (t *groupedTerm) fill(buf []byte, in []byte, sec, ty, tx, rows, cols int) {
	in = in[t.sectionIn[sec]:]
	buf = buf[t.base:]
	switch {
	case t.pieces != nil:
		vectorFill(buf, in, &t.job, t.pieces[t.pieceRow[ty]+tx], t.channels)
		return
	case t.again != nil && sec > 0:
		fillWords(buf, in, t.again, &t.wordJob, t.channels)
		return
	case t.words != nil:
		fillWords(buf, in, t.words[t.pieceRow[ty]+tx], &t.wordJob, t.channels)
		return
	}
	tile := t.tiles[ty]
	for c := t.channels; ; {
		for _, p := range t.planes {
			row, elem := tile.row+p.first, tile.elem+p.elem
			t.fillRows(buf[p.off:], in, p.cols[tx], row, elem, rows+p.rows, cols)
		}
		if c--; c == 0 {
			return
		}
		in = in[t.plane:]
		buf = buf[t.chanBytes:]
	}
}

// fillRows writes n plane rows of cols 16-bit positions; the first one meets input row row,
// which starts at element elem.
func (t *groupedTerm) fillRows(dst, in []byte, r colRange, row, elem, n, cols int) {
	for ; n > 0; n-- {
		if row < 0 || row >= t.height || r.lo >= r.hi {
			fillWide(dst, nil, 0, 0, cols, 1, t.zero)
		} else {
			fillWide(dst, in[elem+r.from:], r.lo, r.hi, cols, t.strideCol, t.zero)
		}
		dst = dst[min(t.pitch, len(dst)):]
		row += t.strideRow
		elem += t.strideElem
	}
}

// fillZero sets all of dst.
func fillZero(dst []byte, zero byte) {
	for i := range dst {
		dst[i] = zero
	}
}

// fillBytes writes one plane row of byte positions: dst[lo+i] = src[i*stride] up to hi,
// and zero elsewhere.
func fillBytes(dst, src []byte, lo, hi, stride int, zero byte) {
	for i := range lo {
		dst[i] = zero
	}
	for i := hi; i < len(dst); i++ {
		dst[i] = zero
	}
	dst = dst[lo:hi]
	switch stride {
	case 1:
		copy(dst, src)
		return
	case 2:
		for len(dst) >= 8 {
			d, s := (*[8]byte)(dst), (*[15]byte)(src)
			d[0] = s[0]
			d[1] = s[2]
			d[2] = s[4]
			d[3] = s[6]
			d[4] = s[8]
			d[5] = s[10]
			d[6] = s[12]
			d[7] = s[14]
			dst, src = dst[8:], src[min(16, len(src)):]
		}
		if len(dst) >= 4 {
			d, s := (*[4]byte)(dst), (*[7]byte)(src)
			d[0] = s[0]
			d[1] = s[2]
			d[2] = s[4]
			d[3] = s[6]
			dst, src = dst[4:], src[min(8, len(src)):]
		}
	}
	at := 0
	for i := range dst {
		dst[i] = src[at]
		at += stride
	}
}

// fillWide is fillBytes for cols 16-bit positions; dst is aligned for them.
func fillWide(dst, src []byte, lo, hi, cols, stride int, zero byte) {
	lanes := (*[maxTapRows / 2]uint16)(unsafe.Pointer(unsafe.SliceData(dst[:cols<<1])))[:cols:cols]
	for i := range lo {
		lanes[i] = uint16(zero)
	}
	for i := hi; i < len(lanes); i++ {
		lanes[i] = uint16(zero)
	}
	lanes = lanes[lo:hi]
	if stride == 1 {
		for len(lanes) >= 8 && len(src) >= 8 {
			d, s := (*[8]uint16)(lanes), (*[8]byte)(src)
			d[0] = uint16(s[0])
			d[1] = uint16(s[1])
			d[2] = uint16(s[2])
			d[3] = uint16(s[3])
			d[4] = uint16(s[4])
			d[5] = uint16(s[5])
			d[6] = uint16(s[6])
			d[7] = uint16(s[7])
			lanes, src = lanes[8:], src[8:]
		}
	}
	at := 0
	for i := range lanes {
		lanes[i] = uint16(src[at])
		at += stride
	}
}
