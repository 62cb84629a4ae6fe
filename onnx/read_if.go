package onnx

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// A branch that is decided when the model is read, as exporters write them who ask for a size, is read in
// place of its If. Its nodes may use values of the graph around it.

// branches are the graphs in the attributes of a node.
func branches(n *pb.NodeProto) []*pb.GraphProto {
	var list []*pb.GraphProto
	for _, a := range n.GetAttribute() {
		if a.GetG() != nil {
			list = append(list, a.GetG())
		}
		list = append(list, a.GetGraphs()...)
	}
	return list
}

// reads are the names that a node reads: its operands, and values around it that the graphs in it use.
func reads(n *pb.NodeProto) []string {
	inner := branches(n)
	if inner == nil {
		return n.GetInput()
	}
	names := slices.Clone(n.GetInput())
	for _, g := range inner {
		own := defined(g)
		for _, m := range g.GetNode() {
			for _, name := range reads(m) {
				if !own[name] {
					names = append(names, name)
				}
			}
		}
		for _, v := range g.GetOutput() {
			if !own[v.GetName()] {
				names = append(names, v.GetName())
			}
		}
	}
	return names
}

// defined are the names that a graph gives a meaning.
func defined(g *pb.GraphProto) map[string]bool {
	own := map[string]bool{}
	for _, v := range g.GetInput() {
		own[v.GetName()] = true
	}
	for _, t := range g.GetInitializer() {
		own[t.GetName()] = true
	}
	for _, t := range g.GetSparseInitializer() {
		own[t.GetValues().GetName()] = true
	}
	for _, n := range g.GetNode() {
		for _, name := range n.GetOutput() {
			own[name] = true
		}
	}
	return own
}

// branch reads an If: the branch that its condition takes.
func (d *decoder) branch(p *node, r *nodeReader, outputs []*Value) error {
	where := fmt.Sprintf("node %q (If)", p.name)
	taken := "else_branch"
	refuse := func(reason string) error {
		d.refuseNode(p, reason)
		for _, v := range outputs {
			d.unknown[v] = true
		}
		return nil
	}
	switch {
	case len(r.in) != 1 || r.in[0] == nil:
		return formatErrorf(where, "it has %d inputs, want 1", len(r.in))
	case d.unknown[r.in[0]]:
		return refuse("its condition cannot be known before what is wrong above is mended")
	case r.in[0].Const == nil:
		return refuse("control flow: the condition is computed when the network runs; export the network with its branches decided")
	case r.in[0].Type != Bool || len(r.in[0].Const.Ints) != 1:
		return formatErrorf(where, "the condition has type %v and shape %v, want one bool", r.in[0].Type, r.in[0].Shape)
	case r.in[0].Const.Ints[0] != 0:
		taken = "then_branch"
	}
	a := r.attr(taken, pb.AttributeProto_GRAPH)
	if a == nil {
		return formatErrorf(where, "attribute %q is missing", taken)
	}
	g := a.GetG()
	if len(g.GetInput()) > 0 || len(g.GetOutput()) != len(p.GetOutput()) {
		return formatErrorf(where, "attribute %q has %d inputs and %d outputs, want 0 and %d", taken, len(g.GetInput()), len(g.GetOutput()), len(p.GetOutput()))
	}
	return d.inlineBranch(p, g)
}

// inlineBranch reads the nodes of a graph in place of the node that holds it. Names that the graph defines
// are made those of no other value.
func (d *decoder) inlineBranch(p *node, g *pb.GraphProto) error {
	names := map[string]string{}
	made := map[string]bool{} // names that nodes compute
	for _, n := range g.GetNode() {
		for _, name := range n.GetOutput() {
			made[name] = true
		}
	}
	inner := &pb.GraphProto{}
	for i, v := range g.GetOutput() {
		out, name := p.GetOutput()[i], v.GetName()
		if out == "" {
			continue
		}
		delete(d.values, out) // made again by what computes it in the branch
		if made[name] && names[name] == "" {
			names[name] = out
			continue
		}
		from := name
		inner.Node = append(inner.Node, &pb.NodeProto{OpType: proto.String("Identity"), Input: []string{from}, Output: []string{out}})
	}
	copies := inner.Node
	inner.Node = nil
	prefix := p.name + "/"
	if err := d.defineInner(g, nil, names, prefix); err != nil {
		return err
	}
	for _, n := range g.GetNode() {
		inner.Node = append(inner.Node, d.renamed(n, names))
	}
	for _, n := range copies {
		inner.Node = append(inner.Node, &pb.NodeProto{OpType: n.OpType, Input: []string{renamedName(n.Input[0], names)}, Output: n.Output})
	}
	return d.innerNodes(p, inner, prefix)
}

