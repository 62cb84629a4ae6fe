package onnx

import (
	"fmt"
	"maps"
	"slices"

	"qconv/onnx/internal/pb"
)

// scanOpset is the first whose Scan is read: before, it had an axis of the batch of its own.
const scanOpset = 9

// reasonNested is said of a loop in a loop.
const reasonNested = "it is a loop in the body of another that runs too often to be read one iteration after the other; export the network with the inner loop unrolled"

// scanned is a Scan that is being read.
type scanned struct {
	p    *node
	r    *nodeReader
	body *pb.GraphProto
	loop *Loop
	// loops says that it becomes a loop, and not the nodes of its only step.
	loops bool
	// states is how many there are; inputs and results are the sequences that are taken and put.
	states, inputs, results             int
	inAxes, inReverse, axes, outReverse []int
}

// scan reads a Scan: its body becomes nodes of the graph, between operators of the loop.
func (d *decoder) scan(p *node, r *nodeReader, outputs []*Value) error {
	where := fmt.Sprintf("node %q (Scan)", p.name)
	s := &scanned{p: p, r: r}
	s.attributes()
	if r.err != nil {
		return &FormatError{Where: where, Err: r.err}
	}
	unknown := slices.ContainsFunc(r.in, func(v *Value) bool { return d.unknown[v] })
	if !unknown && len(r.refusals) == 0 {
		s.sequences()
	}
	if r.err != nil {
		return &FormatError{Where: where, Err: r.err}
	}
	if len(r.refusals) > 0 {
		d.refuseNode(p, joinReasons(r.refusals))
	}
	if unknown || len(r.refusals) > 0 {
		for _, v := range outputs {
			d.unknown[v] = true
		}
		return nil
	}
	for _, v := range outputs {
		delete(d.values, v.Name) // made again by what hands it out
	}
	before := len(d.unsupported)
	// Whether a constant state is one for all samples shows when the body is read.
	state, err := d.mark()
	if err != nil {
		return &FormatError{Where: where, Err: err}
	}
	if d.inLoop && s.loops {
		d.refuseNode(p, reasonNested)
	}
	for _, repeat := range []bool{true, false} {
		if len(d.unsupported) > before {
			break
		}
		fits, err := d.scanBody(s, repeat)
		if err != nil {
			return err
		}
		if fits {
			break
		}
		if repeat {
			d.reset(state)
		} else if len(d.unsupported) == before {
			d.refuseNode(p, "a state changes its shape in the body")
		}
	}
	if len(d.unsupported) > before && p.NodeProto != d.loopScan {
		if err := d.scanIterations(s, state, before); err != nil {
			return err
		}
	}
	if len(d.unsupported) > before {
		for _, v := range outputs {
			d.values[v.Name] = v
			d.unknown[v] = true
		}
	}
	return nil
}

// scanIterations reads the steps of a Scan that is refused as a loop one by one, if that helps.
func (d *decoder) scanIterations(s *scanned, m decoderMark, before int) error {
	l := &iterated{d: d, p: s.p, trips: int64(s.loop.Steps), initial: s.p.GetInput()[:s.states]}
	for i, v := range s.body.GetInput() {
		if i < s.states {
			l.states = append(l.states, v.GetName())
			continue
		}
		k := i - s.states
		l.steps = append(l.steps, step{name: v.GetName(), from: s.p.GetInput()[i], axis: s.inAxes[k], reverse: s.inReverse[k] == 1})
	}
	live, outs := liveBody(s.body)
	l.next, l.results = outs[:s.states], outs[s.states:]
	for i := range l.results {
		l.axes, l.reversed = append(l.axes, s.axes[i]), append(l.reversed, s.outReverse[i] == 1)
	}
	return l.again(m, before, func() error { return l.open(s.body, live) })
}

// decoderMark is how much of a file has been read.
type decoderMark struct {
	nodes, warnings, given int
	values                 map[string]*Value
}

func (d *decoder) mark() (decoderMark, error) {
	if err := d.budget.do(len(d.values)); err != nil {
		return decoderMark{}, err
	}
	return decoderMark{nodes: len(d.graph.Nodes), warnings: len(d.graph.Warnings), given: len(d.given), values: maps.Clone(d.values)}, nil
}

