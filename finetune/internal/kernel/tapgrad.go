package kernel

import "sync"

// tapGrad is Conv.BackwardWeights. With x as padded planes, the gradient of tap k of
// output channel o is the inner product of dy[o] with the planes at the distance of the
// tap. The batch is cut into chunks of images, each of which is summed up by itself;
// the sums of the chunks are added in order.
//
// There are two ways. With tiles, dy is transposed to [positions][channels] and the sums
// are [groups][taps][wide] with wide a multiple of tileCols. With few channels in a
// group, the products are formed along the rows, and the sums are [O][taps][vecLen].
type tapGrad struct {
	conv            Conv
	x, dy, dw, db   []float32
	cg, og          int // input and output channels of a group
	rows, cols      int // of an output plane
	wide            int // 0 for dots
	planes          planes
	off             []int32   // taps of group 0
	pos             []int32   // places of the positions (or of vectors, for dots) of images in the planes
	sums            []float32 // per chunk, size elements
	sumsB           []float32 // per chunk, O elements
	size            int
	chunk, chunks   int // images in a chunk
	images          int // images that are worked on together
	slices          int // tasks of a chunk, by group and block of output channels
	step            int // taps, or output channels for dots, of a task that adds chunks
	scratch         *scratch
	taskFn, mergeFn func(i int) // bound methods
}

var tapGrads = sync.Pool{New: func() any {
	g := new(tapGrad)
	g.taskFn, g.mergeFn = g.task, g.merge
	return g
}}

// dotChannels is the number of output channels of a group up to which dots are better.
const dotChannels = 4

// gradPos is the number of positions after which the sums of a tile go to memory.
const gradPos = 512

func (v *Conv) backwardWeights(dw, db, dy, x []float32) {
	g := tapGrads.Get().(*tapGrad)
	g.conv = *v
	if v.isPointwise() {
		g.conv.H, g.conv.W = 1, v.H*v.W
	}
	g.x, g.dy, g.dw, g.db = x, dy, dw, db
	g.scratch = getScratch()
	g.plan()
	Parallel(g.chunks*g.slices, g.taskFn)
	if g.wide > 0 {
		Parallel(v.Groups*ceilDiv(len(g.off), g.step), g.mergeFn)
	} else {
		Parallel(ceilDiv(v.O, g.step), g.mergeFn)
	}
	if db != nil {
		clear(db)
		for c := 0; c < g.chunks; c++ {
			axpy(db, 1, g.sumsB[c*v.O:][:v.O])
		}
	}
	g.x, g.dy, g.dw, g.db, g.off, g.pos, g.sums, g.sumsB = nil, nil, nil, nil, nil, nil, nil, nil
	g.planes.slot = nil
	g.scratch.put()
	g.scratch = nil
	tapGrads.Put(g)
}

// plan lays out planes, taps, positions and sums and chooses the sizes of tasks.
func (g *tapGrad) plan() {
	v, p := &g.conv, &g.planes
	g.cg, g.og = v.C/v.Groups, v.O/v.Groups
	g.rows, g.cols = v.OH(), v.OW()
	k := g.cg * v.KH * v.KW
	units := v.O
	if g.og <= dotChannels {
		g.wide, g.size = 0, v.O*k*vecLen
	} else {
		g.wide = ceilDiv(g.og, tileCols) * tileCols
		g.size = v.Groups * k * g.wide
		units = v.Groups * g.wide / tileCols
	}
	*p = planes{chans: v.C, h: v.H, w: v.W, stride: v.Stride, pad: [2]int{v.Pad[0], v.Pad[1]}, slot: g.scratch.ints.get(v.Stride[0] * v.Stride[1])}
	p.layPhases(v, false)
	p.rows = g.rows + (v.KH-1)*v.Dilation[0]/v.Stride[0]
	p.pitch = g.cols + (v.KW-1)*v.Dilation[1]/v.Stride[1]

	g.chunks = min(v.N, fewTasks, max(1, maxSums/g.size))
	g.chunk = ceilDiv(v.N, g.chunks)
	g.chunks = ceilDiv(v.N, g.chunk)
	g.slices = 1
	work := v.O * k * g.rows * g.cols * g.chunk
	if want := min(ceilDiv(fewTasks, g.chunks), work/taskWork); want > 1 {
		g.slices = min(want, units)
	}
	g.images = max(1, min(g.chunk, taskBuffer/p.image(), 2*gradPos/(g.rows*g.cols)))
	g.step = max(1, (1<<15)*k/(g.size*g.chunks)) &^ (vecLen - 1)
	if g.wide == 0 {
		g.step = (1 << 15) * v.O / (g.size * g.chunks)
	}
	g.step = max(g.step, vecLen)
	g.sums = g.scratch.floats.get(g.chunks * g.size)
	g.sumsB = g.scratch.floats.get(g.chunks * v.O)
	g.layTaps()
}

