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
	b.u0, b.u1 = slice*len(s.units)/s.slices, (slice+1)*len(s.units)/s.slices
	size := p.chans * p.h * p.w
	// Vectors may be read that begin inside the planes and end outside.
	b.src = sc.floats.get((n1-n0)*image + tileCols)
	clear(b.src)
	for n := n0; n < n1; n++ {
		p.fill(b.src[(n-n0)*image:][:image], s.src[n*size:][:size], b.row0)
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
			b.inPlace()
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
	return n*b.image + g*b.s.srcChans*p.rows*p.pitch
}

// vectors lists the vectors that cover the rows: where they start in the planes and,
// relative to the origin of the part, in dst; the last of a row may overlap the one before.
// The number is made a multiple of unit by repeating the last vector.
func (b *tapBlock) vectors(images, unit int) (at, to []int32) {
	s := b.s
	cols := b.q.cols
	n := images * b.rows * ceilDiv(cols, vecLen)
	at, to = b.sc.ints.get(n + unit)[:0], b.sc.ints.get(n + unit)[:0]
	for n := 0; n < images; n++ {
		for i := 0; i < b.rows; i++ {
			from, dst := n*b.image+i*s.planes.pitch, b.dstAt(n, 0)-b.dstAt(0, 0)+(b.row0+i)*s.step[0]*s.dstW
			for j := 0; j < cols; j += vecLen {
				j := min(j, cols-vecLen)
				at = append(at, int32(from+j))
				to = append(to, int32(dst+j*s.step[1]))
			}
		}
	}
	return repeatLast(at, unit), repeatLast(to, unit)
}

func repeatLast(x []int32, unit int) []int32 {
	for len(x)%unit != 0 {
		x = append(x, x[len(x)-1])
	}
	return x
}

// panelCache is the most elements of packed weights to go through again and again.
const panelCache = 64 << 10

// inPlace computes tiles whose columns are read where they are.
func (b *tapBlock) inPlace() {
	s, q := b.s, b.q
	at, to := b.vectors(1, 2)
	perRow := ceilDiv(q.cols, vecLen)
	t := tile{b: b.src, off: q.off}
	plane := s.dstH * s.dstW
	group := max(1, panelCache/(len(q.off)*tileRows))
	var edge [tileRows * tileCols]float32
	for n := 0; n < b.images; n++ {
		for u0 := b.u0; u0 < b.u1; u0 += group {
			units := s.units[u0:min(b.u1, u0+group)]
			for v := 0; v < len(at); v += 2 {
				k0 := 0
				if s.byRows {
					k0, t.off = q.taps(b.row0+v/perRow, b.row0+min((v+1)/perRow, b.rows-1))
				}
				for _, u := range units {
					from, dst := b.srcAt(n, u.group), b.dstAt(b.n0+n, u.group)+u.first*plane
					s.setRows(&t, q, u, k0)
					t.bAt = [2]int{from + int(at[v]), from + int(at[v+1])}
					if s.step[1] == 1 {
						t.c, t.ldc = s.dst, plane
						t.cAt = [2]int{dst + int(to[v]), dst + int(to[v+1])}
						runTile(&t)
						continue
					}
					t.c, t.ldc, t.cAt = edge[:], tileCols, [2]int{0, vecLen}
					runTile(&t)
					for r := 0; r < u.rows; r++ {
						spread(s.dst[dst+r*plane+int(to[v]):], edge[r*tileCols:][:vecLen], s.step[1])
						spread(s.dst[dst+r*plane+int(to[v+1]):], edge[r*tileCols+vecLen:][:vecLen], s.step[1])
					}
				}
			}
		}
	}
}

// taps is the range of the taps that the rows i and j need.
func (q *tapPart) taps(i, j int) (first int, off []int32) {
	first = int(min(q.first[i], q.first[j]))
	return first, q.off[first:max(q.end[i], q.end[j])]
}

// spread sets dst[i*step] = src[i].
func spread(dst, src []float32, step int) {
	at := 0
	for _, v := range src {
		dst[at] = v
		at += step
	}
}

// setRows sets what t needs to know of a row panel, from tap k0 on.
func (s *tapSum) setRows(t *tile, q *tapPart, u tapUnit, k0 int) {
	row := u.group*s.m + u.first
	t.rows, t.a, t.init = u.rows, q.a[row*len(q.off)+k0*u.rows:], noInit[:]
	if s.bias != nil {
		t.init = s.bias[row:]
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
		for _, u := range s.units[b.u0:b.u1] {
			if u.group != last {
				gatherPanel(panel, b.src[b.srcAt(0, u.group):], q.off, &m)
				last = u.group
			}
			s.setRows(&t, q, u, 0)
			dst := (u.group*s.m + u.first) * plane
			if whole {
				t.c, t.ldc, t.cAt = s.dst, plane, [2]int{dst + to[0], dst + to[0] + vecLen}
				runTile(&t)
				continue
			}
			t.c, t.ldc, t.cAt = edge[:], tileCols, [2]int{0, vecLen}
			runTile(&t)
			for r := 0; r < u.rows; r++ {
				d := s.dst[dst+r*plane:]
				for c, v := range edge[r*tileCols:][:width] {
					d[to[c]] = v
				}
			}
		}
	}
}

// strips computes single rows of dst, each for all images.
func (b *tapBlock) strips() {
	s, q := b.s, b.q
	plane, size := s.dstH*s.dstW, b.rows*q.cols
	inPlace := s.step[1] == 1 && q.cols >= vecLen
	var at, to []int32
	var buf []float32
	if inPlace {
		at, to = b.vectors(b.images, stripVecs)
	} else {
		at, to = b.looseVectors()
		buf = b.sc.floats.get(b.images*size + tileCols)
	}
	k := len(q.off)
	for _, u := range s.units[b.u0:b.u1] {
		row := u.group*s.m + u.first
		t := strip{w: q.a[row*k : row*k+k], off: q.off, b: b.src[b.srcAt(0, u.group):], at: at, to: to, c: buf}
		if s.bias != nil {
			t.init = s.bias[row]
		}
		if inPlace {
			t.c = s.dst[b.dstAt(b.n0, u.group)+u.first*plane:]
			runStrip(&t)
			continue
		}
		runStrip(&t)
		for n := 0; n < b.images; n++ {
			src := buf[n*size:][:size]
			dst := s.dst[b.dstAt(b.n0+n, u.group)+u.first*plane+b.row0*s.step[0]*s.dstW:]
			if s.step == [2]int{1, 1} {
				copy(dst, src)
				continue
			}
			for i := 0; i < b.rows; i++ {
				spread(dst[i*s.step[0]*s.dstW:], src[i*q.cols:][:q.cols], s.step[1])
			}
		}
	}
}

// looseVectors lists the vectors that cover the rows of the images one after the other
// without gaps, where a vector may reach beyond its row: it is overwritten there by the
// next.
func (b *tapBlock) looseVectors() (at, to []int32) {
	n := b.images*b.rows*ceilDiv(b.q.cols, vecLen) + stripVecs
	at, to = b.sc.ints.get(n)[:0], b.sc.ints.get(n)[:0]
	for n := 0; n < b.images; n++ {
		for i := 0; i < b.rows; i++ {
			for j := 0; j < b.q.cols; j += vecLen {
				at = append(at, int32(n*b.image+i*b.s.planes.pitch+j))
				to = append(to, int32((n*b.rows+i)*b.q.cols+j))
			}
		}
	}
	return repeatLast(at, stripVecs), repeatLast(to, stripVecs)
}
