package kernel

import (
	"fmt"
	"math"
	"math/bits"
)

// productGroup is the number of outputs whose sums are kept in registers at a time.
const productGroup = 8

// Products computes a [Layer] at few positions from shared tables of products. For every term there is a table, made in advance by
// additions:
//
//	T[x][w] = (x - zero) * C[w]
//
// A Run first lists, for the inputs of all terms one after the other, the row of the table that each one's level selects, and then
// adds up, for [productGroup] outputs at a time, the products that their weights select in these rows. What a weight takes depends
// neither on the number of levels nor on the size of centres, and all terms share the sums.
//
// Terms that give each input to few outputs, as those of sums of tensors do, are linked instead: for every weight the input element and the
// row of its centre are listed in advance, with tables that lie the other way round.
//
// It suits layers whose outputs are many and positions few: fully connected ones, as in steps of recurrent networks.
type Products struct {
	finisher
	terms  []*productTerm
	linked []*linkedTerm
	table  []int32  // rows of all terms
	narrow bool     // weights have 4 bits, else 8
	codes  []uint32 // weights: for every group of outputs and every tap those of its outputs, in one word or two
	bias   []int32  // of every output channel, with zeros up to a whole group
	starts int      // positions
	outs   int      // channels
	taps   int      // of all terms
	cost   int

	products int // bytes of table
}

// productTerm says where the inputs of a term are.
type productTerm struct {
	src    int     // number of the term and of its input
	at     int32   // the first row, in elements of the table
	shift  uint8   // a row has 1<<shift elements
	direct bool    // taps meet the input's elements in order
	taps   int     // that meet an input
	from   []int32 // for every tap, the input element that it meets at the first position; nil where direct
	move   []int32 // what is added at each position; nil where direct
	kept   []int32 // the taps that meet an input; nil: all
}

// linkedTerm lists what connects every output element with its inputs.
type linkedTerm struct {
	outs      int      // output elements
	src       int      // number of the term and of its input
	each      int      // links of an output element; 0: counts
	counts    []uint16 // links of every output element; nil where all have as many
	size      int      // links
	tableSize int      // bytes
	links     []productLink
	table     []int32 // rows of all levels, by centre
}

// productLink is the element of an input and the row of a linked term's table.
type productLink struct{ in, at uint32 }

// NewProducts prepares l. It fails as [PlanProducts] does.
func NewProducts(l *Layer, limit int, v Vector) (*Products, error) {
	k, err := PlanProducts(l, limit, v)
	if err == nil {
		k.Fill(l)
	}
	return k, err
}

// PlanProducts is NewProducts without the large work, which Fill does. It fails where Cost would exceed limit, where positions are more
// than mostProductPositions but for linked terms, where a term has more than 256 centres, or, without links, taps that leave the input at some positions only, and where one
// with groups of channels has more than mostLinks connections or outputs.
func PlanProducts(l *Layer, limit int, v Vector) (*Products, error) {
	k := &Products{narrow: true, starts: l.positions(), outs: l.Out[0]}
	groups := ceilDiv(k.outs, productGroup)
	each := v.has().productCost
	rows, links := 0, 0 // bytes of rows that a run reads; connections
	for i := range l.Terms {
		t := &l.Terms[i]
		if len(t.Centres) > 256 {
			return nil, fmt.Errorf("kernel: products: term %d has %d centres, want at most 256", i, len(t.Centres))
		}
		if t.Groups > 1 || k.outs*linkCost < groups*each {
			links += l.links(t)
			k.linked = append(k.linked, &linkedTerm{src: i})
			continue
		}
		k.narrow = k.narrow && len(t.Centres) <= 16
		k.taps += t.taps()
		k.terms = append(k.terms, &productTerm{src: i, shift: productShift(t), taps: t.taps()})
		rows += 4 * min(t.taps(), t.Levels) << productShift(t)
	}
	if len(k.terms) > 0 && k.starts > mostProductPositions {
		return nil, fmt.Errorf("kernel: products: %d positions, want at most %d", k.starts, mostProductPositions)
	}
	if rows > v.has().cache {
		each *= 2
	}
	// Bounded before anything is made.
	if len(k.linked) > 0 && k.starts > mostLinks/k.outs {
		return nil, fmt.Errorf("kernel: products: %d linked outputs at %d positions, want at most %d in all", k.outs, k.starts, mostLinks)
	}
	if most := limit / each / groups / max(1, k.starts); k.taps > most || links > mostLinks {
		return nil, fmt.Errorf("kernel: products: %d taps and %d links, want at most %d and %d", k.taps, links, most, mostLinks)
	}
	k.taps, links = 0, 0
	for i := range k.terms {
		if err := k.terms[i].plan(l); err != nil {
			return nil, err
		}
		k.taps += k.terms[i].taps
	}
	for i := range k.linked {
		k.linked[i].plan(l)
		links += k.linked[i].size
	}
	k.cost = links*linkCost + k.outs*k.starts*productOutCost
	if k.taps > 0 {
		k.cost += k.starts * (groups*(k.taps*each+productGroupCost) + k.taps*productRowCost)
	}
	if k.cost > limit {
		return nil, fmt.Errorf("kernel: products: cost %d, want at most %d", k.cost, limit)
	}
	k.products = k.tableBytes(l)
	k.finisher = newFinisher(l, Portable, tablesOf(l))
	return k, nil
}

