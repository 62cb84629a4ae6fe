package onnx

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// A model may define functions of its own. Their calls are replaced by their nodes before
// anything else is read.

// Limits of what calls may grow to.
const (
	maxInlined = 1 << 15 // nodes, and calls
	maxCalls   = 64      // calls within calls
)

// functionKey names a function.
type functionKey struct{ domain, name string }

// inliner replaces calls of functions.
type inliner struct {
	d         *decoder
	functions map[functionKey]*pb.FunctionProto
	names     map[string]bool // values and nodes of the file, and those made here
	nodes     []*pb.NodeProto
	copied    int                  // nodes so far, those in branches too
	open      map[functionKey]bool // functions whose nodes are being copied
	prefixes  map[string]bool      // of names made for calls
	copies    int                  // to number calls and names that are taken
	growths   map[functionKey]growth
}

// inline returns the graph without calls of the model's own functions. The opsets their
// nodes are of are noted.
func (d *decoder) inline(m *pb.ModelProto) (*pb.GraphProto, error) {
	p := m.GetGraph()
	in := &inliner{d: d, functions: map[functionKey]*pb.FunctionProto{}, open: map[functionKey]bool{}, prefixes: map[string]bool{}, growths: map[functionKey]growth{}}
	for _, f := range m.GetFunctions() {
		key := functionKey{f.GetDomain(), f.GetName()}
		if key.domain == functionDomain && (functionOps[key.name] != nil || key.name == "Quantize") {
			continue
		}
		if in.functions[key] != nil {
			return nil, formatErrorf(fmt.Sprintf("function %q of domain %q", key.name, key.domain), "it is there twice")
		}
		in.functions[key] = f
	}
	if len(in.functions) == 0 {
		return p, nil
	}
	if _, err := in.grow(p.GetNode(), 0); err != nil {
		return nil, err
	}
	in.names = map[string]bool{}
	for _, t := range p.GetInitializer() {
		in.names[t.GetName()] = true
	}
	for _, v := range p.GetInput() {
		in.names[v.GetName()] = true
	}
	in.take(p.GetNode())
	d.nodeOpsets = map[*pb.NodeProto]map[string]int{}
	if err := in.copy(p.GetNode(), nil); err != nil {
		return nil, err
	}
	return &pb.GraphProto{Name: p.Name, Node: in.nodes, Initializer: p.Initializer, SparseInitializer: p.SparseInitializer,
		Input: p.Input, Output: p.Output, ValueInfo: p.ValueInfo}, nil
}

// take notes the names of nodes and what they compute, in branches too.
func (in *inliner) take(nodes []*pb.NodeProto) {
	for _, n := range nodes {
		in.names[n.GetName()] = true
		for _, out := range n.GetOutput() {
			in.names[out] = true
		}
		for _, g := range branches(n) {
			in.take(g.GetNode())
		}
	}
}

// growth is what nodes become once all calls in them are replaced.
type growth struct{ nodes, calls int }

// grow counts what nodes become, level calls below the graph, before any is copied: a few functions can
// call each other any number of times.
func (in *inliner) grow(nodes []*pb.NodeProto, level int) (growth, error) {
	sum := growth{}
	for _, n := range nodes {
		f := in.functions[functionKey{n.GetDomain(), n.GetOpType()}]
		if f == nil {
			sum.nodes++
			for _, branch := range branches(n) {
				g, err := in.grow(branch.GetNode(), max(level, 1))
				if err != nil {
					return sum, err
				}
				sum.nodes, sum.calls = min(sum.nodes+g.nodes, maxInlined+1), min(sum.calls+g.calls, maxInlined+1)
			}
			continue
		}
		key := functionKey{f.GetDomain(), f.GetName()}
		g, known := in.growths[key]
		if !known {
			where := fmt.Sprintf("node %q, a call of function %q", n.GetName(), key.name)
			if in.open[key] {
				return sum, formatErrorf(where, "the function calls itself")
			}
			if level == maxCalls {
				return sum, in.refuse(where, fmt.Sprintf("calls are nested deeper than %d", maxCalls))
			}
			in.open[key] = true
			var err error
			if g, err = in.grow(f.GetNode(), level+1); err != nil {
				return sum, err
			}
			delete(in.open, key)
			in.growths[key] = g
		}
		sum.nodes, sum.calls = min(sum.nodes+g.nodes, maxInlined+1), min(sum.calls+g.calls+1, maxInlined+1)
	}
	if level > 0 {
		return sum, nil
	}
	switch {
	case sum.nodes > maxInlined && sum.calls > 0:
		return sum, in.refuse("the model", fmt.Sprintf("its functions grow to more than %d nodes", maxInlined))
	case sum.calls > maxInlined:
		return sum, in.refuse("the model", fmt.Sprintf("its functions are called more than %d times", maxInlined))
	}
	return sum, nil
}

