package runtime

import "slices"

// FORMAT.md, "shft: scales of the input's channels".

// maxShift bounds the power of two by which the step of a channel may differ from the tensor's scale.
const maxShift = 64

func hasShifts(p *Program) bool { return len(p.Input.Shifts) > 0 }

func encodeShifts(w *writer, p *Program) {
	values := make([]int64, len(p.Input.Shifts))
	for c, s := range p.Input.Shifts {
		values[c] = int64(s)
	}
	w.list(values)
}

func decodeShifts(r *reader, p *Program) {
	r.enter("input", -1)
	n := p.Tensors[p.Input.Tensor].Shape[0]
	if !r.take("the shifts", n, 1) {
		return
	}
	p.Input.Shifts = make([]int8, n)
	r.list("shifts", n, -maxShift, maxShift, func(c int, v int64) { p.Input.Shifts[c] = int8(v) })
}

func (c *checker) shifts() *fault {
	in := &c.p.Input
	if n := c.p.Tensors[in.Tensor].Shape[0]; in.Shifts != nil && len(in.Shifts) != n {
		return faultf(-1, "the input has %d shifts, want none or %d, one for each channel", len(in.Shifts), n)
	}
	if i := slices.IndexFunc(in.Shifts, func(s int8) bool { return s < -maxShift || s > maxShift }); i >= 0 {
		return faultf(-1, "shift %d of the input is %d, want %d..%d", i, in.Shifts[i], -maxShift, maxShift)
	}
	return nil
}
