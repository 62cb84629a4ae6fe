package finetune

import (
	"fmt"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// recurrence is a loop laid as one operation of a tape. Its body lies once, on a tape of its own that runs once for every iteration, so that memory is that of one
// iteration and of the sequences, and, where there are gradients, of the states at the beginning of every iteration.
type recurrence struct {
	loop  *onnx.Loop
	inner *builder // of the body
	// takes, states and captures are what the operation reads, in this order. captures are values from outside that all iterations read as they are, such as weights.
	takes    []*taken
	states   []*carried
	captures []*captured
	puts     []*put
	size     int // of the result: that of all puts, then what is left in the states
	forward  int // steps of the body's tape that compute it; those behind are gradients
	records  map[*onnx.Value]*record
	again    func() // runs the loop as it ran last; nil before the first run

	gradients *G.Node               // of all that the operation reads
	gradient  int                   // their size
	seeds     map[*G.Node][]float32 // gradients of what an iteration hands out, by node of the body
}

// sequence says where the values of an iteration lie in a tensor that holds those of all, along one dimension.
type sequence struct {
	rows, width, steps int // of all dimensions before the one of iterations, and behind it
	reverse            bool
}

// at is the position of the first value of an iteration, and how far apart rows are.
func (s sequence) at(t int) (from, stride int) {
	if s.reverse {
		t = s.steps - 1 - t
	}
	return t * s.width, s.steps * s.width
}

// take copies the values of an iteration from those of all.
func (s sequence) take(dst, all []float32, t int) {
	from, stride := s.at(t)
	for r := range s.rows {
		copy(dst[r*s.width:][:s.width], all[from+r*stride:])
	}
}

// put copies them there.
func (s sequence) put(all, src []float32, t int) {
	from, stride := s.at(t)
	for r := range s.rows {
		copy(all[from+r*stride:][:s.width], src[r*s.width:])
	}
}

// taken is a LoopTake.
type taken struct {
	sequence
	node *G.Node // of the body
	data []float32
	grad gradient
}

// carried is a LoopState with its LoopNext.
type carried struct {
	op    *onnx.LoopState
	value *onnx.Value
	from  *G.Node // what it begins with, outside
	node  *G.Node // of the body: what an iteration begins with
	data  []float32
	next  *G.Node // of the body: what it leaves
	after []float32
	grad  gradient
	at    int       // of what it leaves in the end, in the result
	saved []float32 // what every iteration began with
	dnext []float32 // the gradient of what the iteration leaves
}

// captured is a value from outside that iterations read as it is.
type captured struct {
	from, node *G.Node
	grad       gradient
}

// gradient is that of something that the operation reads.
type gradient struct {
	node *G.Node // of the body; nil where there is none
	at   int     // in the result of the operation that computes all of them
}

// put is a LoopPut.
type put struct {
	sequence
	node *G.Node // of the body
	at   int     // in the result
}

// record are the values that something in the body takes in all iterations: rows*steps*width of them, those of the iterations of a row one after the other.
type record struct {
	sequence
	node *G.Node
	data []float32
}

// layLoop lays a loop.
func (b *builder) layLoop(loop *onnx.Loop, body []*onnx.Node) error {
	r := &recurrence{loop: loop, records: map[*onnx.Value]*record{}}
	trained, err := b.readBy(body)
	if err != nil {
		return err
	}
	r.inner = newBuilder(innerTape(b.tape), b.batch, b.plan)
	r.inner.outer = b
	var ends []*onnx.Node
	var reads []*G.Node
	states := map[*onnx.LoopState]*carried{}
	for _, n := range body {
		switch op := n.Op.(type) {
		case *onnx.LoopTake:
			x := b.node(n.Inputs[0])
			t := &taken{sequence: b.sequenceOf(n.Inputs[0], op.Axis, op.Reverse, loop)}
			t.data = make([]float32, t.rows*t.width)
			t.node = r.inner.input(n.Name, t.data)
			if b.needs[x] {
				r.inner.needs[t.node] = true
			}
			r.takes, reads = append(r.takes, t), append(reads, x)
			r.inner.define(n.Outputs[0], t.node)
		case *onnx.LoopState:
			s := &carried{op: op, value: n.Outputs[0], from: b.node(n.Inputs[0]), data: make([]float32, size(b.shape(n.Outputs[0])))}
			s.after = make([]float32, len(s.data))
			if op.Batched {
				s.from = b.expand(s.from, b.shape(n.Inputs[0]), b.shape(n.Outputs[0]))
			}
			s.node = r.inner.input(n.Name, s.data)
			if trained {
				r.inner.needs[s.node] = true
			}
			r.states = append(r.states, s)
			states[op] = s
			r.inner.define(s.value, s.node)
		case *onnx.LoopPut, *onnx.LoopNext:
			ends = append(ends, n)
		default:
			if err := r.inner.layNode(n); err != nil {
				return err
			}
		}
	}
	var outputs []*onnx.Value // of puts
	for _, n := range ends {
		y, err := r.inner.in(n, 0)
		if err != nil {
			return fmt.Errorf("finetune: node %q: %s: %w", n.Name, n.Op.Type(), err)
		}
		switch op := n.Op.(type) {
		case *onnx.LoopPut:
			p := &put{sequence: b.sequenceOf(n.Outputs[0], op.Axis, op.Reverse, loop), node: y, at: r.size}
			r.puts, outputs = append(r.puts, p), append(outputs, n.Outputs[0])
			r.size += p.rows * p.width * p.steps
		case *onnx.LoopNext:
			s := states[op.State]
			if s == nil || s.next != nil || y.Shape()[0] != len(s.data) {
				return fmt.Errorf("finetune: node %q: LoopNext of loop %q hands on %d elements, want as many as a state of the same loop that no other hands to", n.Name, loop.Name, y.Shape()[0])
			}
			s.next = y
		}
	}
	var delivered []*onnx.Value // of the puts behind those of outputs
	for _, n := range body {
		for _, v := range n.Outputs {
			if y := r.inner.nodes[v]; y != nil && b.plan.delivers != nil && b.plan.delivers(v) {
				p := &put{sequence: r.each(v, y, b.batch), node: y, at: r.size}
				r.puts, delivered = append(r.puts, p), append(delivered, v)
				r.size += p.rows * p.width * p.steps
			}
		}
	}
	for _, s := range r.states {
		if s.next == nil {
			return fmt.Errorf("finetune: loop %q: state %q has no LoopNext", loop.Name, s.value.Name)
		}
		s.at = r.size
		r.size += len(s.data)
		if v := b.shared(s.value); v != nil && b.plan.round != nil {
			s.from = b.plan.round(b.tape, v, s.from)
		}
		reads = append(reads, s.from)
	}
	r.captures = r.inner.captures
	for _, c := range r.captures {
		reads = append(reads, c.from)
	}
	r.forward = len(r.inner.steps)
	whole := b.add(r.operation(b.tape), reads)
	for _, n := range body {
		for _, v := range n.Outputs {
			if r.inner.nodes[v] != nil {
				b.loops[v] = r
			}
		}
	}
	for i, v := range outputs {
		p := r.puts[i]
		b.define(v, b.cut(whole, p.at, p.rows*p.width*p.steps))
	}
	for i, v := range delivered {
		p := r.puts[len(outputs)+i]
		b.nodes[v] = b.cut(whole, p.at, p.rows*p.width*p.steps)
	}
	for _, n := range ends {
		if op, ok := n.Op.(*onnx.LoopNext); ok {
			s := states[op.State]
			b.define(n.Outputs[0], b.cut(whole, s.at, len(s.data)))
		}
	}
	return nil
}

// each says where iterations lie in all values of a node of the body: those of a sample one after the other.
func (r *recurrence) each(v *onnx.Value, y *G.Node, batch int) sequence {
	s := sequence{rows: 1, width: y.Shape()[0], steps: r.loop.Steps}
	if len(v.Shape) > 0 && v.Shape[0] == onnx.Batch {
		s.rows, s.width = batch, s.width/batch
	}
	return s
}

// readBy lays what the nodes of a body read from outside, and says whether gradients are wanted of any of it.
func (b *builder) readBy(body []*onnx.Node) (trained bool, err error) {
	inside := map[*onnx.Value]bool{}
	for _, n := range body {
		for _, v := range n.Outputs {
			inside[v] = true
		}
	}
	for _, n := range body {
		for _, v := range n.Inputs {
			if v == nil || inside[v] {
				continue
			}
			x := b.node(v)
			if x == nil {
				return false, fmt.Errorf("finetune: node %q: %s: input %q is not computed by an earlier node", n.Name, n.Op.Type(), v.Name)
			}
			trained = trained || b.needs[x]
		}
	}
	return trained, nil
}

// sequenceOf says where iterations lie in a value.
func (b *builder) sequenceOf(v *onnx.Value, axis int, reverse bool, loop *onnx.Loop) sequence {
	shape := b.shape(v)
	return sequence{rows: size(shape[:axis]), width: size(shape[axis+1:]), steps: loop.Steps, reverse: reverse}
}

// shared is the site whose levels a state of a loop has, nil for none or where it is one itself. What the loop begins with is rounded to these levels.
func (b *builder) shared(state *onnx.Value) *onnx.Value {
	if b.sharing == nil {
		b.sharing = quant.SharedLevels(b.graph)
	}
	return b.sharing[state]
}

// cut lays n elements of x from one on.
func (b *builder) cut(x *G.Node, at, n int) *G.Node {
	return b.apply("cut", n, func(out []float32, in [][]float32) { copy(out, in[0][at:]) }, []adjoint{
		func(in []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("cut.dx", in[0].Shape()[0], func(out []float32, in [][]float32) {
				clear(out)
				copy(out[at:], in[0])
			}, nil, dy)
		}}, x)
}
