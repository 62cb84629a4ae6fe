package kernel

import (
	"math"
	"math/bits"
)

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
	footprint
	table []int32 // rows of 2^shift entries, one row per centre in use
	shift uint
	// weights are rows of table, [O][Cg][KH][KW].
	weights []uint16
}

// Times in additions of words: of one look-up and addition, of a row of them for one weight, and of an output channel besides.
const (
	lookupCost        = 12
	lookupRowCost     = 40
	lookupChannelCost = 50
)

// lookupTime estimates the time of a [Lookup] of l in additions of words.
func lookupTime(l *Layer) int64 {
	cost := float64(l.MACs()) * lookupCost
	for i := range l.Terms {
		t := &l.Terms[i]
		cost += float64(l.Out[0]) * lookupChannelCost
		if l.positions() > 1 || !t.covers() {
			cost += float64(l.Out[0]) * float64(t.taps()) * float64(l.Out[1]) * lookupRowCost
		}
	}
	return int64(min(cost, math.MaxInt64/2))
}

// NewLookup prepares l.
func NewLookup(l *Layer) *Lookup {
	k := &Lookup{
		finisher: newFinisher(l, Portable, tablesOf(l)),
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
		footprint: newFootprint(l, t),
		shift:     uint(bits.Len(uint(t.Levels - 1))),
		weights:   make([]uint16, len(t.Weights)),
	}
	row, used := t.rows()
	k.table = make([]int32, used<<k.shift)
	for w, r := range row {
		if r == 0 {
			continue
		}
		n := int(r-1) << k.shift
		for x := range t.Levels {
			k.table[n+x] = t.Centres[w] * int32(x-t.Zero)
		}
	}
	for i, w := range t.Weights {
		k.weights[i] = uint16(row[w] - 1)
	}
	return k
}

// rows gives every centre that t uses a row, numbered from 1 in the order of use; 0 stands for the others.
func (t *Term) rows() (row []int32, used int) {
	row = make([]int32, len(t.Centres))
	for _, w := range t.Weights {
		if row[w] == 0 {
			used++
			row[w] = int32(used)
		}
	}
	return row, used
}

// Need is the Scratch that Run writes on.
func (k *Lookup) Need() Need { return k.need(k.plane) }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Lookup) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for _, t := range k.terms {
		weights += 2 * len(t.weights)
		tables += 4*len(t.table) + t.memory()
	}
	return weights, tables
}

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Lookup) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	at := 0
	for o := range k.channels {
		acc := k.sums(out, s, at, k.plane)
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
	in = in[t.first[o].in:]
	weights := t.weights[t.first[o].weights:][:t.taps]
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
				for i, w := range line {
					products := t.table[uint(w)<<(t.shift&31):][:1<<(t.shift&31)]
					t.addProducts(acc[out:], in[from:], t.cols[i], products)
				}
				out += t.outRow
				from += t.inRow
			}
		}
		if c--; c == 0 {
			return
		}
	}
}
