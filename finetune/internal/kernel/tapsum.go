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
	rows, cols     int // size of the largest part
	panel          int // most rows of a row panel: tileRows, or 1 for strips
	images, band   int // images and rows of each part that a task does
	bands, slices  int // tasks along the rows, and along the row panels
	packUnits      int // row panels a packing task does
	scratch        *scratch
	packFn, taskFn func(i int) // bound methods
}

// tapPart is a grid of rows x cols positions of dst: row0 + i*step[0], col0 + j*step[1].
type tapPart struct {
	row0, col0, rows, cols int
	gather                 bool      // the columns of tiles are collected into panels first
	off                    []int32   // places of the taps in the planes of group 0
	a                      []float32 // weights, per group and row panel [len(off)][rows]
}

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
	s.planes = planes{chans: v.C, h: v.H, w: v.W, stride: v.Stride, pad: [2]int{v.Pad[0], v.Pad[1]},
		direct: v.Stride == [2]int{1, 1} && v.Pad == [4]int{}}
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
	oh, ow := v.OH(), v.OW()
	s.planes = planes{chans: v.O, h: oh, w: ow, stride: [2]int{1, 1}, pad: [2]int{-y0, -x0},
		direct: y0 == 0 && x0 == 0 && ceilDiv(v.H, v.Stride[0])+y1 <= oh && ceilDiv(v.W, v.Stride[1])+x1 <= ow}
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

// gatherCost is the work of gathering a column panel, in rows of a tile.
const gatherCost = 5

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
	s.panel = tileRows
	if s.m <= stripRows {
		s.panel = 1
	}
	for i := range s.parts {
		q := &s.parts[i]
		inPlace, gathered := ceilDiv(q.cols, vecLen)*vecLen*s.m, q.cols*(s.m+gatherCost)
		q.gather = s.panel > 1 && (q.cols < vecLen || inPlace > gathered)
		// Only vectors that do not reach beyond their rows can read src itself.
		p.direct = p.direct && !q.gather && q.cols >= vecLen && (s.panel > 1 || s.step[1] == 1)
	}
	p.slot = s.scratch.ints.get(p.stride[0] * p.stride[1])
	p.layPhases(&s.conv, s.back)
	s.sizeTasks(extRows, extCols)
	for i := range s.parts {
		s.layTaps(&s.parts[i])
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
	if !p.direct && s.images == 1 {
		row := p.phases * p.chans * p.pitch
		s.band = max(1, min(s.band, taskBuffer/row-extRows))
	}
	s.bands = ceilDiv(s.rows, s.band)
	tasks *= s.bands
	if want := min(ceilDiv(fewTasks, tasks), work/taskWork/s.bands); want > 1 {
		s.slices = min(want, s.panels())
	}
	p.rows = s.band + extRows
	if p.direct {
		p.rows, p.pitch = p.h, p.w
	}
}

// panels is the number of row panels of all groups.
func (s *tapSum) panels() int { return s.groups * ceilDiv(s.m, s.panel) }

// layTaps fills q.off. The order of taps is channel of src, u, v.
func (s *tapSum) layTaps(q *tapPart) {
	v := &s.conv
	q.off = s.scratch.ints.get(s.srcChans * v.KH * v.KW)[:0]
	for c := 0; c < s.srcChans; c++ {
		for u := 0; u < v.KH; u++ {
			row, ok := s.coord(0, q.row0, u)
			for t := 0; ok && t < v.KW; t++ {
				if col, ok := s.coord(1, q.col0, t); ok {
					q.off = append(q.off, s.planes.tap(c, row, col))
				}
			}
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
	units, total := s.panels(), 0
	for i := range s.parts {
		q := &s.parts[i]
		if len(q.off) == 0 {
			clear(s.dst)
		}
		q.a = s.scratch.floats.get(s.groups * s.m * len(q.off))
		total += len(q.a)
	}
	units *= len(s.parts)
	s.packUnits = max(1, units*(1<<14)/total)
	Parallel(ceilDiv(units, s.packUnits), s.packFn)
	Parallel(ceilDiv(s.conv.N, s.images)*s.bands*s.slices, s.taskFn)
	s.src, s.dst, s.w, s.bias = nil, nil, nil, nil
	for i := range s.parts {
		s.parts[i] = tapPart{}
	}
	s.planes.slot = nil
	s.scratch.put()
	s.scratch = nil
	tapSums.Put(s)
}

// rowPanel is the group of row panel i and the rows of it that the panel holds.
func (s *tapSum) rowPanel(i int) (group, first, rows int) {
	if s.panel == 1 {
		return i / s.m, i % s.m, 1
	}
	n := rowPanels(s.m)
	first, rows = rowPanel(s.m, i%n)
	return i / n, first, rows
}

// pack packs the weights of some row panels.
func (s *tapSum) pack(i int) {
	n := s.panels()
	for u := i * s.packUnits; u < min((i+1)*s.packUnits, n*len(s.parts)); u++ {
		q := &s.parts[u/n]
		g, first, rows := s.rowPanel(u % n)
		s.packPanel(q.a[(g*s.m+first)*len(q.off):][:rows*len(q.off)], q, g, first, rows)
	}
}

func (s *tapSum) packPanel(dst []float32, q *tapPart, g, first, rows int) {
	v := &s.conv
	taps := v.KH * v.KW
	switch {
	case !s.back:
		k := s.srcChans * taps
		packRows(dst, s.w[(g*s.m+first)*k:], k, rows, k, false)
	case len(q.off) == s.srcChans*taps:
		for o := 0; o < s.srcChans; o++ {
			packRows(dst[o*taps*rows:], s.w[((g*s.srcChans+o)*s.m+first)*taps:], taps, rows, taps, false)
		}
	default:
		k := 0
		for o := 0; o < s.srcChans; o++ {
			w := s.w[((g*s.srcChans+o)*s.m+first)*taps:]
			for u := 0; u < v.KH; u++ {
				_, ok := s.coord(0, q.row0, u)
				for t := 0; ok && t < v.KW; t++ {
					if _, ok := s.coord(1, q.col0, t); ok {
						for r := 0; r < rows; r++ {
							dst[k] = w[r*taps+u*v.KW+t]
							k++
						}
					}
				}
			}
		}
	}
}
