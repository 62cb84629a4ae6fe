package c

import (
	"fmt"
	"math/bits"
	"slices"

	"qconv/runtime"
)

// denseForm is a layer for kernel dense.
type denseForm struct {
	group   int // rows that are added before a lane could overflow: 8, 4, 2 or 1
	nibbles bool
	outputs int
	words   int // of four outputs
	terms   []denseTerm
	list    int // bytes of the lists of a chunk, at most
}

// denseTerm is what differs from term to term. A term of the layer whose weights are more than 256 steps apart is two of them.
type denseTerm struct {
	term   int     // of the layer
	unit   int64   // a step of the weights, whose product with the sum of rows counts
	single []int32 // instead of rows: the only weight of every output, which meets the input at its own position
	rows   []uint8 // [input][output]
	digits []uint8 // [level][1 << shift]: lists
	shift  int
	inputs int
	chunk  int // inputs whose sums fit 16 bits
	pitch  int // bytes of a row
	planes int
	parts  []densePart
	least  int32
}

// densePart is a run of digits whose sums fit 16 bits: all that the kernel needs to know.
type densePart struct{ planes, shift, offset int }

// noList ends the lists of a level.
const noList = 255

// newDense lays out l for kernel dense; nil where it does not suit.
func (g *generator) newDense(l *runtime.Linear, nibbles bool) (*denseForm, error) {
	out := g.p.Tensors[l.Out].Shape
	if out[1]*out[2] != 1 {
		return nil, nil
	}
	f := &denseForm{outputs: out[0], group: 8, nibbles: nibbles}
	var all [][]int32
	top := int32(0)
	for k := range l.Terms {
		t := &l.Terms[k]
		in := &g.p.Tensors[t.In]
		if t.Kernel != [2]int(in.Shape[1:]) || t.Dilation != [2]int{1, 1} || t.Pad != [2]int{} || t.Up != [2]int{1, 1} {
			return nil, nil
		}
		w, err := weights(t)
		if err != nil {
			return nil, err
		}
		centres := g.p.Codebooks[t.Codebook].Centres
		values := make([]int32, len(w))
		for i, x := range w {
			values[i] = centres[x]
		}
		d := denseTerm{term: k, inputs: len(w) / out[0], unit: 1}
		switch {
		case t.Groups == out[0] && len(w) == out[0]:
			d.single = values
			f.terms, all = append(f.terms, d), append(all, nil)
			continue
		case t.Groups != 1:
			return nil, nil
		}
		for _, part := range d.cut(values) {
			top = max(top, slices.Max(part))
			all = append(all, part)
			f.terms = append(f.terms, d)
			d.unit, d.least = d.unit<<8, 0
		}
	}
	for f.group*int(top) > 255 {
		f.group /= 2
	}
	f.nibbles = f.nibbles && top <= 15
	f.words = (out[0] + 3) / 4
	if rest := f.words % 4; rest == 3 || f.nibbles && rest != 0 {
		f.words += 4 - rest
	}
	for k := range f.terms {
		t := &f.terms[k]
		if t.single != nil {
			continue
		}
		t.pitch = 4 * f.words
		if f.nibbles {
			t.pitch /= 2
		}
		t.chunk = chunks[min(g.slack, len(chunks)-1)]
		t.layOut(f, &g.p.Tensors[l.Terms[t.term].In], all[k])
	}
	return f, nil
}

// cut finds the least weight and the step of the weights, and cuts what is left of them into bytes, the lowest first: as many as the largest has.
func (t *denseTerm) cut(values []int32) (parts [][]int32) {
	least, unit, most := int64(slices.Min(values)), int64(0), int64(0)
	for _, v := range values {
		most = max(most, int64(v)-least)
		for a := int64(v) - least; a != 0; {
			unit, a = a, unit%a
		}
	}
	t.least, t.unit = int32(least), max(1, unit)
	for left := most / t.unit; left > 0 || parts == nil; left >>= 8 {
		part := make([]int32, len(values))
		for i, v := range values {
			part[i] = int32((int64(v) - least) / t.unit >> (8 * len(parts)) & 255)
		}
		parts = append(parts, part)
	}
	return parts
}

