package ortfuzz

import "slices"

// window is what convolutions and pools share.
type window struct {
	kernel, strides, dilations, begin, end []int
	autoPad                                string
	attrs                                  []attr
}

// window draws one for the dimensions from 2 on; nil where it does not fit.
func (d *drawer) window(v *value, dilated, padded bool) *window {
	rank := len(v.shape) - 2
	if rank < 1 || rank > 3 {
		return nil
	}
	w := &window{autoPad: "NOTSET"}
	if d.chance(4) {
		w.autoPad = of(d, "SAME_UPPER", "SAME_LOWER", "VALID")
	}
	for i := range rank {
		k := d.between(1, 4)
		dilation := 1
		if dilated && w.autoPad != "SAME_UPPER" && w.autoPad != "SAME_LOWER" { // ONNX Runtime overlooks dilations there
			dilation = of(d, 1, 1, 1, 2)
		}
		reach := (k-1)*dilation + 1
		begin, end := 0, 0
		if padded && w.autoPad == "NOTSET" {
			begin, end = d.IntN(min(k, 4)), d.IntN(min(k, 4))
		}
		if reach > v.shape[i+2]+begin+end {
			return nil
		}
		w.kernel, w.dilations = append(w.kernel, k), append(w.dilations, dilation)
		w.strides = append(w.strides, d.between(1, 3))
		w.begin, w.end = append(w.begin, begin), append(w.end, end)
	}
	ones, zeros := slices.Repeat([]int{1}, rank), make([]int, 2*rank)
	w.attrs = d.optional(nil, "strides", w.strides, ones)
	if dilated {
		w.attrs = d.optional(w.attrs, "dilations", w.dilations, ones)
	}
	w.attrs = d.optional(w.attrs, "auto_pad", w.autoPad, "NOTSET")
	if w.autoPad == "NOTSET" {
		w.attrs = d.optional(w.attrs, "pads", slices.Concat(w.begin, w.end), zeros)
	}
	return w
}

// output is the size along dimension i of an input of n elements.
func (w *window) output(i, n int, ceil bool) int {
	reach := (w.kernel[i]-1)*w.dilations[i] + 1
	switch w.autoPad {
	case "SAME_UPPER", "SAME_LOWER":
		return (n + w.strides[i] - 1) / w.strides[i]
	case "VALID":
		return (n-reach)/w.strides[i] + 1
	}
	padded := n + w.begin[i] + w.end[i] - reach
	if !ceil {
		return padded/w.strides[i] + 1
	}
	out := (padded+w.strides[i]-1)/w.strides[i] + 1
	if (out-1)*w.strides[i] >= n+w.begin[i] {
		out-- // a window that starts in the padding
	}
	return out
}

func (d *drawer) groups(channels int) int {
	var fit []int
	for g := 1; g <= channels; g++ {
		if channels%g == 0 {
			fit = append(fit, g)
		}
	}
	return of(d, append(fit, 1, 1)...)
}

func convolution(d *drawer, v *value) {
	w := d.window(v, true, true)
	if w == nil || len(w.kernel) == 3 {
		return
	}
	groups := d.groups(v.shape[1])
	outs := groups * d.between(1, 3)
	shape := []int{v.shape[0], outs}
	for i, n := range v.shape[2:] {
		shape = append(shape, w.output(i, n, false))
	}
	attrs := d.optional(w.attrs, "group", groups, 1)
	if d.chance(2) {
		attrs = append(attrs, attr{"kernel_shape", w.kernel})
	}
	in := []string{v.name, d.weights(v.shape[1]/groups*size(w.kernel), append([]int{outs, v.shape[1] / groups}, w.kernel...)...)}
	if d.chance(2) {
		in = append(in, d.floats(-1, 1, outs))
	}
	d.add("Conv", v.result(shape...).rounds(), in, attrs...)
}

