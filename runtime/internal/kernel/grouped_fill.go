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
	runs       []int       // elements of n rows, where rows follow each other as in the input
	sectionIn  []int       // first element of every section
	tiles      []inputTile // per row of tiles

	job      fillJob
	pieces   [][]fillPiece // per tile; none: row by row
	pieceRow []int         // first tile of a row of tiles
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
	if k.groupUnits > 0 && g.strideRow == 1 && g.strideCol == 1 && lay.pitch == g.width && lay.cols == g.width {
		for n := range lay.rows + g.maxExtra() + 1 {
			g.runs = append(g.runs, n*g.width)
		}
	}
	g.prepareFill(k, axes[1], lay)
	return g
}

// maxExtra is the largest number of plane rows beyond those of the tile.
func (t *groupedTerm) maxExtra() int {
	n := 0
	for _, p := range t.planes {
		n = max(n, p.rows)
	}
	return n
}

// memory is the size of the tables.
func (t *groupedTerm) memory() int {
	n := 8*len(t.sectionIn) + 16*len(t.tiles) + 8*len(t.runs)
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
// the tile has one strip.
func (t *groupedTerm) fill(buf []byte, in []byte, sec, ty, tx, rows, cols int, wide bool) {
	in = in[t.sectionIn[sec]:]
	buf = buf[t.base:]
	if t.pieces != nil {
		vectorFill(buf, in, &t.job, t.pieces[t.pieceRow[ty]+tx], t.channels)
		return
	}
	tile := t.tiles[ty]
	for c := t.channels; ; {
		for _, p := range t.planes {
			row, elem := tile.row+p.first, tile.elem+p.elem
			if t.runs != nil {
				t.fillRuns(buf[p.off:], in, p.cols[tx], row, elem, rows+p.rows)
			} else {
				t.fillRows(buf[p.off:], in, p.cols[tx], row, elem, rows+p.rows, cols, wide)
			}
		}
		if c--; c == 0 {
			return
		}
		in = in[t.plane:]
		buf = buf[t.chanBytes:]
	}
}

// fillRows writes n plane rows of cols positions; the first one meets input row row,
// which starts at element elem.
func (t *groupedTerm) fillRows(dst, in []byte, r colRange, row, elem, n, cols int, wide bool) {
	for ; n > 0 && (row < 0 || r.lo >= r.hi); n-- {
		fillLanes(dst, cols, wide, t.zero)
		dst = dst[min(t.pitch, len(dst)):]
		row += t.strideRow
		elem += t.strideElem
	}
	inside, end := 0, 0 // rows; bytes of dst
	for ; inside < n && row < t.height; inside++ {
		row += t.strideRow
		end += t.pitch
	}
	switch {
	case inside > 0 && !wide:
		fillInside(dst, in[elem+r.from:], inside, r.lo, r.hi, cols, t.strideCol, t.zero, t.pitch, t.strideElem)
	case inside > 0:
		to, from := dst, in[elem+r.from:]
		for range inside {
			fillWide(to, from, r.lo, r.hi, cols, t.strideCol, t.zero)
			to, from = to[min(t.pitch, len(to)):], from[min(t.strideElem, len(from)):]
		}
	}
	dst = dst[min(end, len(dst)):]
	for n -= inside; n > 0; n-- {
		fillLanes(dst, cols, wide, t.zero)
		dst = dst[min(t.pitch, len(dst)):]
	}
}

// fillLanes writes the index worth zero to cols positions.
func fillLanes(dst []byte, cols int, wide bool, zero byte) {
	if wide {
		fillWide(dst, nil, 0, 0, cols, 1, zero)
		return
	}
	fillZero(dst[:cols], zero)
}

// fillRuns is fillRows where plane rows are as long as input rows and step alike: all
// rows inside the input are copied at once, then the columns outside are set.
func (t *groupedTerm) fillRuns(dst, in []byte, r colRange, row, elem, n int) {
	for ; n > 0 && row < 0; n-- {
		fillZero(dst[:t.width], t.zero)
		dst = dst[t.width:]
		row++
		elem += t.width
	}
	if m := min(n, t.height-row); m > 0 && r.lo < r.hi {
		run := t.runs[m]
		from := elem + r.from - r.lo // what column 0 would meet
		to := from + run
		skip := max(0, -from)
		copy(dst[skip:run], in[from+skip:min(to, t.plane)])
		for c := range r.lo {
			fillColumn(dst[c:run], t.width, t.zero)
		}
		for c := r.hi; c < t.width; c++ {
			fillColumn(dst[c:run], t.width, t.zero)
		}
		dst = dst[run:]
		n -= m
	}
	for ; n > 0; n-- {
		fillZero(dst[:t.width], t.zero)
		dst = dst[t.width:]
	}
}

// fillColumn sets every element that lies at a multiple of pitch.
func fillColumn(dst []byte, pitch int, zero byte) {
	for at := 0; at < len(dst); at += pitch {
		dst[at] = zero
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