// reset forgets what has been read since.
func (d *decoder) reset(m decoderMark) {
	for _, n := range d.graph.Nodes[m.nodes:] {
		delete(d.names, n.Name)
	}
	d.graph.Nodes, d.graph.Warnings = d.graph.Nodes[:m.nodes], d.graph.Warnings[:m.warnings]
	for _, name := range d.given[m.given:] {
		delete(d.used, name)
		delete(d.reserved, name)
	}
	d.given = d.given[:m.given]
	d.values = m.values
}

// attributes takes those of the node, and checks counts.
func (s *scanned) attributes() {
	r := s.r
	if r.opset < scanOpset {
		r.refusef("a Scan of opset %d; export the network for opset %d or newer", r.opset, scanOpset)
		return
	}
	a := r.attr("body", pb.AttributeProto_GRAPH)
	s.inputs = r.int("num_scan_inputs", 0)
	s.states = len(r.in) - s.inputs
	if a == nil || s.inputs < 1 || s.states < 0 {
		r.failf("%d inputs, %d of them sequences, and a body: want both, and at least one sequence", len(r.in), s.inputs)
		return
	}
	s.body = a.GetG()
	if len(s.body.GetInput()) != len(r.in) || len(s.body.GetOutput()) != r.results || r.results < s.states {
		r.failf("%d inputs and %d outputs with a body of %d and %d, want as many, and one for each of %d states",
			len(r.in), r.results, len(s.body.GetInput()), len(s.body.GetOutput()), s.states)
		return
	}
	s.results = r.results - s.states
	s.inAxes, s.inReverse = r.list("scan_input_axes", s.inputs, 0), r.list("scan_input_directions", s.inputs, 0)
	s.axes, s.outReverse = r.list("scan_output_axes", s.results, 0), r.list("scan_output_directions", s.results, 0)
	for _, direction := range slices.Concat(s.inReverse, s.outReverse) {
		if direction != 0 && direction != 1 {
			r.failf("direction %d, want 0 or 1", direction)
		}
	}
	for i, v := range r.in {
		if v == nil {
			r.failf("operand %d is missing", i)
		}
	}
	r.finish()
}

// sequences finds the number of steps.
func (s *scanned) sequences() {
	r := s.r
	steps := 0
	for i := range s.inputs {
		x := r.shapes[s.states+i]
		axis, ok := resolveAxis(s.inAxes[i], len(x))
		if !ok {
			r.failf("axis %d is outside sequence %d, %v", s.inAxes[i], i, x)
			return
		}
		s.inAxes[i] = axis
		switch n := x[axis]; {
		case n == Batch:
			r.refusef("dimension %d of sequence %d, %v, is the batch: the loop would run over samples", axis, i, x)
			return
		case steps != 0 && n != steps:
			r.failf("sequences of %d and %d steps, want as many of all", steps, n)
			return
		default:
			steps = n
		}
	}
	s.loop = &Loop{Name: s.p.name, Steps: steps}
	s.loops = steps > 1
	for i, v := range r.in[:s.states] {
		// A single step of a state that comes from outside and leaves again is one of many.
		s.loops = s.loops || !r.inLoop && v.Const == nil && s.p.GetOutput()[i] != ""
	}
}