// layOut writes the rows and digits, and finds how many inputs have sums that fit.
func (t *denseTerm) layOut(f *denseForm, in *runtime.Tensor, values []int32) {
	t.rows = make([]uint8, t.inputs*t.pitch)
	for o := range f.outputs {
		for i := range t.inputs {
			v := uint8(values[o*t.inputs+i])
			if !f.nibbles {
				t.rows[i*t.pitch+o] = v
				continue
			}
			t.rows[i*t.pitch+o/8*4+o%4] |= v << (o % 8 / 4 * 4)
		}
	}
	longest := 0
	for x := range in.Levels {
		plus, minus := digits(int64(x - in.Zero))
		n := 0
		for b := 0; (plus|minus)>>b != 0; b++ {
			t.planes = max(t.planes, b+1)
			n += int((plus|minus)>>b) & 1
		}
		longest = max(longest, n)
	}
	for 1<<t.shift < longest+1 {
		t.shift++
	}
	for x := range in.Levels {
		plus, minus := digits(int64(x - in.Zero))
		var lists []uint8
		for b := range t.planes {
			if plus>>b&1 != 0 {
				lists = append(lists, uint8(2*(t.planes-1-b)))
			}
			if minus>>b&1 != 0 {
				lists = append(lists, uint8(2*(t.planes-1-b)+1))
			}
		}
		for len(lists) < 1<<t.shift {
			lists = append(lists, noList)
		}
		t.digits = append(t.digits, lists...)
	}
	t.chunk = min(t.inputs, (maxRows-1)/t.pitch, t.chunk)
	for t.parts = t.divide(f, in, values); t.parts == nil; t.parts = t.divide(f, in, values) {
		t.chunk = (t.chunk + 1) / 2
	}
	f.list = max(f.list, 2*(2*t.planes+t.chunk*longest))
}

// chunks limits the memory of lists, in inputs, by the slack of the arena.
var chunks = []int{32, 128, 256}

// divide divides the digits into the fewest parts whose sums over a chunk fit 16 bits; nil if there are none.
func (t *denseTerm) divide(f *denseForm, in *runtime.Tensor, values []int32) []densePart {
	most := 0 // sum of the weights of a chunk
	for o := range f.outputs {
		for row := range slices.Chunk(values[o*t.inputs:][:t.inputs], t.chunk) {
			sum := 0
			for _, v := range row {
				sum += int(v)
			}
			most = max(most, sum)
		}
	}
	for each := t.planes; each > 0; each-- {
		var list []densePart
		for top := t.planes; top > 0; top = (top - 1) / each * each {
			p := densePart{planes: top - (top-1)/each*each, shift: (top - 1) / each * each}
			lo, hi := 0, 0
			for x := range in.Levels {
				plus, minus := digits(int64(x - in.Zero))
				mask := uint64(1)<<top - 1
				v := int((plus&mask)>>p.shift) - int((minus&mask)>>p.shift)
				lo, hi = min(lo, v), max(hi, v)
			}
			p.offset = -lo * most
			if (hi-lo)*most > maxSpan {
				break
			}
			list = append(list, p)
		}
		if len(list) > 0 && list[len(list)-1].shift == 0 {
			return list
		}
	}
	return nil
}

func (f *denseForm) work(*generator, *runtime.Linear) int { return 16*f.words + aligned(f.list) }

func (f *denseForm) flash(*generator, *runtime.Linear) int {
	n := 4 * f.outputs
	for k := range f.terms {
		t := &f.terms[k]
		n += len(t.rows) + len(t.digits) + 12*len(t.parts) + 56
		if t.single != nil && !t.same() {
			n += 4 * len(t.single)
		}
	}
	return n
}

func (f *denseForm) kernels() []string {
	sum := fmt.Sprintf("sum%d", f.group)
	if f.nibbles {
		sum = "nibbles"
	}
	return []string{sum, fmt.Sprintf("dense%d", f.group)}
}

func (f *denseForm) placed(*generator, *runtime.Linear) (bool, error) { return true, nil }

