package onnx

import (
	"slices"
	"strings"
)

// What a step of a recurrent operator computes: its gates, and what they make of the states.

// gatesOf are the rows of W or R that belong to gates, as a matrix [gates*hidden][K].
func (c *recurrence) gatesOf(t *Tensor, gates []int) *Tensor {
	k := t.Shape[2]
	out := &Tensor{Type: Float, Shape: Shape{len(gates) * c.hidden, k}}
	for _, g := range gates {
		from := (c.direction*c.gates + g) * c.hidden * k
		out.Floats = append(out.Floats, t.Floats[from:from+c.hidden*k]...)
	}
	return out
}

// biasOf is the bias of gates: that of W, that of R, or their sum.
func (c *recurrence) biasOf(gates []int, ofW, ofR bool) *Tensor {
	out := make([]float64, 0, len(gates)*c.hidden)
	for _, g := range gates {
		for k := range c.hidden {
			sum := 0.0
			if from := c.direction * 2 * c.gates * c.hidden; c.bias != nil {
				if ofW {
					sum += float64(c.bias.Floats[from+g*c.hidden+k])
				}
				if ofR {
					sum += float64(c.bias.Floats[from+(c.gates+g)*c.hidden+k])
				}
			}
			out = append(out, sum)
		}
	}
	return vector(out)
}

// linear is the linear map of gates of W or R: x [batch][K] becomes [batch][gates*hidden].
func (c *recurrence) linear(name string, x *Value, w *Tensor, gates []int, bias *Tensor) *Value {
	op, weights := Op(&Gemm{Alpha: 1, Beta: 1, TransB: true}), c.gatesOf(w, gates)
	if c.positions() {
		op, weights = pointwise(1), weights.as(weights.Shape[0], weights.Shape[1], 1)
	}
	in := []*Value{x, c.weight(name+".weight", weights)}
	if bias != nil && slices.ContainsFunc(bias.Floats, func(b float32) bool { return b != 0 }) {
		in = append(in, c.weight(name+".bias", bias))
	}
	return c.say(name, op, in...)
}

// sum is x*W + h*R + bias for gates, before their activation. A state that is nil is zero.
func (c *recurrence) sum(name string, x, h *Value, gates ...int) *Value {
	a := c.linear(name+".x", x, c.w, gates, c.biasOf(gates, true, true))
	if h == nil {
		return a
	}
	return c.say(name+".sum", &Add{}, a, c.linear(name+".h", h, c.rec, gates, nil))
}

// gate applies activation k of the direction to a sum, which is clipped first. The memory of an LSTM is not: ONNX Runtime leaves it as it is, too.
func (c *recurrence) gate(name string, k int, x *Value) *Value {
	if c.clip > 0 {
		x = c.say(name+".clip", &Clip{Min: -c.clip, Max: c.clip}, x)
	}
	return c.activate(name, k, x)
}

// activate applies activation k of the direction.
func (c *recurrence) activate(name string, k int, x *Value) *Value {
	f := c.functions[c.direction*len(c.acts)+k]
	return f.say(func(part string, op Op, in ...*Value) *Value { return c.say(name+part, op, in...) }, c.s.number, x)
}

// split cuts the values of gates that have been computed together.
func (c *recurrence) split(x *Value, gates ...string) []*Value {
	all := strings.Join(gates, "")
	parts := c.s.addAs(c.part+all+".split", &Split{Axis: 1, Sizes: slices.Repeat([]int{c.hidden}, len(gates))}, len(gates), x)
	if c.s.wishes == nil {
		c.s.wishes = map[*Value]string{}
	}
	for i, v := range parts {
		c.s.wishes[v] = c.s.name + namedPart + c.part + gates[i]
	}
	return parts
}

// product is a*b, where a nil b is zero.
func (c *recurrence) product(name string, a, b *Value) *Value {
	if b == nil {
		return nil
	}
	return c.say(name, &Mul{}, a, b)
}

// plus is a+b, where nil is zero.
func (c *recurrence) plus(name string, a, b *Value) *Value {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return c.say(name, &Add{}, a, b)
}

// stepRNN computes h' = f(x*W + h*R + bias).
func stepRNN(c *recurrence, x *Value, states []*Value) []*Value {
	return []*Value{c.gate("h.next", 0, c.sum("h.next", x, states[0], 0))}
}

