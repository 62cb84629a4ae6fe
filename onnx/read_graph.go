package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"qconv/onnx/internal/pb"
)

// decoder makes a Graph of the messages of one file.
type decoder struct {
	options  ReadOptions
	external externalData
	whole    bool // leading dimensions of a fixed size are no batch
	fixed    bool // some input has a leading dimension of a fixed size
	batch    int  // that size, where it is the batch; 0 where it is not known
	unequal  bool // inputs have leading dimensions of several fixed sizes
	budget   *budget

	opsets   map[string]int // by domain
	graph    *Graph
	values   map[string]*Value
	outputs  map[string]bool // names of graph outputs
	warnings []string
	used     map[string]bool // names that a live node or the graph's outputs read
	reserved map[string]bool // names of values to come
	given    []string        // those in the order in which they were made
	// nodeOpsets are the opsets of nodes that come from functions.
	nodeOpsets map[*pb.NodeProto]map[string]int
	// kinds are the element types that integer constants have in the file.
	kinds map[*Tensor]pb.TensorProto_DataType
	// declared are the shapes that the file declares, by name of the value; 0 where a dimension is no number.
	declared map[string]Shape
	// codes are the values, by name, that hold integer codes in the file.
	codes map[string]*codes
	// places are values that are in the graph otherwise than in the file.
	places places
	// exact holds integers that depend on the batch size and nothing else.
	exact map[*Value]*ints
	// names are those of nodes of the graph.
	names map[string]bool
	// sequences are the lists that values stand for.
	sequences map[*Value][]*Value
	// stacked are lists that are not made unless something reads them as such; listing says that one is being made.
	stacked map[*Value]stack
	listing bool
	// repeats count how often a name was asked for that was taken.
	repeats map[string]int
	// made is the node that computes a value, and folded are those that turned out to be constant after they had been added.
	made   map[*Value]*Node
	folded map[*Node]bool
	tried  map[*Node]bool // whether they are
	// inLoop says that the body of a loop is being read.
	inLoop bool
	// loopScan is a Scan that stands for a Loop, which is read again where that is refused.
	loopScan *pb.NodeProto
	// unrolled is how many nodes loops have become that are read iteration by iteration.
	unrolled int
	// unknown are results of nodes that are not supported, and what depends on them.
	unknown     map[*Value]bool
	unsupported []UnsupportedNode
}

// isDefault says whether a domain is that of the ONNX operators.
func isDefault(domain string) bool { return domain == "" || domain == "ai.onnx" }

func (d *decoder) model(m *pb.ModelProto) (*Graph, error) {
	if m.GetGraph() == nil {
		return nil, formatErrorf("", "not an ONNX model: it has no graph")
	}
	if err := d.versions(m); err != nil {
		return nil, err
	}
	d.graph = &Graph{
		Name:     m.GetGraph().GetName(),
		Meta:     map[string]string{},
		Producer: strings.TrimSpace(m.GetProducerName() + " " + m.GetProducerVersion()),
		Opset:    d.opsets[""],
		Warnings: d.warnings,
	}
	for _, e := range m.GetMetadataProps() {
		if _, ok := d.graph.Meta[e.GetKey()]; ok {
			return nil, formatErrorf("metadata_props", "key %q is there twice", e.GetKey())
		}
		d.graph.Meta[e.GetKey()] = e.GetValue()
	}
	d.values, d.exact, d.unknown = map[string]*Value{}, map[*Value]*ints{}, map[*Value]bool{}
	d.repeats, d.names, d.sequences = map[string]int{}, map[string]bool{}, map[*Value][]*Value{}
	d.stacked, d.listing, d.loopScan, d.reserved, d.given = map[*Value]stack{}, false, nil, map[string]bool{}, nil
	d.kinds, d.codes = map[*Tensor]pb.TensorProto_DataType{}, map[string]*codes{}
	p, err := d.inline(m)
	if err != nil {
		return nil, err
	}
	d.declared = declaredShapes(p)
	d.places, d.inLoop, d.unrolled, d.made, d.folded, d.tried = nil, false, 0, map[*Value]*Node{}, map[*Node]bool{}, map[*Node]bool{}
	if hasRecurrence(p.GetNode()) {
		d.places = places{}
	}
	nodes, err := sortNodes(p)
	if err != nil {
		return nil, err
	}
	if err := d.pickOutputs(p, nodes); err != nil {
		return nil, err
	}
	d.graph.Read = len(nodes)
	for _, n := range nodes {
		d.names[n.name] = true
	}
	nodes = d.live(nodes, p)
	d.graph.Unused = d.graph.Read - len(nodes)
	if err := d.initializers(p); err != nil {
		return nil, err
	}
	if err := d.inputs(p); err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if err := d.node(n); err != nil {
			return nil, err
		}
	}
	if err := d.graphOutputs(p); err != nil {
		return nil, err
	}
	if len(d.unsupported) > 0 {
		d.hintBind()
		return nil, &UnsupportedError{Nodes: d.unsupported}
	}
	d.dropUnread()
	d.graph.Nodes = slices.DeleteFunc(d.graph.Nodes, func(n *Node) bool { return d.folded[n] })
	if err := d.graph.OrderLoops(); err != nil {
		return nil, err
	}
	return d.graph, d.graph.CheckWeights()
}