// scanBody reads the body. With repeat a constant state whose dimension 0 is 1 is one for all samples. It says whether
// states keep their shapes.
func (d *decoder) scanBody(s *scanned, repeat bool) (fits bool, err error) {
	if err := checkNames(s.body); err != nil {
		return false, err
	}
	inner, results := liveBody(s.body)
	read := wanted(inner.GetNode(), results)
	names := map[string]string{}
	values := make([]*Value, len(s.r.in))
	states := make([]*LoopState, s.states)
	// Of constant sequences, those that only count steps among them, nothing is known of the batch.
	batched := !slices.ContainsFunc(s.r.in[s.states:], func(v *Value) bool { return v.Const == nil }) ||
		slices.ContainsFunc(s.r.shapes[s.states:], func(x Shape) bool { return x.batchAt() >= 0 })
	for i, x := range s.r.in {
		name := s.body.GetInput()[i].GetName()
		if name == "" || names[name] != "" {
			return false, formatErrorf(fmt.Sprintf("node %q (Scan)", s.p.name), "input %d of the body, %q, has no name of its own", i, name)
		}
		v := &Value{Name: d.newName(name)}
		names[name], values[i] = v.Name, v
		d.values[v.Name] = v
		var op Op
		switch {
		case i >= s.states && !read[name]: // it says how often the loop runs
			continue
		case i >= s.states && !s.loops:
			op = &Squeeze{Axes: []int{s.inAxes[i-s.states]}}
		case i >= s.states:
			op = &LoopTake{Loop: s.loop, Axis: s.inAxes[i-s.states], Reverse: s.inReverse[i-s.states] == 1}
		case s.loops:
			c := x.Const != nil && len(x.Shape) > 0 && x.Shape[0] == 1
			states[i] = &LoopState{Loop: s.loop, Batched: repeat && c && batched}
			op = states[i]
		default:
			d.values[v.Name], values[i] = x, x
			continue
		}
		if err := d.scanNode(s, op, x, v); err != nil {
			return false, err
		}
	}
	for name := range defined(inner) {
		if names[name] != "" {
			return false, formatErrorf(fmt.Sprintf("node %q (Scan)", s.p.name), "value %q of the body is there twice", name)
		}
	}
	if err := d.defineInner(inner, results, names, ""); err != nil {
		return false, err
	}
	renamed := &pb.GraphProto{}
	for _, n := range inner.GetNode() {
		renamed.Node = append(renamed.Node, d.renamed(n, names))
	}
	wasIn := d.inLoop
	d.inLoop = wasIn || s.loops
	err = d.innerNodes(s.p, renamed, "")
	d.inLoop = wasIn
	if err != nil {
		return false, err
	}
	outs := make([]*Value, len(results))
	for i, name := range results {
		v := d.places.resolve(d.values[renamedName(name, names)])
		if v == nil {
			return false, formatErrorf(fmt.Sprintf("node %q (Scan)", s.p.name), "output %d of the body, %q, is computed by no node", i, name)
		}
		if d.unknown[v] {
			return false, nil
		}
		if i < s.states && s.loops && (!v.Shape.Equal(values[i].Shape) || v.Type != values[i].Type) {
			return false, nil
		}
		outs[i] = v
	}
	for i, v := range outs {
		name := s.p.GetOutput()[i]
		if name == "" {
			name = d.unique(fmt.Sprintf("%s:%d", s.p.name, i))
		}
		out := &Value{Name: name}
		d.values[name] = out
		var op Op
		switch {
		case i < s.states && s.loops:
			op = &LoopNext{Loop: s.loop, State: states[i]}
		case i >= s.states:
			axis, ok := resolveAxis(s.axes[i-s.states], len(v.Shape)+1)
			if !ok {
				return false, formatErrorf(fmt.Sprintf("node %q (Scan)", s.p.name), "axis %d is outside result %d, steps of %v", s.axes[i-s.states], i-s.states, v.Shape)
			}
			op = &Unsqueeze{Axes: []int{axis}}
			if s.loops {
				op = &LoopPut{Loop: s.loop, Axis: axis, Reverse: s.outReverse[i-s.states] == 1}
			}
		default:
			d.values[name] = v
			continue
		}
		if err := d.scanNode(s, op, v, out); err != nil {
			return false, err
		}
	}
	return true, nil
}

// scanNode adds a node that hands a value into the body or out of it.
func (d *decoder) scanNode(s *scanned, op Op, x, out *Value) error {
	n := &Node{Name: d.freeNode(out.Name), Op: op, Inputs: []*Value{x}, Outputs: []*Value{out}}
	d.names[n.Name] = true
	err := d.add(n, nil)
	if r, ok := err.(*refusal); ok {
		d.refuseNode(s.p, r.reason)
		d.unknown[out] = true
		return nil
	}
	if err != nil {
		return n.wrap(err, d.graph.Opset)
	}
	return nil
}

// originOf follows copies to what has been copied, and shortens the way for others.
func originOf(copies map[string]string, name string) string {
	origin, left := name, len(copies)
	for copies[origin] != "" && left > 0 {
		origin = copies[origin]
		left--
	}
	for copies[name] != "" && copies[name] != origin {
		copies[name], name = origin, copies[name]
	}
	return origin
}

// identities maps the results of nodes that only copy a value to that.
func identities(g *pb.GraphProto) map[string]string {
	copies := map[string]string{}
	for _, n := range g.GetNode() {
		if n.GetOpType() == "Identity" && isDefault(n.GetDomain()) && len(n.GetInput()) == 1 && len(n.GetOutput()) == 1 {
			copies[n.GetOutput()[0]] = n.GetInput()[0]
		}
	}
	return copies
}