// stepGRU computes, for gates z, r and n,
//
//	z, r = f(x*W + h*R + bias)
//	n    = g(x*W + (r*h)*R + bias), or g(x*W + bias + r*(h*R + bias))
//	h'   = (1-z)*n + z*h
//
// In this form of the last line the state passes unchanged where z is 1, whatever the levels of n are.
func stepGRU(c *recurrence, x *Value, states []*Value) []*Value {
	h := states[0]
	const z, r, n = 0, 1, 2
	if h == nil && !c.linearBefore {
		zs := c.gate("z", 0, c.sum("z", x, nil, z))
		return []*Value{c.blend(zs, c.gate("n", 1, c.sum("n", x, nil, n)), nil)}
	}
	gates := c.split(c.gate("zr", 0, c.sum("zr", x, h, z, r)), "z", "r")
	var candidate *Value
	switch {
	case !c.linearBefore:
		reset := c.say("r.h", &Mul{}, gates[1], h)
		candidate = c.sum("n", x, reset, n)
	case h == nil:
		bias := c.biasOf([]int{n}, false, true)
		reset := c.say("n.reset", &Mul{}, gates[1], c.perChannel("n.h.bias", bias.Floats))
		candidate = c.say("n.sum", &Add{}, c.linear("n.x", x, c.w, []int{n}, c.biasOf([]int{n}, true, false)), reset)
	default:
		inner := c.linear("n.h", h, c.rec, []int{n}, c.biasOf([]int{n}, false, true))
		reset := c.say("n.reset", &Mul{}, gates[1], inner)
		candidate = c.say("n.sum", &Add{}, c.linear("n.x", x, c.w, []int{n}, c.biasOf([]int{n}, true, false)), reset)
	}
	return []*Value{c.blend(gates[0], c.gate("n", 1, candidate), h)}
}

// blend is (1-z)*n + z*h.
func (c *recurrence) blend(z, n, h *Value) *Value {
	fresh := c.say("fresh", &Mul{}, c.say("z.not", &Sub{}, c.s.number(1), z), n)
	return c.plus("h.next", fresh, c.product("kept", z, h))
}

// stepLSTM computes, for gates i, o, f and g and without peepholes,
//
//	i, o, f = f(x*W + h*R + bias)
//	g       = g(x*W + h*R + bias)
//	c'      = f*c + i*g
//	h'      = o*h(c')
//
// With peepholes c (c' for o) times a constant is added before the activation. Coupled gates have f = 1-i.
func stepLSTM(c *recurrence, x *Value, states []*Value) []*Value {
	h, memory := states[0], states[1]
	const i, o, f, g = 0, 1, 2, 3
	var in, out, forget *Value
	switch {
	case c.peeps != nil:
		in = c.peeped("i", x, h, memory, i, 0)
		if !c.coupled {
			forget = c.peeped("f", x, h, memory, f, 2)
		}
	case c.coupled:
		gates := c.split(c.gate("io", 0, c.sum("io", x, h, i, o)), "i", "o")
		in, out = gates[0], gates[1]
	default:
		gates := c.split(c.gate("iof", 0, c.sum("iof", x, h, i, o, f)), "i", "o", "f")
		in, out, forget = gates[0], gates[1], gates[2]
	}
	if forget == nil && memory != nil {
		forget = c.say("f", &Sub{}, c.s.number(1), in)
	}
	fresh := c.say("fresh", &Mul{}, in, c.gate("g", 1, c.sum("g", x, h, g)))
	next := c.plus("c.next", c.product("kept", forget, memory), fresh)
	if out == nil {
		out = c.peeped("o", x, h, next, o, 1)
	}
	return []*Value{c.say("h.next", &Mul{}, out, c.activate("c.act", 2, next)), next}
}

// peeped is a gate that sees the memory, by row peep of P.
func (c *recurrence) peeped(name string, x, h, memory *Value, gate, peep int) *Value {
	sum := c.sum(name, x, h, gate)
	if memory != nil {
		from := (c.direction*3 + peep) * c.hidden
		p := c.perChannel(name+".peep", c.peeps.Floats[from:from+c.hidden])
		sum = c.say(name+".peeped", &Add{}, sum, c.say(name+".c", &Mul{}, memory, p))
	}
	return c.gate(name, 0, sum)
}