// links is the number of weights of t that connect an output element with an input element.
func (l *Layer) links(t *Term) int {
	n := l.Out[0] * (t.Shape[0] / t.Groups)
	for axis, size := range l.Out[1:] {
		met := 0
		for y := range size {
			for k := range t.Kernel[axis] {
				if _, ok := t.source(axis, y, k); ok {
					met++
				}
			}
		}
		n = min(n, math.MaxInt/max(1, met)) * met
	}
	return n
}

// mostLinks limits the connections of linked terms.
const mostLinks = 1 << 14

// mostProductPositions limits the sums that a run keeps; layers with more positions have faster forms.
const mostProductPositions = 256

// Times in additions of words: of a group of outputs besides its products, to find the row of an input, and of an output.
const (
	productGroupCost = 30
	productRowCost   = 4
	productOutCost   = 7
	linkCost         = 4 // of a link
)

// productShift says how many elements the rows of t have.
func productShift(t *Term) uint8 { return uint8(bits.Len(uint(len(t.Centres) - 1))) }

// plan counts the links of every output element.
func (p *linkedTerm) plan(l *Layer) {
	counts := make([]uint16, l.Out[0]*l.positions())
	l.connections(&l.Terms[p.src], func(out, _ int, _ uint16) { counts[out]++ })
	p.outs = len(counts)
	p.each, p.tableSize = int(counts[0]), 4*len(l.Terms[p.src].Centres)*l.Terms[p.src].Levels
	for _, n := range counts {
		p.size += int(n)
		if int(n) != p.each {
			p.counts = counts
		}
	}
	if p.counts != nil {
		p.each = 0
	}
}

// fill writes the links and the table.
func (p *linkedTerm) fill(l *Layer) {
	t := &l.Terms[p.src]
	next := make([]int, l.Out[0]*l.positions()) // the link to come of every output element
	at := 0
	for out := range next {
		next[out] = at
		if at += p.each; p.counts != nil {
			at += int(p.counts[out])
		}
	}
	p.links = make([]productLink, p.size+1) // a pointer past the last one would be none
	l.connections(t, func(out, in int, w uint16) {
		p.links[next[out]] = productLink{uint32(in), uint32(int(w) * t.Levels)}
		next[out]++
	})
	p.table = make([]int32, 0, len(t.Centres)*t.Levels)
	for _, c := range t.Centres {
		product := -int32(t.Zero) * c
		for range t.Levels {
			p.table = append(p.table, product)
			product += c
		}
	}
}

