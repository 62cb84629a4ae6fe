package ortfuzz

import (
	"slices"
)

// families are drawn from alike; those with many operators stand here more than once.
var families = []family{
	unary, unary, unary, jump, arithmetic, arithmetic, arithmetic, variadic, choice, prelu, clip, cast, softmax,
	transpose, reshape, flatten, squeeze, unsqueeze, slice, gather, concat, split, tile, expand, pad, depth,
	convolution, convolution, transposed, transposed, pool, pool, pool, globalPool, resize, resize, upsample,
	matmul, matmul, gemm, reduce, reduce, argMax,
	batchNorm, instanceNorm, layerNorm, groupNorm, lrn, lpNorm,
	shapeArithmetic, quantize, branch, integers,
}

// positive is a value of v's shape that is at least 1/2.
func (d *drawer) positive(v *value) *value {
	a := d.add("Abs", v.like(), []string{v.name})
	return d.add("Add", a.like(), []string{a.name, d.floats(.5, 2)})
}

// tame is v or a value of the same shape within -1..1, where v may be large.
func (d *drawer) tame(v *value) *value {
	if v.exact {
		return v
	}
	return d.add("Tanh", v.like().rounds(), []string{v.name})
}

func unary(d *drawer, v *value) {
	type function struct {
		op    string
		since int
	}
	f := of(d, function{"Abs", 7}, function{"Neg", 7}, function{"Relu", 7}, function{"Sigmoid", 7}, function{"Tanh", 7},
		function{"Exp", 7}, function{"Log", 7}, function{"Sqrt", 7}, function{"Reciprocal", 7}, function{"Erf", 9},
		function{"Softplus", 7}, function{"Softsign", 7}, function{"LeakyRelu", 7}, function{"Elu", 7}, function{"Selu", 7},
		function{"Celu", 12}, function{"HardSigmoid", 7}, function{"HardSwish", 14}, function{"Gelu", 20}, function{"Mish", 18},
		function{"Identity", 7}, function{"Dropout", 7})
	if d.n.opset < f.since {
		return
	}
	var attrs []attr
	in := []string{}
	out := v.like().rounds()
	switch f.op {
	case "Abs", "Neg", "Relu", "Identity":
		out.exact = v.exact
	case "Exp", "Softplus":
		v = d.tame(v)
	case "Log", "Sqrt", "Reciprocal":
		v = d.positive(v)
	case "LeakyRelu":
		attrs = d.optional(attrs, "alpha", of(d, 0.01, 0.25, -0.5), 0.01)
	case "Elu":
		attrs = d.optional(attrs, "alpha", of(d, 1.0, 0.5, 2), 1.0)
	case "Celu":
		attrs = d.optional(attrs, "alpha", of(d, 1.0, 0.5, 2), 1.0)
	case "Selu":
		attrs = d.optional(attrs, "alpha", of(d, 1.67326319217681884765625, 1), 1.67326319217681884765625)
		attrs = d.optional(attrs, "gamma", of(d, 1.05070102214813232421875, 2), 1.05070102214813232421875)
	case "HardSigmoid":
		attrs = d.optional(attrs, "alpha", of(d, 0.2, 1.0/6, 0.5), 0.2)
		attrs = d.optional(attrs, "beta", of(d, 0.5, 0.25), 0.5)
	case "Gelu":
		attrs = d.optional(attrs, "approximate", of(d, "none", "tanh"), "none")
	case "Dropout":
		out.exact = v.exact
		switch {
		case d.n.opset < 12:
			attrs = d.optional(attrs, "ratio", 0.25, 0.5)
		case d.chance(2):
			in = append(in, d.given(float32s, []int{}, 0.25))
			if d.chance(2) {
				in = append(in, d.given(bools, []int{}, 0))
			}
		}
	}
	d.add(f.op, out, append([]string{v.name}, in...), attrs...)
}

// jump draws functions that jump, of exact values only: elsewhere a small difference makes a large one.
func jump(d *drawer, v *value) {
	if d.smooth || !v.exact {
		return
	}
	op := of(d, "Floor", "Ceil", "Round", "Sign", "ThresholdedRelu", "Not")
	out := v.like()
	out.smooth = false
	switch {
	case op == "Round" && d.n.opset < 11, op == "Sign" && d.n.opset < 9, op == "ThresholdedRelu" && d.n.opset < 10:
	case op == "ThresholdedRelu":
		d.add(op, out, []string{v.name}, attr{"alpha", of(d, 0.5, 1.0)})
	case op == "Not":
		if d.n.opset < 9 {
			return
		}
		c := d.compare(v)
		not := c.like()
		not = d.add("Not", not, []string{c.name})
		d.toFloat(not)
	default:
		d.add(op, out, []string{v.name})
	}
}