// copy appends nodes, of the model (opsets nil) or of a function with opsets of its own.
func (in *inliner) copy(nodes []*pb.NodeProto, opsets map[string]int) error {
	for _, n := range nodes {
		f := in.functions[functionKey{n.GetDomain(), n.GetOpType()}]
		if f != nil {
			if err := in.call(n, f); err != nil {
				return err
			}
			continue
		}
		if in.copied == maxInlined {
			return in.refuse("the model", fmt.Sprintf("its functions grow to more than %d nodes", maxInlined))
		}
		in.copied++
		n, err := in.inner(n, opsets)
		if err != nil {
			return err
		}
		in.nodes = append(in.nodes, n)
		if opsets != nil {
			in.d.nodeOpsets[n] = opsets
		}
	}
	return nil
}

// inner replaces the calls in the graphs that a node holds, its branches.
func (in *inliner) inner(n *pb.NodeProto, opsets map[string]int) (*pb.NodeProto, error) {
	if branches(n) == nil {
		return n, nil
	}
	around := in.nodes
	defer func() { in.nodes = around }()
	c := &pb.NodeProto{Name: n.Name, OpType: n.OpType, Domain: n.Domain, Input: n.Input, Output: n.Output}
	for _, a := range n.GetAttribute() {
		if g := a.GetG(); g != nil {
			in.nodes = nil
			if err := in.copy(g.GetNode(), opsets); err != nil {
				return nil, err
			}
			a = &pb.AttributeProto{Name: a.Name, Type: a.Type, G: &pb.GraphProto{Name: g.Name, Node: in.nodes, Initializer: g.Initializer,
				SparseInitializer: g.SparseInitializer, Input: g.Input, Output: g.Output}}
		}
		c.Attribute = append(c.Attribute, a)
	}
	return c, nil
}

func (in *inliner) refuse(what, reason string) error {
	return &UnsupportedError{Nodes: []UnsupportedNode{{Name: what, Reason: reason}}}
}

// call appends the nodes of a function in place of a node that calls it.
func (in *inliner) call(n *pb.NodeProto, f *pb.FunctionProto) error {
	key := functionKey{f.GetDomain(), f.GetName()}
	where := fmt.Sprintf("node %q, a call of function %q", n.GetName(), key.name)
	switch {
	case in.open[key]:
		return formatErrorf(where, "the function calls itself")
	case len(in.open) == maxCalls:
		return in.refuse(where, fmt.Sprintf("calls are nested deeper than %d", maxCalls))
	case len(n.GetInput()) > len(f.GetInput()) || len(n.GetOutput()) > len(f.GetOutput()):
		return formatErrorf(where, "it has %d inputs and %d outputs, the function %d and %d",
			len(n.GetInput()), len(n.GetOutput()), len(f.GetInput()), len(f.GetOutput()))
	}
	if err := in.afford(n, f); err != nil {
		return &FormatError{Where: where, Err: err}
	}
	in.open[key] = true
	defer delete(in.open, key)

	opsets := map[string]int{}
	for _, o := range f.GetOpsetImport() {
		domain := o.GetDomain()
		if isDefault(domain) {
			domain = ""
		}
		opsets[domain] = clampInt(o.GetVersion())
	}
	prefix := n.GetName()
	if prefix == "" || in.prefixes[prefix] {
		in.copies++
		prefix = fmt.Sprintf("%s_call%d", n.GetOpType(), in.copies)
	}
	in.prefixes[prefix] = true
	names := map[string]string{"": ""} // of values: in the function, in the graph
	for i, name := range f.GetInput() {
		names[name] = ""
		if i < len(n.GetInput()) {
			names[name] = n.GetInput()[i]
		}
	}
	var copies []*pb.NodeProto
	for i, name := range f.GetOutput() {
		out := ""
		if i < len(n.GetOutput()) {
			out = n.GetOutput()[i]
		}
		if from, twice := names[name]; twice {
			if out != "" { // an input handed on, or an output twice
				copies = append(copies, &pb.NodeProto{Name: proto.String(in.fresh(prefix + "/" + name)),
					OpType: proto.String("Identity"), Input: []string{from}, Output: []string{out}})
			}
			continue
		}
		if out == "" {
			out = in.fresh(prefix + "/" + name)
		}
		names[name] = out
	}
	given := arguments{of: map[string]*pb.AttributeProto{}, declared: map[string]bool{}}
	for _, a := range n.GetAttribute() {
		given.of[a.GetName()] = a
	}
	for _, name := range f.GetAttribute() {
		given.declared[name] = true
	}
	var err error
	value := func(name string) string {
		if _, ok := names[name]; !ok {
			names[name] = in.fresh(prefix + "/" + name)
		}
		return names[name]
	}
	if in.copied+len(f.GetNode()) > maxInlined {
		return in.refuse("the model", fmt.Sprintf("its functions grow to more than %d nodes", maxInlined))
	}
	for _, inner := range f.GetNode() {
		c := &pb.NodeProto{OpType: inner.OpType, Domain: inner.Domain}
		if inner.GetName() != "" {
			c.Name = proto.String(prefix + "/" + inner.GetName())
		}
		for _, name := range inner.GetInput() {
			c.Input = append(c.Input, value(name))
		}
		for _, name := range inner.GetOutput() {
			c.Output = append(c.Output, value(name))
		}
		if c.Attribute, err = given.bind(inner.GetAttribute()); err != nil {
			return in.refuse(where, err.Error())
		}
		if branches(inner) != nil {
			for _, name := range reads(inner) {
				value(name)
			}
			for i, a := range c.Attribute {
				if a.GetG() != nil {
					c.Attribute[i] = &pb.AttributeProto{Name: a.Name, Type: a.Type, G: in.d.renamedGraph(a.GetG(), names)}
				}
			}
		}
		copies = append(copies, c)
	}
	return in.copy(copies, opsets)
}