func transposed(d *drawer, v *value) {
	rank := len(v.shape) - 2
	if rank < 1 || rank > 2 {
		return
	}
	groups := d.groups(v.shape[1])
	outs := d.between(1, 3)
	mode := of(d, "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "output_shape")
	var kernel, strides, dilations, pads, extra, shape []int
	ends := []int{}
	shape = []int{v.shape[0], outs * groups}
	for _, n := range v.shape[2:] {
		k, s, dil := d.between(1, 4), d.between(1, 3), of(d, 1, 1, 2)
		e := 0
		if s > 1 && d.chance(2) {
			e = d.IntN(s)
		}
		reach := (k-1)*dil + 1
		full := s*(n-1) + reach + e
		begin, end := 0, 0
		switch mode {
		case "NOTSET":
			begin, end = d.IntN(k), d.IntN(k)
		case "SAME_UPPER", "SAME_LOWER":
			if full < n*s {
				return // runtimes disagree where padding would be negative
			}
			full = n * s
		case "output_shape":
			full = d.between(max(1, full-2), full)
		}
		if full-begin-end < 1 {
			return
		}
		kernel, strides, dilations, extra = append(kernel, k), append(strides, s), append(dilations, dil), append(extra, e)
		pads, ends, shape = append(pads, begin), append(ends, end), append(shape, full-begin-end)
	}
	ones, zeros := slices.Repeat([]int{1}, rank), make([]int, rank)
	attrs := d.optional(nil, "strides", strides, ones)
	attrs = d.optional(attrs, "dilations", dilations, ones)
	attrs = d.optional(attrs, "group", groups, 1)
	attrs = d.optional(attrs, "output_padding", extra, zeros)
	switch mode {
	case "NOTSET":
		attrs = d.optional(attrs, "pads", slices.Concat(pads, ends), append(zeros, zeros...))
	case "output_shape":
		attrs = append(attrs, attr{"output_shape", shape[2:]})
		if d.chance(3) {
			attrs = append(attrs, attr{"auto_pad", of(d, "SAME_UPPER", "SAME_LOWER")})
		}
	default:
		attrs = append(attrs, attr{"auto_pad", mode})
	}
	if d.chance(2) {
		attrs = append(attrs, attr{"kernel_shape", kernel})
	}
	in := []string{v.name, d.weights(v.shape[1]/groups*size(kernel), append([]int{v.shape[1], outs}, kernel...)...)}
	if d.chance(2) {
		in = append(in, d.floats(-1, 1, outs*groups))
	}
	d.add("ConvTranspose", v.result(shape...).rounds(), in, attrs...)
}

func pool(d *drawer, v *value) {
	op := of(d, "MaxPool", "AveragePool")
	dilated := op == "MaxPool" && d.n.opset >= 10 || op == "AveragePool" && d.n.opset >= 19 && d.chance(3)
	w := d.window(v, dilated, true)
	if w == nil || len(w.kernel) == 3 {
		return
	}
	for i := range w.kernel {
		if w.autoPad[0] == 'S' && w.kernel[i] < w.strides[i] {
			return // ONNX Runtime pads by less than nothing
		}
	}
	ceil := d.n.opset >= 10 && d.chance(3)
	attrs := append(w.attrs, attr{"kernel_shape", w.kernel})
	if d.n.opset >= 10 {
		attrs = d.optional(attrs, "ceil_mode", map[bool]int{true: 1}[ceil], 0)
	}
	if op == "AveragePool" {
		attrs = d.optional(attrs, "count_include_pad", d.IntN(2), 0)
	}
	shape := slices.Clone(v.shape)
	for i, n := range v.shape[2:] {
		if shape[i+2] = w.output(i, n, ceil); shape[i+2] < 1 {
			return
		}
	}
	out := v.result(shape...)
	if op == "AveragePool" {
		out.rounds()
	}
	d.add(op, out, []string{v.name}, attrs...)
}

func globalPool(d *drawer, v *value) {
	if len(v.shape) < 3 {
		return
	}
	op := of(d, "GlobalAveragePool", "GlobalMaxPool")
	shape := slices.Clone(v.shape)
	for i := 2; i < len(shape); i++ {
		shape[i] = 1
	}
	out := v.result(shape...)
	out.exact = out.exact && op == "GlobalMaxPool"
	d.add(op, out, []string{v.name})
}
