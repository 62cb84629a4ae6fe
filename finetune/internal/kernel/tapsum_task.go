package kernel

// task computes the rows of one band of some images, for one slice of the row panels.
func (s *tapSum) task(i int) {
	slice := i % s.slices
	band := i / s.slices % s.bands
	n0 := i / s.slices / s.bands * s.images
	n1 := min(s.conv.N, n0+s.images)
	sc := getScratch()
	p := &s.planes
	image, size := p.image(), p.chans*p.h*p.w
	b := tapBlock{s: s, sc: sc, n0: n0, images: n1 - n0, row0: band * s.band, image: image,
		units: s.units[slice*len(s.units)/s.slices : (slice+1)*len(s.units)/s.slices]}
	// Vectors may be read that begin inside the planes and end outside.
	b.src = sc.floats.get((n1-n0)*image + tileCols)
	if !p.whole(b.row0) {
		clear(b.src)
	}
	for n := n0; n < n1; n++ {
		p.fill(b.src[(n-n0)*image:][:image], s.src[n*size:][:size], b.row0)
	}
	if s.step == [2]int{1, 1} {
		b.q = &s.parts[0]
		b.rows = min(b.q.rows-b.row0, s.band)
		b.out = s.dst[n0*s.groups*s.m*s.dstH*s.dstW+b.row0*s.dstW:]
		b.outPlane = s.dstH * s.dstW
		b.compute()
	} else {
		b.interleave()
	}
	sc.put()
}

// tapBlock is the work of a task, all of it or on one part.
type tapBlock struct {
	s          *tapSum
	q          *tapPart
	sc         *scratch
	n0, images int
	row0, rows int // rows of the part
	units      []tapUnit
	src        []float32 // planes of the images
	image      int       // elements of src from image to image
	out        []float32 // the result, from row0 of channel 0 of image n0 on: rows of q.cols
	outPlane   int       // elements of out from channel to channel
}

// interleave computes all parts and puts them together in dst.
func (b *tapBlock) interleave() {
	s := b.s
	outs := b.sc.floats.get(b.images * s.groups * s.m * s.band * s.dstW)
	for a := 0; a < min(s.step[0], s.dstH); a++ {
		// the parts that have every step[0]-th row of dst in common
		parts := s.parts[a*min(s.step[1], s.dstW):][:min(s.step[1], s.dstW)]
		if b.rows = min(parts[0].rows-b.row0, s.band); b.rows <= 0 {
			continue
		}
		at := 0
		for i := range parts {
			b.q = &parts[i]
			b.outPlane = b.rows * b.q.cols
			b.out = outs[at:][:b.images*s.groups*s.m*b.outPlane]
			at += len(b.out)
			if len(b.q.off) == 0 {
				clear(b.out)
			} else {
				b.compute()
			}
		}
		for n := 0; n < b.images; n++ {
			for _, u := range b.units {
				for r := 0; r < u.rows; r++ {
					b.merge(parts, outs, n, u.group*s.m+u.first+r)
				}
			}
		}
	}
}

// merge puts the rows of channel c of image n in outs, one part after the other, into dst.
func (b *tapBlock) merge(parts []tapPart, outs []float32, n, c int) {
	s := b.s
	plane, planes := n*s.groups*s.m+c, b.images*s.groups*s.m
	dst := s.dst[((b.n0*s.groups*s.m+plane)*s.dstH+parts[0].row0+b.row0*s.step[0])*s.dstW:]
	ld := s.step[0] * s.dstW
	if len(parts) == 2 {
		x, y := parts[0].cols, parts[1].cols
		weave(dst, ld, outs[plane*b.rows*x:], outs[(planes*x+plane*y)*b.rows:], b.rows, x, y)
		return
	}
	at := 0
	for j := range parts {
		x := parts[j].cols
		for i := 0; i < b.rows; i++ {
			spread(dst[i*ld+j:], outs[at+(plane*b.rows+i)*x:][:x], s.step[1])
		}
		at += planes * b.rows * x
	}
}

// compute computes the rows of the part.
func (b *tapBlock) compute() {
	switch b.s.way {
	case byTiles:
		b.tiles()
	case byChannels:
		b.channels()
	case byStrips:
		b.strips()
	}
}

// outAt is the place in out of row row0 of a channel of image n0+n.
func (b *tapBlock) outAt(n, group, first int) int {
	return ((n*b.s.groups+group)*b.s.m + first) * b.outPlane
}

// srcAt is the place in src of the first channel of a group of image n0+n.
func (b *tapBlock) srcAt(n, group int) int {
	p := &b.s.planes
	return n*b.image + group*b.s.srcChans*p.rows*p.pitch
}

