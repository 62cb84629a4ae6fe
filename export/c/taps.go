package c

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"qconv/runtime"
)

// tapsForm is a layer for kernel taps.
type tapsForm struct {
	group  int     // rows that are added before a lane could overflow: 8, 4, 2 or 1
	direct bool    // rows are read where they lie
	flat   bool    // each position meets the same position of the inputs: all are one row
	groups int     // of channels that are computed one after the other
	out    [3]int  // of the output, in one row where it is flat
	terms  []tiled // by term
	height int     // output rows of a tile
	pitch  int     // bytes of a row of a tile
	lists  []uint16
	bias   []int32
	codes  *codes // nil: there are lists

	additions int   // of rows, for all channels
	planes    int   // digits of the weights
	lengths   []int // of all lists
}

// tiled is the place of a term in a tile.
type tiled struct {
	term                        int // of the layer
	shift, mask                 int // of levels that are wide: some of their binary digits are taken; 0: levels as they are
	top                         int // the largest level, or part of one
	in                          [3]int
	kernel, stride, dilate, pad [2]int
	phases                      []int // ascending; the rows of a tile are those of a phase and every stride from there
	reach                       int   // rows of a phase that a window meets beyond its first
}

// canonical digits of c: bits of what is added and of what is subtracted (the canonical signed-digit form).
func digits(c int64) (plus, minus uint64) {
	half := c >> 1
	sum := c + half
	differ := half ^ sum
	return uint64(sum & differ), uint64(half & differ)
}

// maxRows is what the offsets of rows, of 16 bits, can tell apart, in bytes.
const maxRows = 1 << 16

// newTaps lays out l for kernel taps; nil where it does not suit.
func (g *generator) newTaps(l *runtime.Linear) (*tapsForm, error) {
	f := &tapsForm{groups: l.Terms[0].Groups, out: g.p.Tensors[l.Out].Shape, flat: true}
	levels := 0
	for k := range l.Terms {
		t := &l.Terms[k]
		in := &g.p.Tensors[t.In]
		if t.Up != [2]int{1, 1} || len(g.p.Codebooks[t.Codebook].Centres) > 1<<16 {
			return nil, nil
		}
		if t.Groups != f.groups {
			f.groups = 1
		}
		levels = max(levels, in.Levels)
		one := [2]int{1, 1}
		f.flat = f.flat && t.Kernel == one && t.Stride == one && t.Pad == [2]int{} && [2]int(in.Shape[1:]) == [2]int(f.out[1:])
	}
	// Wide levels would leave lanes after few additions: their halves do not.
	split := levels > splitLevels && g.o.Optimize == Size // takes less code, more time
	positions := f.out[1] * f.out[2]
	if f.flat {
		f.out[1], f.out[2] = 1, positions
		f.direct = f.groups == 1 && positions%4 == 0 && !split
	}
	for k := range l.Terms {
		t := &l.Terms[k]
		d := tiled{term: k, top: g.p.Tensors[t.In].Levels - 1, in: g.p.Tensors[t.In].Shape, kernel: t.Kernel, stride: t.Stride, dilate: t.Dilation, pad: t.Pad}
		if f.flat {
			d.in = [3]int{d.in[0], 1, positions}
		}
		for ky := range t.Kernel[0] {
			at := ky * t.Dilation[0]
			if phase := at % t.Stride[0]; !slices.Contains(d.phases, phase) {
				d.phases = append(d.phases, phase)
			}
			d.reach = max(d.reach, at/t.Stride[0])
		}
		slices.Sort(d.phases)
		if split && d.top >= splitLevels {
			low, high := d, d
			low.top, low.mask = halfMask, halfMask
			high.top, high.mask, high.shift = d.top>>halfBits, halfMask, halfBits
			f.terms = append(f.terms, low, high)
			continue
		}
		f.terms = append(f.terms, d)
	}
	top := 0
	for i := range f.terms {
		top = max(top, f.terms[i].top)
	}
	for f.group = 8; f.group*top > 255; f.group /= 2 { // of levels that a byte holds the sum of
	}
	f.pitch = (f.out[2] + 3) / 4 * 4
	f.height = 1
	if !f.direct && f.tileBytes(1) > maxRows {
		return nil, nil
	}
	return f, f.count(g, l)
}

