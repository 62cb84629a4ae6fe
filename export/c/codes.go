package c

import (
	"math/bits"
	"slices"

	"qconv/runtime"
)

// codes are the weights of a layer for kernel taps as codes of a few bits.
type codes struct {
	terms  []codeTerm
	parts  []densePart
	planes int
	data   []uint8 // by output channel and term
	list   int     // bytes of the lists of a channel, at most
	most   []int   // rows of every list, of all channels the most
	starts []int   // of the lists, at first
}

// codeTerm is what differs from term to term.
type codeTerm struct {
	centres []int32 // that are used, in order of their codes
	bits    int     // of a code
	lengths []uint8 // how many codes have one bit, two, ...; nil: all have as many
	again   bool    // the weights are those of the term before
	digits  []uint8 // [code][1 << shift]: lists
	shift   int
	rows    []uint16 // by kernel position: of the first channel
	next    int      // from the row of a channel to that of the next
	each    int      // channels that an output channel reads
	outs    int      // output channels that read the same; 0: all do
}

// maxCode is the most bits of a code.
const maxCode = 8

// newCodes codes the weights of a layer; nil where that does not suit.
func (g *generator) newCodes(f *tapsForm, l *runtime.Linear) (*codes, error) {
	k := &codes{}
	all := make([][]int32, len(f.terms))
	for i := range f.terms {
		d := &f.terms[i]
		t := &l.Terms[d.term]
		w, err := weights(t)
		if err != nil {
			return nil, err
		}
		centres := g.p.Codebooks[t.Codebook].Centres
		uses := map[int32]int{}
		all[i] = make([]int32, len(w))
		for j, x := range w {
			all[i][j] = centres[x]
			uses[centres[x]]++
		}
		c := codeTerm{each: d.in[0] / t.Groups, again: d.shift > 0}
		if f.groups == 1 && t.Groups > 1 {
			c.outs = f.out[0] / t.Groups
		}
		if c.choose(uses, len(w)); c.bits > maxCode {
			return nil, nil
		}
		for _, v := range c.centres {
			plus, minus := digits(int64(v) << d.shift)
			k.planes = max(k.planes, bits.Len64(plus|minus))
		}
		k.terms = append(k.terms, c)
	}
	k.planes = max(1, k.planes)
	for i := range k.terms {
		k.terms[i].writeDigits(k.planes, f.terms[i].shift)
	}
	k.pack(f, all)
	k.divide(f, all)
	if k.parts == nil {
		return nil, nil
	}
	k.place()
	return k, nil
}

// choose finds the codes for centres that are used so often: all of as many bits, or Huffman's where these take less. Centres are
// put in order of their codes.
func (c *codeTerm) choose(uses map[int32]int, weights int) {
	for v := range uses {
		c.centres = append(c.centres, v)
	}
	slices.Sort(c.centres)
	c.bits = bits.Len(uint(len(c.centres) - 1))
	if c.bits < 2 || c.bits > maxCode {
		return
	}
	lengths := huffman(c.centres, uses)
	total := 0
	for v, n := range uses {
		total += n * lengths[v]
	}
	longest := 0
	for _, n := range lengths {
		longest = max(longest, n)
	}
	if longest > maxLength || total/8+longest >= weights*c.bits/8 {
		return
	}
	slices.SortStableFunc(c.centres, func(a, b int32) int { return lengths[a] - lengths[b] })
	c.lengths = make([]uint8, longest)
	for _, v := range c.centres {
		c.lengths[lengths[v]-1]++
	}
}

// maxLength is the most bits of a code of Huffman.
const maxLength = 16