// vectors lists the vectors that cover the rows of the first images: where they start in
// src and in out; the last of a row may overlap the one before. The number is made
// a multiple of unit by repeating the last vector.
func (b *tapBlock) vectors(images, unit int) (at, to []int32) {
	cols := b.q.cols
	n := images * b.rows * ceilDiv(cols, vecLen)
	at, to = b.sc.ints.get(n + unit)[:0], b.sc.ints.get(n + unit)[:0]
	for n := 0; n < images; n++ {
		for i := 0; i < b.rows; i++ {
			src, out := n*b.image+i*b.s.planes.pitch, b.outAt(n, 0, 0)+i*cols
			for j := 0; j < cols; j += vecLen {
				j := min(j, cols-vecLen)
				at, to = append(at, int32(src+j)), append(to, int32(out+j))
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

// tiles computes tiles of channels by positions.
func (b *tapBlock) tiles() {
	s, q := b.s, b.q
	at, to := b.vectors(1, 2)
	perRow := ceilDiv(q.cols, vecLen)
	t := tile{b: b.src, off: q.off, c: b.out, ldc: b.outPlane}
	block := max(1, panelCache/(len(q.off)*tileRows))
	for n := 0; n < b.images; n++ {
		for u0 := 0; u0 < len(b.units); u0 += block {
			units := b.units[u0:min(len(b.units), u0+block)]
			for v := 0; v < len(at); v += 2 {
				k0 := 0
				if s.byRows {
					k0, t.off = q.taps(b.row0+v/perRow, b.row0+min((v+1)/perRow, b.rows-1))
				}
				for _, u := range units {
					s.setRows(&t, q, u, k0)
					src, out := b.srcAt(n, u.group), b.outAt(n, u.group, u.first)
					t.bAt = [2]int{src + int(at[v]), src + int(at[v+1])}
					t.cAt = [2]int{out + int(to[v]), out + int(to[v+1])}
					runTile(&t)
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

// setRows sets what t needs to know of a row panel, from tap k0 on.
func (s *tapSum) setRows(t *tile, q *tapPart, u tapUnit, k0 int) {
	t.rows, t.a, t.init = u.rows, q.a[u.at*len(q.off)+k0*u.ld:], noInit[:]
	if s.bias != nil {
		t.init = s.bias[u.group*s.m+u.first:]
	}
}

// channels computes tiles of positions by channels.
func (b *tapBlock) channels() {
	s, q := b.s, b.q
	size := b.rows * q.cols
	buf := b.sc.floats.get(b.images * size * tileCols) // [positions][tileCols]
	at := b.positions()
	for _, u := range b.units {
		t := gradTile{a: b.src[b.srcAt(0, u.group):], init: noInit[:], ldc: tileCols}
		if s.bias != nil {
			var init [tileCols]float32
			copy(init[:], s.bias[u.group*s.m+u.first:][:u.rows])
			t.init = init[:]
		}
		a := q.a[u.at*len(q.off):]
		if s.byRows {
			for i := 0; i < b.images*b.rows; i++ {
				k0, off := q.taps(b.row0+i%b.rows, b.row0+i%b.rows)
				t.pos, t.b = off, a[k0*tileCols:]
				t.positions(at[i*q.cols:][:q.cols], buf[i*q.cols*tileCols:])
			}
		} else {
			t.pos, t.b = q.off, a
			t.positions(at, buf)
		}
		for n := 0; n < b.images; n++ {
			transpose(b.out[b.outAt(n, u.group, u.first):], b.outPlane, buf[n*size*tileCols:], tileCols, size, u.rows, false)
		}
	}
}

// positions runs t for all positions and stores the results one after the other in c.
func (t *gradTile) positions(at []int32, c []float32) {
	for i := range rowPanels(len(at)) {
		first, rows := rowPanel(len(at), i)
		t.rows, t.c = rows, c[first*tileCols:]
		for r, p := range at[first : first+rows] {
			t.at[r] = int(p)
		}
		runGradTile(t)
	}
}

// positions lists the places of all positions in src.
func (b *tapBlock) positions() []int32 {
	at := b.sc.ints.get(b.images * b.rows * b.q.cols)[:0]
	for n := 0; n < b.images; n++ {
		for i := 0; i < b.rows; i++ {
			for j := 0; j < b.q.cols; j++ {
				at = append(at, int32(n*b.image+i*b.s.planes.pitch+j))
			}
		}
	}
	return at
}

// strips computes single rows of the result, each for all images. Rows that are shorter
// than a vector go to a buffer first.
func (b *tapBlock) strips() {
	s, q := b.s, b.q
	short := q.cols < vecLen
	size := b.rows * q.cols
	var at, to []int32
	var buf []float32
	if short {
		at, to = b.looseVectors()
		buf = b.sc.floats.get(b.images*size + vecLen)
	} else {
		at, to = b.vectors(b.images, stripVecs)
	}
	k := len(q.off)
	for _, u := range b.units {
		t := strip{w: q.a[u.at*k:][:k], off: q.off, b: b.src[b.srcAt(0, u.group):], at: at, to: to}
		if s.bias != nil {
			t.init = s.bias[u.group*s.m+u.first]
		}
		if !short {
			t.c = b.out[b.outAt(0, u.group, u.first):]
			runStrip(&t)
			continue
		}
		t.c = buf
		runStrip(&t)
		c := blockCopy{dst: b.out[b.outAt(0, u.group, u.first):], dstPlane: s.groups * s.m * b.outPlane,
			src: buf, srcPlane: size, planes: b.images, rows: 1, cols: size, step: 1}
		c.run()
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
