package onnx

import (
	"fmt"
	"slices"
	"strconv"
)

// Simplify rewrites the graph, in place, into fewer and plainer nodes that compute the
// same:
//
//   - nodes with constant operands become constants, nodes without use disappear;
//   - Identity, Dropout and other nodes that change nothing are removed;
//   - a MatMul with constant weights becomes Gemm or, over positions, Conv; a Gemm with constant weights
//     has them as [O][K] (TransB), with Alpha and Beta multiplied in and a bias of [O];
//   - BatchNormalization, and arithmetic with a constant per channel, is folded into the
//     Conv, ConvTranspose or Gemm before it, or into those behind it that work at each position alone;
//   - Pad with zeros is folded into the Conv or AveragePool behind it;
//   - arithmetic that spells out an activation, such as x * Sigmoid(x), becomes one node;
//   - a Reshape made for a batch of one is made for any batch, and several in a row, such
//     as a Squeeze behind an Unsqueeze, become one;
//   - a mean or maximum over all spatial dimensions becomes a global pooling;
//   - pictures that together are one sample become the channels of one;
//   - the huge negative numbers of a mask before a Softmax become [MaskValue];
//   - the last step of the sequence of a loop is read from what the loop ends with;
//   - Transpose nodes are moved towards the outputs, until they meet their opposites.
//
// Weights are folded in double precision and rounded once. It returns one line per change.
// Shapes must be inferred before and are afterwards. After an error the graph is not to
// be used.
func Simplify(g *Graph) ([]string, error) {
	s := newSimplifier(g)
	for before, round := -1, 0; before < len(s.log) && round < maxRounds; round++ {
		before = len(s.log)
		for _, rewrite := range []func(*Node) error{
			s.foldConstant, s.spellNormalization, s.removeIdle, s.removeNeutral, s.freeBatch, s.mergeReshape, s.mergeTranspose, s.pushTranspose,
			s.joinDirections, s.takeLastStep, s.reduceToPool, s.recognizeActivation, s.repeatMean,
			s.boundMask, s.onePicture, s.gemmToMatMul, s.matMulToLinear, s.normalizeGemm, s.foldAffine, s.foldAhead, s.foldPad,
		} {
			for _, n := range g.Nodes {
				if s.dropped[n] {
					continue
				}
				if err := rewrite(n); err != nil {
					return s.log, err
				}
			}
			s.sweep()
		}
	}
	if err := g.InferShapes(); err != nil {
		return s.log, err
	}
	if err := g.OrderLoops(); err != nil {
		return s.log, err
	}
	return s.log, g.CheckWeights() // folding may overflow
}

// maxRounds bounds how often all rewrites are tried; networks of exporters need a few rounds.
const maxRounds = 100

// maxFold is the number of elements that constant folding may make in one graph.
const maxFold = 1 << 27

// simplifier holds a graph during rewriting, and who uses what in it.
type simplifier struct {
	g       *Graph
	log     []string
	from    map[*Value]*Node
	uses    map[*Value][]*Node
	output  map[*Value]bool
	dropped map[*Node]bool    // still in g.Nodes, until sweep
	added   map[*Node][]*Node // to stand behind a node of g.Nodes, from sweep on
	names   map[string]bool
	budget  int // elements left of maxFold
}

func newSimplifier(g *Graph) *simplifier {
	s := &simplifier{g: g, from: g.Producers(), uses: g.Consumers(), output: map[*Value]bool{},
		dropped: map[*Node]bool{}, added: map[*Node][]*Node{}, names: map[string]bool{}, budget: maxFold}
	for _, v := range g.Outputs {
		s.output[v] = true
	}
	for _, v := range g.Inputs {
		s.names[v.Name] = true
	}
	for _, n := range g.Nodes {
		s.names[n.Name] = true
		for _, v := range slices.Concat(n.Inputs, n.Outputs) {
			if v != nil {
				s.names[v.Name] = true
			}
		}
	}
	return s
}