// versions checks the versions of the file and of the operators it asks for.
func (d *decoder) versions(m *pb.ModelProto) error {
	if v := m.GetIrVersion(); v < minIR || v > newestIR {
		return &UnsupportedError{Nodes: []UnsupportedNode{{Name: "the model", Reason: fmt.Sprintf("IR version %d, want %d..%d%s", v, minIR, newestIR, tooNew(v > newestIR))}}}
	} else if v > maxIR {
		d.warnings = append(d.warnings, fmt.Sprintf("the file has IR version %d, checked are files up to %d", v, maxIR))
	}
	d.opsets = map[string]int{}
	for _, o := range m.GetOpsetImport() {
		domain := o.GetDomain()
		if isDefault(domain) {
			domain = ""
		}
		d.opsets[domain] = clampInt(o.GetVersion())
	}
	v, ok := d.opsets[""]
	if !ok && m.GetIrVersion() < opsetIR {
		d.opsets[""], v, ok = 1, 1, true
	}
	if !ok {
		return formatErrorf("opset_import", "the version of the ONNX operators is missing")
	}
	if v < minOpset || v > newestOpset {
		return &UnsupportedError{Nodes: []UnsupportedNode{{Name: "the model", Reason: fmt.Sprintf("opset %d, want %d..%d%s", v, minOpset, newestOpset, tooNew(v > newestOpset))}}}
	} else if v > maxOpset {
		d.warnings = append(d.warnings, fmt.Sprintf("the file is of opset %d, checked are opsets up to %d; the operators it uses have not changed in between but for new element types", v, maxOpset))
	}
	return nil
}

// tooNew says what to do about a version that is newer than this program.
func tooNew(is bool) string {
	if is {
		return ": the file is newer than this program; export it for an older opset, or convert it with onnx.version_converter"
	}
	return ""
}

// live returns the nodes whose results are used, and notes all names in use.
func (d *decoder) live(nodes []*node, p *pb.GraphProto) []*node {
	d.used, d.outputs = map[string]bool{}, map[string]bool{}
	for _, v := range p.GetOutput() {
		d.used[v.GetName()] = true
		d.outputs[v.GetName()] = true
	}
	var live []*node
	for _, n := range slices.Backward(nodes) {
		if !slices.ContainsFunc(n.GetOutput(), func(name string) bool { return d.used[name] }) {
			continue
		}
		for _, name := range n.reads {
			d.used[name] = true
		}
		live = append(live, n)
	}
	slices.Reverse(live)
	return live
}

