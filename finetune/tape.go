package finetune

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// tape is a list of our operations, which it runs. Where gradients are wanted they lie on a Gorgonia graph too; to
// build one takes a time that grows with the square of its nodes.
type tape struct {
	graph *G.ExprGraph
	// plain says that no gradients are wanted. The graph then stays empty.
	plain bool
	salt  int
	count int
	// needs marks the nodes that a trained value flows into.
	needs map[*G.Node]bool
	// steps are the operations in the order they were added, each behind its inputs.
	steps []step
	// machine runs a graph with gradients, some of whose nodes are Gorgonia's own; nil for others.
	machine        G.VM
	differentiated bool
}

// step is an operation and its node.
type step struct {
	op   *operation
	node *G.Node
	in   [][]float32
}

// newTape is a tape for gradients.
func newTape(salt int) *tape {
	return &tape{graph: G.NewGraph(), salt: salt, needs: map[*G.Node]bool{}}
}

// plainTape is a tape without gradients.
func plainTape() *tape {
	t := newTape(0)
	t.plain = true
	return t
}

// input adds a node whose value is data, whatever it holds when the tape runs.
func (t *tape) input(name string, data []float32) *G.Node {
	t.count++
	return t.loose(G.NewVector(t.graph, tensor.Float32, G.WithShape(len(data)),
		G.WithName(fmt.Sprintf("%s/%d/%d", name, t.count, t.salt)), G.WithValue(newVector(data))))
}

// loose takes a node, which Gorgonia can make in a graph only, out of it again where no gradients are wanted.
func (t *tape) loose(n *G.Node) *G.Node {
	if t.plain {
		t.graph.RemoveNode(n)
	}
	return n
}

// trained adds an input that gradients are wanted for.
func (t *tape) trained(name string, data []float32) *G.Node {
	n := t.input(name, data)
	t.needs[n] = true
	return n
}

// apply adds an operation with a result of size elements. There is one adjoint for each
// input, or nil for a function without derivative; those that no trained value flows
// into are dropped, so that nothing is computed in vain.
func (t *tape) apply(name string, size int, forward func(out []float32, in [][]float32), adjoints []adjoint, in ...*G.Node) *G.Node {
	return t.add(&operation{name: name, elems: size, forward: forward, adjoints: adjoints}, in)
}

// alias adds a second name for a value, without a copy.
func (t *tape) alias(name string, in *G.Node) *G.Node {
	pass := func(_ []*G.Node, _, grad *G.Node) *G.Node { return grad }
	return t.add(&operation{name: name, alias: true, adjoints: []adjoint{pass}}, []*G.Node{in})
}

func (t *tape) add(op *operation, in []*G.Node) *G.Node {
	t.count++
	op.id, op.salt, op.nodes = t.count, t.salt, in
	needs := false
	for i, n := range in {
		op.in = append(op.in, n.Shape()[0])
		switch {
		case op.adjoints == nil:
		case !t.needs[n]:
			op.adjoints[i] = nil
		case op.adjoints[i] != nil:
			needs = true
		}
	}
	n := t.node(op, in)
	if needs {
		t.needs[n] = true
	}
	t.steps = append(t.steps, step{op: op, node: n})
	return n
}

// node makes the node of an operation.
func (t *tape) node(op *operation, in []*G.Node) *G.Node {
	if t.plain {
		return t.loose(G.NewUniqueNode(G.WithType(vectorType()), G.WithOp(op), G.WithShape(op.size()), G.In(t.graph)))
	}
	n, err := G.ApplyOp(op, in...)
	if err != nil {
		panic(fmt.Sprintf("BUG: finetune: %s: %v", op.name, err))
	}
	return n
}

