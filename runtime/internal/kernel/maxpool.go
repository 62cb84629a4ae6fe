package kernel

// MaxPool takes the largest index of every window of every channel. Positions outside
// the input are skipped; a window that lies outside altogether gives 0.
type MaxPool struct {
	channels  int
	rowOf     []poolRow // per output row
	rowStep   int       // elements from one input row of a window to the next
	cols      []poolCol // per kernel column that meets the input
	outCols   int
	outPlane  int
	inPlane   int
	inCols    int
	strideCol int
	pairs     bool   // windows are two columns wide and lie side by side
	vector    Vector // the same of rows, and vectorMaxPairs exists; else Portable
}

// poolRow is the part of a window's rows that lies inside the input.
type poolRow struct {
	from int32 // element of the first one
	n    int32
}

// poolCol says for which output columns a kernel column lies inside the input.
type poolCol struct {
	lo, hi int
	from   int // input column that lo meets
	_      int
}

// Window is the geometry of a [MaxPool].
type Window struct {
	In, Out                       [3]int // channels, rows, columns
	Kernel, Stride, Dilation, Pad [2]int
}

// NewMaxPool prepares a pooling for instruction set v.
func NewMaxPool(w Window, v Vector) *MaxPool {
	if w.In[2] == 1 && w.Out[2] == 1 && w.Kernel[1] == 1 {
		// One column is as good as one row, and long rows take less time.
		w.In[1], w.In[2], w.Out[1], w.Out[2] = w.In[2], w.In[1], w.Out[2], w.Out[1]
		for _, pair := range []*[2]int{&w.Kernel, &w.Stride, &w.Dilation, &w.Pad} {
			pair[0], pair[1] = pair[1], pair[0]
		}
	}
	k := &MaxPool{
		channels:  w.Out[0],
		outCols:   w.Out[2],
		outPlane:  w.Out[1] * w.Out[2],
		inPlane:   w.In[1] * w.In[2],
		inCols:    w.In[2],
		strideCol: w.Stride[1],
		rowStep:   w.Dilation[0] * w.In[2],
		rowOf:     make([]poolRow, w.Out[1]),
	}
	for y := range w.Out[1] {
		top := y*w.Stride[0] - w.Pad[0]
		first := ceilDiv(max(0, -top), w.Dilation[0])
		last := min(w.Kernel[0]-1, floorDiv(w.In[1]-1-top, w.Dilation[0]))
		if first <= last {
			k.rowOf[y] = poolRow{from: int32((top + first*w.Dilation[0]) * w.In[2]), n: int32(last - first + 1)}
		}
	}
	// The columns of the first and of the last window bound those that meet the input.
	first := max(0, ceilDiv(w.Pad[1]-(w.Out[2]-1)*w.Stride[1], w.Dilation[1]))
	end := min(w.Kernel[1], floorDiv(w.In[2]-1+w.Pad[1], w.Dilation[1])+1)
	for kx := first; kx < end; kx++ {
		base := kx*w.Dilation[1] - w.Pad[1]
		lo := min(w.Out[2], max(0, ceilDiv(-base, w.Stride[1])))
		hi := max(lo, min(w.Out[2], ceilDiv(w.In[2]-base, w.Stride[1])))
		if lo < hi {
			k.cols = append(k.cols, poolCol{lo: lo, hi: hi, from: base + lo*w.Stride[1]})
		}
	}
	k.pairs = w.Kernel[1] == 2 && w.Stride[1] == 2 && w.Dilation[1] == 1 && w.Pad[1] == 0 && 2*w.Out[2] <= w.In[2]
	if k.pairs && v.poolsPairs() && w.Kernel[0] == 2 && w.Stride[0] == 2 && w.Dilation[0] == 1 && w.Pad[0] == 0 && 2*w.Out[1] <= w.In[1] {
		k.vector = v
	}
	return k
}

// Memory is the size of the tables in bytes.
func (k *MaxPool) Memory() int {
	return 32*len(k.cols) + 8*len(k.rowOf)
}

// Run pools in, [C][H][W], to dst.
func (k *MaxPool) Run(dst, in []byte) {
	for c := k.channels; c > 0; c-- {
		plane := in[:k.inPlane]
		if k.vector != Portable {
			vectorMaxPairs(k.vector, dst[:k.outPlane], plane, len(k.rowOf), k.outCols, k.inCols)
			dst, in = dst[k.outPlane:], in[k.inPlane:]
			continue
		}
		for _, rows := range k.rowOf {
			line := dst[:k.outCols]
			dst = dst[k.outCols:]
			if k.pairs && rows.n == 2 {
				maxOfFour(line, plane[rows.from:][:k.inCols], plane[int(rows.from)+k.rowStep:][:k.inCols])
				continue
			}
			clear(line)
			at := int(rows.from)
			for n := rows.n; n > 0; n-- {
				row := plane[at:][:k.inCols]
				at += k.rowStep
				for _, col := range k.cols {
					maxInto(line[col.lo:col.hi], row[col.from:], k.strideCol)
				}
			}
		}
		in = in[k.inPlane:]
	}
}

// maxPairs pools windows of 2x2 side by side: rows rows of cols columns of dst, from twice as
// many rows of inCols columns of src.
func maxPairs(dst, src []byte, rows, cols, inCols int) {
	for range rows {
		maxOfFour(dst[:cols], src[:inCols], src[inCols:][:inCols])
		dst, src = dst[cols:], src[min(inCols<<1, len(src)):]
	}
}

// maxOfFour computes dst[i] = max(a[2i], a[2i+1], b[2i], b[2i+1]).
func maxOfFour(dst, a, b []byte) {
	b = b[:len(a)]
	for i := range dst {
		p, q := a[:2], b[:2]
		dst[i] = byte(larger(larger(int32(p[0]), int32(p[1])), larger(int32(q[0]), int32(q[1]))))
		a, b = a[2:], b[2:]
	}
}

// larger is the larger of two bytes, without a branch.
func larger(a, b int32) int32 {
	d := b - a
	return a + d&^(d>>31)
}

// maxInto computes dst[i] = max(dst[i], src[i*stride]).
func maxInto(dst, src []byte, stride int) {
	if stride == 1 {
		src = src[:len(dst)]
		for i, a := range dst {
			dst[i] = max(a, src[i])
		}
		return
	}
	at := 0
	for i, a := range dst {
		dst[i] = byte(larger(int32(a), int32(src[at])))
		at += stride
	}
}
