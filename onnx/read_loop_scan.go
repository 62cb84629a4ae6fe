package onnx

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// maxSteps bounds the iterations of a Loop that is read as a Scan.
const maxSteps = 1 << 20

// line is an integer that changes from iteration to iteration: times*t + plus in iteration t, a number or, with list, a list of one.
type line struct {
	times, plus int64
	list        bool
}

// taken is a step of a sequence that is read where its position is a line.
type taken struct {
	from string // the sequence, a value outside of the body
	axis int64
	at   line
	step string // the value of the body
	// keeps says that the step has the axis, 1 long.
	keeps bool
}

// asScan finds how the iterations of a Loop differ.
type asScan struct {
	l     *iterated
	trips int64
	lines map[string]line
	// truths are conditions on lines, by iteration.
	truths map[string]func(t int64) bool
	taken  []taken
	nodes  []*pb.NodeProto // what is left of the body
	// counts are states that are lines, collects those that are lists which the iterations append one value to.
	counts   map[int]bool
	collects map[int]string
}

// scan returns nodes with a Scan that computes what the Loop does, nil where there is none: its condition is always true or compares what counts, and the number of the
// iteration and states that count only pick the steps of sequences.
func (l *iterated) scan() *pb.GraphProto {
	s := &asScan{l: l, trips: l.trips, lines: map[string]line{l.number: {times: 1, list: len(l.scalarShape(0)) > 0}}, counts: map[int]bool{}, collects: map[int]string{}}
	if slices.Contains(l.results, l.number) {
		return nil
	}
	s.countStates()
	s.follow()
	if !s.ends() || !s.collectStates() {
		return nil
	}
	for _, n := range s.nodes {
		for _, name := range reads(n) {
			if s.isLine(name) || s.truths[name] != nil || name == l.going {
				return nil
			}
		}
	}
	if slices.ContainsFunc(slices.Concat(l.next, l.results), func(name string) bool {
		return s.isLine(name) && !s.counted(name) || s.truths[name] != nil
	}) {
		return nil
	}
	return s.write()
}

// ends finds the number of iterations. It says whether there is one that is not too large.
func (s *asScan) ends() bool {
	goes := s.truths[s.l.goes]
	switch {
	case s.l.goes == s.l.going || s.always(s.l.goes):
	case goes == nil:
		return false
	default:
		t := int64(0)
		for t < min(s.trips-1, maxSteps) && goes(t) {
			t++
		}
		s.trips = t + 1
	}
	return s.trips <= maxSteps
}

func (s *asScan) isLine(name string) bool { _, ok := s.lines[name]; return ok }

// counted says whether a value is what a state that counts is in the next iteration, and no result.
func (s *asScan) counted(name string) bool {
	for i, next := range s.l.next {
		if next == name && !s.counts[i] {
			return false
		}
	}
	return !slices.Contains(s.l.results, name)
}

// outside is a value that is the same in all iterations, nil for others.
func (s *asScan) outside(name string) *Value {
	if name == "" || name == s.l.number || name == s.l.going || slices.Contains(s.l.states, name) {
		return nil
	}
	for _, n := range s.l.nodes {
		if slices.Contains(n.GetOutput(), name) {
			return nil
		}
	}
	return s.l.d.places.resolve(s.l.d.values[renamedName(name, s.l.names)])
}

// always says whether a value is the constant true.
func (s *asScan) always(name string) bool {
	v := s.outside(name)
	return v != nil && v.Const != nil && v.Type == Bool && len(v.Const.Ints) == 1 && v.Const.Ints[0] != 0
}

// integer is a constant that is one integer.
func (s *asScan) integer(name string) (x int64, list, ok bool) {
	v := s.outside(name)
	if v == nil || v.Const == nil || v.Type != Int || len(v.Const.Ints) != 1 || len(v.Shape) > 1 {
		return 0, false, false
	}
	return v.Const.Ints[0], len(v.Shape) > 0, true
}

