package kernel

// task computes the rows of one band of some images, for one slice of the row panels.
func (s *tapSum) task(i int) {
	slice := i % s.slices
	band := i / s.slices % s.bands
	n0 := i / s.slices / s.bands * s.images
	n1 := min(s.conv.N, n0+s.images)
	sc := getScratch()
	p := &s.planes
	image := p.image()
	b := tapBlock{s: s, sc: sc, n0: n0, images: n1 - n0, row0: band * s.band, image: image}
	b.u0, b.u1 = slice*s.panels()/s.slices, (slice+1)*s.panels()/s.slices
	if p.direct {
		b.src = s.src[n0*image:]
		b.base = b.row0 * p.pitch
	} else {
		size := p.chans * p.h * p.w
		// Vectors may be read that begin inside the planes and end outside.
		b.src = sc.floats.get((n1-n0)*image + tileCols)
		for n := n0; n < n1; n++ {
			p.fill(b.src[(n-n0)*image:][:image], s.src[n*size:][:size], b.row0)
		}
	}
	for i := range s.parts {
		b.q = &s.parts[i]
		b.rows = min(b.q.rows-b.row0, s.band)
		switch {
		case b.rows <= 0 || len(b.q.off) == 0:
		case s.panel == 1:
			b.strips()
		case b.q.gather:
			b.gathered()
		default:
			b.direct()
		}
	}
	sc.put()
}

// tapBlock is the work of a task on one part.
type tapBlock struct {
	s          *tapSum
	q          *tapPart
	sc         *scratch
	n0, images int
	row0, rows int // rows of the part
	u0, u1     int // row panels
	src        []float32
	base       int // place in src of (row0, 0) of the first plane
	image      int // elements of src from image to image
}

// dstAt is the place in dst of row 0 of group g of image n at the origin of the part.
func (b *tapBlock) dstAt(n, g int) int {
	s := b.s
	return ((n*s.groups+g)*s.m*s.dstH+b.q.row0)*s.dstW + b.q.col0
}

// srcAt is the place in src of the first channel of group g of image n0+n.
func (b *tapBlock) srcAt(n, g int) int {
	p := &b.s.planes
	return b.base + n*b.image + g*b.s.srcChans*p.rows*p.pitch
}

// vectors lists the vectors that cover the rows: where they start in the planes and,
// relative to the origin of the part, in dst; the last of a row may overlap the one before.
// The number is made a multiple of unit by repeating the last vector.
func (b *tapBlock) vectors(unit int) (at, to []int32) {
	s := b.s
	cols := b.q.cols
	n := b.rows * ceilDiv(cols, vecLen)
	at, to = b.sc.ints.get(n + unit)[:0], b.sc.ints.get(n + unit)[:0]
	for i := 0; i < b.rows; i++ {
		for j := 0; j < cols; j += vecLen {
			j := min(j, cols-vecLen)
			at = append(at, int32(i*s.planes.pitch+j))
			to = append(to, int32((b.row0+i)*s.step[0]*s.dstW+j*s.step[1]))
		}
	}
	for len(at)%unit != 0 {
		at, to = append(at, at[len(at)-1]), append(to, to[len(to)-1])
	}
	return at, to
}

// panelCache is the most elements of packed weights to go through again and again.
const panelCache = 64 << 10

// direct computes tiles whose columns are read in place.
func (b *tapBlock) direct() {
	s, q := b.s, b.q
	at, to := b.vectors(2)
	t := tile{b: b.src, off: q.off}
	plane := s.dstH * s.dstW
	group := max(1, panelCache/(len(q.off)*tileRows))
	var edge [tileRows * tileCols]float32
	for n := 0; n < b.images; n++ {
		for u0 := b.u0; u0 < b.u1; u0 += group {
			for v := 0; v < len(at); v += 2 {
				for u := u0; u < min(b.u1, u0+group); u++ {
					g, first, rows := s.rowPanel(u)
					from, dst := b.srcAt(n, g), b.dstAt(b.n0+n, g)+first*plane
					s.setRows(&t, q, g, first, rows)
					t.bAt = [2]int{from + int(at[v]), from + int(at[v+1])}
					if s.step[1] == 1 {
						t.c, t.ldc = s.dst, plane
						t.cAt = [2]int{dst + int(to[v]), dst + int(to[v+1])}
						runTile(&t)
						continue
					}
					t.c, t.ldc, t.cAt = edge[:], tileCols, [2]int{0, vecLen}
					runTile(&t)
					for r := 0; r < rows; r++ {
						spread(s.dst[dst+r*plane+int(to[v]):], edge[r*tileCols:][:vecLen], s.step[1])
						spread(s.dst[dst+r*plane+int(to[v+1]):], edge[r*tileCols+vecLen:][:vecLen], s.step[1])
					}
				}
			}
		}
	}
}

