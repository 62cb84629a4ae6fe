package kernel

import "qconv/runtime/internal/coding"

// Packed is [Lookup] with weights that stay coded in memory. Run decodes those of one
// output channel at a time.
type Packed struct {
	lookup *Lookup // its terms have no weights
	terms  []*packedTerm
	need   Need
}

// Coded are the weights of a [Term] in coded form.
type Coded struct {
	Kind  coding.Kind
	Data  []byte
	Count int // of weights
	Size  int // every weight is less
}

type packedTerm struct {
	Coded
	rows []uint16 // by weight: row of the table
}

// NewPacked prepares l. The weights of each term are given twice: decoded in l, which
// is not kept, and coded.
func NewPacked(l *Layer, coded []Coded) *Packed {
	k := &Packed{lookup: NewLookup(l)}
	k.need = k.lookup.Need()
	k.need.Decoders = len(coded)
	for i, c := range coded {
		t := k.lookup.terms[i]
		p := &packedTerm{Coded: c, rows: make([]uint16, c.Size)}
		for j, w := range l.Terms[i].Weights {
			p.rows[w] = t.weights[j]
		}
		t.weights = nil
		k.terms = append(k.terms, p)
		states, symbols := coding.Room(c.Kind, c.Data, c.Size)
		k.need = k.need.Max(Need{States: states, Symbols: symbols, Weights: t.taps})
	}
	return k
}

// Need is the Scratch that Run writes on.
func (k *Packed) Need() Need { return k.need }

// Memory is the size of the coded weights and of the tables, in bytes.
func (k *Packed) Memory() (weights, tables int) {
	_, tables = k.lookup.Memory()
	for _, t := range k.terms {
		weights += len(t.Data)
		tables += 2 * len(t.rows)
	}
	return weights, tables
}

// Run computes the layer as [Lookup.Run] does. Decoding cannot fail: NewPacked was given
// what the data decode to.
func (k *Packed) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	for i, t := range k.terms {
		_ = s.decoders[i].Start(t.Kind, t.Data, t.Count, t.Size)
	}
	l := k.lookup
	acc := s.acc[:l.plane]
	at := 0
	for o := range l.channels {
		clear(acc)
		for i, t := range k.terms {
			term := l.terms[i]
			weights := s.weights[:term.taps]
			_ = s.decoders[i].Read(weights)
			for j, w := range weights {
				weights[j] = t.rows[w]
			}
			term.addWeights(acc, src[i][term.first[o].in:], weights)
		}
		l.finish(dst, out, at, acc, o, l.bias[o])
		at += l.plane
	}
}