// gradients adds the nodes of d(loss)/d(wrt) for every element of wrt. The loss has one element.
func (t *tape) gradients(loss *G.Node, wrt []*G.Node) ([]*G.Node, error) {
	t.differentiated = true
	one := t.input("one", []float32{1})
	grads, err := G.Backpropagate(G.Nodes{loss}, G.Nodes{one}, wrt)
	if err != nil {
		return nil, fmt.Errorf("finetune: differentiation: %w", err)
	}
	return grads, nil
}

// compile makes the graph ready to run. It reports false when two nodes have the same
// hash, which Gorgonia would take for the same value: the graph must then be built again
// with another salt. Every value is kept until the next run or, where kept is not nil and there are no gradients,
// those of the nodes in kept; the others' memory is used again after their last reader.
func (t *tape) compile(kept []*G.Node) bool {
	seen := map[uint32]bool{}
	for _, n := range t.graph.AllNodes() {
		if seen[n.Hashcode()] {
			return false
		}
		seen[n.Hashcode()] = true
	}
	if t.differentiated || kept == nil {
		for _, s := range t.steps {
			s.op.out = newVector(make([]float32, s.op.size()))
		}
	} else {
		t.share(kept)
	}
	if t.differentiated {
		t.machine = G.NewTapeMachine(t.graph)
	} else {
		t.bind()
	}
	return true
}

// share gives the results of all steps memory that no other value needs at the time.
func (t *tape) share(kept []*G.Node) {
	made := make(map[*G.Node]int, len(t.steps)) // the step whose memory a node's value is in
	last := make([]int, len(t.steps))           // the last step that reads it
	use := func(n *G.Node, at int) {
		if i, ok := made[n]; ok {
			last[i] = max(last[i], at)
		}
	}
	for i, s := range t.steps {
		made[s.node], last[i] = i, i
		if s.op.alias {
			delete(made, s.node)
			if from, ok := made[s.op.nodes[0]]; ok {
				made[s.node] = from
			}
		}
		for _, n := range s.op.nodes {
			use(n, i)
		}
	}
	for _, n := range kept {
		use(n, len(t.steps))
	}
	free := map[int][][]float32{} // by size
	dying := make([][]int, len(t.steps)+1)
	for i := range t.steps {
		dying[last[i]] = append(dying[last[i]], i)
	}
	for i, s := range t.steps {
		if !s.op.alias {
			size := s.op.size()
			var data []float32
			if list := free[size]; len(list) > 0 {
				data, free[size] = list[len(list)-1], list[:len(list)-1]
			} else {
				data = make([]float32, size)
			}
			s.op.out = newVector(data)
		}
		for _, k := range dying[i] {
			if op := t.steps[k].op; !op.alias {
				free[op.size()] = append(free[op.size()], op.out.Float32s())
			}
		}
	}
}

// bind gives the nodes of all steps their values, which are the same in every run.
func (t *tape) bind() {
	for i := range t.steps {
		s := &t.steps[i]
		out := G.Value(s.op.out)
		if s.op.alias {
			out = s.op.nodes[0].Value()
		}
		if err := G.UnsafeLet(s.node, out); err != nil {
			panic(fmt.Sprintf("BUG: finetune: %s: %v", s.op.name, err))
		}
		for _, n := range s.op.nodes {
			s.in = append(s.in, floats(n.Value()))
		}
	}
}

// run computes every node. Results are in the nodes' values until the next run.
func (t *tape) run() error {
	if t.machine == nil {
		for _, s := range t.steps {
			if !s.op.alias {
				s.op.forward(s.op.out.Float32s(), s.in)
			}
		}
		return nil
	}
	err := t.machine.RunAll()
	t.machine.Reset()
	return err
}

// buffers are the different pieces of memory that the results of all steps lie in.
func (t *tape) buffers() [][]float32 {
	var all [][]float32
	seen := map[*float32]bool{}
	for _, s := range t.steps {
		if s.op.alias || s.op.size() == 0 {
			continue
		}
		if data := s.op.out.Float32s(); !seen[&data[0]] {
			seen[&data[0]] = true
			all = append(all, data)
		}
	}
	return all
}