// countStates finds the states that go up or down by the same in each iteration.
func (s *asScan) countStates() {
	for i, name := range s.l.states {
		first, list, ok := s.integer(s.l.initial[i])
		if !ok {
			continue
		}
		// As if it were the number of the iteration, the next is that plus something.
		alone := &asScan{l: s.l, trips: s.trips, lines: map[string]line{name: {times: 1, list: list}}}
		alone.follow()
		next, ok := alone.lines[s.l.next[i]]
		if ok && next.times == 1 && next.list == list {
			s.lines[name], s.counts[i] = line{times: next.plus, plus: first, list: list}, true
		}
	}
}

// follow computes with lines, and finds the steps that they pick.
func (s *asScan) follow() {
	s.truths = map[string]func(int64) bool{s.l.going: func(int64) bool { return true }}
	for _, n := range s.l.nodes {
		if r, ok := s.compute(n); ok {
			s.lines[n.GetOutput()[0]] = r
		} else if truth := s.compare(n); truth != nil {
			s.truths[n.GetOutput()[0]] = truth
		} else if t, ok := s.picks(n); ok {
			s.taken = append(s.taken, t)
		} else {
			s.nodes = append(s.nodes, n)
		}
	}
}

// maxLine bounds the numbers of lines, and maxPlus those that they are compared with, so that none is outside of 64 bits.
const (
	maxLine = 1 << 31
	maxPlus = 1 << 61
)

// compute is the result of a node that computes with lines and constants.
func (s *asScan) compute(n *pb.NodeProto) (line, bool) {
	if !isDefault(n.GetDomain()) || len(n.GetOutput()) != 1 || len(n.GetInput()) == 0 {
		return line{}, false
	}
	operand := func(i int) (line, bool) {
		x, ok := s.operand(n.GetInput()[i])
		return x, ok && max(x.times, -x.times, x.plus, -x.plus) < maxLine
	}
	a, ok := operand(0)
	if !ok {
		return line{}, false
	}
	switch n.GetOpType() {
	case "Identity":
		return a, true
	case "Cast":
		to := integerOf(n, "to")
		return a, to == int64(pb.TensorProto_INT64) || to == int64(pb.TensorProto_INT32)
	case "Unsqueeze":
		list := a.list
		a.list = true
		return a, !list
	case "Squeeze":
		a.list = false
		return a, true
	case "Reshape":
		shape := s.outside(n.GetInput()[min(1, len(n.GetInput())-1)])
		if len(n.GetInput()) != 2 || shape == nil || shape.Const == nil || len(shape.Const.Ints) > 1 {
			return line{}, false
		}
		a.list = len(shape.Const.Ints) == 1
		return a, true
	}
	if len(n.GetInput()) != 2 {
		return line{}, false
	}
	b, ok := operand(1)
	if !ok {
		return line{}, false
	}
	list := a.list || b.list
	switch n.GetOpType() {
	case "Add":
		return line{a.times + b.times, a.plus + b.plus, list}, true
	case "Sub":
		return line{a.times - b.times, a.plus - b.plus, list}, true
	}
	return line{}, false
}

// operand is a line, or a constant as one.
func (s *asScan) operand(name string) (x line, ok bool) {
	if x, ok = s.lines[name]; !ok {
		x.plus, x.list, ok = s.integer(name)
	}
	return x, ok
}

