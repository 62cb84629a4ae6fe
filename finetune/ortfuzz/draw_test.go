package ortfuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// maxElems bounds the elements of a drawn tensor.
const maxElems = 3000

// drawer draws one network: node after node, each from values that are there.
type drawer struct {
	*rand.Rand
	n      *network
	values []*value
	names  int
	smooth bool // no operator with jumps, whose integer form has no bound
}

// family draws one or more nodes that read v; it does nothing where v does not fit.
type family func(d *drawer, v *value)

// draw makes a network whose nodes come from all families.
func draw(rng *rand.Rand, smooth bool) *network {
	d := &drawer{Rand: rng, smooth: smooth, n: &network{opset: 7 + rng.IntN(17), ir: 8, dims: map[string]int{}, exact: true}}
	if d.n.opset < 9 && d.chance(4) {
		d.n.ir = 3 // whose initializers are inputs as well
	}
	if !d.chance(4) {
		d.n.batch = 1 + d.IntN(4)
	}
	inputs := 1
	if !smooth && d.chance(5) {
		inputs += 1 + d.IntN(2)
	}
	for range inputs {
		d.input()
	}
	want := 1 + d.IntN(7)
	for tries := 0; len(d.n.nodes) < want && tries < 100; tries++ {
		d.try(families[d.IntN(len(families))])
	}
	d.outputs()
	d.decorate()
	d.n.values = d.values
	return d.n
}

// tooLarge ends a family that would make a tensor of too many elements.
type tooLarge struct{}

// try draws from a family, and takes back what it drew where that grows too large.
func (d *drawer) try(f family) {
	nodes, values, constants := len(d.n.nodes), len(d.values), len(d.n.constants)
	defer func() {
		switch r := recover().(type) {
		case nil:
		case tooLarge:
			d.n.nodes, d.values, d.n.constants = d.n.nodes[:nodes], d.values[:values], d.n.constants[:constants]
		default:
			panic(r)
		}
	}()
	f(d, d.pick())
}

// chance is true once in n times.
func (d *drawer) chance(n int) bool { return d.IntN(n) == 0 }

// of draws one of some choices.
func of[T any](d *drawer, choices ...T) T { return choices[d.IntN(len(choices))] }

func (d *drawer) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// pick is a value of floating-point numbers, rather a late one.
func (d *drawer) pick() *value {
	for {
		i := len(d.values) - 1 - d.IntN(min(len(d.values), 1+d.IntN(4)+d.IntN(2)*len(d.values)))
		if d.values[i].kind == float32s {
			return d.values[i]
		}
	}
}

func (d *drawer) name(prefix string) string {
	d.names++
	return fmt.Sprint(prefix, d.names)
}

func (d *drawer) input() {
	v := &value{name: d.name("x"), kind: float32s, exact: true, smooth: true}
	rank := of(d, 4, 4, 4, 3, 2, 1, 5)
	if d.n.batch > 0 {
		rank = max(rank, 2)
		v.batched = true
	}
	for i := range rank {
		n := d.between(1, 9)
		if i < rank-2 {
			n = d.between(1, 5)
		}
		if d.smooth && i >= rank-2 {
			n += 3
		}
		v.shape, v.symbols = append(v.shape, n), append(v.symbols, "")
	}
	for i := 0; size(v.shape) > maxElems/4; i++ {
		v.shape[rank-1-i] = 2
	}
	if v.batched {
		v.shape[0] = d.n.batch
		v.symbols[0] = of(d, "", "", "N", "?")
		for _, other := range d.n.inputs {
			v.symbols[0] = other.symbols[0]
		}
		if i := 1 + d.IntN(rank-1); d.chance(6) {
			v.symbols[i] = d.name("size")
			d.n.dims[v.symbols[i]] = v.shape[i]
		}
	}
	d.n.inputs, d.values = append(d.n.inputs, v), append(d.values, v)
}

// outputs makes the last value an output, and now and then others.
func (d *drawer) outputs() {
	var out []*value
	for range 1 + d.IntN(3) {
		v := d.values[d.IntN(len(d.values))]
		if len(out) == 0 {
			v = d.pick()
		}
		codes := v.kind == uint8s || v.kind == int8s // which stand for real numbers
		if !slices.Contains(out, v) && !slices.Contains(d.n.inputs, v) && !codes && !v.inner {
			out = append(out, v)
		}
	}
	for len(out) == 0 {
		d.try(func(d *drawer, v *value) { out = append(out, d.add("Relu", v.like(), []string{v.name})) })
	}
	d.n.outputs = out
}

