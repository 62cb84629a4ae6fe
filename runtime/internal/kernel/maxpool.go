package kernel

// MaxPool takes the largest index of every window of every channel. Positions outside
// the input are skipped; a window that lies outside altogether gives 0.
//
// The rows of windows come first: a row of a buffer holds the largest index of every column in the rows that
// windows of an output row meet, with zeros where there is no input. Of these columns every window takes some.
type MaxPool struct {
	groups   int // of channels that are pooled together
	inPlane  int // elements of the input of a group
	outPlane int // of its output
	rows     int // output rows of a group
	lastRows int // of the last one
	inCols   int
	outCols  int
	first    int       // output columns before the first whose window meets the input
	count    int       // of those that do
	rowOf    []poolRow // by output row of a group
	rowStep  int       // elements from one input row of a window to the next
	pitch    int       // columns of the buffer
	lo, hi   int       // those of the input
	taps     int       // columns of a window
	step     int       // from one to the next
	stride   int       // columns from one window to the next
	block    int       // output rows computed together: those of a group, or less
	gather   gather    // of windows one column apart

	pairs  bool // windows of 2x2 lie side by side
	vector Vector
}

// poolRow is the part of a window's rows that lies inside the input.
type poolRow struct {
	from int32 // element of the first one, in the first column that is needed
	n    int32
}

// Window is the geometry of a [MaxPool].
type Window struct {
	In, Out                       [3]int // channels, rows, columns
	Kernel, Stride, Dilation, Pad [2]int
}

const (
	// poolBuffer is about as many bytes of rows as are computed together.
	poolBuffer = 8 << 10
	// PoolRows is about as many rows as are pooled together.
	PoolRows = 1024
	// poolSlack is the number of bytes behind the rows of the buffer that may be read and written.
	poolSlack = 64
)

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
		inCols:  w.In[2],
		outCols: w.Out[2],
		rowStep: w.Dilation[0] * w.In[2],
		step:    w.Dilation[1],
		stride:  w.Stride[1],
		vector:  v,
	}
	// Only those windows count that meet the input, and of their columns those that some window finds there.
	reach := (w.Kernel[1] - 1) * w.Dilation[1]
	k.first = min(w.Out[2], max(0, ceilDiv(w.Pad[1]-reach, w.Stride[1])))
	k.count = max(0, min(w.Out[2], floorDiv(w.In[2]-1+w.Pad[1], w.Stride[1])+1)-k.first)
	pad := w.Pad[1] - k.first*w.Stride[1]
	tap := max(0, ceilDiv(pad-max(0, k.count-1)*w.Stride[1], w.Dilation[1]))
	pad -= tap * w.Dilation[1]
	k.taps = max(0, min(w.Kernel[1]-tap, floorDiv(w.In[2]-1+pad, w.Dilation[1])+1))
	if k.taps == 0 || k.count == 0 {
		k.taps, k.count, k.first = 0, 0, 0
	}
	k.pitch = max(0, k.count-1)*w.Stride[1] + max(0, k.taps-1)*w.Dilation[1] + 1
	k.lo = min(k.pitch, max(0, pad))
	k.hi = max(k.lo, min(k.pitch, w.In[2]+pad))
	two := [2]int{2, 2}
	k.pairs = w.Kernel == two && w.Stride == two && w.Dilation == [2]int{1, 1} && w.Pad == [2]int{} &&
		2*w.Out[1] <= w.In[1] && 2*w.Out[2] <= w.In[2]
	// Rows of several channels follow each other in the buffer; pairs need none, where no row is left over.
	group := min(w.Out[0], max(1, min(poolBuffer/k.pitch, PoolRows)/w.Out[1]))
	if k.pairs {
		group = 1
		if 2*w.Out[1] == w.In[1] {
			group = w.Out[0]
		}
	}
	k.groups = ceilDiv(w.Out[0], group)
	k.inPlane, k.outPlane = group*w.In[1]*w.In[2], group*w.Out[1]*w.Out[2]
	k.rows = group * w.Out[1]
	k.lastRows = (w.Out[0] - (k.groups-1)*group) * w.Out[1]
	k.block = max(1, min(group*w.Out[1], poolBuffer/k.pitch))
	k.gather = newGather(v, k.block, k.outCols, k.pitch)
	if k.vector.any() && k.count < k.outCols {
		k.vector = Portable
	}
	if k.pairs {
		return k
	}
	for c := range group {
		for y := range w.Out[1] {
			top := y*w.Stride[0] - w.Pad[0]
			first := ceilDiv(max(0, -top), w.Dilation[0])
			last := min(w.Kernel[0]-1, floorDiv(w.In[1]-1-top, w.Dilation[0]))
			row := poolRow{}
			if first <= last && k.lo < k.hi {
				from := (c*w.In[1]+top+first*w.Dilation[0])*w.In[2] + k.lo - pad
				row = poolRow{from: int32(from), n: int32(last - first + 1)}
			}
			k.rowOf = append(k.rowOf, row)
		}
	}
	return k
}

