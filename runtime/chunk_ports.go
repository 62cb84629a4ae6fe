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
	encodeInput(w, &p.Inputs[0])
	w.uint(len(p.Outputs))
	for i := range p.Outputs {
		w.uint(p.Outputs[i].Tensor)
		w.string(p.Outputs[i].Name)
	}
}

func encodeInput(w *writer, in *Input) {
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
}

func decodePorts(r *reader, p *Program) {
	r.enter("input", -1)
	p.Inputs = make([]Input, 1)
	decodeInput(r, p, &p.Inputs[0])
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

func decodeInput(r *reader, p *Program, in *Input) {
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

// ports checks the first input and the outputs; that outputs are computed is left to instrs.
func (c *checker) ports() *fault {
	if len(c.p.Inputs) == 0 {
		return faultf(-1, "the program has no input")
	}
	c.isInput = make([]bool, len(c.p.Tensors))
	if f := c.input(0, "the input"); f != nil {
		return f
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

// input checks input number n, called what, which is that item of its chunk.
func (c *checker) input(n int, what string) *fault {
	in := &c.p.Inputs[n]
	if in.Tensor < 0 || in.Tensor >= len(c.p.Tensors) {
		return faultf(n, "%s is tensor %d, want 0..%d", what, in.Tensor, len(c.p.Tensors)-1)
	}
	t := &c.p.Tensors[in.Tensor]
	if t.Levels == 0 {
		return faultf(n, "%s is tensor %d, which holds accumulators, want levels", what, in.Tensor)
	}
	if c.isInput[in.Tensor] {
		return faultf(n, "%s is tensor %d, which is an input already", what, in.Tensor)
	}
	if k := len(in.Tables); k > 1 && k != t.Shape[0] {
		return faultf(n, "%s has %d tables, want 0, 1 or %d, one for each channel", what, k, t.Shape[0])
	}
	for k, table := range in.Tables {
		if len(table) != 256 {
			return faultf(n, "table %d of %s has %d entries, want 256", k, what, len(table))
		}
		if top := int(largest(table)); top >= t.Levels {
			return faultf(n, "table %d of %s holds level %d, want 0..%d", k, what, top, t.Levels-1)
		}
	}
	c.isInput[in.Tensor] = true
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