// layTaps lists the taps, in the order of the weights, and the positions.
func (g *tapGrad) layTaps() {
	v, p := &g.conv, &g.planes
	g.off = g.scratch.ints.get(g.cg * v.KH * v.KW)[:0]
	for c := 0; c < g.cg; c++ {
		for u := 0; u < v.KH; u++ {
			for t := 0; t < v.KW; t++ {
				g.off = append(g.off, p.tap(c, u*v.Dilation[0], t*v.Dilation[1]))
			}
		}
	}
	unit := 1
	if g.wide == 0 {
		unit = vecLen
	}
	g.pos = g.scratch.ints.get(g.images * g.rows * ceilDiv(g.cols, unit))[:0]
	for n := 0; n < g.images; n++ {
		for i := 0; i < g.rows; i++ {
			for j := 0; j < g.cols; j += unit {
				g.pos = append(g.pos, int32(n*p.image()+i*p.pitch+j))
			}
		}
	}
}

// maxSums limits the elements of the sums of all chunks.
const maxSums = 8 << 20

// task sums up a chunk for a slice of the output channels.
func (g *tapGrad) task(i int) {
	v, p := &g.conv, &g.planes
	chunk, slice := i/g.slices, i%g.slices
	sc := getScratch()
	image := p.image()
	size := p.chans * p.h * p.w
	// Vectors of dots may reach beyond the planes; what they find there is multiplied by
	// zero.
	buf := sc.floats.get(g.images*image + tileCols)
	clear(buf)
	lines := sc.floats.get(g.images * g.rows * max(g.cols*tileCols, ceilDiv(g.cols, vecLen)*vecLen))
	if g.wide == 0 {
		clear(lines)
	}
	n1 := min(v.N, (chunk+1)*g.chunk)
	for n := chunk * g.chunk; n < n1; n += g.images {
		b := gradBlock{g: g, n: n, images: min(g.images, n1-n), src: buf, lines: lines, sums: g.sums[chunk*g.size:][:g.size],
			sumsB: g.sumsB[chunk*v.O:][:v.O], first: n == chunk*g.chunk}
		for m := 0; m < b.images; m++ {
			p.fill(buf[m*image:][:image], g.x[(n+m)*size:][:size], 0)
		}
		if g.wide > 0 {
			units := v.Groups * g.wide / tileCols
			for u := slice * units / g.slices; u < (slice+1)*units/g.slices; u++ {
				b.tiles(u/(g.wide/tileCols), u%(g.wide/tileCols)*tileCols)
			}
		} else {
			for o := slice * v.O / g.slices; o < (slice+1)*v.O/g.slices; o++ {
				b.dots(o)
			}
		}
	}
	sc.put()
}

// gradBlock is some images of a chunk: n to n+images.
type gradBlock struct {
	g           *tapGrad
	n, images   int
	src         []float32 // planes of the images
	lines       []float32 // room for dy
	sums, sumsB []float32 // of the chunk
	first       bool      // no sums yet
}

