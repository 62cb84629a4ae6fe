package runtime

import "fmt"

// FORMAT.md, "Operation 6, ArgMax".

// versionArgMax is the first version of the format with operation 6.
const versionArgMax = 2

// Flags of an ArgMax.
const (
	argMaxLast  = 1 << iota // of equal elements the last counts
	argMaxLeast             // the smallest element is looked for
	argMaxFlags = iota
)

func encodeArgMax(w *writer, i *ArgMax) {
	w.uint(i.Out)
	w.uint(i.In)
	w.uint(i.Length)
	w.uint(i.Inner)
	flags := uint8(0)
	if i.Last {
		flags |= argMaxLast
	}
	if i.Least {
		flags |= argMaxLeast
	}
	w.byte(flags)
}

func decodeArgMax(r *reader, p *Program) *ArgMax {
	i := &ArgMax{Out: r.tensor("output", p), In: r.tensor("input", p), Length: r.uint("length", maxElems), Inner: r.uint("inner", maxElems)}
	from := r.pos
	flags := r.byte("flags")
	if flags>>argMaxFlags != 0 {
		r.fail(from, "flags %d, want 0..%d", flags, 1<<argMaxFlags-1)
	}
	i.Last, i.Least = flags&argMaxLast != 0, flags&argMaxLeast != 0
	return i
}

// argMax checks i and returns its comparisons.
func (c *checker) argMax(i *ArgMax) (work int64, err error) {
	out, in := &c.p.Tensors[i.Out], &c.p.Tensors[i.In]
	for _, v := range [...]struct {
		name string
		n    int
	}{{"length", i.Length}, {"inner", i.Inner}} {
		if v.n < 1 || v.n > maxElems {
			return 0, fmt.Errorf("%s is %d, want 1..%d", v.name, v.n, maxElems)
		}
	}
	if block := int64(i.Length) * int64(i.Inner); int64(in.Elems())%block != 0 {
		return 0, fmt.Errorf("blocks of %d elements do not divide the %d elements of the input", block, in.Elems())
	}
	if want := in.Elems() / i.Length; out.Elems() != want {
		return 0, fmt.Errorf("output of %d elements, want %d, one for each line of the input", out.Elems(), want)
	}
	return int64(in.Elems()), nil
}
