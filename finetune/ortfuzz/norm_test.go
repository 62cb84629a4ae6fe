package ortfuzz

import "slices"

func batchNorm(d *drawer, v *value) {
	if len(v.shape) < 2 {
		return
	}
	c := v.shape[1]
	in := []string{v.name, d.floats(.5, 2, c), d.floats(-1, 1, c), d.floats(-1, 1, c), d.floats(.5, 2, c)}
	attrs := d.optional(nil, "epsilon", of(d, 1e-5, 1e-3), 1e-5)
	if d.chance(3) {
		attrs = append(attrs, attr{"momentum", 0.8})
	}
	if d.n.opset < 9 && d.chance(3) {
		attrs = append(attrs, attr{"spatial", 1})
	}
	d.add("BatchNormalization", v.like().rounds(), in, attrs...)
}

func instanceNorm(d *drawer, v *value) {
	if len(v.shape) < 3 {
		return
	}
	c := v.shape[1]
	d.add("InstanceNormalization", v.like().rounds(), []string{v.name, d.floats(.5, 2, c), d.floats(-1, 1, c)},
		d.optional(nil, "epsilon", of(d, 1e-2, 1e-1), 1e-5)...)
}

func layerNorm(d *drawer, v *value) {
	axis, ok := d.axis(v)
	op := "LayerNormalization"
	if d.n.opset >= 23 && d.chance(2) {
		op = "RMSNormalization"
	}
	if !ok || d.n.opset < 17 {
		return
	}
	shape := v.shape[axis:]
	in := []string{v.name, d.floats(.5, 2, shape...)}
	if op == "LayerNormalization" && d.chance(2) {
		in = append(in, d.floats(-1, 1, shape...))
	}
	attrs := d.optional(nil, "axis", d.signed(axis, len(v.shape), 17), -1)
	d.add(op, v.like().rounds(), in, d.optional(attrs, "epsilon", of(d, 1e-2, 1e-1), 1e-5)...)
}

func groupNorm(d *drawer, v *value) {
	if d.n.opset < 18 || len(v.shape) < 3 {
		return
	}
	c := v.shape[1]
	groups := d.groups(c)
	scales := c
	if d.n.opset < 21 {
		scales = groups
	}
	d.add("GroupNormalization", v.like().rounds(), []string{v.name, d.floats(.5, 2, scales), d.floats(-1, 1, scales)},
		attr{"num_groups", groups}, attr{"epsilon", 1e-2})
}

func lrn(d *drawer, v *value) {
	if len(v.shape) != 4 {
		return
	}
	attrs := []attr{{"size", of(d, 1, 3, 5)}}
	attrs = d.optional(attrs, "alpha", of(d, 1e-4, 0.5), 1e-4)
	attrs = d.optional(attrs, "beta", of(d, 0.75, 0.5), 0.75)
	attrs = d.optional(attrs, "bias", of(d, 1.0, 2), 1.0)
	d.add("LRN", v.like().rounds(), []string{v.name}, attrs...)
}

func lpNorm(d *drawer, v *value) {
	axis, ok := d.axis(v)
	if !ok {
		return
	}
	v = d.positive(v)
	attrs := d.optional(nil, "axis", d.signed(axis, len(v.shape), 7), -1)
	d.add("LpNormalization", v.like().rounds(), []string{v.name}, d.optional(attrs, "p", of(d, 1, 2), 2)...)
}

// quantize goes to 8-bit codes and back; ties round to even.
func quantize(d *drawer, v *value) {
	if d.n.opset < 10 || !v.exact || d.smooth {
		return
	}
	k, zero := uint8s, float64(d.IntN(256))
	if d.chance(2) {
		k, zero = int8s, float64(d.between(-128, 127))
	}
	scale := d.given(float32s, []int{}, of(d, 0.125, 0.5, 0.25, 2))
	point := d.given(k, []int{}, zero)
	out := v.like()
	out.kind, out.smooth = k, false
	in := []string{v.name, scale, point}
	if k == uint8s && d.chance(4) {
		in = in[:2]
	}
	q := d.add("QuantizeLinear", out, in)
	back := q.like()
	back.kind = float32s
	d.add("DequantizeLinear", back, append([]string{q.name}, in[1:]...))
}

// shapeArithmetic reshapes to what is computed from the shape.
func shapeArithmetic(d *drawer, v *value) {
	if len(v.shape) < 2 {
		return
	}
	s := d.add("Shape", &value{kind: int64s, shape: []int{len(v.shape)}}, []string{v.name})
	first := d.add("Gather", &value{kind: int64s, shape: []int{1}}, []string{s.name, d.ints(0)}, attr{"axis", 0})
	rest := d.ints(-1)
	if d.chance(2) {
		rest = d.ints(size(v.shape[1:]))
	}
	to := d.add("Concat", &value{kind: int64s, shape: []int{2}}, []string{first.name, rest}, attr{"axis", 0})
	d.add("Reshape", v.result(v.shape[0], size(v.shape[1:])), []string{v.name, to.name})
}

// branch is an If of a constant, each of whose branches holds one node.
func branch(d *drawer, v *value) {
	if d.n.opset < 9 || !d.chance(4) {
		return
	}
	side := func(op string) *network {
		out := &value{name: d.name("b"), kind: float32s, shape: slices.Clone(v.shape)}
		return &network{opset: d.n.opset, nodes: []*node{{op: op, in: []string{v.name}, out: []string{out.name}}}, outputs: []*value{out}}
	}
	cond := d.given(bools, []int{}, float64(d.IntN(2)))
	d.add("If", v.like().rounds(), []string{cond}, attr{"then_branch", side("Relu")}, attr{"else_branch", side("Tanh")})
}