// spread sets dst[i*step] = src[i].
func spread(dst, src []float32, step int) {
	at := 0
	for _, v := range src {
		dst[at] = v
		at += step
	}
}

// setRows sets what t needs to know of a row panel.
func (s *tapSum) setRows(t *tile, q *tapPart, g, first, rows int) {
	t.rows, t.a, t.init = rows, q.a[(g*s.m+first)*len(q.off):], noInit[:]
	if s.bias != nil {
		t.init = s.bias[g*s.m+first:]
	}
}

// gathered computes tiles whose columns are collected from short rows, also of different
// images, into panels.
func (b *tapBlock) gathered() {
	s, q := b.s, b.q
	plane := s.dstH * s.dstW
	per := b.rows * q.cols
	panel := b.sc.floats.get(len(q.off)*tileCols + vecLen)
	t := tile{b: panel, bAt: [2]int{0, vecLen}, off: b.sc.ints.get(len(q.off))}
	for k := range t.off {
		t.off[k] = int32(k * tileCols)
	}
	var edge [tileRows * tileCols]float32
	var to [tileCols]int // places of the columns in dst, in row 0 of group 0
	for first := 0; first < b.images*per; first += tileCols {
		width := min(tileCols, b.images*per-first)
		var m moves
		for c := 0; c < width; {
			n, i, j := (first+c)/per, (first+c)%per/q.cols, (first+c)%q.cols
			run := min(width-c, q.cols-j)
			m.add(n*b.image+i*s.planes.pitch+j, c, run)
			at := b.dstAt(b.n0+n, 0) + (b.row0+i)*s.step[0]*s.dstW + j*s.step[1]
			for ; run > 0; run-- {
				to[c] = at
				at += s.step[1]
				c++
			}
		}
		whole := width == tileCols && to[tileCols-1] == to[0]+tileCols-1
		last := -1
		for u := b.u0; u < b.u1; u++ {
			g, r0, rows := s.rowPanel(u)
			if g != last {
				gatherPanel(panel, b.src[b.srcAt(0, g):], q.off, &m)
				last = g
			}
			s.setRows(&t, q, g, r0, rows)
			dst := (g*s.m + r0) * plane
			if whole {
				t.c, t.ldc, t.cAt = s.dst, plane, [2]int{dst + to[0], dst + to[0] + vecLen}
				runTile(&t)
				continue
			}
			t.c, t.ldc, t.cAt = edge[:], tileCols, [2]int{0, vecLen}
			runTile(&t)
			for r := 0; r < rows; r++ {
				d := s.dst[dst+r*plane:]
				for c, v := range edge[r*tileCols:][:width] {
					d[to[c]] = v
				}
			}
		}
	}
}

// strips computes single rows of dst.
func (b *tapBlock) strips() {
	s, q := b.s, b.q
	plane := s.dstH * s.dstW
	inPlace := s.step[1] == 1 && q.cols >= vecLen
	var at, to []int32
	var buf []float32
	if inPlace {
		at, to = b.vectors(stripVecs)
	} else {
		at, to = b.looseVectors()
		buf = b.sc.floats.get(b.rows*q.cols + tileCols)
	}
	for n := 0; n < b.images; n++ {
		for u := b.u0; u < b.u1; u++ {
			g, r, _ := s.rowPanel(u)
			k := len(q.off)
			t := strip{w: q.a[u*k : u*k+k], off: q.off, b: b.src[b.srcAt(n, g):], at: at, to: to}
			if s.bias != nil {
				t.init = s.bias[u]
			}
			dst := s.dst[b.dstAt(b.n0+n, g)+r*plane:]
			if inPlace {
				t.c = dst
				runStrip(&t)
				continue
			}
			t.c = buf
			runStrip(&t)
			for i := 0; i < b.rows; i++ {
				row := buf[i*q.cols:][:q.cols]
				d := dst[(b.row0+i)*s.step[0]*s.dstW:]
				if s.step[1] == 1 {
					copy(d, row)
				} else {
					spread(d, row, s.step[1])
				}
			}
		}
	}
}

// looseVectors lists the vectors that cover the rows one after the other without gaps,
// where a vector may reach beyond its row: it is overwritten there by the next.
func (b *tapBlock) looseVectors() (at, to []int32) {
	n := b.rows*ceilDiv(b.q.cols, vecLen) + stripVecs
	at, to = b.sc.ints.get(n)[:0], b.sc.ints.get(n)[:0]
	for i := 0; i < b.rows; i++ {
		for j := 0; j < b.q.cols; j += vecLen {
			at = append(at, int32(i*b.s.planes.pitch+j))
			to = append(to, int32(i*b.q.cols+j))
		}
	}
	for len(at)%stripVecs != 0 {
		at, to = append(at, at[len(at)-1]), append(to, to[len(to)-1])
	}
	return at, to
}
