package ortfuzz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"qconv/internal/testtool"
)

// shrink makes a network that differs smaller: fewer outputs, nodes replaced by inputs, plain ways of writing. It
// returns the smallest and its difference.
func shrink(r *testtool.ORT, n *network, feed map[string]tensor, found error) (*network, error) {
	best, why := n, found
	try := func(m *network) bool {
		m.prune()
		v := judge(r, m, feed)
		if v.found == nil || !sameStage(v.found, found) {
			return false
		}
		best, why = m, v.found
		return true
	}
	// The first value that differs as the only output.
	all := map[string]*value{}
	for _, v := range n.values {
		all[v.name] = v
	}
	for _, node := range n.nodes {
		m := n.clone()
		m.outputs = nil
		for _, out := range node.out {
			if k := all[out].kind; k != uint8s && k != int8s {
				m.outputs = append(m.outputs, all[out])
			}
		}
		if len(m.outputs) > 0 && try(m) {
			break
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range best.outputs {
			if m := best.clone(); len(m.outputs) > 1 {
				m.outputs = slices.Delete(m.outputs, i, i+1)
				if changed = try(m); changed {
					break
				}
			}
		}
		for i, node := range best.nodes {
			if changed {
				break
			}
			if node.wrapped {
				m := best.clone()
				m.nodes[i].wrapped = false
				if changed = try(m); changed {
					break
				}
			}
			// Its results become an input of the same shape and kind.
			for _, in := range best.inputs {
				out := all[node.out[0]]
				if len(node.out) > 1 || !slices.Equal(in.shape, out.shape) || in.kind != out.kind || in.batched != out.batched || slices.Contains(best.outputs, out) {
					continue
				}
				m := best.clone()
				m.nodes = slices.Delete(m.nodes, i, i+1)
				for _, other := range m.nodes {
					for k, name := range other.in {
						if name == out.name {
							other.in[k] = in.name
						}
					}
				}
				if changed = try(m); changed {
					break
				}
			}
		}
	}
	for _, c := range best.constants {
		if c.node {
			m := best.clone()
			for i := range m.constants {
				m.constants[i].node = false
			}
			try(m)
			break
		}
	}
	return best, why
}

// sameStage says whether two differences show at the same place.
func sameStage(a, b error) bool {
	var x, y *difference
	return errors.As(a, &x) && errors.As(b, &y) && x.stage == y.stage
}

func (n *network) clone() *network {
	m := *n
	m.inputs, m.outputs = slices.Clone(n.inputs), slices.Clone(n.outputs)
	m.constants, m.nodes = nil, nil
	for _, c := range n.constants {
		copied := *c
		m.constants = append(m.constants, &copied)
	}
	for _, node := range n.nodes {
		copied := *node
		copied.in = slices.Clone(node.in)
		m.nodes = append(m.nodes, &copied)
	}
	return &m
}

// prune drops nodes and constants that no output needs.
func (n *network) prune() {
	needed := map[string]bool{}
	for _, v := range n.outputs {
		needed[v.name] = true
	}
	for i := len(n.nodes) - 1; i >= 0; i-- {
		node := n.nodes[i]
		if !slices.ContainsFunc(node.out, func(s string) bool { return needed[s] }) {
			n.nodes = slices.Delete(n.nodes, i, i+1)
			continue
		}
		for _, in := range node.in {
			needed[in] = true
		}
		for _, a := range node.attrs {
			if b, ok := a.value.(*network); ok {
				for _, inner := range b.nodes {
					for _, in := range inner.in {
						needed[in] = true
					}
				}
			}
		}
	}
	n.constants = slices.DeleteFunc(n.constants, func(c *constant) bool { return !needed[c.name] })
	if kept := slices.DeleteFunc(slices.Clone(n.inputs), func(v *value) bool { return !needed[v.name] }); len(kept) > 0 {
		n.inputs = kept
	}
}

// String describes a network, a node a line.
func (n *network) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "opset %d, IR %d, batch %d\n", n.opset, n.ir, n.batch)
	for _, v := range n.inputs {
		fmt.Fprintf(&b, "  input %s %v %q\n", v.name, v.shape, v.symbols)
	}
	for _, c := range n.constants {
		fmt.Fprintf(&b, "  constant %s kind %d %v", c.name, c.kind, c.shape)
		if len(c.values) <= 16 {
			fmt.Fprintf(&b, " %.4v", c.values)
		}
		if c.node {
			b.WriteString(" (node)")
		}
		b.WriteByte('\n')
	}
	for _, node := range n.nodes {
		fmt.Fprintf(&b, "  %s = %s(%s)", strings.Join(node.out, ", "), node.op, strings.Join(node.in, ", "))
		for _, a := range node.attrs {
			fmt.Fprintf(&b, " %s=%v", a.name, a.value)
		}
		if node.wrapped {
			b.WriteString(" (function)")
		}
		b.WriteByte('\n')
	}
	for _, v := range n.outputs {
		fmt.Fprintf(&b, "  output %s %v\n", v.name, v.shape)
	}
	return b.String()
}
