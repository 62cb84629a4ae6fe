package runtime

import "math"

// FORMAT.md, "Operation 8, Map2 of a product". In memory it is a [Map2] like any other.

// versionProduct is the first version of the format with operation 8.
const versionProduct = 3

// product says what a table of two values holds: at i, j
//
//	(c + a*i + b*j + d*i*j) >> shift,  not below 0 and not above the last level
//
// in 64 bits, two's complement, but for a few entries. A product of two tensors is that, with the zero levels taken off.
type product struct {
	c, a, b, d int64
	shift      uint8
	top        uint8 // the last level
	others     []int // positions of entries that are something else, ascending
}

// maxOthers is the most entries that are something else.
const maxOthers = 255

// fill makes the table, of so many columns.
func (q *product) fill(table []uint8, columns int) {
	row, step := q.c, q.b
	for from := 0; from < len(table); from += columns {
		v := row
		for j := range columns {
			table[from+j] = uint8(max(0, min(v>>q.shift, int64(q.top))))
			v += step
		}
		row += q.a
		step += q.d
	}
}

// productOf finds the product of the real values of both inputs that the table of i is, if it is one.
func productOf(p *Program, i *Map2) *product {
	out, a, b := &p.Tensors[i.Out], &p.Tensors[i.A], &p.Tensors[i.B]
	if a.Levels < 1 || b.Levels < 1 || out.Levels < 1 || out.Levels > 256 || len(i.Table) != a.Levels*b.Levels {
		return nil // no valid program
	}
	factor := a.Scale.Float() * b.Scale.Float() / out.Scale.Float() // steps of the output for one of both
	largest := factor*float64(a.Levels)*float64(b.Levels) + float64(out.Levels)
	if !(factor > 0) || !(largest < 1<<30) {
		return nil
	}
	_, exp := math.Frexp(largest)
	q := &product{shift: uint8(61 - exp), top: uint8(out.Levels - 1)}
	q.d = int64(math.Round(math.Ldexp(factor, int(q.shift))))
	q.a, q.b = -q.d*int64(b.Zero), -q.d*int64(a.Zero)
	q.c = q.d*int64(a.Zero)*int64(b.Zero) + int64(out.Zero)<<q.shift + 1<<(q.shift-1)
	table := make([]uint8, len(i.Table))
	q.fill(table, b.Levels)
	for k, v := range table {
		if v != i.Table[k] {
			q.others = append(q.others, k)
		}
		if len(q.others) > maxOthers {
			return nil
		}
	}
	return q
}

// shorterProduct is the product that the table of i is, where that takes fewer bytes than the table.
func shorterProduct(p *Program, i *Map2) *product {
	q := productOf(p, i)
	if q == nil {
		return nil
	}
	var table, numbers writer
	encodeMap2(&table, i)
	encodeProduct(&numbers, i, q)
	if len(numbers.buf) >= len(table.buf) {
		return nil
	}
	return q
}

func encodeProduct(w *writer, i *Map2, q *product) {
	w.uint(i.Out)
	w.uint(i.A)
	w.uint(i.B)
	w.byte(q.shift)
	for _, v := range [...]int64{q.c, q.a, q.b, q.d} {
		w.uint32(uint32(v))
		w.uint32(uint32(v >> 32))
	}
	w.entries += int64(len(i.Table))
	w.uint(len(q.others))
	if len(q.others) == 0 {
		return
	}
	positions, values := make([]int32, len(q.others)), make([]uint8, len(q.others))
	for n, k := range q.others {
		positions[n], values[n] = int32(k), i.Table[k]
	}
	w.ascending(positions)
	w.table(values)
}

func decodeProduct(r *reader, p *Program) *Map2 {
	i := &Map2{Out: r.tensor("output", p), A: r.tensor("input a", p), B: r.tensor("input b", p)}
	from := r.pos
	q := product{shift: r.byte("shift")}
	if q.shift > 63 {
		r.fail(from, "shift %d, want 0..63", q.shift)
	}
	for _, f := range []struct {
		what string
		v    *int64
	}{{"constant", &q.c}, {"of a", &q.a}, {"of b", &q.b}, {"of both", &q.d}} {
		low := r.uint32(f.what + ", low half")
		*f.v = int64(uint64(r.uint32(f.what+", high half"))<<32 | uint64(low))
	}
	if r.err != nil {
		return i
	}
	columns := p.Tensors[i.B].Levels
	size := p.Tensors[i.A].Levels * columns
	if !r.take("table", size, 1) {
		return i
	}
	i.Table = make([]uint8, size)
	q.top = uint8(max(p.Tensors[i.Out].Levels, 1) - 1)
	if columns > 0 {
		q.fill(i.Table, columns)
	}
	n := r.uint("number of other entries", maxOthers)
	if n == 0 {
		return i
	}
	positions := r.ascending("positions", n)
	values := r.table("other values", n)
	for k, at := range positions {
		if r.err != nil {
			break
		}
		if at < 0 || int(at) >= size { // the ranges of values are checked with the whole table
			r.fail(r.pos, "other entry %d is at %d, want 0..%d", k, at, size-1)
			break
		}
		i.Table[at] = values[k]
	}
	return i
}