// count counts the digits of the weights.
func (f *tapsForm) count(g *generator, l *runtime.Linear) error {
	all := make([][2][40]int, f.out[0]) // by channel, sign and digit
	for k := range f.terms {
		t := &l.Terms[f.terms[k].term]
		w, err := weights(t)
		if err != nil {
			return err
		}
		centres := g.p.Codebooks[t.Codebook].Centres
		each := len(w) / f.out[0]
		for i, x := range w {
			plus, minus := digits(int64(centres[x]) << f.terms[k].shift)
			f.additions += bits.OnesCount64(plus | minus)
			f.planes = max(f.planes, bits.Len64(plus|minus))
			for b := 0; (plus|minus)>>b != 0; b++ {
				all[i/each][0][b] += int(plus>>b) & 1
				all[i/each][1][b] += int(minus>>b) & 1
			}
		}
	}
	f.planes = max(1, f.planes)
	for o := range all {
		for b := range f.planes {
			f.lengths = append(f.lengths, all[o][0][b], all[o][1][b])
		}
	}
	return nil
}

// Levels of more than splitLevels are added in halves of halfBits digits.
const (
	splitLevels = 64
	halfBits    = 4
	halfMask    = 1<<halfBits - 1
)

// tileBytes is the memory of a tile of so many output rows.
func (f *tapsForm) tileBytes(height int) int {
	n := 0
	for i := range f.terms {
		t := &f.terms[i]
		n += t.channels(f) * t.kernel[1] * len(t.phases) * (height + t.reach) * f.pitch
	}
	return n
}

// channels is the number of input channels of a group of f.
func (t *tiled) channels(f *tapsForm) int { return t.in[0] / f.groups }

// packed says that the positions of a tile lie as those of the output do.
func (f *tapsForm) packed() bool { return f.pitch == f.out[2] }

// lineBytes is the memory of a line of results, of size bytes each.
func (f *tapsForm) lineBytes(height, size int) int {
	if f.packed() && size == 1 {
		return 0
	}
	return height * f.pitch * size
}

// workBytes is the memory of a layer besides its tensors, for tiles of so many rows and results of size bytes.
func (f *tapsForm) workBytes(height, size int) int {
	n := f.lineBytes(height, size)
	if !f.direct {
		n += f.tileBytes(height)
	}
	if f.codes != nil {
		n += aligned(f.codes.list)
	}
	return n
}

func (f *tapsForm) flash(g *generator, l *runtime.Linear) int {
	n := 4*f.out[0] + 88
	for k := range f.terms {
		n += 72 + 12*f.terms[k].kernel[1]
	}
	if f.codes != nil {
		for i := range f.codes.terms {
			c := &f.codes.terms[i]
			n += len(c.digits) + 2*f.terms[i].kernel[0]*f.terms[i].kernel[1] + 28 + len(c.lengths)
		}
		return n + len(f.codes.data)
	}
	return n + 2*(f.additions+f.out[0]*(4+2*f.planes))
}

func (f *tapsForm) kernels() []string {
	list := []string{fmt.Sprintf("sum%d", f.group), fmt.Sprintf("taps%d", f.group)}
	if f.codes != nil {
		list = append(list, "codes")
	}
	return list
}

func (f *tapsForm) work(g *generator, l *runtime.Linear) int {
	return f.workBytes(f.height, g.resultBytes(l))
}

// tap is a row and its weight.
type tap struct {
	row    int // offset
	weight int64
	top    int // level
}

