package onnx

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// A Loop whose number of iterations is known when the model is read is read as a Scan where its iterations differ only by the step of sequences that
// they work on, and else as its iterations, one behind the other.

// maxUnrolled is how many nodes all loops of a file may be read as whose iterations are read one by one.
const maxUnrolled = 1 << 14

// iterated is a Loop that is being read.
type iterated struct {
	d    *decoder
	p    *node
	body *pb.GraphProto
	// trips is the most iterations that there are.
	trips int64
	// number and going are the inputs of the body that count iterations and that say that this one is run; a Scan has none. States are others.
	number, going string
	states        []string
	initial       []string // operands that states begin with
	steps         []step   // the inputs of the body of a Scan that are no states
	// still is what is the same in all iterations, and has been read; nodes are those that are not. Their values have the names of the whole graph where these are
	// in names.
	names map[string]string
	nodes []*pb.NodeProto
	// goes is the value of the body that says whether there is another iteration, "" for always; next are states for it, results what is
	// collected along axes, the last first where reversed.
	goes          string
	next, results []string
	axes          []int
	reversed      []bool
	// stacks are outputs that are lists of what the Scan puts one beside the other in the named value.
	stacks map[string]string
}

// step is the input of the body of a Scan that takes positions of an axis of a sequence, the last first in reverse.
type step struct {
	name, from string
	axis       int
	reverse    bool
}

// loop reads a Loop.
func (d *decoder) loop(p *node, r *nodeReader, outputs []*Value) error {
	unknown := func() {
		for _, v := range outputs {
			d.values[v.Name] = v
			d.unknown[v] = true
		}
	}
	if slices.ContainsFunc(r.in, func(v *Value) bool { return v != nil && d.unknown[v] }) {
		unknown()
		return nil
	}
	l := &iterated{d: d, p: p}
	before := len(d.unsupported)
	runs, err := l.begin(r)
	if err != nil {
		return err
	}
	if len(r.refusals) > 0 {
		d.refuseNode(p, joinReasons(r.refusals))
	}
	if len(d.unsupported) > before {
		unknown()
		return nil
	}
	for _, v := range outputs {
		delete(d.values, v.Name) // made again by what hands it out
	}
	if runs {
		err = l.read()
	} else {
		err = l.hand(l.initial, nil)
	}
	if err != nil {
		return err
	}
	if len(d.unsupported) > before {
		unknown()
	}
	return nil
}

// begin checks the node, and reads what is the same in all iterations. It says whether there is an iteration.
func (l *iterated) begin(r *nodeReader) (runs bool, err error) {
	a := r.attr("body", pb.AttributeProto_GRAPH)
	if r.finish(); r.err != nil {
		return false, &FormatError{Where: l.where(), Err: r.err}
	}
	if a == nil || len(r.in) < 2 {
		return false, formatErrorf(l.where(), "%d inputs, want a number of iterations, a condition and states; and a body", len(r.in))
	}
	g := a.GetG()
	states := len(r.in) - 2
	if len(g.GetInput()) != states+2 || len(g.GetOutput()) < states+1 || r.results > len(g.GetOutput())-1 {
		return false, formatErrorf(l.where(), "%d inputs and %d outputs with a body of %d and %d, want as many, and one more output of the body, its condition",
			len(r.in), r.results, len(g.GetInput()), len(g.GetOutput()))
	}
	l.trips, runs = math.MaxInt64, true
	for i, meaning := range []string{"the number of its iterations", "its condition"} {
		v := r.in[i]
		switch {
		case v == nil:
		case v.Const == nil:
			r.refusef("control flow: %s is computed when the network runs; fix sizes with --dim, or export the network with a constant", meaning)
		case len(v.Const.Ints) != 1 || (v.Type == Bool) != (i == 1):
			return false, formatErrorf(l.where(), "%s has type %v and shape %v, want one %s", meaning, v.Type, v.Shape, []string{"integer", "bool"}[i])
		case i == 0:
			l.trips = v.Const.Ints[0]
			runs = runs && l.trips > 0
		default:
			runs = runs && v.Const.Ints[0] != 0
		}
	}
	for i, name := range l.p.GetInput()[2:] {
		if name == "" {
			return false, formatErrorf(l.where(), "state %d is missing", i)
		}
		l.initial = append(l.initial, name)
	}
	if !runs && len(g.GetOutput()) > states+1 {
		r.refusef("it runs no iteration, and has results of none; end the network before them (--output), or give it sizes with which it runs")
	}
	if len(r.refusals) > 0 || !runs {
		return runs, nil
	}
	var inputs []string
	for _, v := range g.GetInput() {
		inputs = append(inputs, v.GetName())
	}
	l.number, l.going, l.states = inputs[0], inputs[1], inputs[2:]
	live, outs := liveBody(g)
	l.goes, l.next, l.results = outs[0], outs[1:1+states], outs[1+states:]
	l.axes, l.reversed = make([]int, len(l.results)), make([]bool, len(l.results))
	return true, l.open(g, live)
}

