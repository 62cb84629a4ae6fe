package runtime

import (
	"qconv/runtime/internal/kernel"
)

// cut says which output channels of a layer one of its parts computes, as ranges of
// elements of the tensors it works on.
type cut struct {
	dst [2]int
	src [][2]int // by operand
}

// Least multiply-accumulates of a part: what takes several times as long as waking a worker
// and preparing the inputs once more.
const (
	minPartVector   = 1 << 21
	minPartPortable = 1 << 19
	minPartLookup   = 1 << 16
)

// minPart is the least number of multiply-accumulates that a part of a layer is worth.
func (o Options) minPart() int {
	switch {
	case o.PartMACs > 0:
		return o.PartMACs
	case o.Kernel == kernelGeneric:
		return minPartLookup
	case o.vector() == kernel.Portable:
		return minPartPortable
	}
	return minPartVector
}

// minOutputs is the number of outputs of a fully connected layer that are computed
// together; a part has a multiple of it.
const minOutputs = 16

// split cuts l, which takes macs multiply-accumulates, by output channels into up to
// o.Workers layers of similar size and says where each belongs. The result is nil if that
// does not pay.
func (o Options) split(l *kernel.Layer, macs int) (parts []*kernel.Layer, cuts []*cut) {
	channels, plane := l.Out[0], l.Out[1]*l.Out[2]
	unit := 1
	if plane == 1 {
		unit = minOutputs
	}
	for i := range l.Terms {
		if g := l.Terms[i].Groups; g > 1 {
			unit = lcm(unit, channels/g)
		}
	}
	if o.Workers < 2 {
		return nil, nil
	}
	n := min(o.Workers, macs/o.minPart(), channels/unit)
	if n < 2 {
		return nil, nil
	}
	from := 0
	for k := range n {
		to := channels
		if k < n-1 {
			to = channels / unit * (k + 1) / n * unit
		}
		part, c := channelsOf(l, from, to)
		parts, cuts = append(parts, part), append(cuts, c)
		from = to
	}
	return parts, cuts
}

// channelsOf is the layer of the output channels [from, to) of l, a whole number of
// groups where there are several.
func channelsOf(l *kernel.Layer, from, to int) (*kernel.Layer, *cut) {
	plane := l.Out[1] * l.Out[2]
	part := &kernel.Layer{Out: l.Out, Bias: l.Bias[from:to], Steps: l.Steps, Rows: l.Rows, Tables: l.Tables}
	part.Out[0] = to - from
	if l.Low != nil {
		part.Low, part.High = l.Low[from:to], l.High[from:to]
	}
	if len(l.Steps) > 1 {
		part.Steps = l.Steps[from:to]
	}
	c := &cut{dst: [2]int{from * plane, to * plane}}
	for _, t := range l.Terms {
		taps := len(t.Weights) / l.Out[0]
		t.Weights = t.Weights[from*taps : to*taps]
		elems := t.Shape[1] * t.Shape[2]
		first, last := 0, t.Shape[0]
		if t.Groups > 1 {
			outs, ins := l.Out[0]/t.Groups, t.Shape[0]/t.Groups
			first, last = from/outs*ins, to/outs*ins
			t.Groups = (to - from) / outs
			t.Shape[0] = last - first
		}
		part.Terms = append(part.Terms, t)
		c.src = append(c.src, [2]int{first * elems, last * elems})
	}
	return part, c
}

// lcm is the least common multiple of positive numbers.
func lcm(a, b int) int {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}
