package finetune

import (
	"fmt"

	"qconv/finetune/internal/kernel"

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
	// outer is the tape on which this one, the body of a loop, is an operation; nil for that of a network.
	outer *tape
	// captures are the nodes of outer that are read here, and seen are theirs on this tape.
	captures []*captured
	seen     map[*G.Node]*G.Node
	// bound says that the steps know what they read.
	bound bool
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

// innerTape is a tape for the body of a loop that is an operation of outer. Its gradients are laid by backpropagate.
func innerTape(outer *tape) *tape {
	t := plainTape()
	t.outer, t.seen = outer, map[*G.Node]*G.Node{}
	if !outer.plain {
		t.needs = map[*G.Node]bool{}
	}
	return t
}

// root is the tape of the network, which trained values lie on.
func (t *tape) root() *tape {
	for t.outer != nil {
		t = t.outer
	}
	return t
}

// capture is a node of the tape of the network as this tape reads it.
func (t *tape) capture(n *G.Node) *G.Node {
	if t.outer == nil {
		return n
	}
	if own := t.seen[n]; own != nil {
		return own
	}
	t.count++
	own := t.loose(G.NewVector(t.graph, tensor.Float32, G.WithShape(n.Shape()[0]), G.WithName(fmt.Sprintf("captured/%d", t.count))))
	if t.outer.needs[n] {
		t.needs[own] = true
	}
	t.seen[n] = own
	t.captures = append(t.captures, &captured{from: n, node: own})
	return own
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
		t.allocate()
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

// allocate gives the results of all steps that have none memory of their own.
func (t *tape) allocate() {
	for _, s := range t.steps {
		if s.op.out == nil {
			s.op.out = newVector(make([]float32, s.op.size()))
		}
	}
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
	t.bound = true
	for i := range t.steps {
		s := &t.steps[i]
		s.in = s.in[:0]
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
		t.runSteps(0, len(t.steps))
		return nil
	}
	err := t.machine.RunAll()
	t.machine.Reset()
	return err
}

// runSteps computes the nodes of some steps of a tape that has no machine.
func (t *tape) runSteps(from, to int) {
	for _, s := range t.steps[from:to] {
		if !s.op.alias {
			s.op.forward(s.op.out.Float32s(), s.in)
		}
	}
}

// backpropagate adds the gradients of the nodes wanted to a tape without a machine, given those of some results; nil for a node that no result depends on.
func (t *tape) backpropagate(results, given, wanted []*G.Node) []*G.Node {
	parts := map[*G.Node][]*G.Node{}
	for i, n := range results {
		parts[n] = append(parts[n], given[i])
	}
	whole := func(n *G.Node) *G.Node {
		list := parts[n]
		if len(list) > 1 {
			list = []*G.Node{t.apply("gradient", n.Shape()[0], func(out []float32, in [][]float32) {
				copy(out, in[0])
				for _, d := range in[1:] {
					kernel.Add(out, d)
				}
			}, nil, list...)}
			parts[n] = list
		}
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := t.steps[i]
		grad := whole(s.node)
		if grad == nil {
			continue
		}
		for k, adj := range s.op.adjoints {
			if adj != nil {
				n := s.op.nodes[k]
				parts[n] = append(parts[n], adj(s.op.nodes, s.node, grad))
			}
		}
	}
	found := make([]*G.Node, len(wanted))
	for i, n := range wanted {
		found[i] = whole(n)
	}
	return found
}

// buffers are the different pieces of memory that the results of all steps lie in.
func (t *tape) buffers() [][]float32 {
	var all [][]float32
	seen := map[*float32]bool{}
	for _, s := range t.steps {
		if s.op.inner != nil {
			all = append(all, s.op.inner.buffers()...)
		}
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
