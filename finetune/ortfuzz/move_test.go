package ortfuzz

import (
	"math"
	"slices"
)

func transpose(d *drawer, v *value) {
	rank := len(v.shape)
	perm := d.Perm(rank)
	if v.batched {
		perm = []int{0}
		for _, p := range d.Perm(rank - 1) {
			perm = append(perm, p+1)
		}
	}
	shape := make([]int, rank)
	for i, p := range perm {
		shape[i] = v.shape[p]
	}
	if !v.batched && d.chance(4) {
		for i := range shape {
			shape[i] = v.shape[rank-1-i]
		}
		d.add("Transpose", v.result(shape...), []string{v.name})
		return
	}
	d.add("Transpose", v.result(shape...), []string{v.name}, attr{"perm", perm})
}

// reshaped draws a shape of as many elements.
func (d *drawer) reshaped(shape []int) []int {
	n := size(shape)
	out := []int{}
	for k := range d.IntN(4) {
		var divisors []int
		for f := 1; f <= n; f++ {
			if n%f == 0 {
				divisors = append(divisors, f)
			}
		}
		f := of(d, divisors...)
		_ = k
		out = append(out, f)
		n /= f
	}
	return append(out, n)
}

func reshape(d *drawer, v *value) {
	target := d.reshaped(v.shape[v.first():])
	shape := slices.Clone(target)
	if v.batched {
		shape = append([]int{v.shape[0]}, shape...)
	}
	given := slices.Clone(shape)
	switch {
	case v.batched && d.chance(2):
		given[0] = -1
	case v.batched:
		given[0] = 0
		if d.chance(3) {
			given[1+d.IntN(len(given)-1)] = -1
		}
	case d.chance(2):
		given[d.IntN(len(given))] = -1
	}
	for i := 1; i < len(given) && i < len(v.shape); i++ {
		if given[i] == v.shape[i] && d.chance(3) {
			given[i] = 0
		}
	}
	d.add("Reshape", v.result(shape...), []string{v.name, d.ints(given...)})
}

func flatten(d *drawer, v *value) {
	axis := d.between(0, len(v.shape))
	if v.batched {
		axis = 1
	}
	written := axis
	if axis < len(v.shape) {
		written = d.signed(axis, len(v.shape), 11)
	}
	d.add("Flatten", v.result(size(v.shape[:axis]), size(v.shape[axis:])), []string{v.name}, d.optional(nil, "axis", written, 1)...)
}

func squeeze(d *drawer, v *value) {
	var axes, shape []int
	all := true
	for i, n := range v.shape {
		switch {
		case n == 1 && i >= v.first() && d.chance(2):
			axes = append(axes, d.signed(i, len(v.shape), 11))
		default:
			shape = append(shape, n)
			all = all && n != 1
		}
	}
	if len(axes) == 0 {
		return
	}
	out := v.result(shape...)
	switch {
	case all && !v.batched && d.chance(2):
		d.add("Squeeze", out, []string{v.name})
	case d.n.opset < 13:
		d.add("Squeeze", out, []string{v.name}, attr{"axes", axes})
	default:
		d.add("Squeeze", out, []string{v.name, d.ints(axes...)})
	}
}

func unsqueeze(d *drawer, v *value) {
	if len(v.shape) > 4 {
		return
	}
	shape, at := slices.Clone(v.shape), []int{}
	for range 1 + d.IntN(2) {
		shape = slices.Insert(shape, d.between(v.first(), len(shape)), -1)
	}
	for i := range shape {
		if shape[i] == -1 {
			shape[i] = 1
			at = append(at, d.signed(i, len(shape), 11))
		}
	}
	if d.n.opset >= 13 {
		d.Shuffle(len(at), func(i, k int) { at[i], at[k] = at[k], at[i] })
		d.add("Unsqueeze", v.result(shape...), []string{v.name, d.ints(at...)})
		return
	}
	d.add("Unsqueeze", v.result(shape...), []string{v.name}, attr{"axes", at})
}

