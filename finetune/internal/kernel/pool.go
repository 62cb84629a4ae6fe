package kernel

import (
	"fmt"
	"sync"
)

// Pool is a two-dimensional pooling of x [N][C][H][W] into y [N][C][OH][OW]. Window (i, j)
// holds the elements x[i*Stride[0]+u*Dilation[0]-Pad[0]][j*Stride[1]+v*Dilation[1]-Pad[1]],
// u < KH, v < KW, that lie inside x. OH and OW are given, so that the caller decides about
// rounding up; a window may reach beyond the bottom and right padding. Every window of
// a maximum must contain an element of x.
type Pool struct {
	N, C, H, W       int
	KH, KW           int
	Stride, Dilation [2]int // vertical, horizontal; at least 1
	Pad              [4]int // top, left, bottom, right; at least 0
	OH, OW           int
}

// MaxForward computes y and, for each element of y, argmax: the position h*W+w in its
// plane of x of the first largest element (a NaN counts as largest).
func (p *Pool) MaxForward(y []float32, argmax []int32, x []float32) {
	p.check("Pool.MaxForward", y, x)
	need("Pool.MaxForward", "argmax", len(argmax), len(y))
	if !p.covers() {
		panic(fmt.Sprintf("BUG: kernel: Pool.MaxForward: empty window in %+v", *p))
	}
	run := newPoolRun(p, y, x, argmax)
	if run.do = maxForward; p.inside() {
		run.layWindows()
		run.do = maxForwardInside
	}
	run.finish()
}

// MaxBackward computes dx: the sum of the dy whose argmax the element is.
func (p *Pool) MaxBackward(dx, dy []float32, argmax []int32) {
	p.check("Pool.MaxBackward", dy, dx)
	need("Pool.MaxBackward", "argmax", len(argmax), len(dy))
	run := newPoolRun(p, dy, dx, argmax)
	run.do = maxBackward
	run.finish()
}

// AvgForward computes y, the mean of each window: over its elements inside x or, with
// countIncludePad, over those inside x and its padding, which is zero. A window without
// any gives 0.
func (p *Pool) AvgForward(y, x []float32, countIncludePad bool) {
	p.check("Pool.AvgForward", y, x)
	run := newPoolRun(p, y, x, nil)
	run.includePad, run.do = countIncludePad, avgForward
	run.finish()
}

// AvgBackward computes dx from dy, the gradient of AvgForward.
func (p *Pool) AvgBackward(dx, dy []float32, countIncludePad bool) {
	p.check("Pool.AvgBackward", dy, dx)
	run := newPoolRun(p, dy, dx, nil)
	run.includePad, run.do = countIncludePad, avgBackward
	run.finish()
}

func (p *Pool) check(where string, y, x []float32) {
	if min(p.N, p.C, p.H, p.W, p.KH, p.KW, p.Stride[0], p.Stride[1], p.Dilation[0], p.Dilation[1], p.OH, p.OW) < 1 ||
		min(p.Pad[0], p.Pad[1], p.Pad[2], p.Pad[3]) < 0 {
		panic(fmt.Sprintf("BUG: kernel: %s: size out of range in %+v", where, *p))
	}
	need(where, "y", len(y), p.N*p.C*p.OH*p.OW)
	need(where, "x", len(x), p.N*p.C*p.H*p.W)
}

// rowSpan is the range of taps of the windows of row i that are inside x, and the row of x
// of tap 0.
func (p *Pool) rowSpan(i int) (lo, hi, top int) {
	top = i*p.Stride[0] - p.Pad[0]
	lo, hi = span(top, p.Dilation[0], p.KH, p.H)
	return lo, hi, top
}

// colSpan is rowSpan for columns.
func (p *Pool) colSpan(j int) (lo, hi, left int) {
	left = j*p.Stride[1] - p.Pad[1]
	lo, hi = span(left, p.Dilation[1], p.KW, p.W)
	return lo, hi, left
}

