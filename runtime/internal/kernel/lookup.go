package kernel

import "math/bits"

// Lookup computes a [Layer] by its definition, with one table look-up and one addition
// per weight:
//
//	acc += T[w][x],  T[w][x] = C[w] * (x - zero)
//
// It serves every geometry and is what the other kernels are compared with.
type Lookup struct {
	finisher
	bias      []int32
	terms     []lookupTerm
	channels  int
	positions int
	cols      int // of the output
	rows      int
}

type lookupTerm struct {
	table []int32 // rows of 2^shift entries, one row per centre in use
	shift uint
	// weights are rows of table, [O][Cg][KH][KW].
	weights []uint16
	kw      int
	rowOf   []int32 // [OH][KH]: offset of the input row within its channel, or -1
	colOf   []int32 // [OW][KW]: input column, or -1
	kh      int
	cg      int // input channels per group
	plane   int // elements of an input channel
	taps    int // weights of an output channel
	first   []lookupStart
}

// lookupStart says where an output channel finds its data.
type lookupStart struct {
	in      int32 // element of the input: first channel of the group
	weights int32
}

// NewLookup prepares l.
func NewLookup(l *Layer) *Lookup {
	k := &Lookup{
		finisher:  newFinisher(l),
		bias:      l.Bias,
		channels:  l.Out[0],
		positions: l.positions(),
		rows:      l.Out[1],
		cols:      l.Out[2],
	}
	for i := range l.Terms {
		k.terms = append(k.terms, newLookupTerm(l, &l.Terms[i]))
	}
	return k
}

func newLookupTerm(l *Layer, t *Term) lookupTerm {
	k := lookupTerm{
		shift:   uint(bits.Len(uint(t.Levels - 1))),
		weights: make([]uint16, len(t.Weights)),
		kh:      t.Kernel[0],
		kw:      t.Kernel[1],
		cg:      t.Shape[0] / t.Groups,
		plane:   t.Shape[1] * t.Shape[2],
		taps:    t.taps(),
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
	if l.fullyConnected(t) {
		// One channel of one long row.
		k.rowOf = []int32{0}
		for i := range k.taps {
			k.colOf = append(k.colOf, int32(i))
		}
		k.kh, k.kw, k.cg, k.plane = 1, k.taps, 1, k.taps
		return k
	}
	for y := range l.Out[1] {
		for ky := range t.Kernel[0] {
			v, ok := t.source(0, y, ky)
			if !ok {
				v = -1
			} else {
				v *= t.Shape[2]
			}
			k.rowOf = append(k.rowOf, int32(v))
		}
	}
	for x := range l.Out[2] {
		for kx := range t.Kernel[1] {
			u, ok := t.source(1, x, kx)
			if !ok {
				u = -1
			}
			k.colOf = append(k.colOf, int32(u))
		}
	}
	return k
}

// Need is the Scratch that Run writes on.
func (k *Lookup) Need() Need { return Need{Acc: k.positions} }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Lookup) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for i := range k.terms {
		t := &k.terms[i]
		weights += 2 * len(t.weights)
		tables += 4*(len(t.table)+len(t.rowOf)+len(t.colOf)) + 8*len(t.first)
	}
	return weights, tables
}

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Lookup) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	acc := s.acc[:k.positions]
	at := 0
	for o := range k.channels {
		clear(acc)
		for i := range k.terms {
			k.terms[i].add(acc, src[i], o, k.rows, k.cols)
		}
		k.finish(dst, out, at, acc, o, k.bias[o])
		at += k.positions
	}
}

// add adds the term's share of output channel o to acc.
func (t *lookupTerm) add(acc []int32, in []byte, o, rows, cols int) {
	in = in[t.first[o].in:]
	weights := t.weights[t.first[o].weights:][:t.taps]
	rowOf := t.rowOf
	p := 0
	for range rows {
		colOf := t.colOf
		for range cols {
			acc[p] += t.at(in, weights, rowOf[:t.kh], colOf[:t.kw])
			colOf = colOf[t.kw:]
			p++
		}
		rowOf = rowOf[t.kh:]
	}
}

// at is the sum of one output element: rowOf and colOf say which input rows and
// columns its taps meet.
func (t *lookupTerm) at(in []byte, weights []uint16, rowOf, colOf []int32) int32 {
	table, shift := t.table, t.shift&31
	sum := int32(0)
	for range t.cg {
		for _, r := range rowOf {
			line := weights[:len(colOf)]
			weights = weights[len(colOf):]
			if r < 0 {
				continue
			}
			row := in[r:]
			for i, c := range colOf {
				if c >= 0 {
					sum += table[uint(line[i])<<shift+uint(row[c])]
				}
			}
		}
		if len(in) > t.plane {
			in = in[t.plane:]
		}
	}
	return sum
}