// bias adds dy, from an image on, to the sum of output channel o.
func (b *gradBlock) bias(o, image int, dy []float32) {
	if b.g.db == nil {
		return
	}
	s := Sum(dy)
	if !b.first || image > 0 {
		s += b.sumsB[o]
	}
	b.sumsB[o] = s
}

// tiles does tileCols output channels of a group, from o on.
func (b *gradBlock) tiles(group, o int) {
	g := b.g
	plane := g.rows * g.cols
	width := min(tileCols, g.og-o)
	c0 := group*g.og + o
	for n := 0; n < b.images; n++ {
		dy := g.dy[((b.n+n)*g.conv.O+c0)*plane:][:width*plane]
		transpose(b.lines[n*plane*tileCols:][:plane*tileCols], tileCols, dy, plane, width, plane, true)
		for c := 0; c < width; c++ {
			b.bias(c0+c, n, dy[c*plane:][:plane])
		}
	}
	k := len(g.off)
	base := group * g.cg * g.planes.rows * g.planes.pitch
	t := gradTile{a: b.src, init: noInit[:], ldc: g.wide}
	for p0 := 0; p0 < b.images*plane; p0 += gradPos {
		p1 := min(p0+gradPos, b.images*plane)
		t.pos, t.b = g.pos[p0:p1], b.lines[p0*tileCols:]
		t.add = !b.first || p0 > 0
		for q := range rowPanels(k) {
			var first int
			first, t.rows = rowPanel(k, q)
			for r := 0; r < t.rows; r++ {
				t.at[r] = base + int(g.off[first+r])
			}
			t.c = b.sums[(group*k+first)*g.wide+o:]
			runGradTile(&t)
		}
	}
}

// dots does one output channel.
func (b *gradBlock) dots(o int) {
	g := b.g
	plane, k := g.rows*g.cols, len(g.off)
	pitch := ceilDiv(g.cols, vecLen) * vecLen
	lines := blockCopy{dst: b.lines, dstPlane: g.rows * pitch, dstRow: pitch,
		src: g.dy[(b.n*g.conv.O+o)*plane:], srcPlane: g.conv.O * plane, srcRow: g.cols,
		planes: b.images, rows: g.rows, cols: g.cols, step: 1}
	lines.run()
	b.bias(o, 0, b.lines[:b.images*g.rows*pitch])
	sums := b.sums[o*k*vecLen:][:k*vecLen]
	if b.first {
		clear(sums)
	}
	d := dots{a: b.src[o/g.og*g.cg*g.planes.rows*g.planes.pitch:], off: g.pos[:b.images*g.rows*pitch/vecLen], b: b.lines}
	panels := ceilDiv(k, dotRows)
	for p := range panels {
		k0, k1 := p*k/panels, (p+1)*k/panels
		d.at, d.c = g.off[k0:k1], sums[k0*vecLen:]
		runDots(&d)
	}
}

// merge adds the chunks for some taps of a group, or some output channels, and stores
// the gradient.
func (g *tapGrad) merge(i int) {
	k := len(g.off)
	if g.wide > 0 {
		steps := ceilDiv(k, g.step)
		group, k0 := i/steps, i%steps*g.step
		n := min(g.step, k-k0)
		at := (group*k + k0) * g.wide
		s := g.sums[at:][:n*g.wide]
		for c := 1; c < g.chunks; c++ {
			axpy(s, 1, g.sums[c*g.size+at:][:n*g.wide])
		}
		transpose(g.dw[group*g.og*k+k0:], k, s, g.wide, n, g.og, false)
		return
	}
	first, end := i*g.step*k, min((i+1)*g.step, g.conv.O)*k
	s := g.sums[first*vecLen : end*vecLen]
	for c := 1; c < g.chunks; c++ {
		axpy(s, 1, g.sums[c*g.size+first*vecLen:][:len(s)])
	}
	for j := range g.dw[first:end] {
		l := (*[vecLen]float32)(s[j*vecLen:])
		g.dw[first+j] = ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7]))
	}
}
