package kernel

// footprint says where the weights of a term meet their inputs.
type footprint struct {
	taps  int // weights of an output channel
	first []lookupStart
	cg    int  // input channels per group
	plane int  // elements of an input channel
	flat  bool // one position that every input element of the group feeds

	// rows and cols list, for every kernel row and column, the positions it serves.
	rows, cols []run
	// From one position to the next, in elements of output and input.
	outRow, inRow int
	outCol, inCol int
}

// lookupStart says where an output channel finds its data.
type lookupStart struct {
	in      int32 // element of the input: first channel of the group
	weights int32
}

// run is an arithmetic progression of positions.
type run struct {
	n       int32
	out, in int32 // elements of the first position in output and input
	_       int32
}

func newFootprint(l *Layer, t *Term) footprint {
	k := footprint{
		taps:  t.taps(),
		cg:    t.Shape[0] / t.Groups,
		plane: t.Shape[1] * t.Shape[2],
		flat:  l.positions() == 1 && t.covers(),
	}
	outs := l.Out[0] / t.Groups
	for o := range l.Out[0] {
		k.first = append(k.first, lookupStart{int32(o / outs * k.cg * k.plane), int32(o * k.taps)})
	}
	k.rows, k.outRow, k.inRow = runs(t, 0, l.Out[1], l.Out[2], t.Shape[2])
	k.cols, k.outCol, k.inCol = runs(t, 1, l.Out[2], 1, 1)
	return k
}

// runs lists the positions served by every kernel coordinate along axis a, of n output
// coordinates. out and in are the elements of a step along the axis.
func runs(t *Term, a, n, out, in int) (list []run, outStep, inStep int) {
	common := gcd(t.Up[a], t.Stride[a])
	step := t.Up[a] / common
	back := inverse(int64(t.Stride[a]/common), int64(step))
	list = make([]run, t.Kernel[a])
	for k := range list {
		// Output y meets input v = (y*stride + at) / up, where that is a whole number: every step outputs.
		at := k*t.Dilation[a] - t.Pad[a]
		if at%common != 0 {
			continue
		}
		y := int(((int64(-at/common)*back)%int64(step) + int64(step)) % int64(step))
		if lo := ceilDiv(max(0, -at), t.Stride[a]); lo > y {
			y += ceilDiv(lo-y, step) * step
		}
		// Inputs end at size: y*stride + at <= (size-1)*up.
		last := floorDiv((t.Shape[1+a]-1)*t.Up[a]-at, t.Stride[a])
		if last = min(last, n-1); y > last {
			continue
		}
		v := (y*t.Stride[a] + at) / t.Up[a]
		list[k] = run{n: int32((last-y)/step + 1), out: int32(y * out), in: int32(v * in)}
	}
	return list, step * out, step * t.Stride[a] / t.Up[a] * in
}

// inverse is the number x in 0..m-1 with a*x = 1 modulo m, where a and m have no common divisor.
func inverse(a, m int64) int64 {
	x, next := int64(0), int64(1)
	for r, s := m, a%m; s != 0; {
		q := r / s
		r, s = s, r-q*s
		x, next = next, x-q*next
	}
	return (x%m + m) % m
}

// memory is the size of the tables in bytes.
func (k *footprint) memory() int { return 16*(len(k.rows)+len(k.cols)) + 8*len(k.first) }

// addProducts adds to a row of accumulators what the positions of a kernel column contribute:
// products[x] for every index x that they meet.
func (k *footprint) addProducts(acc []int32, in []byte, col run, products []int32) {
	out, from := int(col.out), int(col.in)
	if k.outCol == 1 && k.inCol == 1 {
		row := acc[out : out+int(col.n)]
		for j, x := range in[from : from+len(row)] {
			row[j] += products[x]
		}
		return
	}
	for n := col.n; n > 0; n-- {
		acc[out] += products[in[from]]
		out += k.outCol
		from += k.inCol
	}
}
