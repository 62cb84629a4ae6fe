package kernel

import (
	"math"
	"slices"
	"unsafe"
)

// Copy moves a strided block of up to six dimensions:
//
//	dst[OutStart + sum i[d]*OutStride[d]] = src[InStart + sum i[d]*InStride[d]],  0 <= i[d] < Dims[d]
type Copy struct {
	in, out int
	dims    []copyDim // outermost first, without the innermost
	inner   copyDim
}

// copyDim is one dimension of a block.
type copyDim struct {
	n       int
	in, out int // strides
	_       int
}

// NewCopy prepares a block. It may be empty.
func NewCopy(dims [6]int, outStart, inStart int, outStride, inStride [6]int) *Copy {
	k := &Copy{in: inStart, out: outStart}
	var all []copyDim
	for d, n := range dims {
		if n == 0 {
			return k
		}
		if n > 1 {
			all = append(all, copyDim{n: n, in: inStride[d], out: outStride[d]})
		}
	}
	slices.SortStableFunc(all, func(a, b copyDim) int { return abs(b.out) - abs(a.out) })
	// Dimensions that follow each other without a gap on both sides become one.
	for _, d := range all {
		if n := len(k.dims); n > 0 {
			if p := &k.dims[n-1]; p.in == d.n*d.in && p.out == d.n*d.out {
				p.n, p.in, p.out = p.n*d.n, d.in, d.out
				continue
			}
		}
		k.dims = append(k.dims, d)
	}
	k.inner = copyDim{n: 1, in: 1, out: 1}
	if len(k.dims) > 0 {
		at := innermost(k.dims)
		k.inner = k.dims[at]
		k.dims = slices.Delete(k.dims, at, at+1)
	}
	return k
}

// innermost is the dimension that the innermost loop goes along: runs without a gap are cheap for each element, but where they are short there are many.
func innermost(dims []copyDim) int {
	const run, apart = 60, 6 // instructions for each run, and for each element of one with gaps
	best, least := len(dims)-1, math.Inf(1)
	for at := len(dims) - 1; at >= 0; at-- {
		d := dims[at]
		cost := apart + 8/float64(d.n)
		if d.in == 1 && d.out == 1 && d.n >= shortRun {
			cost = 0.25 + run/float64(d.n)
		}
		if cost < least {
			best, least = at, cost
		}
	}
	return best
}

func abs(x int) int { return max(x, -x) }

// Memory is the size of the tables in bytes.
func (k *Copy) Memory() int { return 32 * (len(k.dims) + 1) }

// Run copies the block.
func (k *Copy) Run(dst, src []byte) { k.RunAt(dst, src, 0, 0) }

// RunAt copies a block that begins out and in elements further on.
func (k *Copy) RunAt(dst, src []byte, out, in int) {
	if k.inner.n > 0 {
		k.run(dst, src, k.out+out, k.in+in, k.dims)
	}
}

func (k *Copy) run(dst, src []byte, out, in int, dims []copyDim) {
	if len(dims) > 1 {
		d := dims[0]
		for range d.n {
			k.run(dst, src, out, in, dims[1:])
			out += d.out
			in += d.in
		}
		return
	}
	rows := copyDim{n: 1}
	if len(dims) > 0 {
		rows = dims[0]
	}
	n := k.inner
	if n.in == 1 && n.out == 1 && n.n >= shortRun {
		for range rows.n {
			copy(dst[out:out+n.n], src[in:in+n.n])
			out += rows.out
			in += rows.in
		}
		return
	}
	// All positions are inside of the tensors, which programs are checked for.
	to, from := unsafe.Pointer(unsafe.SliceData(dst)), unsafe.Pointer(unsafe.SliceData(src))
	for range rows.n {
		o, i := out, in
		for left := n.n; left > 0; left-- {
			*(*byte)(unsafe.Add(to, o)) = *(*byte)(unsafe.Add(from, i))
			o += n.out
			i += n.in
		}
		out += rows.out
		in += rows.in
	}
}

// shortRun is the length of runs from which on they are moved as a whole.
const shortRun = 12

// Fill sets all of dst.
func Fill(dst []byte, v byte) { fillZero(dst, v) }