func (l *iterated) where() string { return fmt.Sprintf("node %q (%s)", l.p.name, l.p.GetOpType()) }

// open names what the body defines, and reads the part of it that is the same in all iterations; live is what its results depend on.
func (l *iterated) open(g, live *pb.GraphProto) error {
	if err := checkNames(g); err != nil {
		return err
	}
	l.body = g
	changes := map[string]bool{}
	for i, v := range g.GetInput() {
		name := v.GetName()
		if name == "" || changes[name] {
			return formatErrorf(l.where(), "input %d of the body, %q, has no name of its own", i, name)
		}
		changes[name] = true
	}
	inputs := maps.Clone(changes)
	sorted, err := sortNodes(live)
	if err != nil {
		return err
	}
	still := &pb.GraphProto{Initializer: live.Initializer, SparseInitializer: live.SparseInitializer}
	for _, n := range sorted {
		n.NodeProto.Name = proto.String(n.name)
		if !slices.ContainsFunc(n.reads, func(name string) bool { return changes[name] }) {
			still.Node = append(still.Node, n.NodeProto)
			continue
		}
		l.nodes = append(l.nodes, n.NodeProto)
		for _, name := range n.GetOutput() {
			changes[name] = name != ""
		}
	}
	for name := range defined(still) {
		if inputs[name] {
			return formatErrorf(l.where(), "value %q of the body is there twice", name)
		}
	}
	l.names = map[string]string{}
	prefix := l.p.name + "/"
	if err := l.d.defineInner(still, sortedKeys(wanted(l.nodes, l.outcomes())), l.names, prefix); err != nil {
		return err
	}
	same := &pb.GraphProto{}
	for _, n := range still.GetNode() {
		same.Node = append(same.Node, l.d.renamed(n, l.names))
	}
	return l.d.innerNodes(l.p, same, prefix)
}

// outcomes are the values of the body that leave an iteration.
func (l *iterated) outcomes() []string {
	return slices.Concat([]string{l.goes}, l.next, l.results)
}

// read reads the iterations.
func (l *iterated) read() error {
	scan := l.scan()
	if scan == nil {
		return l.unroll()
	}
	d := l.d
	state, err := d.mark()
	if err != nil {
		return &FormatError{Where: l.where(), Err: err}
	}
	before := len(d.unsupported)
	delete(d.names, l.p.name) // the Scan has it
	outer := d.loopScan
	for _, n := range scan.GetNode() {
		if n.GetOpType() == "Scan" {
			d.loopScan = n
		}
	}
	err = d.innerNodes(l.p, scan, "")
	if d.loopScan = outer; err != nil {
		return err
	}
	if len(d.unsupported) == before {
		for name, all := range l.stacks {
			d.values[name] = &Value{Name: name}
			d.stacked[d.values[name]] = stack{all: all}
		}
		return nil
	}
	return l.again(state, before, func() error { return nil })
}

// again reads the iterations one by one, behind what begin reads, after they have been refused as a loop, in the parts that are not supported from before on. Inner
// loops, states that change their shape and the like are no obstacle then; if others are, the reasons stay those of the loop.
func (l *iterated) again(m decoderMark, before int, begin func() error) error {
	d := l.d
	refused := slices.Clone(d.unsupported[before:])
	d.unsupported = d.unsupported[:before]
	d.reset(m)
	if err := begin(); err != nil {
		return err
	}
	if len(d.unsupported) == before {
		if err := l.unroll(); err != nil || len(d.unsupported) == before {
			return err
		}
	}
	d.unsupported = append(d.unsupported[:before], refused...)
	return nil
}