func (s *simplifier) logf(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// sole says whether v has one reader, once, and is not an output.
func (s *simplifier) sole(v *Value) bool { return len(s.uses[v]) == 1 && !s.output[v] }

// setInput makes v operand i of n; nil is an operand left out.
func (s *simplifier) setInput(n *Node, i int, v *Value) {
	for i >= len(n.Inputs) {
		n.Inputs = append(n.Inputs, nil)
	}
	s.unuse(n, n.Inputs[i])
	n.Inputs[i] = v
	if v != nil {
		s.uses[v] = append(s.uses[v], n)
	}
}

func (s *simplifier) unuse(n *Node, v *Value) {
	// From the end, where there is little to move.
	for i, reader := range slices.Backward(s.uses[v]) {
		if reader == n {
			s.uses[v] = slices.Delete(s.uses[v], i, i+1)
			return
		}
	}
}

// replace makes all readers of old read v.
func (s *simplifier) replace(old, v *Value) {
	var last *Node
	for _, n := range s.uses[old] {
		if n == last {
			continue // it reads the value twice
		}
		last = n
		for i := range n.Inputs {
			if n.Inputs[i] == old {
				n.Inputs[i] = v
			}
		}
	}
	s.uses[v] = append(s.uses[v], s.uses[old]...)
	delete(s.uses, old)
}

// drop takes a node out of the graph.
func (s *simplifier) drop(n *Node) {
	s.dropped[n] = true
	for _, v := range n.Inputs {
		s.unuse(n, v)
	}
	for _, v := range n.Outputs {
		if s.from[v] == n {
			delete(s.from, v)
		}
	}
}

// takeOver drops n and makes earlier compute n's output, in place of its own.
func (s *simplifier) takeOver(earlier, n *Node) {
	out := n.Outputs[0]
	s.drop(n)
	delete(s.from, earlier.Outputs[0])
	earlier.Outputs[0] = out
	s.from[out] = earlier
}

// sweep removes dropped nodes and those whose results nobody uses.
func (s *simplifier) sweep() {
	if len(s.added) > 0 {
		var nodes []*Node
		for _, n := range s.g.Nodes {
			nodes = append(append(nodes, n), s.added[n]...)
		}
		s.g.Nodes = nodes
		clear(s.added)
	}
	live := s.g.liveNodes(s.from)
	for _, n := range slices.Backward(s.g.Nodes) {
		if !s.dropped[n] && !live[n] {
			s.logf("removed %s, whose result is not used", title(n))
			s.drop(n)
		}
	}
	s.g.Nodes = slices.DeleteFunc(s.g.Nodes, func(n *Node) bool { return s.dropped[n] })
	clear(s.dropped)
}

// title names a node in a report.
func title(n *Node) string { return fmt.Sprintf("%s %q", n.Op.Type(), n.Name) }

// setConst gives n a constant as operand i. A constant in that place that nobody else
// reads keeps its name.
func (s *simplifier) setConst(n *Node, i int, role string, t *Tensor) {
	v := &Value{}
	if i < len(n.Inputs) && n.Inputs[i] != nil && n.Inputs[i].Const != nil && s.sole(n.Inputs[i]) {
		v.Name = n.Inputs[i].Name
	} else {
		v.Name = s.freshName(n.Name + "." + role)
	}
	v.setConst(t)
	s.setInput(n, i, v)
}

// freshName makes a name that nothing in the graph has.
func (s *simplifier) freshName(name string) string {
	full := name
	for k := 2; s.names[full]; k++ {
		full = name + strconv.Itoa(k)
	}
	s.names[full] = true
	return full
}

// foldConstant computes a node of constants.
func (s *simplifier) foldConstant(n *Node) error {
	_, size := cost(n) // elements to read or to make, and products
	for _, v := range slices.Concat(n.Inputs, n.Outputs) {
		size += v.shape().Elems()
	}
	if size < 0 || size > s.budget {
		return nil
	}
	results := fold(n)
	if results == nil {
		results = foldProduct(n)
	}
	if results == nil {
		return nil
	}
	s.budget -= size
	s.logf("computed %s, a constant", title(n))
	s.drop(n)
	for i, t := range results {
		n.Outputs[i].setConst(t)
	}
	return nil
}

// removeIdle removes a node that hands on its only operand as it is.
func (s *simplifier) removeIdle(n *Node) error {
	if len(n.Inputs) != 1 || len(n.Outputs) != 1 || !idle(n) {
		return nil
	}
	in, out := n.Inputs[0], n.Outputs[0]
	switch {
	case !s.output[out]:
		s.replace(out, in)
		s.drop(n)
	case s.output[in] || s.from[in] == nil:
		return nil // two names of one value are asked for
	default:
		earlier := s.from[in]
		i := slices.Index(earlier.Outputs, in)
		s.drop(n)
		s.replace(in, out)
		delete(s.from, in)
		earlier.Outputs[i] = out
		s.from[out] = earlier
	}
	s.logf("removed %s", title(n))
	return nil
}

// idle says whether a node with one operand changes neither its elements nor its shape.
func idle(n *Node) bool {
	switch op := n.Op.(type) {
	case *Identity, *Dropout, *Concat, *Sum, *Mean, *Max, *Min:
		return true
	case *Reshape, *Flatten, *Squeeze, *Unsqueeze:
		return n.Inputs[0].Shape.Equal(n.Outputs[0].Shape)
	case *Expand, *Tile:
		return n.Inputs[0].Shape.Equal(n.Outputs[0].Shape)
	case *Transpose:
		return slices.IsSorted(op.Perm)
	case *Pad:
		return !slices.ContainsFunc(op.Pads, func(p int) bool { return p != 0 })
	}
	return false
}

// freeBatch makes the leading 1 of a Reshape copy the batch dimension.
func (s *simplifier) freeBatch(n *Node) error {
	op, ok := n.Op.(*Reshape)
	if !ok || len(op.Dims) == 0 || op.Dims[0] != 1 || !n.Inputs[0].Shape.batched() {
		return nil
	}
	op.Dims = slices.Clone(op.Dims)
	op.Dims[0] = 0
	s.logf("made %s keep the batch", title(n))
	return nil
}
