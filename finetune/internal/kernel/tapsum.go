package kernel

import "sync"

// tapSum is the common form of Conv.Forward and Conv.BackwardInput: the elements of dst
// are sums over taps of weights and of planes of src read at a constant distance,
//
//	dst[n][g*m+r][p] = bias[g*m+r] + sum over k of a[g][k][r] * src[n][at(p)+off[k]]
//
// for the positions p of one or, in the gradient of a convolution with strides, of
// several regular grids (parts), each with its own taps.
type tapSum struct {
	conv           Conv
	back           bool // the sum is dx
	src, dst       []float32
	w, bias        []float32
	groups, m      int // rows (channels of dst) of a group
	srcChans       int // channels of src of a group
	dstH, dstW     int
	step           [2]int // distance of neighbouring positions of a part in dst
	planes         planes
	parts          []tapPart
	units          []tapUnit
	rows, cols     int // size of the largest part
	way            tapWay
	images, band   int  // images and rows of each part that a task does
	bands, slices  int  // tasks along the rows, and along the row panels
	packUnits      int  // row panels a packing task does
	byRows         bool // the order of taps is row of the window, channel of src, column
	scratch        *scratch
	packFn, taskFn func(i int) // bound methods
}

// tapPart is a grid of rows x cols positions of dst: row0 + i*step[0], col0 + j*step[1].
type tapPart struct {
	row0, col0, rows, cols int
	off                    []int32   // places of the taps in the planes of group 0
	from                   []int32   // places of their weights, see packUnit
	first, end             []int32   // taps that a row needs, if they are ordered by rows
	a                      []float32 // weights, packed
}

// tapWay is a way to compute the sum.
type tapWay int

const (
	byTiles    tapWay = iota // tiles of channels by positions, which are read where they are
	byChannels               // tiles of positions by channels, put in order afterwards
	byStrips                 // single channels
)

// tapUnit is a row panel: rows first to first+rows of a group. Its packed weights are
// [taps][ld] and start at place at, in rows, with ld rows for each panel.
type tapUnit struct{ group, first, rows, at, ld int }

var tapSums = sync.Pool{New: func() any {
	s := new(tapSum)
	s.packFn, s.taskFn = s.pack, s.task
	return s
}}

func newTapSum(v *Conv) *tapSum {
	s := tapSums.Get().(*tapSum)
	s.conv = *v
	if v.isPointwise() && (v.W%vecLen != 0 || v.H*v.W < 1<<12) {
		s.conv.H, s.conv.W = 1, v.H*v.W
	}
	s.scratch = getScratch()
	s.groups, s.bias = v.Groups, nil
	return s
}

// forward prepares the sum for y. The planes are x, padded and split by phase.
func (s *tapSum) forward() {
	v := &s.conv
	s.back = false
	s.m, s.srcChans = v.O/v.Groups, v.C/v.Groups
	s.dstH, s.dstW, s.step = v.OH(), v.OW(), [2]int{1, 1}
	s.planes = planes{chans: v.C, h: v.H, w: v.W, stride: v.Stride, pad: [2]int{v.Pad[0], v.Pad[1]}}
	s.parts = append(s.parts[:0], tapPart{rows: s.dstH, cols: s.dstW})
	s.plan((v.KH-1)*v.Dilation[0]/v.Stride[0], (v.KW-1)*v.Dilation[1]/v.Stride[1])
}

// backward prepares the sum for dx. The planes are dy; the positions of dx with the same
// remainder by the stride are a part, to which the same taps contribute: tap u joins
// dx[a+j*stride] to dy[j+(a+pad-u*dilation)/stride] where that is a whole number.
func (s *tapSum) backward() {
	v := &s.conv
	s.back = true
	s.m, s.srcChans = v.C/v.Groups, v.O/v.Groups
	s.dstH, s.dstW, s.step = v.H, v.W, v.Stride
	y0, y1 := reach(v.KH, v.Dilation[0], v.Stride[0], v.Pad[0], v.H)
	x0, x1 := reach(v.KW, v.Dilation[1], v.Stride[1], v.Pad[1], v.W)
	s.planes = planes{chans: v.O, h: v.OH(), w: v.OW(), stride: [2]int{1, 1}, pad: [2]int{-y0, -x0}}
	s.parts = s.parts[:0]
	for a := 0; a < min(v.Stride[0], v.H); a++ {
		for b := 0; b < min(v.Stride[1], v.W); b++ {
			s.parts = append(s.parts, tapPart{row0: a, col0: b,
				rows: ceilDiv(v.H-a, v.Stride[0]), cols: ceilDiv(v.W-b, v.Stride[1])})
		}
	}
	s.plan(y1-y0, x1-x0)
}

