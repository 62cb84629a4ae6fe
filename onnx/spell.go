package onnx

import "slices"

// Spelled is an operator that is shorthand for several others. Those without a faster form are run and
// lowered as these.
type Spelled interface {
	Op
	// spell adds the nodes that compute the output of n; nothing where there is no such form.
	spell(s *spelling, n *Node)
}

// Spell returns nodes that together compute the output of n, shapes inferred; nil for an operator
// that is no shorthand.
func Spell(n *Node) ([]*Node, error) {
	by := spellingOf(n)
	if by == nil {
		return nil, nil
	}
	last := by.nodes[len(by.nodes)-1]
	last.Outputs = n.Outputs
	return by.nodes, by.err
}

// spellingOf is the spelling of a node, nil if there is none.
func spellingOf(n *Node) *spelling {
	op, ok := n.Op.(Spelled)
	if !ok {
		return nil
	}
	by := newSpelling(n)
	op.spell(by, n)
	if len(by.nodes) == 0 {
		return nil
	}
	return by
}

// SpellOut replaces nodes that are shorthand, and for which which holds, by what they are shorthand for, as long as
// the values in between are not too large. It says whether there were any.
func SpellOut(g *Graph, which func(*Node) bool) (bool, error) {
	s := newSimplifier(g)
	found := false
	for _, n := range g.Nodes {
		if !which(n) {
			continue
		}
		if by := spellingOf(n); by != nil && s.affords(by) {
			found = true
			if err := s.spell(n, by); err != nil {
				return false, err
			}
		}
	}
	s.sweep()
	return found, g.InferShapes()
}

// affords spends what the values of a spelling take, if there is as much left.
func (s *simplifier) affords(by *spelling) bool {
	size := 0
	for _, n := range by.nodes {
		for _, v := range n.Outputs {
			size += v.Shape.Elems()
		}
	}
	if size > s.budget {
		return false
	}
	s.budget -= size
	return true
}

// spelling builds nodes that together compute what one node does.
type spelling struct {
	name      string
	nodes     []*Node
	constants []*Value
	// wishes are names that values should have.
	wishes map[*Value]string
	// places are those of the values of a file that is being read.
	places places
	err    error
}

// newSpelling starts the nodes that stand for n.
func newSpelling(n *Node) *spelling { return &spelling{name: n.Name} }

// add appends a node and returns its result, with its shape.
func (s *spelling) add(op Op, in ...*Value) *Value { return s.addAs("", op, 1, in...)[0] }

// addAs appends a node of several results under a name that begins with that of the operator; without one it is named after op.
func (s *spelling) addAs(name string, op Op, results int, in ...*Value) []*Value {
	out := make([]*Value, results)
	for i := range out {
		out[i] = &Value{}
	}
	n := &Node{Name: s.name + "." + op.Type(), Op: op, Inputs: in, Outputs: out}
	if name != "" {
		n.Name = s.name + namedPart + name
	}
	if s.err != nil {
		s.nodes = append(s.nodes, n)
		return out
	}
	var nodes []*Node
	if nodes, s.err = s.places.place(n); s.err != nil {
		nodes = []*Node{n}
	}
	s.nodes = append(s.nodes, nodes...)
	for i, v := range out {
		out[i] = s.places.resolve(v)
	}
	return out
}

// namedPart stands between the name of an operator and that of one of its parts.
const namedPart = "/"

// constant is a float constant.
func (s *spelling) constant(t *Tensor) *Value {
	v := &Value{Name: s.name + ".const"}
	v.setConst(t)
	s.constants = append(s.constants, v)
	return v
}

// number is a constant of one element.
func (s *spelling) number(x float64) *Value {
	return s.constant(&Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(x)}})
}

// reshape gives v a shape, which is batched if v's is.
func (s *spelling) reshape(v *Value, to Shape) *Value {
	if v.Shape.Equal(to) {
		return v
	}
	return s.add(&Reshape{Dims: reshapeDims(to)}, v)
}

// transpose permutes the dimensions of v.
func (s *spelling) transpose(v *Value, perm ...int) *Value {
	if slices.IsSorted(perm) {
		return v
	}
	return s.add(&Transpose{Perm: perm}, v)
}

// spell puts the nodes of a spelling in the place of n; the last of them computes its output.
func (s *simplifier) spell(n *Node, by *spelling) error {
	if by.err != nil {
		return n.wrap(by.err, s.g.Opset)
	}
	for _, v := range by.constants {
		v.Name = s.freshName(v.Name)
	}
	for _, m := range by.nodes {
		m.Name = s.freshName(m.Name)
		m.Outputs[0].Name = m.Name
	}
	last := by.nodes[len(by.nodes)-1]
	last.Outputs[0] = n.Outputs[0]
	for _, v := range n.Inputs {
		s.unuse(n, v)
	}
	// The node itself becomes the first of them, so that the order of nodes stays right.
	first := by.nodes[0]
	n.Op, n.Inputs, n.Outputs = first.Op, first.Inputs, first.Outputs
	by.nodes[0] = n
	s.added[n] = append(s.added[n], by.nodes[1:]...)
	for _, m := range by.nodes {
		for _, v := range m.Inputs {
			if v != nil {
				s.uses[v] = append(s.uses[v], m)
			}
		}
		s.from[m.Outputs[0]] = m
	}
	return nil
}

// spellNormalization spells a normalization by statistics of its input, which has no form of its own further on.
func (s *simplifier) spellNormalization(n *Node) error {
	switch n.Op.(type) {
	case *LRN, *InstanceNormalization, *GroupNormalization, *LayerNormalization, *LpNormalization:
		s.logf("spelled out %s", title(n))
		return s.spell(n, spellingOf(n))
	}
	return nil
}
