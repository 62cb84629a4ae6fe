package quant

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"qconv/onnx"
)

// rewriting is a graph on its way from no gains to those of a [Balancing].
type rewriting struct {
	*Balancing
	nodes []*onnx.Node
	names map[string]bool
	// gained is the value that stands for one of the graph's inputs or outputs with its gains; other
	// values are gained themselves.
	gained map[*onnx.Value]*onnx.Value
	plain  map[*onnx.Value]*onnx.Value // values without their gains
}

// rewrite applies the gains, and returns the names of all values that have some.
func (b *Balancing) rewrite() []string {
	r := &rewriting{Balancing: b, names: map[string]bool{}, gained: map[*onnx.Value]*onnx.Value{}, plain: map[*onnx.Value]*onnx.Value{}}
	for _, n := range b.graph.Nodes {
		r.names[n.Name] = true
		for _, v := range slices.Concat(n.Inputs, n.Outputs) {
			if v != nil {
				r.names[v.Name] = true
			}
		}
	}
	gains := map[string][]int{}
	for _, v := range b.graph.Inputs {
		if g := b.of(v); g != nil {
			r.gained[v] = r.like(v, "balanced")
			r.scale(v, g, 1, r.gained[v])
			gains[r.gained[v].Name] = g
		}
	}
	for _, v := range b.graph.Outputs {
		if g := b.of(v); g != nil && b.producers[v] != nil {
			r.gained[v] = r.like(v, "balanced")
			gains[r.gained[v].Name] = g
		}
	}
	for _, n := range b.graph.Nodes {
		outputs := slices.Clone(n.Outputs)
		r.node(n)
		for i, v := range outputs {
			g := b.of(v)
			if g == nil {
				continue
			}
			w := r.gained[v]
			if w == nil {
				gains[v.Name] = g
				continue
			}
			if n.Outputs[i] == v {
				n.Outputs[i] = w
			}
			r.scale(w, g, -1, v)
		}
	}
	b.graph.Nodes = r.nodes
	if err := b.graph.OrderLoops(); err != nil {
		panic(fmt.Sprintf("BUG: quant: balance: %v", err)) // there are no other dependencies than before
	}
	if b.model.Balance == nil {
		b.model.Balance = map[string][]int{}
	}
	for name, g := range gains {
		for c, before := range b.model.Balance[name] {
			g[c] += before
		}
		b.model.Balance[name] = g
	}
	b.model.Sites = analyze(b.graph).sites()
	return slices.Sorted(maps.Keys(gains))
}

// node adds a node of the graph, changed to what gains ask for.
func (r *rewriting) node(n *onnx.Node) {
	f := r.functionAt(n)
	if slices.Contains(r.linears, n) {
		r.fold(n)
	}
	out := n.Outputs[0]
	for i, v := range n.Inputs {
		switch {
		case v == nil || v.Const != nil || r.of(v) == nil && r.of(out) == nil:
		case f != nil && v == f.from:
			n.Inputs[i] = r.unscaled(v)
		case f != nil || r.inner[n]:
		default:
			n.Inputs[i] = r.part(n, i)
		}
	}
	r.nodes = append(r.nodes, n)
	if f != nil && f.last == n && r.of(out) != nil {
		after := out
		if w := r.gained[out]; w != nil {
			after = w
		}
		n.Outputs[0] = r.like(out, "plain")
		r.scale(n.Outputs[0], r.of(out), 1, after)
	}
}

// functionAt is the function that a node computes, alone or as one of an island; nil for others.
func (r *rewriting) functionAt(n *onnx.Node) *functionNode {
	for i := range r.functions {
		f := &r.functions[i]
		if f.last == n || r.inner[n] && slices.Contains(n.Inputs, f.from) {
			return f
		}
	}
	return nil
}

