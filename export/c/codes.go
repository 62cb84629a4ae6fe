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
}

// codeTerm is what differs from term to term.
type codeTerm struct {
	centres []int32 // that are used, ascending
	bits    int     // of a code
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
	all := make([][]int32, len(l.Terms))
	for i := range l.Terms {
		t := &l.Terms[i]
		w, err := weights(t)
		if err != nil {
			return nil, err
		}
		centres := g.p.Codebooks[t.Codebook].Centres
		values := make([]int32, len(w))
		for j, x := range w {
			values[j] = centres[x]
		}
		c := codeTerm{centres: slices.Clone(values), each: f.terms[i].in[0] / t.Groups}
		if f.groups == 1 && t.Groups > 1 {
			c.outs = f.out[0] / t.Groups
		}
		slices.Sort(c.centres)
		c.centres = slices.Compact(c.centres)
		c.bits = bits.Len(uint(len(c.centres) - 1))
		if c.bits > maxCode {
			return nil, nil
		}
		for _, v := range c.centres {
			plus, minus := digits(int64(v))
			k.planes = max(k.planes, bits.Len64(plus|minus))
		}
		all[i] = values
		k.terms = append(k.terms, c)
	}
	k.planes = max(1, k.planes)
	for i := range k.terms {
		k.terms[i].writeDigits(k.planes)
	}
	if k.pack(f, all); len(k.data) == 0 {
		k.data = []uint8{0} // C knows no empty table
	}
	k.divide(g, f, l, all)
	if k.parts == nil {
		return nil, nil
	}
	return k, nil
}

// writeDigits fills the table of lists of every code.
func (c *codeTerm) writeDigits(planes int) {
	lists := make([][]uint8, len(c.centres))
	longest := 0
	for i, v := range c.centres {
		plus, minus := digits(int64(v))
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

// pack writes the codes, and counts the rows of all lists of a channel, at most.
func (k *codes) pack(f *tapsForm, all [][]int32) {
	for o := range f.out[0] {
		total := 0
		for i := range k.terms {
			c := &k.terms[i]
			n := len(all[i]) / f.out[0]
			buffer, have := uint32(0), 0
			for _, v := range all[i][o*n:][:n] {
				code, _ := slices.BinarySearch(c.centres, v)
				for _, list := range c.digits[code<<c.shift:][:1<<c.shift] {
					if list != noList {
						total++
					}
				}
				buffer |= uint32(code) << have
				for have += c.bits; have >= 8; have -= 8 {
					k.data = append(k.data, uint8(buffer))
					buffer >>= 8
				}
			}
			if have > 0 {
				k.data = append(k.data, uint8(buffer))
			}
		}
		k.list = max(k.list, total)
	}
}

// divide finds the fewest parts whose sums fit 16 bits in all channels. There are none where k.parts stays empty.
func (k *codes) divide(g *generator, f *tapsForm, l *runtime.Linear, all [][]int32) {
	for each := k.planes; each > 0; each-- {
		var list []densePart
		for top := k.planes; top > 0; top = (top - 1) / each * each {
			p := densePart{planes: top - (top-1)/each*each, shift: (top - 1) / each * each}
			mask := uint64(1)<<top - 1
			low, high := 0, 0
			for o := range f.out[0] {
				lo, hi := 0, 0
				for i := range k.terms {
					levels := g.p.Tensors[l.Terms[i].In].Levels - 1
					n := len(all[i]) / f.out[0]
					for _, v := range all[i][o*n:][:n] {
						plus, minus := digits(int64(v))
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
			k.list = 2 * (k.list + 2*k.planes + 1 + 3*len(list))
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
		t, d, c := &l.Terms[i], &f.terms[i], &k.terms[i]
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
		area := len(c.rows)
		terms = append(terms, fields(add(&g.tables, "uint8_t", "digits", c.digits), add(&g.tables, "uint16_t", "positions", c.rows), c.each, area, c.outs, c.next, c.each*c.next, c.bits, c.shift))
	}
	for i, p := range k.parts {
		shift := 0
		if i > 0 {
			shift = k.parts[i-1].shift - p.shift
		}
		parts = append(parts, fields(p.planes, shift, p.offset))
	}
	size := g.o.Target.size
	return g.tables.structs("q_codes", "codes", size(3, 12), []string{fields(
		g.tables.structs("q_code_term", "code_terms", size(2, 12), terms), g.tables.structs("q_code_part", "code_parts", 6, parts),
		add(&g.tables, "uint8_t", "weights", k.data), len(k.terms), len(k.parts), 2*k.planes, at)})
}