// reach is the range of (a+pad-u*d)/stride over the u < k and a < min(stride, n) for
// which it is a whole number.
func reach(k, d, stride, pad, n int) (lo, hi int) {
	lo, hi = 1<<30, -1<<30
	for a := 0; a < min(stride, n); a++ {
		for u := 0; u < k; u++ {
			if q := a + pad - u*d; q%stride == 0 {
				lo, hi = min(lo, q/stride), max(hi, q/stride)
			}
		}
	}
	if lo > hi {
		return 0, 0
	}
	return lo, hi
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// stripRows is the number of rows of a group up to which strips are better than tiles.
const stripRows = 2

// orderTaps is the number of taps that take as long as putting a result in order.
const orderTaps = 8

// Sizes of a task of a convolution.
const (
	taskWork   = 2 << 20  // least multiplications, if there are images enough
	taskBuffer = 96 << 10 // most elements of the copied planes, if a row fits
	fewTasks   = 8        // below this number, images are split
)

// plan lays out planes and taps and chooses the sizes of tasks. The taps of a part reach
// extRows and extCols beyond its positions.
func (s *tapSum) plan(extRows, extCols int) {
	p := &s.planes
	s.rows, s.cols = s.parts[0].rows, s.parts[0].cols // no other is larger
	s.chooseWay()
	s.layUnits()
	p.slot = s.scratch.ints.get(p.stride[0] * p.stride[1])
	p.layPhases(&s.conv, s.back)
	s.sizeTasks(extRows, extCols)
	s.byRows = s.way != byStrips && s.cols > vecLen && s.rowsPay()
	for i := range s.parts {
		s.layTaps(&s.parts[i])
	}
}

// chooseWay compares the work, including what is computed in vain: tiles round the columns
// up to vectors, and channels are rounded up to tileCols.
func (s *tapSum) chooseWay() {
	least := s.cols
	for i := range s.parts {
		least = min(least, s.parts[i].cols)
	}
	taps := s.srcChans * s.conv.KH * s.conv.KW / len(s.parts)
	tiles := s.m * ceilDiv(s.cols, vecLen) * vecLen * taps
	channels := ceilDiv(s.m, tileCols) * tileCols * s.cols * (taps + orderTaps)
	switch {
	case s.m <= stripRows:
		s.way = byStrips
	case least < vecLen || channels < tiles:
		s.way = byChannels
	default:
		s.way = byTiles
	}
}

// layUnits lists the row panels of all groups.
func (s *tapSum) layUnits() {
	s.units = s.units[:0]
	at := 0
	for g := 0; g < s.groups; g++ {
		n := s.m
		switch s.way {
		case byTiles:
			n = rowPanels(s.m)
		case byChannels:
			n = ceilDiv(s.m, tileCols)
		}
		for i := 0; i < n; i++ {
			u := tapUnit{group: g, first: i * s.m / n, at: at}
			u.rows = (i+1)*s.m/n - u.first
			if u.ld = u.rows; s.way == byChannels {
				u.ld = tileCols
			}
			at += u.ld
			s.units = append(s.units, u)
		}
	}
}

// sizeTasks cuts the batch, and where its images are few or large also the images.
func (s *tapSum) sizeTasks(extRows, extCols int) {
	v, p := &s.conv, &s.planes
	work := v.O * (v.C / v.Groups) * v.KH * v.KW * v.OH() * v.OW() // per image
	p.pitch = s.cols + extCols
	size := p.phases * p.chans * (s.rows + extRows) * p.pitch
	s.images = max(1, min(ceilDiv(taskWork, work), ceilDiv(v.N, fewTasks), taskBuffer/size))
	s.band, s.slices = s.rows, 1
	tasks := ceilDiv(v.N, s.images)
	if want := min(ceilDiv(fewTasks, tasks), work/taskWork); want > 1 {
		s.band = ceilDiv(s.rows, want)
	}
	if s.images == 1 {
		row := p.phases * p.chans * p.pitch
		s.band = max(1, min(s.band, taskBuffer/row-extRows))
	}
	s.bands = ceilDiv(s.rows, s.band)
	tasks *= s.bands
	if want := min(ceilDiv(fewTasks, tasks), work/taskWork/s.bands); want > 1 {
		s.slices = min(want, len(s.units))
	}
	p.rows = s.band + extRows
}

// rowsPay reports whether so many taps are in the padding above and below that it pays
// to leave them out, which takes an order of taps that is slower to pack.
func (s *tapSum) rowsPay() bool {
	used, all := 0, 0
	for i := range s.parts {
		q := &s.parts[i]
		taps := 0
		for u := 0; u < s.conv.KH; u++ {
			if row, ok := s.coord(0, q.row0, u); ok {
				r0, r1 := s.rowsOf(q, row)
				used += (r1 - r0) * q.cols
				taps++
			}
		}
		all += taps * q.rows * q.cols
	}
	const packing = 200 // positions that take as long as packing
	return all > 0 && used*10 < all*9 && s.conv.N*(all-used)/s.conv.KH > packing
}

// rowsOf is the range of the rows of q for which the tap of a row of the padded planes
// is not in the padding above or below.
func (s *tapSum) rowsOf(q *tapPart, row int) (first, end int) {
	p := &s.planes
	return span(row-p.pad[0], p.stride[0], q.rows, p.h)
}

// layTaps fills q.off and q.from. The order of taps is channel of src, u, v or, if byRows
// is set, u, channel, v; then it also fills q.first and q.end.
func (s *tapSum) layTaps(q *tapPart) {
	v := &s.conv
	n := s.srcChans * v.KH * v.KW
	q.off, q.from = s.scratch.ints.get(n)[:0], s.scratch.ints.get(n)[:0]
	if !s.byRows {
		for c := 0; c < s.srcChans; c++ {
			for u := 0; u < v.KH; u++ {
				s.layRow(q, c, u)
			}
		}
		return
	}
	q.first, q.end = s.scratch.ints.get(q.rows), s.scratch.ints.get(q.rows)
	clear(q.end)
	for u := 0; u < v.KH; u++ {
		row, ok := s.coord(0, q.row0, u)
		if !ok {
			continue
		}
		first := len(q.off)
		for c := 0; c < s.srcChans; c++ {
			s.layRow(q, c, u)
		}
		r0, r1 := s.rowsOf(q, row)
		for i := r0; i < r1; i++ {
			if q.end[i] == 0 {
				q.first[i] = int32(first)
			}
			q.end[i] = int32(len(q.off))
		}
	}
	for i, end := range q.end {
		if end == 0 { // a tile has at least one tap, be it in the padding
			q.first[i], q.end[i] = 0, 1
		}
	}
}

// layRow appends the taps of row u of the window of a channel of src.
func (s *tapSum) layRow(q *tapPart, c, u int) {
	v := &s.conv
	row, ok := s.coord(0, q.row0, u)
	if !ok {
		return
	}
	from := c * v.KH * v.KW
	if s.back {
		from *= s.m
	}
	for t := 0; t < v.KW; t++ {
		if col, ok := s.coord(1, q.col0, t); ok {
			q.off = append(q.off, s.planes.tap(c, row, col))
			q.from = append(q.from, int32(from+u*v.KW+t))
		}
	}
}

// coord is the row (axis 0) or column (axis 1) of the padded planes where position 0 of
// a part that starts at first meets tap u, if it does.
func (s *tapSum) coord(axis, first, u int) (int, bool) {
	v := &s.conv
	if !s.back {
		return u * v.Dilation[axis], true
	}
	q := first + v.Pad[axis] - u*v.Dilation[axis]
	return q/v.Stride[axis] + s.planes.pad[axis], q%v.Stride[axis] == 0
}

// run packs the weights, computes dst and ends the use of s.
func (s *tapSum) run() {
	total := 0
	for i := range s.parts {
		q := &s.parts[i]
		last := s.units[len(s.units)-1]
		q.a = s.scratch.floats.get((last.at + last.ld) * len(q.off))
		total += len(q.a)
	}
	units := len(s.units) * len(s.parts)
	s.packUnits = max(1, units*(1<<14)/max(1, total))
	Parallel(ceilDiv(units, s.packUnits), s.packFn)
	Parallel(ceilDiv(s.conv.N, s.images)*s.bands*s.slices, s.taskFn)
	s.src, s.dst, s.w, s.bias = nil, nil, nil, nil
	for i := range s.parts {
		q := &s.parts[i]
		q.a, q.off, q.from, q.first, q.end = nil, nil, nil, nil, nil
	}
	s.planes.slot = nil
	s.scratch.put()
	s.scratch = nil
	tapSums.Put(s)
}