// defineInner gives what a graph in a node defines names that no other value has, unless it has some in names, and reads its constants. Results are what
// the node has of it.
func (d *decoder) defineInner(g *pb.GraphProto, results []string, names map[string]string, prefix string) error {
	if err := checkNames(g); err != nil {
		return err
	}
	read := wanted(g.GetNode(), results)
	for _, name := range sortedKeys(defined(g)) {
		if name != "" && names[name] == "" {
			names[name] = d.newName(prefix + name)
			if !read[name] {
				delete(d.used, names[name])
			}
		}
	}
	for _, t := range g.GetInitializer() {
		tensor, err := d.tensor(t)
		if err := d.initializer(names[t.GetName()], tensor, err); err != nil {
			return err
		}
	}
	for _, t := range g.GetSparseInitializer() {
		tensor, err := d.sparse(t)
		if err := d.initializer(names[t.GetValues().GetName()], tensor, err); err != nil {
			return err
		}
	}
	return nil
}

// wanted are the names that nodes read, and results.
func wanted(nodes []*pb.NodeProto, results []string) map[string]bool {
	names := map[string]bool{}
	for _, name := range results {
		names[name] = true
	}
	for _, n := range nodes {
		for _, name := range reads(n) {
			names[name] = true
		}
	}
	return names
}

// innerNodes reads nodes, whose names of values are those of the whole graph, in place of the node that holds them.
func (d *decoder) innerNodes(p *node, inner *pb.GraphProto, prefix string) error {
	nodes, err := sortNodes(inner)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if own := d.nodeOpsets[p.NodeProto]; own != nil && d.nodeOpsets[n.NodeProto] == nil {
			d.nodeOpsets[n.NodeProto] = own
		}
		n.name = prefix + n.name
		for d.names[n.name] {
			n.name += "_"
		}
		d.names[n.name] = true
		if err := d.node(n); err != nil {
			return err
		}
	}
	return nil
}

func renamedName(name string, names map[string]string) string {
	if to, ok := names[name]; ok {
		return to
	}
	return name
}

// renamed is a node with other names of values, also where graphs in it use values around them. It is of the same opsets.
func (d *decoder) renamed(n *pb.NodeProto, names map[string]string) *pb.NodeProto {
	c := &pb.NodeProto{Name: n.Name, OpType: n.OpType, Domain: n.Domain}
	if own := d.nodeOpsets[n]; own != nil {
		d.nodeOpsets[c] = own
	}
	for _, name := range n.GetInput() {
		c.Input = append(c.Input, renamedName(name, names))
	}
	for _, name := range n.GetOutput() {
		c.Output = append(c.Output, renamedName(name, names))
	}
	for _, a := range n.GetAttribute() {
		if g := a.GetG(); g != nil {
			a = &pb.AttributeProto{Name: a.Name, Type: a.Type, G: d.renamedGraph(g, names)}
		}
		c.Attribute = append(c.Attribute, a)
	}
	return c
}

// renamedGraph renames what a graph uses of the values around it.
func (d *decoder) renamedGraph(g *pb.GraphProto, names map[string]string) *pb.GraphProto {
	own := defined(g)
	outside := map[string]string{}
	for name, to := range names {
		if !own[name] {
			outside[name] = to
		}
	}
	c := &pb.GraphProto{Name: g.Name, Input: g.Input, Initializer: g.Initializer, SparseInitializer: g.SparseInitializer}
	for _, n := range g.GetNode() {
		c.Node = append(c.Node, d.renamed(n, outside))
	}
	for _, v := range g.GetOutput() {
		c.Output = append(c.Output, &pb.ValueInfoProto{Name: proto.String(renamedName(v.GetName(), outside)), Type: v.Type})
	}
	return c
}