// compare is a condition of v's shape.
func (d *drawer) compare(v *value) *value {
	ops := []string{"Less", "Greater"}
	if d.n.opset >= 11 {
		ops = append(ops, "Equal")
	}
	if d.n.opset >= 12 {
		ops = append(ops, "LessOrEqual", "GreaterOrEqual")
	}
	out := v.like()
	out.kind, out.smooth = bools, false
	other, shape := d.partner(v, 0)
	out.shape = shape
	in := []string{v.name, other}
	if d.chance(4) {
		slices.Reverse(in)
	}
	return d.add(of(d, ops...), out, in)
}

func (d *drawer) toFloat(v *value) *value {
	out := v.like()
	out.kind = float32s
	return d.add("Cast", out, []string{v.name}, attr{"to", int(float32s)})
}

// partner is another operand that broadcasts with v, constant or computed, and the shape of the result. Where
// least is above 0, it is a constant of at least that.
func (d *drawer) partner(v *value, least float64) (string, []int) {
	if least == 0 && d.chance(4) {
		if d.chance(8) {
			return v.name, v.shape
		}
		for _, w := range d.values {
			if w.kind != float32s || w == v || d.smooth && !w.smooth || v.exact && !w.exact || w.batched != v.batched {
				continue
			}
			if shape := broadcast(v.shape, w.shape); shape != nil && size(shape) <= maxElems && d.chance(2) &&
				(!v.batched || len(v.shape) == len(w.shape)) {
				return w.name, shape
			}
		}
	}
	lo, hi := -2.0, 2.0
	if least > 0 {
		lo, hi = least, least+2
	}
	if d.chance(5) {
		return d.floats(lo, hi), v.shape // a scalar
	}
	shape := slices.Clone(v.shape)
	for i := range shape {
		switch {
		case v.batched && i == 0, d.chance(2):
			shape[i] = 1
		case shape[i] == 1 && d.chance(3):
			shape[i] = d.between(1, 4) // stretches v
		}
	}
	if cut := d.IntN(len(shape) + 1); d.chance(2) {
		shape = shape[cut:]
	} else if !v.batched && len(shape) < 4 && d.chance(4) {
		shape = append([]int{d.between(1, 3)}, shape...)
	}
	out := broadcast(v.shape, shape)
	if out == nil || size(out) > maxElems {
		return d.floats(lo, hi, 1), broadcast(v.shape, []int{1})
	}
	return d.floats(lo, hi, shape...), out
}

// broadcast is the shape of two operands together, nil where they do not fit.
func broadcast(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i := range b {
		k := len(a) - len(b) + i
		switch {
		case out[k] == 1:
			out[k] = b[i]
		case b[i] != 1 && b[i] != out[k]:
			return nil
		}
	}
	return out
}

func arithmetic(d *drawer, v *value) {
	op := of(d, "Add", "Sub", "Mul", "Div", "Pow", "Add", "Mul")
	switch op {
	case "Div":
		out := v.like().rounds()
		other, shape := d.partner(v, 0.5)
		out.shape = shape
		in := []string{v.name, other}
		if d.chance(3) {
			p := d.positive(v)
			in = []string{other, p.name}
		}
		d.add(op, out, in)
	case "Pow":
		out := v.like().rounds()
		switch d.IntN(3) {
		case 0:
			v = d.tame(v)
			d.add(op, out, []string{v.name, d.given(float32s, []int{}, of(d, 2.0, 3, 1, 0))})
		case 1:
			v = d.positive(v)
			other, shape := d.partner(v, 0.25)
			out.shape = shape
			d.add(op, out, []string{v.name, other})
		case 2:
			if d.n.opset < 12 {
				return
			}
			v = d.tame(v)
			d.add(op, out, []string{v.name, d.given(int64s, []int{}, of(d, 2.0, 3))})
		}
	default:
		other, shape := d.partner(v, 0)
		out := v.like()
		out.shape = shape
		if op == "Mul" {
			out.rounds()
		}
		in := []string{v.name, other}
		if d.chance(3) {
			slices.Reverse(in)
		}
		d.add(op, out, in)
	}
}

func variadic(d *drawer, v *value) {
	op := of(d, "Max", "Min", "Sum", "Mean")
	in, out := []string{v.name}, v.like()
	if op == "Mean" {
		out.rounds()
	}
	for range d.IntN(4) {
		w := *v
		w.shape = out.shape
		other, shape := d.partner(&w, 0)
		in, out.shape = append(in, other), shape
	}
	d.Shuffle(len(in), func(i, k int) { in[i], in[k] = in[k], in[i] })
	// Operators whose order of operands decides about rank need all batched ones to have the same.
	d.add(op, out, in)
}

