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
	switch {
	case b.s.panel == 1:
		b.strips()
	case b.q.gather:
		b.gathered()
	default:
		b.inPlace()
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

// inPlace computes tiles whose columns are read where they are.
func (b *tapBlock) inPlace() {
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
	size := b.rows * q.cols
	panel := b.sc.floats.get(len(q.off)*tileCols + vecLen)
	t := tile{b: panel, bAt: [2]int{0, vecLen}, off: b.sc.ints.get(len(q.off))}
	for k := range t.off {
		t.off[k] = int32(k * tileCols)
	}
	var edge [tileRows * tileCols]float32
	var to [tileCols]int // places of the columns in out, in channel 0
	for first := 0; first < b.images*size; first += tileCols {
		width := min(tileCols, b.images*size-first)
		var m moves
		for c := 0; c < width; {
			n, i, j := (first+c)/size, (first+c)%size/q.cols, (first+c)%q.cols
			run := min(width-c, q.cols-j)
			m.add(n*b.image+i*s.planes.pitch+j, c, run)
			at := b.outAt(n, 0, 0) + i*q.cols + j
			for ; run > 0; run-- {
				to[c] = at
				at++
				c++
			}
		}
		whole := width == tileCols && to[tileCols-1] == to[0]+tileCols-1
		last := -1
		for _, u := range b.units {
			if u.group != last {
				gatherPanel(panel, b.src[b.srcAt(0, u.group):], q.off, &m)
				last = u.group
			}
			s.setRows(&t, q, u, 0)
			out := b.outAt(0, u.group, u.first)
			if whole {
				t.c, t.ldc, t.cAt = b.out, b.outPlane, [2]int{out + to[0], out + to[0] + vecLen}
				runTile(&t)
				continue
			}
			t.c, t.ldc, t.cAt = edge[:], tileCols, [2]int{0, vecLen}
			runTile(&t)
			for r := 0; r < u.rows; r++ {
				d := b.out[out+r*b.outPlane:]
				for c, v := range edge[r*tileCols:][:width] {
					d[to[c]] = v
				}
			}
		}
	}
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
		row := u.group*s.m + u.first
		t := strip{w: q.a[row*k : row*k+k], off: q.off, b: b.src[b.srcAt(0, u.group):], at: at, to: to}
		if s.bias != nil {
			t.init = s.bias[row]
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
