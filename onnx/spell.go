package onnx

import "slices"

// spelling builds nodes that together compute what one node does.
type spelling struct {
	name      string
	nodes     []*Node
	constants []*Value
	err       error
}

// newSpelling starts the nodes that stand for n.
func newSpelling(n *Node) *spelling { return &spelling{name: n.Name} }

// add appends a node and returns its result, with its shape.
func (s *spelling) add(op Op, in ...*Value) *Value {
	out := &Value{}
	n := &Node{Name: s.name + "." + op.Type(), Op: op, Inputs: in, Outputs: []*Value{out}}
	if s.err == nil {
		s.err = n.infer()
	}
	s.nodes = append(s.nodes, n)
	return out
}

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
	dims := slices.Clone([]int(to))
	if to.batched() {
		dims[0] = 0
	}
	return s.add(&Reshape{Dims: dims}, v)
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