// taps lists those of every output channel. Offsets are those in the tile, or in the arena where rows are read where they lie.
func (g *generator) taps(f *tapsForm, l *runtime.Linear) (channels [][]tap, zeros []int64, err error) {
	channels, zeros = make([][]tap, f.out[0]), make([]int64, f.out[0])
	start := 0
	for k := range f.terms {
		d := &f.terms[k]
		t := &l.Terms[d.term]
		w, err := weights(t)
		if err != nil {
			return nil, nil, err
		}
		in := &g.p.Tensors[t.In]
		centres := g.p.Codebooks[t.Codebook].Centres
		each, outs := d.in[0]/t.Groups, f.out[0]/t.Groups
		rows := f.height + d.reach
		if f.direct {
			start, rows = g.at(t.In), 1
		}
		for o := range f.out[0] {
			first := o / outs * each
			if f.groups > 1 {
				first = 0
			}
			for i := range each {
				for ky := range t.Kernel[0] {
					at := ky * t.Dilation[0]
					phase, _ := slices.BinarySearch(d.phases, at%t.Stride[0])
					for kx := range t.Kernel[1] {
						c := int64(centres[w[0]])
						w = w[1:]
						if d.shift == 0 {
							zeros[o] += c * int64(in.Zero)
						}
						if c == 0 {
							continue
						}
						row := (((first+i)*t.Kernel[1]+kx)*len(d.phases)+phase)*rows + at/t.Stride[0]
						channels[o] = append(channels[o], tap{start + row*f.pitch, c << d.shift, d.top})
					}
				}
			}
		}
		start += d.channels(f) * t.Kernel[1] * len(d.phases) * rows * f.pitch
	}
	return channels, zeros, nil
}

// part is a run of planes whose sums fit 16 bits.
type part struct {
	shift  int
	lo, hi int64
	planes [][2][]tap
}

// maxSpan is the span of sums of 16 bits.
const maxSpan = 1<<16 - 1

func (p *part) add(plus, minus []tap, shift int) bool {
	lo, hi := p.lo<<shift, p.hi<<shift
	for _, t := range plus {
		hi += int64(t.top)
	}
	for _, t := range minus {
		lo -= int64(t.top)
	}
	if hi-lo > maxSpan {
		return false
	}
	p.lo, p.hi = lo, hi
	return true
}

// parts divides the digits of taps into planes, and these into parts, the highest digit first.
func parts(taps []tap) []part {
	var planes [40][2][]tap
	top := 0
	for _, t := range taps {
		plus, minus := digits(t.weight)
		for b := 0; plus>>b|minus>>b != 0; b++ {
			if plus>>b&1 != 0 {
				planes[b][0] = append(planes[b][0], t)
			}
			if minus>>b&1 != 0 {
				planes[b][1] = append(planes[b][1], t)
			}
			top = max(top, b)
		}
	}
	list := []part{{planes: make([][2][]tap, 0, 4)}}
	for b := top; b >= 0; b-- {
		p := &list[len(list)-1]
		shift := 1
		if b == top {
			shift = 0
		}
		if shift < 1 || len(p.planes) > 0 {
			if p.add(planes[b][0], planes[b][1], shift) {
				p.planes = append(p.planes, planes[b])
				continue
			}
		}
		// A new part, and more while the plane alone is too much.
		plus, minus := planes[b][0], planes[b][1]
		if b == top && len(p.planes) == 0 {
			list = list[:0]
		}
		for first := true; first || len(plus)+len(minus) > 0; first = false {
			n := part{}
			if first {
				n.shift = shift
			}
			var now [2][]tap
			for len(plus) > 0 && n.add(plus[:1], nil, 0) {
				now[0], plus = append(now[0], plus[0]), plus[1:]
			}
			for len(minus) > 0 && n.add(nil, minus[:1], 0) {
				now[1], minus = append(now[1], minus[0]), minus[1:]
			}
			n.planes = [][2][]tap{now}
			list = append(list, n)
		}
	}
	for i := range list {
		if i > 0 {
			list[i].shift += len(list[i].planes) - 1
		}
	}
	return list
}

// placed writes the lists of all channels. It is false where an offset exceeds 16 bits.
func (f *tapsForm) placed(g *generator, l *runtime.Linear) (bool, error) {
	if f.codes != nil {
		return f.codes.placed(g, f, l)
	}
	channels, zeros, err := g.taps(f, l)
	if err != nil {
		return false, err
	}
	f.lists, f.bias = nil, nil
	for o, taps := range channels {
		of := parts(taps)
		f.lists = append(f.lists, uint16(len(of)))
		offset := int64(0)
		for i, p := range of {
			if i > 0 {
				f.lists = append(f.lists, uint16(p.shift))
			}
			offset = offset<<p.shift - p.lo
			f.lists = append(f.lists, uint16(len(p.planes)), uint16(-p.lo))
			for _, plane := range p.planes {
				for _, list := range plane {
					slices.SortStableFunc(list, func(a, b tap) int { return cmp.Compare(a.row, b.row) })
					if len(list) > math.MaxUint16 {
						return false, nil
					}
					f.lists = append(f.lists, uint16(len(list)))
					for _, t := range list {
						if t.row >= maxRows {
							return false, nil
						}
						f.lists = append(f.lists, uint16(t.row))
					}
				}
			}
		}
		f.bias = append(f.bias, int32(int64(l.Bias[o])-zeros[o]-offset)) // modulo 2^32, as sums are
	}
	return true, nil
}