// huffman finds the lengths of codes that together are the shortest.
func huffman(values []int32, uses map[int32]int) map[int32]int {
	type node struct {
		count  int
		leaves []int32
	}
	var nodes []node
	for _, v := range values {
		nodes = append(nodes, node{uses[v], []int32{v}})
	}
	lengths := map[int32]int{}
	for len(nodes) > 1 {
		slices.SortStableFunc(nodes, func(a, b node) int { return a.count - b.count })
		both := node{nodes[0].count + nodes[1].count, append(slices.Clone(nodes[0].leaves), nodes[1].leaves...)}
		for _, v := range both.leaves {
			lengths[v]++
		}
		nodes = append(nodes[2:], both)
	}
	return lengths
}

// code is the code of the centre at position i, and its bits. Codes of equal length are in order, and follow on those that are shorter.
func (c *codeTerm) code(i int) (code uint32, length int) {
	if c.lengths == nil {
		return uint32(i), c.bits
	}
	first, index := 0, 0
	for n, count := range c.lengths {
		if i < index+int(count) {
			return uint32(first + i - index), n + 1
		}
		index += int(count)
		first = (first + int(count)) << 1
	}
	panic("BUG: no code")
}

// writeDigits fills the table of lists of every code, of the centres shifted to the left.
func (c *codeTerm) writeDigits(planes, shift int) {
	lists := make([][]uint8, len(c.centres))
	longest := 0
	for i, v := range c.centres {
		plus, minus := digits(int64(v) << shift)
		for b := range planes {
			if plus>>b&1 != 0 {
				lists[i] = append(lists[i], uint8(2*(planes-1-b)))
			}
			if minus>>b&1 != 0 {
				lists[i] = append(lists[i], uint8(2*(planes-1-b)+1))
			}
		}
		longest = max(longest, len(lists[i]))
	}
	for 1<<c.shift < longest+1 {
		c.shift++
	}
	for i := range lists {
		for len(lists[i]) < 1<<c.shift {
			lists[i] = append(lists[i], noList)
		}
		c.digits = append(c.digits, lists[i]...)
	}
}

// pack writes the codes, and counts the rows of every list, of all channels the most.
func (k *codes) pack(f *tapsForm, all [][]int32) {
	k.most = make([]int, 2*k.planes)
	var b bitWriter
	for o := range f.out[0] {
		count := make([]int, 2*k.planes)
		for i := range k.terms {
			c := &k.terms[i]
			n := len(all[i]) / f.out[0]
			for _, v := range all[i][o*n:][:n] {
				at := slices.Index(c.centres, v)
				for _, list := range c.digits[at<<c.shift:][:1<<c.shift] {
					if list != noList {
						count[list]++
					}
				}
				if code, length := c.code(at); !c.again {
					b.write(code, length, c.lengths != nil)
				}
			}
			b.flush()
		}
		for list, n := range count {
			k.most[list] = max(k.most[list], n)
		}
	}
	if k.data = b.bytes; len(k.data) == 0 {
		k.data = []uint8{0} // C knows no empty table
	}
}

// bitWriter writes codes into bytes, from the lowest bit of each on.
type bitWriter struct {
	bytes []uint8
	have  int // bits of the last byte; 0 or 8: it is full
}

// write appends a code: its highest bit first, or its lowest.
func (b *bitWriter) write(code uint32, length int, highest bool) {
	for i := range length {
		if b.have %= 8; b.have == 0 {
			b.bytes = append(b.bytes, 0)
		}
		at := i
		if highest {
			at = length - 1 - i
		}
		b.bytes[len(b.bytes)-1] |= uint8(code>>at&1) << b.have
		b.have++
	}
}

// flush ends a byte.
func (b *bitWriter) flush() { b.have = 0 }

// place gives every list a start, behind what all lists have in front together.
func (k *codes) place() {
	at := 3*len(k.parts) + 2*k.planes
	k.starts = nil
	for _, n := range k.most {
		k.starts = append(k.starts, at)
		at += n
	}
	k.list = 2 * at
}