// initializers reads the constants that are used.
func (d *decoder) initializers(p *pb.GraphProto) error {
	for _, t := range p.GetSparseInitializer() {
		if name := t.GetValues().GetName(); d.used[name] {
			tensor, err := d.sparse(t)
			if err := d.initializer(name, tensor, err); err != nil {
				return err
			}
		}
	}
	for _, t := range p.GetInitializer() {
		if name := t.GetName(); d.used[name] {
			tensor, err := d.tensor(t)
			t.RawData = nil // its memory is free for the tensors to come
			if err := d.initializer(name, tensor, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// initializer makes a tensor, or what is wrong with it, a value.
func (d *decoder) initializer(name string, t *Tensor, err error) error {
	v := &Value{Name: name}
	d.values[name] = v
	var r *refusal
	switch {
	case errors.As(err, &r):
		d.refuse(fmt.Sprintf("initializer %q", name), r.reason)
		d.unknown[v] = true
	case err != nil:
		return &FormatError{Where: fmt.Sprintf("initializer %q", name), Err: err}
	default:
		v.setConst(t)
	}
	return nil
}

func (v *Value) setConst(t *Tensor) { v.Const, v.Shape, v.Type = t, t.Shape, t.Type }

// refuse notes something other than a node that is not supported.
func (d *decoder) refuse(what, reason string) {
	d.unsupported = append(d.unsupported, UnsupportedNode{Name: what, Reason: reason})
}

// node reads one node whose operands are known: shape arithmetic is done at once, anything
// else becomes a node of the graph.
func (d *decoder) node(p *node) error {
	where := fmt.Sprintf("node %q (%s)", p.name, plainName(p.GetOpType()))
	r, err := d.nodeReader(p)
	if err != nil {
		return &FormatError{Where: where, Err: err}
	}
	if done, err := d.unstack(p, r); done || err != nil {
		return err
	}
	unknown := slices.ContainsFunc(r.in, func(v *Value) bool { return v != nil && d.unknown[v] })
	outputs := d.results(p)

	if p.GetOpType() == "If" && isDefault(p.GetDomain()) {
		return d.branch(p, r, outputs)
	}
	if p.GetOpType() == "Scan" && isDefault(p.GetDomain()) {
		return d.scan(p, r, outputs)
	}
	if p.GetOpType() == "Loop" && isDefault(p.GetDomain()) {
		return d.loop(p, r, outputs)
	}
	if list := d.sequences[firstOf(r.in)]; list != nil && p.GetOpType() == "Identity" {
		d.sequences[outputs[0]] = list
		return nil
	}
	if !unknown && len(outputs) == 1 && evaluatorOf(p) != nil {
		done, err := d.evaluate(p, r, outputs[0])
		if err != nil {
			return &FormatError{Where: where, Err: err}
		}
		if done {
			return nil
		}
		if r, err = d.nodeReader(p); err != nil {
			return &FormatError{Where: where, Err: err}
		}
	}
	n := &Node{Name: p.name, Op: d.op(p, r, unknown)}
	if r.words != nil {
		return d.finishPhrase(p, where, r, outputs)
	}
	for i, v := range r.in {
		if v != nil && d.exact[v] != nil {
			r.refusef("operand %d (%q) is computed from the batch size", i, v.Name)
		}
	}
	if r.err == nil && !unknown {
		if c := r.moveCodes(n.Op); c != nil {
			r.made = c
			switch n.Op.(type) {
			case *Clip, *Relu:
				narrow := *c
				n.Op = &narrow
			}
		}
	}
	for i, v := range outputs {
		if i < r.outputs {
			n.Outputs = append(n.Outputs, v)
		} else if d.used[v.Name] && n.Op != nil {
			r.refusef("output %d (%q) is used, only the first %d are supported", i, v.Name, r.outputs)
		}
	}
	if r.err != nil {
		return &FormatError{Where: where, Err: r.err}
	}
	if len(r.refusals) > 0 {
		d.refuseNode(p, joinReasons(r.refusals))
		unknown = true
	}
	if unknown {
		for _, v := range outputs {
			d.unknown[v] = true
		}
		return nil
	}
	for len(r.in) > 0 && r.in[len(r.in)-1] == nil {
		r.in = r.in[:len(r.in)-1]
	}
	n.Inputs = r.in
	if r.alias && d.rename(n) {
		return nil
	}
	if r.made != nil {
		for _, v := range n.Outputs {
			d.codes[v.Name] = r.made
		}
	}
	if err := d.add(n, r.then); err != nil {
		var refused *refusal
		if !errors.As(err, &refused) {
			return n.wrap(err, d.graph.Opset)
		}
		d.refuseNode(p, refused.reason)
		for _, v := range outputs {
			d.unknown[v] = true
		}
	}
	return nil
}

// firstOf is the first operand, nil if there is none.
func firstOf(in []*Value) *Value {
	if len(in) == 0 {
		return nil
	}
	return in[0]
}

// joinReasons makes one line of all reasons against a node.
func joinReasons(reasons []string) string { return strings.Join(reasons, "; ") }

// add infers the shapes of a node and appends it to the graph, with the operator that
// follows it, if there is one.
func (d *decoder) add(n *Node, then *Quantize) error {
	nodes := []*Node{n}
	if then != nil {
		op := *then
		between := &Value{Name: d.unique(n.Outputs[0].Name + ".real")}
		d.values[between.Name] = between
		nodes = append(nodes, &Node{Name: n.Name + ".quantize", Op: &op, Inputs: []*Value{between}, Outputs: n.Outputs})
		n.Outputs = []*Value{between}
	}
	for _, file := range nodes {
		placed, err := d.places.place(file)
		if err != nil {
			return err
		}
		for _, n := range placed {
			d.nameParts(n, file)
			if err := d.budget.compute(n); err != nil {
				return err
			}
			if d.foldSmall(n) {
				continue
			}
			d.graph.Nodes = append(d.graph.Nodes, n)
			for _, v := range n.Outputs {
				d.made[v] = n
			}
		}
	}
	return nil
}

// nameParts names what was made to put a node of the file at its place.
func (d *decoder) nameParts(n, of *Node) {
	if n.Name == "" {
		n.Name = d.nodeName(of.Name, n.Op)
		d.names[n.Name] = true
	}
	for _, v := range slices.Concat(n.Inputs, n.Outputs) {
		if v != nil && v.Name == "" {
			v.Name = d.unique(n.Name)
		}
	}
}

// foldSmall computes a node of constants if its results are small, as they are where sizes
// and scales are computed, or if it moves integers, such as the codes of weights.
func (d *decoder) foldSmall(n *Node) bool {
	small, codes := true, handsOn(n.Op)
	for _, v := range n.Outputs {
		small = small && v.Shape.Elems() <= maxInts
	}
	for _, v := range n.Inputs {
		if v == nil || v.Const == nil {
			return false
		}
		small, codes = small && v.Shape.Elems() <= maxInts, codes && v.Type == Int
	}
	if !small && !codes {
		return false
	}
	results := fold(n)
	for i, t := range results {
		n.Outputs[i].setConst(t)
		d.kinds[t] = d.kinds[n.Inputs[0].Const]
	}
	return results != nil
}

// foldFor makes a value that is computed from constants by moving their elements a constant, whatever its size: an operand that has to be
// one. It fails where that takes more than a model may.
func (d *decoder) foldFor(v *Value) error {
	n := d.made[v]
	if n == nil || v.Const != nil || d.tried[n] {
		return nil
	}
	d.tried[n] = true
	if !movesCodes(n.Op) {
		return nil
	}
	for _, in := range n.Inputs {
		if err := d.foldFor(in); err != nil {
			return err
		}
	}
	for _, out := range n.Outputs {
		if err := d.budget.take(out.Shape.Elems(), out.Type.size()); err != nil {
			return err
		}
	}
	results := fold(n)
	for i, t := range results {
		n.Outputs[i].setConst(t)
	}
	d.folded[n] = results != nil
	return nil
}

// handsOn says whether the integers that an operator computes are some of its operands': those of codes
// in weights stay codes.
func handsOn(op Op) bool {
	_, clips := op.(*Clip)
	return clips || movesCodes(op)
}

// rename makes the result of a node another name of its operand; an operand that is not a
// graph output takes the name if the result is one. It says whether it could.
func (d *decoder) rename(n *Node) bool {
	in, out := n.Inputs[0], n.Outputs[0].Name
	_, placed := d.places[in]
	if d.outputs[out] {
		if placed || d.outputs[in.Name] || in.Const != nil || slices.Contains(d.graph.Inputs, in) {
			return false
		}
		in.Name = out
	}
	d.values[out] = in
	return true
}

// refuseNode notes a node that is not supported.
func (d *decoder) refuseNode(p *node, reason string) {
	op, domain := p.GetOpType(), ""
	if !isDefault(p.GetDomain()) {
		domain = p.GetDomain()
		op = domain + ":" + op
	}
	d.unsupported = append(d.unsupported, UnsupportedNode{Name: p.name, Op: op, Opset: d.opset(p, domain), Reason: reason})
}

// dropUnread leaves out nodes and inputs that nothing reads after all: iterations of a loop whose results the next ones do not need, what a branch reads
// that is not taken. One input stays.
func (d *decoder) dropUnread() {
	if d.unrolled > 0 {
		live := d.graph.liveNodes(d.graph.Producers())
		d.graph.Nodes = slices.DeleteFunc(d.graph.Nodes, func(n *Node) bool { return !live[n] })
	}
	read := map[*Value]bool{}
	for _, n := range d.graph.Nodes {
		for _, v := range n.Inputs {
			read[v] = true
		}
	}
	for _, v := range d.graph.Outputs {
		read[v] = true
	}
	if !slices.ContainsFunc(d.graph.Inputs, func(v *Value) bool { return read[v] }) {
		return
	}
	d.graph.Inputs = slices.DeleteFunc(d.graph.Inputs, func(v *Value) bool {
		if !read[v] {
			d.graph.Warnings = append(d.graph.Warnings, fmt.Sprintf("graph input %q is left out, nothing uses it", v.Name))
		}
		return !read[v]
	})
}

// hintBind says at the first node that wants a constant which inputs could be one: integers beside the data, such as the lengths of sequences.
func (d *decoder) hintBind() {
	if len(d.graph.Inputs)+len(d.options.Constants)+len(d.options.Numbers) < 2 {
		return
	}
	i := slices.IndexFunc(d.graph.Inputs, func(v *Value) bool { return v.Type == Int })
	at := slices.IndexFunc(d.unsupported, func(n UnsupportedNode) bool { return strings.Contains(n.Reason, reasonNoConstant) })
	if i >= 0 && at >= 0 {
		name := d.graph.Inputs[i].Name
		d.unsupported[at].Reason += fmt.Sprintf("; if input %q is always the same, as lengths of sequences may be, --bind %s=VALUE makes it one", name, name)
	}
}

// opset is the version of a domain that a node is written for.
func (d *decoder) opset(p *node, domain string) int {
	if own := d.nodeOpsets[p.NodeProto]; own != nil {
		return own[domain]
	}
	return d.opsets[domain]
}

// results makes the values a node computes. Those left out have a name that no other
// value has, since it is made of the node's.
func (d *decoder) results(p *node) []*Value {
	var out []*Value
	for i, name := range p.GetOutput() {
		if name == "" {
			name = d.unique(fmt.Sprintf("%s:%d", p.name, i))
		}
		v := &Value{Name: name}
		d.values[name] = v
		out = append(out, v)
	}
	return out
}

// unique appends to a name until no value of the file has it.
func (d *decoder) unique(name string) string {
	taken := func(name string) bool { return d.values[name] != nil || d.used[name] || d.reserved[name] }
	full := name
	for taken(full) {
		// Names asked for again and again are numbered on.
		d.repeats[name]++
		full = name + "_"
		if n := d.repeats[name]; n > 1 {
			full = fmt.Sprintf("%s_%d", name, n)
		}
	}
	d.values[full] = new(Value)
	return full
}

// nodeReader collects the operands and attributes of a node.
func (d *decoder) nodeReader(p *node) (*nodeReader, error) {
	r := &nodeReader{batch: d.batch, opset: d.opset(p, ""), kind: func(t *Tensor) pb.TensorProto_DataType { return d.kinds[t] }, outputs: 1, results: len(p.GetOutput()), named: p.GetOutput(), exact: d.integers, inLoop: d.inLoop, take: d.budget.take, places: d.places, unique: d.unique, sequences: d.sequences, attrs: map[string]*pb.AttributeProto{}}
	r.used = func(i int) bool { return i < r.results && r.named[i] != "" && d.used[r.named[i]] }
	if len(p.GetOutput()) > 0 {
		r.declared = d.declared[p.GetOutput()[0]]
	}
	for i, name := range p.GetInput() {
		if name == "" {
			r.in, r.shapes, r.codes = append(r.in, nil), append(r.shapes, nil), append(r.codes, nil)
			continue
		}
		v := d.places.resolve(d.values[name])
		if v == nil {
			return nil, fmt.Errorf("input %d, %q, is computed by no node and is neither an input nor an initializer of the graph", i, name)
		}
		shape := v.shape()
		if d.unknown[v] {
			shape = nil
		}
		if c := v.Const; c != nil && len(c.Ints) > 0 {
			if err := d.budget.copies(len(c.Ints)); err != nil {
				return nil, err
			}
		}
		r.in, r.shapes, r.codes = append(r.in, v), append(r.shapes, shape), append(r.codes, d.codes[name])
	}
	for _, a := range p.GetAttribute() {
		switch {
		case r.attrs[a.GetName()] != nil:
			return nil, fmt.Errorf("attribute %q is there twice", a.GetName())
		case a.GetRefAttrName() != "":
			return nil, fmt.Errorf("attribute %q refers to %q, which only nodes of a function can", a.GetName(), a.GetRefAttrName())
		}
		r.attrs[a.GetName()] = a
		if err := d.budget.do(len(a.GetS()) + len(a.GetT().GetRawData())); err != nil {
			return nil, err
		}
		if err := d.budget.copies(len(a.GetInts()) + len(a.GetFloats())); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// op makes the typed operator of a node, nil when there is none. With an unknown operand
// it is not known whether shape arithmetic would do.
func (d *decoder) op(p *node, r *nodeReader, unknown bool) Op {
	name := p.GetOpType()
	if p.GetDomain() == functionDomain && name == "Quantize" {
		op := readQuantize(r)
		r.finish()
		return op
	}
	if p.GetDomain() == functionDomain && functionOps[name] != nil {
		r.finish()
		return functionOps[name]()
	}
	entry, ok := ops[name]
	if r.opset < 6 {
		r.ignore("consumed_inputs")
	}
	if !isDefault(p.GetDomain()) {
		entry, ok = domainOps[p.GetDomain()][name]
		r.opset = max(r.opset, contribOpset)
	}
	switch {
	case !ok && refused[name] != "":
		r.refusef("%s", refused[name])
		return nil
	case !ok && !isDefault(p.GetDomain()):
		r.refusef("%s", aboutDomain(p.GetDomain()))
		return nil
	case !ok && evaluators[name] != nil && unknown:
		return nil
	case !ok && evaluators[name] != nil:
		r.refusef("it is supported on shapes and integer constants only")
		return nil
	case !ok:
		r.refusef("the operator is not supported")
		return nil
	case r.opset < entry.since:
		r.refusef("want opset %d or newer", entry.since)
		return nil
	case entry.until != 0 && r.opset > entry.until:
		r.refusef("the operator was removed after opset %d", entry.until)
		return nil
	case !entry.sourceless && len(r.in) == 0 || len(p.GetOutput()) == 0 || p.GetOutput()[0] == "" && cells[name].gates == 0:
		r.failf("want at least one input and output")
		return nil
	}
	for _, v := range r.in {
		if d.sequences[v] != nil && !sequenceOps[name] {
			r.refusef("it reads %q, a sequence of tensors", v.Name)
			return nil
		}
	}
	if entry.say != nil && !entry.anywhere {
		for _, v := range r.in {
			if pl, ok := d.places[v]; ok {
				r.refusef(reasonPlace, pl.at, v.Name, v.Shape)
				return nil
			}
		}
	}
	if cells[name].gates > 0 && isDefault(p.GetDomain()) && !unknown {
		for _, i := range []int{operandW, operandR, operandB, operandPeepholes} {
			if i < len(r.in) && r.in[i] != nil {
				if err := d.foldFor(r.in[i]); err != nil {
					r.failf("%w", err)
					return nil
				}
			}
		}
	}
	if entry.before7 != nil && r.opset < 7 {
		entry.say = entry.before7
	}
	if entry.say != nil {
		r.phrased(p.name, entry.say, unknown)
		return nil
	}
	op := entry.read(r)
	r.finish()
	return op
}