func slice(d *drawer, v *value) {
	axes := d.subset(v)
	shape := slices.Clone(v.shape)
	var starts, ends, steps, named []int
	for _, axis := range axes {
		n := shape[axis]
		step := 1
		if d.n.opset >= 10 {
			step = of(d, 1, 1, 2, 3, -1, -2)
		}
		from, to := d.IntN(n), 0
		if step > 0 {
			to = d.between(from+1, n)
			shape[axis] = (to - from + step - 1) / step
			if to == n && d.chance(2) {
				to = of(d, n+3, math.MaxInt64, math.MaxInt32)
			} else if to < n && d.chance(2) {
				to -= n
			}
		} else {
			to = d.between(-1, from-1)
			shape[axis] = (from - to - step - 1) / -step
			if to == -1 {
				to = of(d, -n-1, -n-7, math.MinInt32)
			} else if d.chance(2) {
				to -= n
			}
			if from == n-1 && d.chance(2) {
				from = n + 2
			}
		}
		if d.chance(3) && from < n {
			from -= n
		}
		starts, ends, steps = append(starts, from), append(ends, to), append(steps, step)
		named = append(named, d.signed(axis, len(v.shape), 10))
	}
	if len(axes) == 0 {
		return
	}
	out := v.result(shape...)
	whole := axes[0] == 0 && len(axes) == axes[len(axes)-1]+1 && d.chance(2) // axes are 0, 1, ..., which is the default
	if d.n.opset < 10 {
		attrs := []attr{{"starts", starts}, {"ends", ends}}
		if !whole {
			attrs = append(attrs, attr{"axes", axes})
		}
		d.add("Slice", out, []string{v.name}, attrs...)
		return
	}
	in := []string{v.name, d.ints(starts...), d.ints(ends...)}
	plain := !slices.ContainsFunc(steps, func(s int) bool { return s != 1 })
	if !whole {
		in = append(in, d.ints(named...))
	}
	if !plain || d.chance(2) {
		if whole {
			in = append(in, "")
		}
		in = append(in, d.ints(steps...))
	}
	d.add("Slice", out, in)
}

func gather(d *drawer, v *value) {
	axis, ok := d.axis(v)
	if !ok {
		return
	}
	n := v.shape[axis]
	indices := of(d, []int{}, []int{d.between(1, 4)}, []int{d.between(1, 3), d.between(1, 3)})
	values := make([]float64, size(indices))
	for i := range values {
		values[i] = float64(d.IntN(n))
		if d.n.opset >= 11 && d.chance(3) {
			values[i] -= float64(n)
		}
	}
	shape := slices.Concat(v.shape[:axis], indices, v.shape[axis+1:])
	if len(shape) == 0 || len(shape) > 6 {
		return
	}
	d.add("Gather", v.result(shape...), []string{v.name, d.given(of(d, int64s, int32s), indices, values...)},
		d.optional(nil, "axis", d.signed(axis, len(v.shape), 11), 0)...)
}

func concat(d *drawer, v *value) {
	axis, ok := d.axis(v)
	if !ok {
		return
	}
	out := v.like()
	in := []string{v.name}
	for range 1 + d.IntN(2) {
		var fit []*value
		for _, w := range d.values {
			if w.kind == float32s && w.batched == v.batched && len(w.shape) == len(v.shape) && (!d.smooth || w.smooth) {
				a, b := slices.Clone(w.shape), slices.Clone(v.shape)
				a[axis], b[axis] = 0, 0
				if slices.Equal(a, b) {
					fit = append(fit, w)
				}
			}
		}
		if w := of(d, fit...); !d.chance(3) || v.batched && v.shape[0] > 1 || v.batched && d.n.inputs[0].symbols[0] != "" {
			in = append(in, w.name)
			out.shape[axis] += w.shape[axis]
			out.exact, out.smooth = out.exact && w.exact, out.smooth && w.smooth
		} else if !v.batched {
			shape := slices.Clone(v.shape)
			shape[axis] = d.between(1, 3)
			in = append(in, d.floats(-1, 1, shape...))
			out.shape[axis] += shape[axis]
		}
	}
	d.Shuffle(len(in), func(i, k int) { in[i], in[k] = in[k], in[i] })
	d.add("Concat", out, in, attr{"axis", d.signed(axis, len(v.shape), 11)})
}

func split(d *drawer, v *value) {
	axis, ok := d.axis(v)
	if !ok || v.shape[axis] < 2 {
		return
	}
	n := v.shape[axis]
	parts := d.between(2, min(n, 3))
	sizes := make([]int, parts)
	attrs := d.optional(nil, "axis", d.signed(axis, len(v.shape), 11), 0)
	in := []string{v.name}
	switch {
	case d.chance(2) && d.n.opset >= 18: // the last part is smaller
		for i := range sizes {
			sizes[i] = (n + parts - 1) / parts
		}
		sizes[parts-1] = n - sizes[0]*(parts-1)
		if sizes[parts-1] < 1 {
			return
		}
		attrs = append(attrs, attr{"num_outputs", parts})
	case n%parts == 0 && d.n.opset < 18 && d.chance(2):
		for i := range sizes {
			sizes[i] = n / parts
		}
	default:
		left := n
		for i := range sizes {
			sizes[i] = d.between(1, left-(parts-1-i))
			left -= sizes[i]
		}
		sizes[parts-1] += left
		if d.n.opset < 13 {
			attrs = append(attrs, attr{"split", sizes})
		} else {
			in = append(in, d.ints(sizes...))
		}
	}
	split := &node{op: "Split", in: in, attrs: attrs}
	for _, s := range sizes {
		out := v.like()
		out.shape[axis] = s
		out.name = d.name("v")
		split.out = append(split.out, out.name)
		d.values = append(d.values, out)
	}
	d.n.nodes = append(d.n.nodes, split)
}