// unroll reads one iteration behind the other.
func (l *iterated) unroll() error {
	d := l.d
	states := slices.Clone(l.initial)
	results := make([][]string, len(l.results))
	before, read := len(d.unsupported), len(d.graph.Nodes)
	t, size := int64(0), max(1, countNodes(l.nodes))
	for going := true; going && t < l.trips; t++ {
		if d.unrolled += size; d.unrolled > maxUnrolled {
			d.refuseNode(l.p, fmt.Sprintf("it runs more than %d iterations of %d nodes: without end, or too many to be read one by one, as they must be that differ by more than the step of sequences; export it with fewer", t, size))
			return nil
		}
		prefix := fmt.Sprintf("%s/%d/", l.p.name, t)
		names, begin := map[string]string{}, &pb.GraphProto{}
		if l.number != "" {
			names[l.number] = d.constant(prefix+l.number, &Tensor{Type: Int, Shape: l.scalarShape(0), Ints: []int64{t}})
			names[l.going] = d.constant(prefix+l.going, &Tensor{Type: Bool, Shape: l.scalarShape(1), Ints: []int64{1}})
		}
		for _, s := range l.steps {
			at := t
			if s.reverse {
				at = l.trips - 1 - t
			}
			index := d.constant(prefix+s.name+":at", &Tensor{Type: Int, Shape: Shape{}, Ints: []int64{at}})
			names[s.name] = d.newName(prefix + s.name)
			begin.Node = append(begin.Node, nodeOf("Gather", names[s.name], []string{s.from, index}, integerAttr("axis", int64(s.axis))))
		}
		for i, name := range l.states {
			names[name] = states[i]
		}
		for name, to := range l.names {
			names[name] = to
		}
		if err := d.defineInner(&pb.GraphProto{Node: l.nodes}, l.outcomes(), names, prefix); err != nil {
			return err
		}
		renamed := begin
		for _, n := range l.nodes {
			renamed.Node = append(renamed.Node, d.renamed(n, names))
		}
		if err := d.innerNodes(l.p, renamed, prefix); err != nil {
			return err
		}
		if len(d.unsupported) > before {
			return nil
		}
		for i, name := range l.next {
			states[i] = renamedName(name, names)
		}
		for i, name := range l.results {
			results[i] = append(results[i], renamedName(name, names))
		}
		for _, name := range states {
			if d.values[name] == nil {
				return formatErrorf(l.where(), "output %q of the body is computed by no node", name)
			}
		}
		if l.goes == "" {
			continue
		}
		goes := d.places.resolve(d.values[renamedName(l.goes, names)])
		switch {
		case goes == nil:
			return formatErrorf(l.where(), "the condition of the body, %q, is computed by no node", l.goes)
		case goes.Const == nil || goes.Type != Bool || len(goes.Const.Ints) != 1:
			d.refuseNode(l.p, "control flow: whether it goes on is computed when the network runs; export the network with a number of iterations that is known")
			return nil
		}
		going = goes.Const.Ints[0] != 0
	}
	if n := len(d.graph.Nodes) - read; t > 1 && n > 0 {
		d.graph.Warnings = append(d.graph.Warnings, fmt.Sprintf("%s is read as its %d iterations, one behind the other: %d nodes", l.where(), t, n))
	}
	return l.hand(states, results)
}

// countNodes is how many nodes there are, with those of the graphs in them.
func countNodes(nodes []*pb.NodeProto) int {
	count := len(nodes)
	for _, n := range nodes {
		for _, g := range branches(n) {
			count += countNodes(g.GetNode())
		}
	}
	return count
}

// scalarShape is the shape of an input of the body that is one number: none or one dimension, as the file says.
func (l *iterated) scalarShape(input int) Shape {
	return Shape{1}[:min(1, len(l.body.GetInput()[input].GetType().GetTensorType().GetShape().GetDim()))]
}

// hand makes values the outputs of the Loop: the last states, and the values that are collected, one beside the other in a new dimension.
func (l *iterated) hand(states []string, results [][]string) error {
	g := &pb.GraphProto{}
	for i, out := range l.p.GetOutput() {
		switch {
		case out == "":
		case i < len(states) && !l.d.outputs[out]:
			l.d.values[out] = l.d.values[states[i]]
			if c := l.d.codes[states[i]]; c != nil {
				l.d.codes[out] = c
			}
		case i < len(states):
			g.Node = append(g.Node, nodeOf("Identity", out, []string{states[i]}))
		default:
			k := i - len(states)
			axis, parts := int64(l.axes[k]), []string(nil)
			for _, name := range results[k] {
				part := l.d.newName(out + ".part")
				parts = append(parts, part)
				g.Node = append(g.Node, l.d.axisNode(l.p, "Unsqueeze", name, part, axis))
			}
			if l.reversed[k] {
				slices.Reverse(parts)
			}
			g.Node = append(g.Node, nodeOf("Concat", out, parts, integerAttr("axis", axis)))
		}
	}
	return l.d.innerNodes(l.p, g, l.p.name+"/")
}

// liveBody is a body without its inputs, with the nodes that lead to its outputs, and the values that these are. Results that are copies of other values of the body
// stand for those.
func liveBody(body *pb.GraphProto) (*pb.GraphProto, []string) {
	copies := identities(body)
	g := &pb.GraphProto{Initializer: body.GetInitializer(), SparseInitializer: body.GetSparseInitializer()}
	var results []string
	for _, v := range body.GetOutput() {
		results = append(results, originOf(copies, v.GetName()))
	}
	from := map[string]*pb.NodeProto{}
	for _, n := range body.GetNode() {
		for _, name := range n.GetOutput() {
			from[name] = n
		}
	}
	live := map[*pb.NodeProto]bool{}
	todo := slices.Clone(results)
	for len(todo) > 0 {
		n := from[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		if n != nil && !live[n] {
			live[n] = true
			todo = append(todo, reads(n)...)
		}
	}
	for _, n := range body.GetNode() {
		if live[n] {
			g.Node = append(g.Node, n)
		}
	}
	return g, results
}