// Need is the Scratch that Run writes on.
func (k *MaxPool) Need() Need {
	if k.pairs {
		return Need{}
	}
	return Need{Rows: ceilDiv(k.block*k.pitch+max(0, k.taps-1)*k.step+poolSlack, k.vector.wordBytes())}
}

// PoolNeed is the most of a Scratch that any [MaxPool] with that input takes, on v.
func PoolNeed(in [3]int, v Vector) Need {
	return Need{Rows: (poolBuffer + 8*max(in[1], in[2]) + 2*poolSlack) / v.wordBytes()}
}

// Memory is the size of the tables in bytes.
func (k *MaxPool) Memory() int { return 8 * len(k.rowOf) }

// Run pools in, [C][H][W], to dst.
func (k *MaxPool) Run(dst, in []byte, s *Scratch) {
	for g := k.groups; g > 0; g-- {
		n := k.rows
		if g == 1 {
			n = k.lastRows
		}
		group := in[:min(k.inPlane, len(in))]
		in = in[len(group):]
		if k.pairs {
			out := dst[:min(k.outPlane, len(dst))]
			k.maxPairs(out, group, n)
			dst = dst[len(out):]
			continue
		}
		for rows := k.rowOf[:n]; len(rows) > 0; {
			n := min(k.block, len(rows))
			k.largestOfRows(s.rowBytes, group, rows[:n])
			size, span := 0, 0
			for range n {
				size += k.outCols
				span += k.pitch
			}
			k.largestOfColumns(dst, s.rowBytes, n, size, span)
			dst, rows = dst[size:], rows[n:]
		}
	}
}

// largestOfRows writes the rows of the buffer.
func (k *MaxPool) largestOfRows(buffer, group []byte, rows []poolRow) {
	width := k.hi - k.lo
	if k.vector != Portable && width > 0 {
		vectorPoolRows(k.vector, buffer[k.lo:], group, rows, width, k.pitch, k.rowStep)
	}
	if k.vector != Portable && width == k.pitch {
		return // there is nothing around the input
	}
	for _, r := range rows {
		for i := range k.lo {
			buffer[i] = 0
		}
		for i := k.hi; i < k.pitch; i++ {
			buffer[i] = 0
		}
		if k.vector == Portable {
			line := buffer[k.lo:k.hi]
			if r.n == 0 {
				clear(line)
			} else {
				copy(line, group[r.from:])
			}
			at := int(r.from)
			for n := r.n; n > 1; n-- {
				at += k.rowStep
				maxInto(line, group[at:])
			}
		}
		buffer = buffer[k.pitch:]
	}
}

// largestOfColumns pools n rows of the buffer, span bytes, to size bytes of dst.
func (k *MaxPool) largestOfColumns(dst, buffer []byte, n, size, span int) {
	if k.taps == 0 {
		clear(dst[:size])
		return
	}
	if k.vector == Portable {
		for range n {
			clear(dst[:k.first])
			k.windows(dst[k.first:][:k.count], buffer)
			clear(dst[k.first+k.count : k.outCols])
			dst, buffer = dst[k.outCols:], buffer[k.pitch:]
		}
		return
	}
	if k.taps > 1 {
		vectorPoolColumns(k.vector, buffer, span, k.taps, k.step)
	}
	switch k.stride {
	case 1:
		if n == k.block {
			k.gather.channels(k.vector, dst, buffer, 1, span, size)
		} else {
			gatherRows(dst, buffer, n, k.outCols, k.pitch)
		}
	case 2:
		takeSecond(dst, buffer, n, k.outCols, k.outCols, k.pitch)
	default:
		for range n {
			at := 0
			for i := range dst[:k.outCols] {
				dst[i] = buffer[at]
				at += k.stride
			}
			dst, buffer = dst[k.outCols:], buffer[k.pitch:]
		}
	}
}

// windows takes the largest of taps elements of line for every element of dst.
func (k *MaxPool) windows(dst, line []byte) {
	if k.taps == 3 && k.step == 1 {
		for i := range dst {
			w := line[:3]
			dst[i] = byte(larger(larger(int32(w[0]), int32(w[1])), int32(w[2])))
			line = line[min(k.stride, len(line)):]
		}
		return
	}
	for i := range dst {
		top, at := int32(line[0]), 0
		for n := k.taps; n > 1; n-- {
			at += k.step
			top = larger(top, int32(line[at]))
		}
		dst[i] = byte(top)
		line = line[min(k.stride, len(line)):]
	}
}

// maxPairs pools a group of windows of 2x2 side by side.
func (k *MaxPool) maxPairs(dst, group []byte, rows int) {
	if k.vector != Portable {
		vectorMaxPairs(k.vector, dst, group, rows, k.outCols, k.inCols)
		return
	}
	maxPairs(dst, group, rows, k.outCols, k.inCols)
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

// maxInto computes dst[i] = max(dst[i], src[i]).
func maxInto(dst, src []byte) {
	src = src[:len(dst)]
	for i, a := range dst {
		dst[i] = byte(larger(int32(a), int32(src[i])))
	}
}
