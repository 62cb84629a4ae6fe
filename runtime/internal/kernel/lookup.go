package kernel

import "math/bits"

// Lookup computes a [Layer] by its definition, with one table look-up and one addition
// per weight and position:
//
//	acc += T[w][x],  T[w][x] = C[w] * (x - zero)
//
// It serves every geometry and is what the other kernels are compared with.
type Lookup struct {
	finisher
	bias     []int32
	terms    []*lookupTerm
	channels int
	plane    int // elements of an output channel
}

type lookupTerm struct {
	table []int32 // rows of 2^shift entries, one row per centre in use
	shift uint
	// weights are rows of table, [O][Cg][KH][KW].
	weights []uint16
	taps    int // weights of an output channel
	first   []lookupStart
	cg      int  // input channels per group
	plane   int  // elements of an input channel
	flat    bool // one position that every input element of the group feeds

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

// NewLookup prepares l.
func NewLookup(l *Layer) *Lookup {
	k := &Lookup{
		finisher: newFinisher(l, Portable),
		bias:     l.Bias,
		channels: l.Out[0],
		plane:    l.positions(),
	}
	for i := range l.Terms {
		k.terms = append(k.terms, newLookupTerm(l, &l.Terms[i]))
	}
	return k
}

func newLookupTerm(l *Layer, t *Term) *lookupTerm {
	k := &lookupTerm{
		shift:   uint(bits.Len(uint(t.Levels - 1))),
		weights: make([]uint16, len(t.Weights)),
		taps:    t.taps(),
		cg:      t.Shape[0] / t.Groups,
		plane:   t.Shape[1] * t.Shape[2],
		flat:    l.positions() == 1 && t.covers(),
	}
	outs := l.Out[0] / t.Groups
	for o := range l.Out[0] {
		k.first = append(k.first, lookupStart{int32(o / outs * k.cg * k.plane), int32(o * k.taps)})
	}
	row := make([]int, len(t.Centres)) // 1 + row of table, 0: not in use yet
	for i, w := range t.Weights {
		if row[w] == 0 {
			n := len(k.table)
			row[w] = 1 + n>>k.shift
			k.table = append(k.table, make([]int32, 1<<k.shift)...)
			for x := range t.Levels {
				k.table[n+x] = t.Centres[w] * int32(x-t.Zero)
			}
		}
		k.weights[i] = uint16(row[w] - 1)
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

// Need is the Scratch that Run writes on.
func (k *Lookup) Need() Need { return Need{Acc: k.plane} }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Lookup) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for _, t := range k.terms {
		weights += 2 * len(t.weights)
		tables += 4*len(t.table) + 16*(len(t.rows)+len(t.cols)) + 8*len(t.first)
	}
	return weights, tables
}

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Lookup) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	acc := s.acc[:k.plane]
	at := 0
	for o := range k.channels {
		clear(acc)
		for i, t := range k.terms {
			t.add(acc, src[i], o)
		}
		k.finish(dst, out, at, acc, o, k.bias[o])
		at += k.plane
	}
}

// add adds the term's share of output channel o to acc.
func (t *lookupTerm) add(acc []int32, in []byte, o int) {
	t.addWeights(acc, in[t.first[o].in:], t.weights[t.first[o].weights:][:t.taps])
}

// addWeights adds the share of an output channel with the given weights, all t.taps of
// them, to acc. in starts with the first channel of its group.
func (t *lookupTerm) addWeights(acc []int32, in []byte, weights []uint16) {
	if t.flat {
		sum, shift := int32(0), t.shift&31
		in = in[:len(weights)]
		for i, w := range weights {
			sum += t.table[uint(w)<<shift+uint(in[i])]
		}
		acc[0] += sum
		return
	}
	for c := t.cg; ; in = in[t.plane:] {
		for _, row := range t.rows {
			line := weights[:len(t.cols)]
			weights = weights[len(line):]
			out, from := int(row.out), int(row.in)
			for n := row.n; n > 0; n-- {
				t.addRow(acc[out:], in[from:], line)
				out += t.outRow
				from += t.inRow
			}
		}
		if c--; c == 0 {
			return
		}
	}
}

// addRow adds what a row of weights contributes to a row of positions.
func (t *lookupTerm) addRow(acc []int32, in []byte, weights []uint16) {
	for i, w := range weights {
		products := t.table[uint(w)<<(t.shift&31):][:1<<(t.shift&31)]
		col := t.cols[i]
		out, from := int(col.out), int(col.in)
		if t.outCol == 1 && t.inCol == 1 {
			row := acc[out : out+int(col.n)]
			for j, x := range in[from : from+len(row)] {
				row[j] += products[x]
			}
			continue
		}
		for n := col.n; n > 0; n-- {
			acc[out] += products[in[from]]
			out += t.outCol
			from += t.inCol
		}
	}
}