// plan finds the inputs of the term.
func (p *productTerm) plan(l *Layer) error {
	t := &l.Terms[p.src]
	if p.direct = l.fullyConnected(t); p.direct {
		return nil
	}
	plane := t.Shape[1] * t.Shape[2]
	single := l.positions() == 1
	tap := int32(0)
	for c := range t.Shape[0] {
		for ky := range t.Kernel[0] {
			for kx := range t.Kernel[1] {
				v, okV := t.source(0, 0, ky)
				u, okU := t.source(1, 0, kx)
				if okV && okU {
					p.from = append(p.from, int32(c*plane+v*t.Shape[2]+u))
					p.kept = append(p.kept, tap)
				} else if !single {
					return fmt.Errorf("kernel: products: taps of term %d leave the input", p.src)
				}
				tap++
			}
		}
	}
	p.taps = len(p.from)
	if p.taps == t.taps() {
		p.kept = nil
	}
	if single {
		p.move = []int32{0}
		return nil
	}
	y, ok := t.source(0, l.Out[1]-1, t.Kernel[0]-1)
	x, okX := t.source(1, l.Out[2]-1, t.Kernel[1]-1)
	if t.Up != [2]int{1, 1} || !ok || !okX || y >= t.Shape[1] || x >= t.Shape[2] {
		return fmt.Errorf("kernel: products: taps of term %d leave the input", p.src)
	}
	for y := range l.Out[1] {
		for x := range l.Out[2] {
			p.move = append(p.move, int32(y*t.Stride[0]*t.Shape[2]+x*t.Stride[1]))
		}
	}
	return nil
}

// codeWords is the number of words of the weights of a group and tap.
func (k *Products) codeWords() int {
	if k.narrow {
		return 1
	}
	return productGroup / 4
}

// weightWords is the number of words of all weights, and of one more: a pointer past the last one would be none.
func (k *Products) weightWords() int { return ceilDiv(k.outs, productGroup)*k.taps*k.codeWords() + 1 }

// tableBytes is the size of table.
func (k *Products) tableBytes(l *Layer) int {
	n := 0
	for i := range k.terms {
		n += 4 * l.Terms[k.terms[i].src].Levels << k.terms[i].shift
	}
	return n
}

// Fill writes the weights and the tables of the layer that k was planned for.
func (k *Products) Fill(l *Layer) {
	groups := ceilDiv(k.outs, productGroup)
	k.bias = make([]int32, groups*productGroup)
	copy(k.bias, l.Bias)
	k.table = make([]int32, 0, k.products/4)
	k.codes = make([]uint32, k.weightWords())
	words, width := k.codeWords(), 8
	if k.narrow {
		width = 4
	}
	each := productGroup / words // weights of a word
	first := 0
	for i := range k.linked {
		k.linked[i].fill(l)
	}
	for i := range k.terms {
		p := k.terms[i]
		t := &l.Terms[p.src]
		p.at = int32(len(k.table))
		k.table = k.table[:len(k.table)+t.Levels<<p.shift]
		for w, c := range t.Centres {
			product := -int32(t.Zero) * c
			for x := range t.Levels {
				k.table[int(p.at)+x<<p.shift+w] = product
				product += c
			}
		}
		for o := range k.outs {
			weights := t.Weights[o*t.taps():][:t.taps()]
			at := (o/productGroup*k.taps+first)*words + o%productGroup/each
			shift := o % each * width
			for n := range p.taps {
				tap := n
				if p.kept != nil {
					tap = int(p.kept[n])
				}
				k.codes[at] |= uint32(weights[tap]) << shift
				at += words
			}
		}
		first += p.taps
		p.kept = nil
	}
}

// Need is the Scratch that Run writes on.
func (k *Products) Need() Need {
	return Need{List: k.taps + 1, Acc: ceilDiv(k.outs, productGroup) * productGroup * k.starts}
}

// Cost estimates the time of Run in additions of words.
func (k *Products) Cost() int { return k.cost }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Products) Memory() (weights, tables int) {
	tables = k.bytes() + 4*ceilDiv(k.outs, productGroup)*productGroup + k.products
	for i := range k.terms {
		tables += 4 * (len(k.terms[i].from) + len(k.terms[i].move))
	}
	weights = 4 * k.weightWords()
	for i := range k.linked {
		p := k.linked[i]
		weights += 8 * (p.size + 1)
		tables += p.tableSize + 2*len(p.counts)
	}
	return weights, tables
}
