package finetune

import (
	"fmt"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// operation is the loop as an operation of tape t, with the gradients of all that it reads, as far as they are wanted.
func (r *recurrence) operation(t *tape) *operation {
	op := &operation{name: "Loop", elems: r.size, inner: r.inner.tape}
	op.forward = func(out []float32, in [][]float32) {
		r.iterate(out, in)
		r.again = func() { r.iterate(out, in) }
	}
	r.inner.allocate()
	if r.inner.needs != nil {
		r.layGradients()
		for _, g := range r.grads() {
			op.adjoints = append(op.adjoints, r.adjoint(t, g))
		}
	}
	return op
}

// grads are the gradients of what the operation reads, in its order.
func (r *recurrence) grads() []*gradient {
	var all []*gradient
	for _, x := range r.takes {
		all = append(all, &x.grad)
	}
	for _, s := range r.states {
		all = append(all, &s.grad)
	}
	for _, c := range r.captures {
		all = append(all, &c.grad)
	}
	return all
}

// layGradients puts the gradients of an iteration on the body's tape, given those of what it hands out.
func (r *recurrence) layGradients() {
	r.seeds = map[*G.Node][]float32{}
	var results, seeds []*G.Node
	seed := func(n *G.Node) {
		if r.seeds[n] == nil && r.inner.needs[n] {
			data := make([]float32, n.Shape()[0])
			r.seeds[n] = data
			results, seeds = append(results, n), append(seeds, r.inner.input("seed", data))
		}
	}
	for _, p := range r.puts {
		seed(p.node)
	}
	for _, s := range r.states {
		seed(s.next)
		s.saved, s.dnext = make([]float32, r.loop.Steps*len(s.data)), make([]float32, len(s.data))
	}
	var wanted []*G.Node
	for _, x := range r.takes {
		wanted = append(wanted, x.node)
	}
	for _, s := range r.states {
		wanted = append(wanted, s.node)
	}
	for _, c := range r.captures {
		wanted = append(wanted, c.node)
	}
	found := r.inner.backpropagate(results, seeds, wanted)
	sizes := make([]int, 0, len(found))
	for _, x := range r.takes {
		sizes = append(sizes, x.rows*x.width*x.steps)
	}
	for _, n := range wanted[len(r.takes):] {
		sizes = append(sizes, n.Shape()[0])
	}
	for i, g := range r.grads() {
		g.node, g.at = found[i], r.gradient
		r.gradient += sizes[i]
	}
	r.inner.allocate()
}

// adjoint hands out one of the gradients that one operation computes.
func (r *recurrence) adjoint(t *tape, g *gradient) adjoint {
	return func(in []*G.Node, _, dy *G.Node) *G.Node {
		if r.gradients == nil {
			r.gradients = t.apply("Loop.d", r.gradient, r.backward, nil, append([]*G.Node{dy}, in...)...)
		}
		n := 0
		for i, other := range r.grads() {
			if other == g {
				n = in[i].Shape()[0]
			}
		}
		return t.apply("Loop.dx", n, func(out []float32, in [][]float32) { copy(out, in[0][g.at:]) }, nil, r.gradients)
	}
}

// load makes the body read what there is of it outside.
func (r *recurrence) load(in [][]float32) {
	changed := !r.inner.bound
	for i, c := range r.captures {
		data := in[len(r.takes)+len(r.states)+i]
		if c.node.Value() == nil || len(data) > 0 && &floats(c.node.Value())[0] != &data[0] {
			if err := G.UnsafeLet(c.node, newVector(data)); err != nil {
				panic(fmt.Sprintf("BUG: finetune: loop %q: %v", r.loop.Name, err))
			}
			changed = true
		}
	}
	if changed {
		r.inner.bind()
	}
}

// iterate runs the loop.
func (r *recurrence) iterate(out []float32, in [][]float32) {
	r.load(in)
	for i, s := range r.states {
		copy(s.data, in[len(r.takes)+i])
	}
	for t := range r.loop.Steps {
		for i, x := range r.takes {
			x.take(x.data, in[i], t)
		}
		for _, s := range r.states {
			if s.saved != nil {
				copy(s.saved[t*len(s.data):], s.data)
			}
		}
		r.inner.runSteps(0, r.forward)
		for _, p := range r.puts {
			p.put(out[p.at:], floats(p.node.Value()), t)
		}
		for _, rec := range r.records {
			rec.put(rec.data, floats(rec.node.Value()), t)
		}
		for _, s := range r.states { // a state may be handed to another
			copy(s.after, floats(s.next.Value()))
		}
		for _, s := range r.states {
			copy(s.data, s.after)
		}
	}
	for _, s := range r.states {
		copy(out[s.at:], s.data)
	}
}

// backward goes through the iterations from the last to the first: it computes each again from what it began with, and then its gradients out, given in[0], those of
// the result. What the operation reads follows in in.
func (r *recurrence) backward(out []float32, in [][]float32) {
	dy, in := in[0], in[1:]
	r.load(in)
	clear(out)
	for _, s := range r.states {
		copy(s.dnext, dy[s.at:])
	}
	part := make([]float32, 0)
	for t := r.loop.Steps - 1; t >= 0; t-- {
		for i, x := range r.takes {
			x.take(x.data, in[i], t)
		}
		for _, s := range r.states {
			copy(s.data, s.saved[t*len(s.data):])
		}
		for _, data := range r.seeds {
			clear(data)
		}
		for _, p := range r.puts {
			if seed := r.seeds[p.node]; seed != nil {
				part = room(part, len(seed))
				p.take(part, dy[p.at:], t)
				kernel.Add(seed, part)
			}
		}
		for _, s := range r.states {
			if seed := r.seeds[s.next]; seed != nil {
				kernel.Add(seed, s.dnext)
			}
		}
		r.inner.runSteps(0, len(r.inner.steps))
		for _, x := range r.takes {
			if x.grad.node != nil {
				x.put(out[x.grad.at:], floats(x.grad.node.Value()), t)
			}
		}
		for _, s := range r.states {
			clear(s.dnext)
			if s.grad.node != nil {
				copy(s.dnext, floats(s.grad.node.Value()))
			}
		}
		for _, c := range r.captures {
			if c.grad.node != nil {
				d := floats(c.grad.node.Value())
				kernel.Add(out[c.grad.at:][:len(d)], d)
			}
		}
	}
	for _, s := range r.states {
		copy(out[s.grad.at:][:len(s.dnext)], s.dnext)
	}
}

// values are those that a value of the body takes in all iterations of the last run: of every sample, or of all together where it has no batch, those of the iterations in their order, one after the
// other. They are noted from the first time on that they are asked for.
func (r *recurrence) values(v *onnx.Value, batch int) []float32 {
	rec := r.records[v]
	if rec == nil {
		n := r.inner.nodes[v]
		rec = &record{node: n, sequence: r.each(v, n, batch)}
		rec.data = make([]float32, rec.rows*rec.width*rec.steps)
		r.records[v] = rec
		if r.again != nil {
			r.again()
		}
	}
	return rec.data
}
