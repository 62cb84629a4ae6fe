package kernel

import "qconv/runtime/internal/coding"

// Packed computes a [Layer] with little memory: weights stay coded, and Run decodes those
// of one output channel at a time; there is no table of products. Those of a weight are
// made by addition when it is met, one per level:
//
//	T[0] = -zero * C,  T[x+1] = T[x] + C
//
// Where a weight meets one input element only, weights are summed by level instead.
type Packed struct {
	finisher
	bias  []int32
	plane int // elements of an output channel
	terms []*packedTerm
	need  Need
}

// Coded are the weights of a [Term] in coded form.
type Coded struct {
	Kind  coding.Kind
	Data  []byte
	Count int // of weights
	Size  int // every weight is less
}

type packedTerm struct {
	footprint
	Coded
	centres []int32 // those of the program
	levels  int
	zero    int
	digits  []uint8 // of zero: where its bits are
}

// NewPacked prepares l. The weights of each term are given twice: decoded in l, which
// is not kept, and coded.
func NewPacked(l *Layer, coded []Coded) *Packed {
	k := &Packed{finisher: newSmallFinisher(l), bias: l.Bias, plane: l.positions()}
	k.need = k.finisher.need(k.plane)
	k.need.States = make([]int, len(coded))
	for i, c := range coded {
		t := &l.Terms[i]
		p := &packedTerm{footprint: newFootprint(l, t), Coded: c, centres: t.Centres, levels: t.Levels, zero: t.Zero}
		for s := range uint8(8) {
			if t.Zero>>s&1 != 0 {
				p.digits = append(p.digits, s)
			}
		}
		k.terms = append(k.terms, p)
		states, symbols := coding.Room(c.Kind, c.Data, c.Size)
		k.need.States[i] = states
		k.need = k.need.Max(Need{Symbols: symbols, Weights: p.taps})
	}
	return k
}

// Need is the Scratch that Run writes on.
func (k *Packed) Need() Need { return k.need }

// Memory is the size of the coded weights and of the tables, in bytes.
func (k *Packed) Memory() (weights, tables int) {
	tables = k.bytes() + 4*len(k.bias)
	for _, t := range k.terms {
		weights += len(t.Data)
		tables += len(t.digits) + t.memory()
	}
	return weights, tables
}

// Run computes the layer as [Lookup.Run] does. Decoding cannot fail: NewPacked was given
// what the data decode to.
func (k *Packed) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	for i, t := range k.terms {
		_ = s.decoders[i].Start(t.Kind, t.Data, t.Count, t.Size)
	}
	var sums [256]int32
	at := 0
	for o, bias := range k.bias {
		acc := k.sums(out, s, at, k.plane)
		clear(acc)
		for i, t := range k.terms {
			weights := s.weights[:t.taps]
			_ = s.decoders[i].Read(weights)
			in := src[i][t.first[o].in:]
			if t.flat {
				acc[0] += t.sumByLevel(&sums, in, weights)
			} else {
				t.add(acc, in, weights)
			}
		}
		k.finish(dst, out, at, acc, o, bias)
		at += k.plane
	}
}

// add adds the share of an output channel with the given weights to acc. in starts with the
// first channel of its group.
func (t *packedTerm) add(acc []int32, in []byte, weights []uint16) {
	var room [256]int32
	products := room[:t.levels]
	for c := t.cg; ; in = in[t.plane:] {
		for _, row := range t.rows {
			for _, col := range t.cols {
				p := t.centres[weights[0]]
				weights = weights[1:]
				if p == 0 || row.n == 0 || col.n == 0 {
					continue
				}
				v := int32(0)
				for _, s := range t.digits {
					v -= p << (s & 31)
				}
				for x := range products {
					products[x] = v
					v += p
				}
				out, from := int(row.out), int(row.in)
				for n := row.n; n > 0; n-- {
					t.addProducts(acc[out:], in[from:], col, products)
					out += t.outRow
					from += t.inRow
				}
			}
		}
		if c--; c == 0 {
			return
		}
	}
}

// sumByLevel is the sum of C[w] * (x - zero) over all weights w and their inputs x: with the
// sum S[x] of the centres that meet level x, for which there is room in sums,
//
//	sum over x > zero of (S[x] + S[x+1] + ...) - sum over x < zero of (S[x] + S[x-1] + ...)
func (t *packedTerm) sumByLevel(sums *[256]int32, in []byte, weights []uint16) int32 {
	levels := sums[:t.levels]
	clear(levels)
	addByLevel(sums, in[:len(weights)], weights, t.centres)
	total, run := int32(0), int32(0)
	above := levels[t.zero+1:]
	for i := len(above) - 1; i >= 0; i-- {
		run += above[i]
		total += run
	}
	run = 0
	for _, sum := range levels[:t.zero] {
		run += sum
		total -= run
	}
	return total
}
