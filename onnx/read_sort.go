package onnx

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"qconv/onnx/internal/pb"
)

// node is a node of the file with the name it has in the graph.
type node struct {
	*pb.NodeProto
	name string
	// reads are the names of values it uses.
	reads []string
}

// sortNodes names the nodes and puts them in topological order, in the file's order as far
// as that allows.
func sortNodes(p *pb.GraphProto) ([]*node, error) {
	nodes := make([]*node, len(p.GetNode()))
	taken := map[string]bool{}
	for i, n := range p.GetNode() {
		name := strings.ToValidUTF8(n.GetName(), "_")
		nodes[i] = &node{NodeProto: n, name: name, reads: reads(n)}
		if name == "" || taken[name] {
			nodes[i].name = ""
		}
		taken[name] = true
	}
	for i, n := range nodes {
		for n.name == "" {
			n.name = fmt.Sprintf("%s_%d", cmp.Or(strings.ToValidUTF8(n.GetName(), "_"), n.GetOpType()), i)
			if taken[n.name] {
				n.name = ""
				i += len(nodes)
			}
		}
		taken[n.name] = true
	}

	producer := map[string]*node{}
	given := map[string]string{} // what else defines a name
	if err := checkNames(p); err != nil {
		return nil, err
	}
	for _, t := range p.GetInitializer() {
		if t.GetName() == "" || given[t.GetName()] != "" {
			return nil, formatErrorf(fmt.Sprintf("initializer %q", t.GetName()), "its name is empty or there twice")
		}
		given[t.GetName()] = "an initializer"
	}
	inputs := map[string]bool{}
	for _, v := range p.GetInput() {
		if v.GetName() == "" || inputs[v.GetName()] {
			return nil, formatErrorf(fmt.Sprintf("graph input %q", v.GetName()), "its name is empty or there twice")
		}
		inputs[v.GetName()] = true
		given[v.GetName()] = "a graph input"
	}
	for _, n := range nodes {
		for _, out := range n.GetOutput() {
			where := fmt.Sprintf("node %q (%s)", n.name, plainName(n.GetOpType()))
			if other := producer[out]; other != nil {
				return nil, formatErrorf(where, "output %q is computed by node %q too", out, other.name)
			}
			if given[out] != "" {
				return nil, formatErrorf(where, "output %q is %s too", out, given[out])
			}
			if out != "" {
				producer[out] = n
			}
		}
	}
	return topological(nodes, producer)
}

// topological orders nodes by depth-first search from the file's order; a node met again
// while its own operands are visited closes a cycle.
func topological(nodes []*node, producer map[string]*node) ([]*node, error) {
	const open, done = 1, 2
	state := make(map[*node]int, len(nodes))
	sorted := make([]*node, 0, len(nodes))
	type visit struct {
		n    *node
		next int // operand to look at
	}
	for _, root := range nodes {
		if state[root] == done {
			continue
		}
		state[root] = open
		stack := []visit{{n: root}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(top.n.reads) {
				state[top.n] = done
				sorted = append(sorted, top.n)
				stack = stack[:len(stack)-1]
				continue
			}
			from := producer[top.n.reads[top.next]]
			top.next++
			switch {
			case from == nil || state[from] == done:
			case state[from] == open:
				return nil, formatErrorf(fmt.Sprintf("node %q (%s)", from.name, plainName(from.GetOpType())), "it depends on its own output: the graph has a cycle")
			default:
				state[from] = open
				stack = append(stack, visit{n: from})
			}
		}
	}
	return sorted, nil
}

// checkNames demands that the names of values are text, as they must be in a file of this kind: other files that
// hold them cannot hold anything else.
func checkNames(p *pb.GraphProto) error {
	check := func(name string) error {
		if !utf8.ValidString(name) {
			return formatErrorf(fmt.Sprintf("value %q", name), "its name is not valid UTF-8")
		}
		return nil
	}
	for _, t := range p.GetInitializer() {
		if err := check(t.GetName()); err != nil {
			return err
		}
	}
	for _, v := range p.GetInput() {
		if err := check(v.GetName()); err != nil {
			return err
		}
	}
	for _, n := range p.GetNode() {
		for _, name := range n.GetOutput() {
			if err := check(name); err != nil {
				return err
			}
		}
	}
	return nil
}