func tile(d *drawer, v *value) {
	shape, repeats := slices.Clone(v.shape), make([]int, len(v.shape))
	for i := range repeats {
		repeats[i] = 1
		if i >= v.first() {
			repeats[i] = of(d, 1, 1, 2, 3)
		}
		shape[i] *= repeats[i]
	}
	d.add("Tile", v.result(shape...), []string{v.name, d.ints(repeats...)})
}

func expand(d *drawer, v *value) {
	if d.n.opset < 8 {
		return
	}
	shape, given := slices.Clone(v.shape), slices.Clone(v.shape)
	for i := range shape {
		switch {
		case v.batched && i == 0, shape[i] != 1 && d.chance(2):
			given[i] = 1
		case shape[i] == 1:
			shape[i] = d.between(1, 3)
			given[i] = shape[i]
		}
	}
	if !v.batched && len(shape) < 5 && d.chance(3) {
		extra := d.between(1, 2)
		shape, given = append([]int{extra}, shape...), append([]int{extra}, given...)
	} else if d.chance(3) {
		cut := 0
		for cut < len(given)-1 && given[cut] == 1 {
			cut++
		}
		given = given[d.IntN(cut+1):]
	}
	d.add("Expand", v.result(shape...), []string{v.name, d.ints(given...)})
}

func pad(d *drawer, v *value) {
	modes := []string{"constant", "constant", "reflect", "edge"}
	if d.n.opset >= 19 {
		modes = append(modes, "wrap")
	}
	mode := of(d, modes...)
	rank := len(v.shape)
	pads, shape := make([]int, 2*rank), slices.Clone(v.shape)
	var touched []int
	for i := v.first(); i < rank; i++ {
		if d.chance(2) {
			continue
		}
		touched = append(touched, i)
		for _, k := range []int{i, rank + i} {
			most := 3
			if mode != "constant" {
				most = min(most, v.shape[i]-1)
			}
			pads[k] = d.between(0, most)
			if d.chance(5) && shape[i] > 2 {
				pads[k] = -1
			}
		}
		shape[i] += pads[i] + pads[rank+i]
		if shape[i] < 1 {
			return
		}
	}
	out := v.result(shape...)
	fill := of(d, 0.0, 0, 0.5, -1)
	if mode != "constant" {
		fill = 0
	}
	attrs := d.optional(nil, "mode", mode, "constant")
	if d.n.opset < 11 {
		attrs = append(d.optional(attrs, "value", fill, 0.0), attr{"pads", pads})
		d.add("Pad", out, []string{v.name}, attrs...)
		return
	}
	in := []string{v.name}
	var axes []int
	if d.n.opset >= 18 && len(touched) > 0 && d.chance(2) {
		axes = touched
		var before, after []int
		for _, i := range axes {
			before, after = append(before, pads[i]), append(after, pads[rank+i])
		}
		in = append(in, d.ints(append(before, after...)...))
	} else {
		in = append(in, d.ints(pads...))
	}
	switch {
	case fill != 0 || d.chance(3):
		in = append(in, d.given(float32s, []int{}, fill))
	case axes != nil:
		in = append(in, "")
	}
	if axes != nil {
		for i := range axes {
			axes[i] = d.signed(axes[i], rank, 18)
		}
		in = append(in, d.ints(axes...))
	}
	d.add("Pad", out, in, attrs...)
}

func depth(d *drawer, v *value) {
	if len(v.shape) != 4 {
		return
	}
	b := d.between(1, 3)
	n, c, h, w := v.shape[0], v.shape[1], v.shape[2], v.shape[3]
	if d.chance(2) {
		if h%b != 0 || w%b != 0 {
			return
		}
		d.add("SpaceToDepth", v.result(n, c*b*b, h/b, w/b), []string{v.name}, attr{"blocksize", b})
		return
	}
	if c%(b*b) != 0 {
		return
	}
	attrs := []attr{{"blocksize", b}}
	if d.n.opset >= 11 {
		attrs = d.optional(attrs, "mode", of(d, "DCR", "CRD"), "DCR")
	}
	d.add("DepthToSpace", v.result(n, c/(b*b), h*b, w*b), []string{v.name}, attrs...)
}