// compare is the result of a node that compares lines, or joins comparisons; nil for others.
func (s *asScan) compare(n *pb.NodeProto) func(t int64) bool {
	in := n.GetInput()
	if !isDefault(n.GetDomain()) || len(n.GetOutput()) != 1 || len(in) == 0 {
		return nil
	}
	if known := s.truths[in[0]]; known != nil && len(in) == 1 {
		switch n.GetOpType() {
		case "Identity", "Squeeze", "Unsqueeze":
			return known
		case "Not":
			return func(t int64) bool { return !known(t) }
		}
	}
	if len(in) != 2 {
		return nil
	}
	truth := func(name string) func(int64) bool {
		if s.always(name) {
			return func(int64) bool { return true }
		}
		return s.truths[name]
	}
	if p, q := truth(in[0]), truth(in[1]); p != nil && q != nil {
		switch n.GetOpType() {
		case "And":
			return func(t int64) bool { return p(t) && q(t) }
		case "Or":
			return func(t int64) bool { return p(t) || q(t) }
		}
	}
	a, ok := s.operand(in[0])
	b, too := s.operand(in[1])
	if !ok || !too {
		return nil
	}
	difference := func(t int64) int64 { return (a.times-b.times)*t + a.plus - b.plus }
	if max(a.plus, -a.plus, b.plus, -b.plus) > maxPlus {
		return nil
	}
	switch n.GetOpType() {
	case "Less":
		return func(t int64) bool { return difference(t) < 0 }
	case "LessOrEqual":
		return func(t int64) bool { return difference(t) <= 0 }
	case "Greater":
		return func(t int64) bool { return difference(t) > 0 }
	case "GreaterOrEqual":
		return func(t int64) bool { return difference(t) >= 0 }
	}
	return nil
}

// picks is the step of a sequence that a node reads, if it does.
func (s *asScan) picks(n *pb.NodeProto) (taken, bool) {
	in := n.GetInput()
	if !isDefault(n.GetDomain()) || len(n.GetOutput()) != 1 || len(in) < 2 || s.outside(in[0]) == nil {
		return taken{}, false
	}
	at, ok := s.lines[in[1]]
	if !ok || at.times != 1 && at.times != -1 {
		return taken{}, false
	}
	t := taken{from: renamedName(in[0], s.l.names), at: at, step: n.GetOutput()[0]}
	switch n.GetOpType() {
	case "Gather":
		t.axis, t.keeps = integerOf(n, "axis"), at.list
		return t, len(in) == 2
	case "Slice": // from a position to the one behind it
		if len(in) < 4 {
			return taken{}, false
		}
		end, ok := s.lines[in[2]]
		axis, _, known := s.integer(in[3])
		ok = ok && known && end.times == at.times && end.plus == at.plus+1
		if len(in) > 4 && ok {
			step, _, known := s.integer(in[4])
			ok = known && step == 1
		}
		t.axis, t.keeps = axis, true
		return t, ok
	}
	return taken{}, false
}

// collectStates finds the states that are lists of one more value behind each iteration, and takes what appends to them out of the body. It says
// whether all lists are such.
func (s *asScan) collectStates() bool {
	for i, name := range s.l.states {
		v := s.l.d.values[s.l.initial[i]]
		if !s.l.d.isList(v) {
			continue
		}
		if list := s.l.d.sequences[v]; list == nil || len(list) > 0 {
			return false
		}
		appends := -1
		for k, n := range s.nodes {
			switch {
			case n.GetOpType() == "SequenceInsert" && isDefault(n.GetDomain()) && len(n.GetInput()) == 2 && n.GetInput()[0] == name && n.GetInput()[1] != name && n.GetOutput()[0] == s.l.next[i]:
				appends = k
			case slices.Contains(reads(n), name) || slices.Contains(reads(n), s.l.next[i]):
				appends = len(s.nodes)
			}
			if appends == len(s.nodes) {
				break
			}
		}
		if appends < 0 || appends == len(s.nodes) {
			return false
		}
		s.collects[i] = s.nodes[appends].GetInput()[1]
		s.nodes = slices.Delete(slices.Clone(s.nodes), appends, appends+1)
	}
	return true
}