func choice(d *drawer, v *value) {
	if d.n.opset < 9 || d.smooth {
		return
	}
	var cond string
	shape := v.shape
	smooth := v.smooth
	if v.exact && d.chance(2) {
		c := d.compare(v)
		if d.chance(3) {
			e := d.compare(v)
			if b := broadcast(c.shape, e.shape); b != nil && size(b) <= maxElems {
				out := c.like()
				out.shape = b
				c = d.add(of(d, "And", "Or", "Xor"), out, []string{c.name, e.name})
			}
		}
		cond, shape, smooth = c.name, broadcast(shape, c.shape), false
	} else {
		mask := slices.Clone(v.shape)
		for i := range mask {
			if v.batched && i == 0 || d.chance(3) {
				mask[i] = 1
			}
		}
		bits := make([]float64, size(mask))
		for i := range bits {
			bits[i] = float64(d.IntN(2))
		}
		cond = d.given(bools, mask, bits...)
	}
	if shape == nil || size(shape) > maxElems {
		return
	}
	w := *v
	w.shape = shape
	other, shape := d.partner(&w, 0)
	in := []string{cond, v.name, other}
	if d.chance(3) {
		in[1], in[2] = in[2], in[1]
	}
	out := v.like()
	out.shape, out.smooth = shape, smooth
	d.add("Where", out, in)
}

func prelu(d *drawer, v *value) {
	shape := slices.Clone(v.shape)
	for i := range shape {
		if v.batched && i == 0 || d.chance(2) {
			shape[i] = 1
		}
	}
	if d.chance(2) {
		shape = shape[d.IntN(len(shape)+1):]
	}
	d.add("PRelu", v.like().rounds(), []string{v.name, d.floats(-1, 1, shape...)})
}

func clip(d *drawer, v *value) {
	lo, hi := of(d, -1.0, 0, 0.25), of(d, 1.0, 6, 0.5)
	in, attrs := []string{v.name}, []attr(nil)
	low, high := !d.chance(4), !d.chance(4)
	switch {
	case d.n.opset < 11:
		if low {
			attrs = append(attrs, attr{"min", lo})
		}
		if high {
			attrs = append(attrs, attr{"max", hi})
		}
	default:
		if low {
			in = append(in, d.given(float32s, []int{}, lo))
		}
		if high {
			if !low {
				in = append(in, "")
			}
			in = append(in, d.given(float32s, []int{}, hi))
		}
	}
	d.add("Clip", v.like(), in, attrs...)
}

// cast goes to another type and back: to integers toward zero.
func cast(d *drawer, v *value) {
	to := of(d, doubles, int64s, int32s, bools)
	if to != doubles && (!v.exact || d.smooth) {
		return
	}
	out := v.like()
	out.kind = to
	out.smooth = out.smooth && to == doubles
	out = d.add("Cast", out, []string{v.name}, attr{"to", int(to)})
	d.toFloat(out)
}

func softmax(d *drawer, v *value) {
	op := of(d, "Softmax", "LogSoftmax")
	axis, ok := d.axis(v)
	if !ok {
		return
	}
	def := 1
	if d.n.opset >= 13 {
		def = -1
	}
	out := d.add(op, v.like().rounds(), []string{v.name}, d.optional(nil, "axis", d.signed(axis, len(v.shape), 11), def)...)
	if d.smooth {
		out.inner = true // programs deliver what stands before the last Softmax
		d.add("Mul", v.like().rounds(), []string{out.name, d.floats(2, 3)})
	}
}

// integers computes with constants of integers, whose division cuts toward zero, and adds the result.
func integers(d *drawer, v *value) {
	if d.n.opset < 9 {
		return
	}
	n := v.shape[len(v.shape)-1]
	if v.batched && len(v.shape) == 1 {
		return
	}
	list := func(lo, hi int) string {
		k := make([]float64, n)
		for i := range k {
			for k[i] == 0 {
				k[i] = float64(d.between(lo, hi))
			}
		}
		return d.given(int64s, []int{n}, k...)
	}
	op := of(d, "Add", "Sub", "Mul", "Div", "Mod")
	attrs := []attr(nil)
	if op == "Mod" {
		if d.n.opset < 10 {
			return
		}
		attrs = d.optional(attrs, "fmod", d.IntN(2), 0)
	}
	whole := d.add(op, &value{kind: int64s, shape: []int{n}, smooth: true}, []string{list(-9, 9), list(-4, 4)}, attrs...)
	real := d.toFloat(whole)
	d.add("Add", v.like(), []string{v.name, real.name})
}
