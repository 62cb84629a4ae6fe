package runtime

import "slices"

// FORMAT.md, "shft: scales of the inputs' channels".

// maxShift bounds the power of two by which the step of a channel may differ from the tensor's scale.
const maxShift = 64

func hasShifts(p *Program) bool {
	return slices.ContainsFunc(p.Inputs, func(in Input) bool { return len(in.Shifts) > 0 })
}

func encodeShifts(w *writer, p *Program) {
	for i := range p.Inputs {
		values := make([]int64, p.Tensors[p.Inputs[i].Tensor].Shape[0])
		for c, s := range p.Inputs[i].Shifts {
			values[c] = int64(s)
		}
		w.list(values)
	}
}

func decodeShifts(r *reader, p *Program) {
	for i := range p.Inputs {
		r.enter("input", i)
		if len(p.Inputs) == 1 {
			r.index = -1
		}
		n := p.Tensors[p.Inputs[i].Tensor].Shape[0]
		if !r.take("the shifts", n, 1) {
			return
		}
		shifts := make([]int8, n)
		r.list("shifts", n, -maxShift, maxShift, func(c int, v int64) { shifts[c] = int8(v) })
		if len(p.Inputs) == 1 || slices.ContainsFunc(shifts, func(s int8) bool { return s != 0 }) {
			p.Inputs[i].Shifts = shifts
		}
	}
}

func (c *checker) shifts() *fault {
	for i := range c.p.Inputs {
		in := &c.p.Inputs[i]
		if n := c.p.Tensors[in.Tensor].Shape[0]; in.Shifts != nil && len(in.Shifts) != n {
			return faultf(i, "%s has %d shifts, want none or %d, one for each channel", inputName(i), len(in.Shifts), n)
		}
		if k := slices.IndexFunc(in.Shifts, func(s int8) bool { return s < -maxShift || s > maxShift }); k >= 0 {
			return faultf(i, "shift %d of %s is %d, want %d..%d", k, inputName(i), in.Shifts[k], -maxShift, maxShift)
		}
	}
	return nil
}