// write makes the Scan, the sequences that it takes, and the states that are none of it.
func (s *asScan) write() *pb.GraphProto {
	l, d := s.l, s.l.d
	g, body := &pb.GraphProto{}, &pb.GraphProto{}
	scan := nodeOf("Scan", "", nil)
	scan.Name, scan.Output = proto.String(l.p.name), nil
	out := func(i int) string {
		if i < len(l.p.GetOutput()) {
			return l.p.GetOutput()[i]
		}
		return ""
	}
	var behind []*pb.NodeProto
	l.stacks = map[string]string{}
	for i, name := range l.states {
		if s.counts[i] {
			if to := out(i); to != "" {
				at := s.lines[name]
				last := d.constant(l.p.name+":"+name, &Tensor{Type: Int, Shape: d.values[l.initial[i]].Shape, Ints: []int64{at.times*s.trips + at.plus}})
				behind = append(behind, nodeOf("Identity", to, []string{last}))
			}
			continue
		}
		if s.collects[i] != "" {
			continue
		}
		scan.Input, scan.Output = append(scan.Input, l.initial[i]), append(scan.Output, out(i))
		body.Input, body.Output = append(body.Input, port(name)), append(body.Output, port(l.next[i]))
	}
	var axes, directions []int64
	for _, t := range s.taken {
		first, reverse := t.at.plus, int64(0)
		if t.at.times < 0 {
			first, reverse = t.at.plus-s.trips+1, 1
		}
		from := t.from
		x := d.places.resolve(d.values[from])
		axis, ok := resolveAxis(clampInt(t.axis), len(x.Shape))
		if !ok || x.Shape[axis] == Batch {
			return nil
		}
		n := int64(x.Shape[axis])
		if first < 0 && first+s.trips <= 0 { // counted from the end
			first += n
		}
		if first < 0 || first+s.trips > n {
			return nil
		}
		if s.trips < n {
			from = d.newName(l.p.name)
			g.Node = append(g.Node, d.sliceNode(l.p, t.from, from, int64(axis), first, first+s.trips))
		}
		step := t.step
		if t.keeps {
			step = d.newName(l.p.name)
			body.Node = append(body.Node, d.axisNode(l.p, "Unsqueeze", step, t.step, int64(axis)))
		}
		scan.Input = append(scan.Input, from)
		body.Input = append(body.Input, port(step))
		axes, directions = append(axes, int64(axis)), append(directions, reverse)
	}
	if len(s.taken) == 0 {
		// A Scan must take a sequence; this one says how often it runs.
		steps := &Tensor{Shape: Shape{int(s.trips)}, Floats: make([]float32, s.trips)}
		scan.Input = append(scan.Input, d.constant(l.p.name, steps))
		body.Input = append(body.Input, port(d.newName(l.p.name)))
		axes, directions = append(axes, 0), append(directions, 0)
	}
	body.Node = append(body.Node, s.nodes...)
	put := func(value, to string) {
		// Every result of a body has a name of its own.
		name := d.newName(l.p.name)
		body.Node = append(body.Node, nodeOf("Identity", name, []string{value}))
		body.Output, scan.Output = append(body.Output, port(name)), append(scan.Output, to)
	}
	for i := range l.states {
		if value := s.collects[i]; value != "" && out(i) != "" {
			all := d.newName(l.p.name)
			put(value, all)
			l.stacks[out(i)] = all
		}
	}
	for i, value := range l.results {
		if to := out(len(l.states) + i); to != "" {
			put(value, to)
		}
	}
	renamed := &pb.GraphProto{Input: body.Input}
	for _, n := range body.Node {
		renamed.Node = append(renamed.Node, d.renamed(n, l.names))
	}
	for _, v := range body.Output {
		renamed.Output = append(renamed.Output, port(renamedName(v.GetName(), l.names)))
	}
	scan.Attribute = []*pb.AttributeProto{
		{Name: proto.String("body"), Type: pb.AttributeProto_GRAPH.Enum(), G: renamed}, integerAttr("num_scan_inputs", int64(len(axes))),
		integersAttr("scan_input_axes", axes...), integersAttr("scan_input_directions", directions...),
	}
	g.Node = append(append(g.Node, scan), behind...)
	return g
}

func port(name string) *pb.ValueInfoProto { return &pb.ValueInfoProto{Name: proto.String(name)} }