// write writes the tables of a layer.
func (f *denseForm) write(g *generator, n int, l *runtime.Linear) error {
	steps, each := g.steps(l.Steps)
	var rows []string
	for k := range f.terms {
		t := &f.terms[k]
		source := l.Terms[t.term].In
		pointers := []any{"NULL", "NULL", "NULL"}
		if t.single == nil {
			var parts []string
			for _, p := range t.parts {
				parts = append(parts, fields(p.planes, p.shift, p.offset))
			}
			pointers = []any{g.words("rows", t.rows), add(&g.tables, "uint8_t", "digits", t.digits),
				g.tables.structs(fmt.Sprintf("q_dense%d_part", f.group), "parts", 12, parts)}
		}
		if g.vars["UNITS"].(bool) {
			pointers = append(pointers, g.unit(t))
		}
		if g.vars["SINGLE"].(bool) {
			weights := "NULL"
			if t.single != nil && !t.same() {
				weights = add(&g.tables, "int32_t", "weights", t.single)
			}
			pointers = append(pointers, weights)
		}
		rows = append(rows, fields(append(pointers, g.at(source), t.inputs,
			t.chunk, t.chunk*t.pitch, t.pitch, 2*t.planes, literal(t.least), g.p.Tensors[source].Zero, t.shift)...))
	}
	g.use("lanes")
	g.use("product")
	g.group(f.group)
	nibbles := 0
	g.wordsOf[f.group] = g.wordsOf[f.group] || !f.nibbles
	if f.nibbles {
		nibbles = 1
		g.vars["NIBBLES"] = true
	}
	size := g.o.Target.size
	pointers := 3
	for _, v := range []string{"UNITS", "SINGLE"} {
		if g.vars[v].(bool) {
			pointers++
		}
	}
	terms := g.tables.structs(fmt.Sprintf("q_dense%d_term", f.group), "terms", size(pointers, 36), rows)
	work := g.arena.work[n]
	g.call(fmt.Sprintf("dense%d", f.group), fields(terms, add(&g.tables, g.vars["BIAS"].(string), "bias", l.Bias), steps, len(rows), f.outputs, f.words,
		work, work+16*f.words, g.at(l.Out), each, nibbles), size(3, 28))
	return nil
}

// same says that all weights of a term without rows are equal.
func (t *denseTerm) same() bool {
	return !slices.ContainsFunc(t.single, func(v int32) bool { return v != t.single[0] })
}

// scale is what kernel q_scale multiplies by in a term; false: nothing.
func (t *denseTerm) scale() (by int64, scaled bool) {
	switch {
	case t.single == nil:
		return t.unit, t.unit != 1
	case t.same():
		return int64(t.single[0]), true
	}
	return 0, false
}

// scaleDigits are how many binary digits kernel q_scale adds in a term for every number.
func (t *denseTerm) scaleDigits() int {
	by, _ := t.scale()
	plus, minus := digits(by)
	return bits.OnesCount32(uint32(plus | minus))
}

// unit writes what kernel q_scale multiplies by in a term.
func (g *generator) unit(t *denseTerm) string {
	by, scaled := t.scale()
	if !scaled {
		return "NULL"
	}
	g.use("scale")
	plus, minus := digits(by)
	var list []uint8
	for b := range 32 {
		if plus>>b&1 != 0 {
			list = append(list, uint8(b))
		}
		if minus>>b&1 != 0 {
			list = append(list, uint8(128+b))
		}
	}
	return add(&g.tables, "uint8_t", "unit", append(list, 255))
}

// denseVars says what kernel dense must know.
func (g *generator) denseVars() {
	units, single := false, false
	for _, f := range g.taken {
		if f, ok := f.(*denseForm); ok {
			for k := range f.terms {
				_, scaled := f.terms[k].scale()
				units, single = units || scaled, single || f.terms[k].single != nil
			}
		}
	}
	g.vars["UNITS"], g.vars["SINGLE"] = units || single, single
}

// words writes bytes as words, so that they lie on the boundary of one, and returns their name as bytes.
func (g *generator) words(what string, bytes []uint8) string {
	list := make([]uint32, len(bytes)/4)
	for i := range list {
		list[i] = uint32(bytes[4*i]) | uint32(bytes[4*i+1])<<8 | uint32(bytes[4*i+2])<<16 | uint32(bytes[4*i+3])<<24
	}
	return "(const uint8_t *)" + add(&g.tables, "uint32_t", what, list)
}
