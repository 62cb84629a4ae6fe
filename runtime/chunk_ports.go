package runtime

import (
	"errors"
	"fmt"
	"unicode/utf8"
	"unsafe"
)

// FORMAT.md, "PORT: input and outputs".

const (
	portInterleaved = 1 << iota
	portOneTable    // one input table for all channels
	portTables      // one input table for each channel
	portFlags       = iota
)

func encodePorts(w *writer, p *Program) {
	in := &p.Input
	w.uint(in.Tensor)
	flags := uint8(0)
	if in.Interleaved {
		flags |= portInterleaved
	}
	switch {
	case len(in.Tables) == 1:
		flags |= portOneTable
	case len(in.Tables) > 1:
		flags |= portTables
	}
	w.byte(flags)
	for _, t := range in.Tables {
		w.table(t)
	}
	w.uint(len(p.Outputs))
	for i := range p.Outputs {
		w.uint(p.Outputs[i].Tensor)
		w.string(p.Outputs[i].Name)
	}
}

func decodePorts(r *reader, p *Program) {
	in := &p.Input
	r.enter("input", -1)
	in.Tensor = r.tensor("tensor", p)
	from := r.pos
	flags := r.byte("flags")
	in.Interleaved = flags&portInterleaved != 0
	tables := 0
	switch {
	case flags>>portFlags != 0 || flags&(portOneTable|portTables) == portOneTable|portTables:
		r.fail(from, "flags %d, want a sum of 1 and either 2 or 4", flags)
	case flags&portOneTable != 0:
		tables = 1
	case flags&portTables != 0:
		tables = p.Tensors[in.Tensor].Shape[0]
	}
	if r.err == nil && tables > r.end-r.pos {
		r.fail(r.pos, "%d tables, but %d bytes remain in the chunk", tables, r.end-r.pos)
	}
	for i := 0; i < tables && r.err == nil; i++ {
		r.enterPart("table", i)
		in.Tables = append(in.Tables, r.table("entries", 256))
	}
	r.enterChunk("outputs")
	n := r.count("number", maxOutputs, 2)
	if !r.hold(n, unsafe.Sizeof(Output{})) {
		return
	}
	p.Outputs = make([]Output, n)
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("output", i)
		p.Outputs[i].Tensor = r.tensor("tensor", p)
		p.Outputs[i].Name = r.string("name")
	}
}

// tensor reads the number of a tensor.
func (r *reader) tensor(what string, p *Program) int {
	from := r.pos
	n := r.uint(what, maxTensors)
	if r.err == nil && n >= len(p.Tensors) {
		r.fail(from, "%s %d, want 0..%d", what, n, len(p.Tensors)-1)
		return 0
	}
	return n
}

// ports checks input and outputs; that outputs are computed is left to instrs.
func (c *checker) ports() *fault {
	in := &c.p.Input
	if in.Tensor < 0 || in.Tensor >= len(c.p.Tensors) {
		return faultf(0, "the input is tensor %d, want 0..%d", in.Tensor, len(c.p.Tensors)-1)
	}
	t := &c.p.Tensors[in.Tensor]
	if t.Levels == 0 {
		return faultf(0, "the input is tensor %d, which holds accumulators, want levels", in.Tensor)
	}
	if n := len(in.Tables); n > 1 && n != t.Shape[0] {
		return faultf(0, "the input has %d tables, want 0, 1 or %d, one for each channel", n, t.Shape[0])
	}
	for k, table := range in.Tables {
		if len(table) != 256 {
			return faultf(0, "input table %d has %d entries, want 256", k, len(table))
		}
		if top := int(largest(table)); top >= t.Levels {
			return faultf(0, "input table %d holds level %d, want 0..%d", k, top, t.Levels-1)
		}
	}
	if n := len(c.p.Outputs); n == 0 || n > maxOutputs {
		return faultf(0, "%d outputs, want 1..%d", n, maxOutputs)
	}
	c.isOutput = make([]bool, len(c.p.Tensors))
	var total int64
	for i, o := range c.p.Outputs {
		if o.Tensor < 0 || o.Tensor >= len(c.p.Tensors) {
			return faultf(1+i, "output %d is tensor %d, want 0..%d", i, o.Tensor, len(c.p.Tensors)-1)
		}
		if f := checkString(o.Name); f != nil {
			return faultf(1+i, "the name of output %d %v", i, f)
		}
		c.isOutput[o.Tensor] = true
		if total += int64(c.p.Tensors[o.Tensor].Elems()); total > maxTotalElems {
			return faultf(1+i, "outputs 0 to %d have %d elements together, want at most %d", i, total, maxTotalElems)
		}
	}
	return nil
}

// checkString says what is wrong with a string.
func checkString(s string) error {
	if len(s) > MaxString {
		return fmt.Errorf("has %d bytes, want at most %d", len(s), MaxString)
	}
	if !utf8.ValidString(s) {
		return errors.New("is not valid UTF-8")
	}
	return nil
}
