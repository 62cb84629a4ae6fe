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
	step := t.Up[a] / gcd(t.Up[a], t.Stride[a])
	for k := range t.Kernel[a] {
		var r run
		for y := range n {
			if v, ok := t.source(a, y, k); ok {
				if r.n == 0 {
					r.out, r.in = int32(y*out), int32(v*in)
				}
				r.n++
			}
		}
		list = append(list, r)
	}
	return list, step * out, step * t.Stride[a] / t.Up[a] * in
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
