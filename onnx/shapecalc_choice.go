package onnx

// evalEqual compares sizes, as exporters do to find the -1 in a target of Expand. A size of the batch is positive, and
// otherwise open.
func evalEqual(_ *decoder, r *nodeReader) *known {
	open := false
	k := elementwise(r, func(a, b dim) (dim, bool) {
		d := dim{a.n - b.n, a.batch - b.batch}
		if d.batch != 0 && (d.n != 0 && (d.n > 0) != (d.batch > 0)) {
			open = true // for some batch they are the same
		}
		return dim{n: truth(d == dim{})}, true
	})
	if k == nil || open {
		return nil
	}
	t := k.ints.constant()
	t.Type = Bool
	return t.known()
}

// evalWhere chooses between lists of sizes.
func evalWhere(_ *decoder, r *nodeReader) *known {
	if len(r.in) != 3 || !r.given(0) || r.in[0].Const == nil || r.in[0].Type != Bool {
		return nil
	}
	condition, a, b := r.in[0].Const, r.known(1), r.known(2)
	if a == nil || b == nil {
		return nil
	}
	out := &ints{shape: condition.Shape}
	for _, s := range []Shape{a.shape, b.shape} {
		shape, err := broadcast(out.shape, s)
		if err != nil {
			r.failf("%w", err)
			return nil
		}
		out.shape = shape
	}
	n := out.shape.Elems()
	whole := func(have int) bool { return have == n || have == 1 }
	if n > maxInts || !whole(len(condition.Ints)) || !whole(len(a.v)) || !whole(len(b.v)) {
		return nil
	}
	for i := range n {
		from := b.v
		if condition.Ints[i%len(condition.Ints)] != 0 {
			from = a.v
		}
		out.v = append(out.v, from[i%len(from)])
	}
	return out.known()
}

// evalReduceProd multiplies all sizes of a list.
func evalReduceProd(_ *decoder, r *nodeReader) *known {
	x := r.known(0)
	if x == nil || len(x.shape) > 1 {
		return nil
	}
	op, ok := readReduce(ReduceProd)(r).(*Reduce)
	if !ok || r.err != nil || len(op.Axes) != len(x.shape) {
		return nil
	}
	product := dim{n: 1}
	for _, d := range x.v {
		switch {
		case d.batch == 0:
			product = dim{product.n * d.n, product.batch * d.n}
		case product.batch == 0:
			product = dim{product.n * d.n, product.n * d.batch}
		default:
			return nil
		}
	}
	out := &ints{shape: Shape{}, v: []dim{product}}
	if op.KeepDims {
		out.shape = Shape(filled(len(x.shape), 1))
	}
	return out.known()
}