// covers reports whether every window contains an element of x.
func (p *Pool) covers() bool {
	for i := 0; i < p.OH; i++ {
		if lo, hi, _ := p.rowSpan(i); lo == hi {
			return false
		}
	}
	for j := 0; j < p.OW; j++ {
		if lo, hi, _ := p.colSpan(j); lo == hi {
			return false
		}
	}
	return true
}

// inside reports whether all windows lie inside x.
func (p *Pool) inside() bool {
	return p.Pad[0] == 0 && p.Pad[1] == 0 &&
		(p.OH-1)*p.Stride[0]+(p.KH-1)*p.Dilation[0] < p.H && (p.OW-1)*p.Stride[1]+(p.KW-1)*p.Dilation[1] < p.W
}

// whole reports whether the only window is the whole plane.
func (p *Pool) whole() bool {
	return p.OH == 1 && p.OW == 1 && p.KH == p.H && p.KW == p.W && p.inside()
}

// scale is the factor of the elements of an average window, of which the rows u0 to u1
// and columns v0 to v1 are inside x.
func (r *poolRun) scale(top, left, u0, u1, v0, v1 int) float32 {
	if r.includePad {
		// The taps before u0 and v0 are in the padding too.
		_, u1 = span(top, r.Dilation[0], r.KH, r.H+r.Pad[2])
		_, v1 = span(left, r.Dilation[1], r.KW, r.W+r.Pad[3])
		u0, v0 = 0, 0
	}
	if u0 == u1 || v0 == v1 {
		return 0
	}
	return 1 / float32((u1-u0)*(v1-v0))
}

// poolRun is a pooling at work on its planes.
type poolRun struct {
	Pool
	y, x       []float32 // or their gradients
	argmax     []int32
	includePad bool
	pos, off   []int32 // in a plane of x: tap 0 of each window, and the taps from there
	scratch    *scratch
	planes     int // planes of a task
	do         func(r *poolRun, y, x []float32, argmax []int32)
	run        func(i int) // bound method
}

var poolRuns = sync.Pool{New: func() any {
	r := new(poolRun)
	r.run = r.task
	return r
}}

func newPoolRun(p *Pool, y, x []float32, argmax []int32) *poolRun {
	r := poolRuns.Get().(*poolRun)
	r.Pool, r.y, r.x, r.argmax = *p, y, x, argmax
	return r
}

// layWindows lists the windows, all of which lie inside x.
func (r *poolRun) layWindows() {
	r.scratch = getScratch()
	r.pos = r.scratch.ints.get(r.OH * r.OW)[:0]
	for i := 0; i < r.OH; i++ {
		for j := 0; j < r.OW; j++ {
			r.pos = append(r.pos, int32(i*r.Stride[0]*r.W+j*r.Stride[1]))
		}
	}
	r.off = r.scratch.ints.get(r.KH * r.KW)[:0]
	for u := 0; u < r.KH; u++ {
		for v := 0; v < r.KW; v++ {
			r.off = append(r.off, int32(u*r.Dilation[0]*r.W+v*r.Dilation[1]))
		}
	}
}

// finish does all planes and ends the use of r.
func (r *poolRun) finish() {
	n := r.N * r.C
	r.planes = max(1, chunkLen/(r.H*r.W))
	Parallel(ceilDiv(n, r.planes), r.run)
	if r.scratch != nil {
		r.scratch.put()
		r.scratch, r.pos, r.off = nil, nil, nil
	}
	r.y, r.x, r.argmax = nil, nil, nil
	poolRuns.Put(r)
}

func (r *poolRun) task(i int) {
	small, large := r.OH*r.OW, r.H*r.W
	for n := i * r.planes; n < min(r.N*r.C, (i+1)*r.planes); n++ {
		var argmax []int32
		if r.argmax != nil {
			argmax = r.argmax[n*small:][:small]
		}
		r.do(r, r.y[n*small:][:small], r.x[n*large:][:large], argmax)
	}
}