// arguments are the attributes of a call, and which of them the function declares.
type arguments struct {
	of       map[string]*pb.AttributeProto
	declared map[string]bool
}

// bind gives attributes that refer to those of the function their values, also in branches.
func (g arguments) bind(list []*pb.AttributeProto) ([]*pb.AttributeProto, error) {
	var out []*pb.AttributeProto
	for _, a := range list {
		ref := a.GetRefAttrName()
		switch given := g.of[ref]; {
		case ref == "" && a.GetG() != nil:
			graph := a.GetG()
			c := &pb.GraphProto{Name: graph.Name, Initializer: graph.Initializer, SparseInitializer: graph.SparseInitializer, Input: graph.Input, Output: graph.Output}
			for _, n := range graph.GetNode() {
				attrs, err := g.bind(n.GetAttribute())
				if err != nil {
					return nil, err
				}
				c.Node = append(c.Node, &pb.NodeProto{Name: n.Name, OpType: n.OpType, Domain: n.Domain, Input: n.Input, Output: n.Output, Attribute: attrs})
			}
			out = append(out, &pb.AttributeProto{Name: a.Name, Type: a.Type, G: c})
		case ref == "":
			out = append(out, a)
		case given != nil:
			out = append(out, &pb.AttributeProto{Name: a.Name, Type: given.Type, F: given.F, I: given.I, S: given.S,
				T: given.T, Floats: given.Floats, Ints: given.Ints, Strings: given.Strings})
		case !g.declared[ref]:
			return nil, fmt.Errorf("attribute %q has a default value in the function", ref)
		}
	}
	return out, nil
}

// afford spends what a call takes: a visit of every part, and copies of the nodes and of their names.
func (in *inliner) afford(n *pb.NodeProto, f *pb.FunctionProto) error {
	parts := len(n.GetInput()) + len(n.GetOutput()) + len(n.GetAttribute()) +
		len(f.GetInput()) + len(f.GetOutput()) + len(f.GetAttribute()) + len(f.GetOpsetImport())
	prefix := len(n.GetName()) + len(n.GetOpType()) + 16
	bytes := 0
	for _, inner := range f.GetNode() {
		parts += 1 + len(inner.GetInput()) + len(inner.GetOutput()) + len(inner.GetAttribute())
		bytes += messageBytes + prefix + len(inner.GetName())
		for _, names := range [][]string{inner.GetInput(), inner.GetOutput()} {
			for _, name := range names {
				bytes += prefix + len(name)
			}
		}
	}
	for _, names := range [][]string{f.GetInput(), f.GetOutput(), f.GetAttribute()} {
		for _, name := range names {
			parts += len(name) // a map looks at all of it
		}
	}
	if err := in.d.budget.do(parts); err != nil {
		return err
	}
	return in.d.budget.take(bytes, 1)
}

// fresh appends a number to a name that something in the graph has already.
func (in *inliner) fresh(name string) string {
	unique := name
	for in.names[unique] {
		in.copies++
		unique = fmt.Sprintf("%s_%d", name, in.copies)
	}
	in.names[unique] = true
	return unique
}
