package ortfuzz

import (
	"slices"
)

func matmul(d *drawer, v *value) {
	rank := len(v.shape)
	k := v.shape[rank-1]
	if v.batched && rank < 2 {
		return
	}
	// A product of two computed tensors: with the transpose of itself.
	if rank >= 3 && !d.smooth && d.chance(4) {
		perm := allAxes(rank)
		perm[rank-1], perm[rank-2] = rank-2, rank-1
		shape := slices.Clone(v.shape)
		shape[rank-1], shape[rank-2] = v.shape[rank-2], v.shape[rank-1]
		w := d.tame(v)
		t := d.add("Transpose", w.result(shape...), []string{w.name}, attr{"perm", perm})
		out := slices.Clone(v.shape)
		out[rank-1] = v.shape[rank-2]
		d.add("MatMul", w.result(out...).rounds(), []string{w.name, t.name})
		return
	}
	m := d.between(1, 5)
	out := slices.Clone(v.shape)
	switch {
	case d.chance(4) && rank >= 2 && !(v.batched && rank == 2): // the constant stands on the left
		rows := v.shape[rank-2]
		out[rank-2] = m
		left := []int{m, rows}
		if d.chance(5) {
			left = []int{rows}
			out = slices.Delete(out, rank-2, rank-1)
		} else if rank >= 3 && d.chance(3) {
			left = append(append(slices.Repeat([]int{1}, d.IntN(rank-2)), of(d, 1, v.shape[rank-3])), left...)
			if v.batched && len(left) == rank {
				left[0] = 1
			}
		}
		if len(out) == 0 {
			return
		}
		if len(left) > 2 && len(left) == rank && v.batched && rank == 3 {
			left[0] = 1
		}
		d.add("MatMul", v.result(out...).rounds(), []string{d.weights(rows, left...), v.name})
	case d.chance(5) && rank >= 2: // a vector
		out = out[:rank-1]
		d.add("MatMul", v.result(out...).rounds(), []string{v.name, d.weights(k, k)})
	default:
		right := []int{k, m}
		if rank == 1 {
			out = []int{m}
		} else {
			out[rank-1] = m
			if rank >= 3 && d.chance(4) {
				lead := of(d, 1, v.shape[rank-3])
				if v.batched && rank == 3 {
					lead = 1
				}
				right = append([]int{lead}, right...)
			}
		}
		d.add("MatMul", v.result(out...).rounds(), []string{v.name, d.weights(k, right...)})
	}
}

func gemm(d *drawer, v *value) {
	if len(v.shape) != 2 {
		return
	}
	transA, transB := 0, d.IntN(2)
	if !v.batched {
		transA = d.IntN(2)
	}
	rows, k := v.shape[0], v.shape[1]
	if transA == 1 {
		rows, k = k, rows
	}
	m := d.between(1, 6)
	b := []int{k, m}
	if transB == 1 {
		b = []int{m, k}
	}
	in := []string{v.name, d.weights(k, b...)}
	if d.n.opset < 11 || d.chance(2) {
		c := of(d, []int{m}, []int{1, m}, []int{1}, []int{}, []int{1, 1})
		if !v.batched && d.chance(3) {
			c = of(d, []int{rows, m}, []int{rows, 1})
		}
		in = append(in, d.floats(-1, 1, c...))
	}
	attrs := d.optional(nil, "transA", transA, 0)
	attrs = d.optional(attrs, "transB", transB, 0)
	attrs = d.optional(attrs, "alpha", of(d, 1.0, 0.5, 2), 1.0)
	attrs = d.optional(attrs, "beta", of(d, 1.0, 0.5, 0), 1.0)
	d.add("Gemm", v.result(rows, m).rounds(), in, attrs...)
}

func reduce(d *drawer, v *value) {
	op := of(d, "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare")
	axes := d.subset(v)
	if len(axes) == 0 {
		return
	}
	switch op {
	case "ReduceLogSum", "ReduceL2":
		v = d.positive(v)
	case "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare":
		v = d.tame(v)
	}
	keep := d.IntN(2)
	var shape, named []int
	for i, n := range v.shape {
		switch {
		case !slices.Contains(axes, i):
			shape = append(shape, n)
		case keep == 1:
			shape = append(shape, 1)
		}
	}
	if len(shape) == 0 {
		return
	}
	for _, a := range axes {
		named = append(named, d.signed(a, len(v.shape), 11))
	}
	out := v.result(shape...)
	out.exact = out.exact && (op == "ReduceMax" || op == "ReduceMin" || op == "ReduceSum" || op == "ReduceL1")
	in, attrs := []string{v.name}, d.optional(nil, "keepdims", keep, 1)
	since := 18
	if op == "ReduceSum" {
		since = 13
	}
	all := len(axes) == len(v.shape) && d.chance(2)
	switch {
	case all:
	case d.n.opset < since:
		attrs = append(attrs, attr{"axes", named})
	default:
		in = append(in, d.ints(named...))
		attrs = d.optional(attrs, "noop_with_empty_axes", d.IntN(2), 0)
	}
	d.add(op, out, in, attrs...)
}

func argMax(d *drawer, v *value) {
	axis, ok := d.axis(v)
	if !ok || !v.exact || d.smooth {
		return
	}
	keep := d.IntN(2)
	shape := slices.Clone(v.shape)
	shape[axis] = 1
	if keep == 0 {
		shape = slices.Delete(shape, axis, axis+1)
	}
	if len(shape) == 0 {
		return
	}
	attrs := d.optional(nil, "keepdims", keep, 1)
	attrs = d.optional(attrs, "axis", d.signed(axis, len(v.shape), 11), 0)
	if d.n.opset >= 12 {
		attrs = d.optional(attrs, "select_last_index", d.IntN(2), 0)
	}
	out := v.result(shape...)
	out.kind, out.smooth = int64s, false
	out = d.add("ArgMax", out, []string{v.name}, attrs...)
	if d.chance(2) {
		d.toFloat(out)
	}
}