// divide finds the fewest parts whose sums fit 16 bits in all channels. There are none where k.parts stays empty.
func (k *codes) divide(f *tapsForm, all [][]int32) {
	for each := k.planes; each > 0; each-- {
		var list []densePart
		for top := k.planes; top > 0; top = (top - 1) / each * each {
			p := densePart{planes: top - (top-1)/each*each, shift: (top - 1) / each * each}
			mask := uint64(1)<<top - 1
			low, high := 0, 0
			for o := range f.out[0] {
				lo, hi := 0, 0
				for i := range k.terms {
					levels := f.terms[i].top
					n := len(all[i]) / f.out[0]
					for _, v := range all[i][o*n:][:n] {
						plus, minus := digits(int64(v) << f.terms[i].shift)
						hi += int((plus&mask)>>p.shift) * levels
						lo -= int((minus&mask)>>p.shift) * levels
					}
				}
				low, high = min(low, lo), max(high, hi)
			}
			p.offset = -low
			if high-low > maxSpan {
				break
			}
			list = append(list, p)
		}
		if len(list) > 0 && list[len(list)-1].shift == 0 {
			k.parts = list
			return
		}
	}
}

// placed finds where the rows lie.
func (k *codes) placed(g *generator, f *tapsForm, l *runtime.Linear) (bool, error) {
	_, zeros, err := g.taps(f, l)
	if err != nil {
		return false, err
	}
	offset := int64(0)
	for i, p := range k.parts {
		if i > 0 {
			offset <<= k.parts[i-1].shift - p.shift
		}
		offset += int64(p.offset)
	}
	f.bias = nil
	for o := range f.out[0] {
		f.bias = append(f.bias, int32(int64(l.Bias[o])-zeros[o]-offset))
	}
	start := 0
	for i := range k.terms {
		d, c := &f.terms[i], &k.terms[i]
		t := &l.Terms[d.term]
		rows := f.height + d.reach
		if f.direct {
			start, rows = g.at(t.In), 1
		}
		c.rows = nil
		for ky := range t.Kernel[0] {
			at := ky * t.Dilation[0]
			phase, _ := slices.BinarySearch(d.phases, at%t.Stride[0])
			for kx := range t.Kernel[1] {
				row := start + ((kx*len(d.phases)+phase)*rows+at/t.Stride[0])*f.pitch
				if row >= maxRows {
					return false, nil
				}
				c.rows = append(c.rows, uint16(row))
			}
		}
		c.next = t.Kernel[1] * len(d.phases) * rows * f.pitch
		start += d.channels(f) * c.next
		if int(slices.Max(c.rows))+(d.channels(f)-1)*c.next >= maxRows {
			return false, nil
		}
	}
	return true, nil
}

// write writes the tables and returns their name; lists are written to the given place in the arena.
func (k *codes) write(g *generator, at int) string {
	if k == nil {
		return "NULL"
	}
	g.use("codes")
	g.vars["LISTS"] = max(g.vars["LISTS"].(int), 2*k.planes)
	var terms, parts []string
	for i := range k.terms {
		c := &k.terms[i]
		area, lengths, again := len(c.rows), "NULL", 0
		if c.lengths != nil {
			lengths = add(&g.tables, "uint8_t", "lengths", c.lengths)
		}
		if c.again {
			again = 1
		}
		terms = append(terms, fields(add(&g.tables, "uint8_t", "digits", c.digits), add(&g.tables, "uint16_t", "positions", c.rows), c.each, area, c.outs, c.next, c.each*c.next, lengths, c.bits, c.shift, again))
	}
	for i, p := range k.parts {
		shift := 0
		if i > 0 {
			shift = k.parts[i-1].shift - p.shift
		}
		parts = append(parts, fields(p.planes, shift, p.offset))
	}
	size := g.o.Target.size
	return g.tables.structs("q_codes", "codes", size(4, 12), []string{fields(
		g.tables.structs("q_code_term", "code_terms", size(3, 20), terms), g.tables.structs("q_code_part", "code_parts", 6, parts), add(&g.tables, "uint16_t", "starts", k.starts),
		add(&g.tables, "uint8_t", "weights", k.data), len(k.terms), len(k.parts), 2*k.planes, at)})
}
