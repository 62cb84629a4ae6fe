package runtime

import "unsafe"

// FORMAT.md, "STEP: step functions".

func hasSteps(p *Program) bool { return len(p.Steps) > 0 }

func encodeSteps(w *writer, p *Program) {
	w.uint(len(p.Steps))
	for i := range p.Steps {
		w.uint(len(p.Steps[i].Breaks))
		w.ascending(p.Steps[i].Breaks)
		w.table(p.Steps[i].Values)
	}
}

func decodeSteps(r *reader, p *Program) {
	r.enterChunk("step functions")
	n := r.count("number", maxSteps, 2)
	if n > 0 && r.hold(n, unsafe.Sizeof(Step{})) {
		p.Steps = make([]Step, n)
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("step function", i)
		breaks := r.uint("number of breaks", maxBreaks)
		p.Steps[i].Breaks = r.ascending("breaks", breaks)
		p.Steps[i].Values = r.table("values", breaks+1)
	}
}

// steps checks every step function, and remembers the largest level each delivers.
func (c *checker) steps() *fault {
	if n := len(c.p.Steps); n > maxSteps {
		return faultf(0, "%d step functions, want at most %d", n, maxSteps)
	}
	c.topLevel = make([]uint8, len(c.p.Steps))
	for i := range c.p.Steps {
		s := &c.p.Steps[i]
		if n := len(s.Breaks); n > maxBreaks {
			return faultf(i, "step function %d has %d breaks, want at most %d", i, n, maxBreaks)
		}
		if len(s.Values) != len(s.Breaks)+1 {
			return faultf(i, "step function %d has %d values, want %d, one more than breaks", i, len(s.Values), len(s.Breaks)+1)
		}
		if k := descent(s.Breaks); k > 0 {
			return faultf(i, "step function %d: break %d is %d, want more than %d", i, k, s.Breaks[k], s.Breaks[k-1])
		}
		c.topLevel[i] = largest(s.Values)
	}
	return nil
}

// largest is the largest entry of a table.
func largest(table []uint8) uint8 {
	var top uint8
	for _, v := range table {
		top = max(top, v)
	}
	return top
}