// part is operand i of a node, scaled where its gains are not those of the channels of the result that it
// becomes.
func (r *rewriting) part(n *onnx.Node, i int) *onnx.Value {
	v := n.Inputs[i]
	w := v
	if r.gained[v] != nil {
		w = r.gained[v]
	}
	offset := 0
	switch op := n.Op.(type) {
	case *onnx.Concat:
		if op.Axis == channelAxis(n.Outputs[0].Shape) {
			for _, before := range n.Inputs[:i] {
				offset += Channels(before)
			}
		}
	case *onnx.Add, *onnx.Sub, *onnx.Sum, *onnx.Mean:
	default:
		return w
	}
	have, want := r.of(v), r.of(n.Outputs[0])
	difference := make([]int, Channels(v))
	for c := range difference {
		if want != nil {
			difference[c] = want[offset+c]
		}
		if have != nil {
			difference[c] -= have[c]
		}
	}
	if !slices.ContainsFunc(difference, func(g int) bool { return g != 0 }) {
		return w
	}
	out := r.like(v, "part")
	r.scale(w, difference, 1, out)
	return out
}

// unscaled is a value without its gains.
func (r *rewriting) unscaled(v *onnx.Value) *onnx.Value {
	g := r.of(v)
	if g == nil {
		return v
	}
	if w := r.plain[v]; w != nil {
		return w
	}
	from := v
	if r.gained[v] != nil {
		from = r.gained[v]
	}
	w := r.like(v, "plain")
	r.plain[v] = w
	r.scale(from, g, -1, w)
	return w
}

// fold changes the weights and the bias of a linear node.
func (r *rewriting) fold(n *onnx.Node) {
	in, out := r.of(n.Inputs[0]), r.of(n.Outputs[0])
	if in == nil {
		in = make([]int, Channels(n.Inputs[0]))
	}
	if out == nil {
		out = make([]int, Channels(n.Outputs[0]))
	}
	w := *n.Inputs[1].Const
	w.Floats = slices.Clone(w.Floats)
	eachWeight(n, func(i, o, c int) { w.Floats[i] = float32(math.Ldexp(float64(w.Floats[i]), out[o]-in[c])) })
	n.Inputs[1].Const = &w
	if len(n.Inputs) > 2 && n.Inputs[2] != nil {
		bias := *n.Inputs[2].Const
		bias.Floats = slices.Clone(bias.Floats)
		for o := range bias.Floats {
			bias.Floats[o] = float32(math.Ldexp(float64(bias.Floats[o]), out[o]))
		}
		n.Inputs[2].Const = &bias
	}
}

// scale adds a scaling by 2^(sign*gains).
func (r *rewriting) scale(from *onnx.Value, gains []int, sign int, to *onnx.Value) {
	shape := make(onnx.Shape, len(from.Shape)-channelAxis(from.Shape))
	for i := range shape {
		shape[i] = 1
	}
	shape[0] = len(gains)
	factors := make([]float32, len(gains))
	for c, g := range gains {
		factors[c] = float32(math.Ldexp(1, sign*g))
	}
	factor := &onnx.Value{Name: r.name(to.Name, "factor"), Shape: shape, Type: onnx.Float,
		Const: &onnx.Tensor{Type: onnx.Float, Shape: slices.Clone(shape), Floats: factors}}
	r.nodes = append(r.nodes, &onnx.Node{Name: r.name(to.Name, "scale"), Op: &onnx.Mul{}, Inputs: []*onnx.Value{from, factor}, Outputs: []*onnx.Value{to}})
}

// like is a new value of the shape of v.
func (r *rewriting) like(v *onnx.Value, what string) *onnx.Value {
	return &onnx.Value{Name: r.name(v.Name, what), Shape: slices.Clone(v.Shape), Type: v.Type}
}

// name makes a name that nothing has yet.
func (r *rewriting) name(of, what string) string {
	name := of + "/" + what
	for i := 2; r.names[name]; i++ {
		name = fmt.Sprintf("%s/%s%d", of, what, i)
	}
	r.names[name] = true
	return name
}