// decorate writes constants and nodes in other ways that mean the same.
func (d *drawer) decorate() {
	asNodes := d.IntN(3)
	for _, c := range d.n.constants {
		c.node = asNodes == 1 || asNodes == 2 && d.chance(3)
	}
	if d.n.ir < 8 {
		return
	}
	functions := d.chance(6)
	for _, n := range d.n.nodes {
		branches := slices.ContainsFunc(n.attrs, func(a attr) bool { _, ok := a.value.(*network); return ok })
		n.wrapped = functions && d.chance(2) && !branches && !slices.ContainsFunc(n.in, func(s string) bool { return s == "" })
	}
}

// result is what a node makes of v: a value of another shape.
func (v *value) result(shape ...int) *value {
	return &value{kind: v.kind, shape: shape, batched: v.batched, exact: v.exact, smooth: v.smooth}
}

// like is a result of v's own shape.
func (v *value) like() *value { return v.result(slices.Clone(v.shape)...) }

// rounds says that the result is rounded.
func (v *value) rounds() *value {
	v.exact = false
	return v
}

// add appends a node with one result, which it returns.
func (d *drawer) add(op string, out *value, in []string, attrs ...attr) *value {
	out.name = d.name("v")
	if size(out.shape) > maxElems {
		panic(tooLarge{})
	}
	d.n.nodes = append(d.n.nodes, &node{op: op, in: in, out: []string{out.name}, attrs: attrs})
	d.values = append(d.values, out)
	return out
}

func size(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// floats is the name of a constant of a shape, rather one that is there.
func (d *drawer) floats(lo, hi float64, shape ...int) string {
	key := fmt.Sprint("w", lo, "_", hi, "_")
	if d.chance(3) {
		for _, c := range d.n.constants {
			if c.kind == float32s && slices.Equal(c.shape, shape) && len(c.name) > len(key) && c.name[:len(key)] == key {
				return c.name
			}
		}
	}
	c := &constant{name: d.name(key), kind: float32s, shape: slices.Clone(shape)}
	for range size(shape) {
		// Multiples of 1/16, so that sums of few are exact.
		c.values = append(c.values, float64(int((lo+(hi-lo)*d.Float64())*16))/16)
	}
	d.n.constants = append(d.n.constants, c)
	return c.name
}

// weights is a constant whose products with a vector of fan numbers stay small.
func (d *drawer) weights(fan int, shape ...int) string {
	c := &constant{name: d.name("weights"), kind: float32s, shape: slices.Clone(shape)}
	for range size(shape) {
		c.values = append(c.values, d.NormFloat64()/max(1, float64(fan))*2)
	}
	d.n.constants = append(d.n.constants, c)
	return c.name
}

// given is a constant of given values.
func (d *drawer) given(k kind, shape []int, values ...float64) string {
	c := &constant{name: d.name("c"), kind: k, shape: shape, values: values}
	d.n.constants = append(d.n.constants, c)
	return c.name
}

// ints is a list of integers.
func (d *drawer) ints(values ...int) string {
	c := &constant{name: d.name("i"), kind: int64s, shape: []int{len(values)}}
	for _, v := range values {
		c.values = append(c.values, float64(v))
	}
	d.n.constants = append(d.n.constants, c)
	return c.name
}

// first is the first dimension that nodes may change: 1 in a network with a batch.
func (v *value) first() int {
	if v.batched {
		return 1
	}
	return 0
}

// axis draws a dimension that nodes may change; ok is false where there is none.
func (d *drawer) axis(v *value) (axis int, ok bool) {
	if len(v.shape) <= v.first() {
		return 0, false
	}
	return d.between(v.first(), len(v.shape)-1), true
}

// signed writes an axis from the other end now and then, which every opset since least allows.
func (d *drawer) signed(axis, rank, least int) int {
	if d.n.opset >= least && d.chance(2) {
		return axis - rank
	}
	return axis
}

// subset draws some of the dimensions that nodes may change, at least one.
func (d *drawer) subset(v *value) []int {
	for {
		var axes []int
		for i := v.first(); i < len(v.shape); i++ {
			if d.chance(2) {
				axes = append(axes, i)
			}
		}
		if len(axes) > 0 || len(v.shape) <= v.first() {
			return axes
		}
	}
}

// optional leaves an attribute out now and then; the default must be the same.
func (d *drawer) optional(attrs []attr, name string, v, def any) []attr {
	if fmt.Sprint(v) == fmt.Sprint(def) && d.chance(2) {
		return attrs
	}
	return append(attrs, attr{name, v})
}