// write writes the tables of a layer.
func (f *tapsForm) write(g *generator, n int, l *runtime.Linear) error {
	steps, each := g.steps(l.Steps)
	size := g.resultBytes(l)
	terms, count := "NULL", 0
	if !f.direct {
		var rows []string
		for k := range f.terms {
			rows = append(rows, g.fillTerm(f, &f.terms[k], &l.Terms[f.terms[k].term]))
		}
		terms, count = g.tables.structs("q_fill_term", "terms", g.o.Target.size(2, 64), rows), len(rows)
	}
	tiles := (f.out[1] + f.height - 1) / f.height
	tail := f.out[1] - (tiles-1)*f.height
	words := f.height * f.pitch / 4
	work, line := g.arena.work[n], -1 // none
	if f.lineBytes(f.height, size) > 0 {
		line = work
		if !f.direct {
			line += f.tileBytes(f.height)
		}
	}
	rows := work
	if f.direct {
		rows = 0
	}
	g.use("lanes")
	g.use("fill")
	lists := "NULL"
	if f.codes == nil {
		lists = add(&g.tables, "uint16_t", "lists", f.lists)
	}
	if g.vars["CODES"] == true {
		at := line
		switch {
		case line >= 0:
			at += f.lineBytes(f.height, size)
		case f.direct:
			at = work
		default:
			at = work + f.tileBytes(f.height)
		}
		lists += ", " + f.codes.write(g, at)
	}
	at := any(line)
	if line < 0 {
		at = "0xFFFFFFFFU" // Q_NONE
	}
	g.group(f.group)
	g.wordsOf[f.group] = true
	g.call(fmt.Sprintf("taps%d", f.group), fields(terms, lists, add(&g.tables, g.vars["BIAS"].(string), "bias", f.bias), steps,
		count, f.groups, f.out[0]/f.groups, tiles, words, tail*f.pitch/4, f.height, tail, f.out[2], f.pitch,
		f.height*f.out[2], f.out[1]*f.out[2], f.out[0]/f.groups*f.out[1]*f.out[2], rows, at, g.at(l.Out), each), g.o.Target.size(4, 68))
	return nil
}

// fillTerm writes how a term fills its part of a tile.
func (g *generator) fillTerm(f *tapsForm, d *tiled, t *runtime.Term) string {
	var columns []string
	for kx := range d.kernel[1] {
		// Column x of the tile meets u = x*stride - pad + kx*dilation.
		first := kx*d.dilate[1] - d.pad[1]
		left := 0
		for left < f.out[2] && first+left*d.stride[1] < 0 {
			left++
		}
		count := 0
		for left+count < f.out[2] && first+(left+count)*d.stride[1] < d.in[2] {
			count++
		}
		from := 0
		if count > 0 {
			from = first + left*d.stride[1]
		}
		columns = append(columns, fields(left, count, from))
	}
	next := f.height * d.stride[0]
	return fields(g.tables.structs("q_column", "columns", 12, columns), add(&g.tables, "uint32_t", "phases", d.phases),
		g.at(t.In), d.channels(f), d.in[1]*d.in[2], d.channels(f)*d.in[1]*d.in[2], d.kernel[1], len(d.phases), f.height+d.reach,
		d.in[1], d.in[2], -d.pad[0], -d.pad[0]*d.in[2], next, next*d.in[2], d.stride[0], d.stride[0]*d.in[2], d.stride[1], g.p.Tensors[t.In].Zero, d.shift, d.mask)
}

// group emits the sums for lists of that many rows at a time.
func (g *generator) group(n int) {
	if !slices.Contains(g.groups, n) {
		g.groups = append(g.groups, n)
		slices.Sort(g.groups)
	}
}
