package runtime

import "math"

// FORMAT.md, "BIAS: biases".

func hasLinears(p *Program) bool {
	for range p.linears() {
		return true
	}
	return false
}

// linears lists the Linear instructions with their number among all instructions.
func (p *Program) linears() func(yield func(instr int, l *Linear) bool) {
	return func(yield func(int, *Linear) bool) {
		for i, instr := range p.Instrs {
			if l, ok := instr.(*Linear); ok && !yield(i, l) {
				return
			}
		}
	}
}

func encodeBiases(w *writer, p *Program) {
	for _, l := range p.linears() {
		values := make([]int64, len(l.Bias))
		for o, v := range l.Bias {
			values[o] = int64(v)
		}
		w.list(values)
	}
}

func decodeBiases(r *reader, p *Program) {
	for i, l := range p.linears() {
		r.enter("biases of instruction", i)
		n := p.Tensors[l.Out].Shape[0]
		if !r.take("the list", n, 4) {
			return
		}
		l.Bias = make([]int32, n)
		r.list("list", n, math.MinInt32, math.MaxInt32, func(o int, v int64) { l.Bias[o] = int32(v) })
	}
}

func (c *checker) biases() *fault {
	k := 0
	for i, l := range c.p.linears() {
		if got, want := len(l.Bias), c.p.Tensors[l.Out].Shape[0]; got != want {
			return faultf(k, "instruction %d has %d biases, want %d, one for each channel", i, got, want)
		}
		k++
	}
	return nil
}
