package finetune

import (
	"fmt"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// operators says how operators that belong to no family, and those of a family that have a faster
// form of their own, are laid on the tape.
var operators = map[string]func(b *builder, n *onnx.Node) (*G.Node, error){
	"Add":                buildAdd,
	"ArgMax":             buildArgMax,
	"AveragePool":        buildAveragePool,
	"BatchNormalization": buildBatchNorm,
	"Clip":               buildClip,
	"Concat":             buildConcat,
	"Conv":               buildConv,
	"ConvTranspose":      buildConvTranspose,
	"Gemm":               buildGemm,
	"GlobalAveragePool":  buildGlobalAveragePool,
	"GlobalMaxPool":      buildGlobalMaxPool,
	"HardSwish":          buildHardSwish,
	"LeakyRelu":          buildLeakyRelu,
	"LogSoftmax":         buildLogSoftmax,
	"MatMul":             buildMatMul,
	"MaxPool":            buildMaxPool,
	"Mean":               buildMean,
	"Mul":                buildMul,
	"Relu":               buildRelu,
	"Resize":             buildResize,
	"Sigmoid":            buildSigmoid,
	"Softmax":            buildSoftmax,
	"Sub":                buildSub,
	"Sum":                buildAdd,
	"Swish":              buildSwish,
	"Tanh":               buildTanh,
	"Where":              buildWhere,
}

// builder lays an onnx graph on a tape, for a fixed batch.
type builder struct {
	*tape
	batch int
	// nodes holds the value that consumers see; inputs and constants are added when they
	// are first asked for.
	nodes map[*onnx.Value]*G.Node
	// raw holds the value as its node computed it, before it was rounded.
	raw map[*onnx.Value]*G.Node
	// inputs are the buffers of the graph's inputs, in the graph's order.
	inputs [][]float32
	plan   plan
	// graph is the network.
	graph *onnx.Graph
	// outer is what the body of a loop lies in, which sees its values; nil for the network itself.
	outer *builder
	// loops are those that values of bodies belong to.
	loops map[*onnx.Value]*recurrence
	// sharing is what [quant.SharedLevels] says of graph, once it is asked for.
	sharing map[*onnx.Value]*onnx.Value
}

// newBuilder lays on a tape.
func newBuilder(t *tape, batch int, p plan) *builder {
	return &builder{tape: t, batch: batch, plan: p, nodes: map[*onnx.Value]*G.Node{}, raw: map[*onnx.Value]*G.Node{}, loops: map[*onnx.Value]*recurrence{}}
}

// plan says what a builder does beyond the plain float network. Every field may be nil. Bodies of loops have tapes of their own, whose steps run once
// in every iteration: trained values lie on the tape of the network ([tape.root]) and are captured.
type plan struct {
	// constant makes the node of a constant; it may return nil for the plain value.
	constant func(t *tape, v *onnx.Value) *G.Node
	// adjust replaces what a linear node (see [isLinear]) computed, before anything reads it.
	adjust func(t *tape, n *onnx.Node, y *G.Node) *G.Node
	// delivers says of a value in the body of a loop whether the network's tape has it too, in all iterations and as [Executor.Value] has them.
	delivers func(v *onnx.Value) bool
	// outputsOnly lets the memory of values be used again when nothing reads them any more.
	outputsOnly bool
	// round replaces an input or computed value by its levels; it may return y.
	round func(t *tape, v *onnx.Value, y *G.Node) *G.Node
}

// levelPlan rounds values to fixed levels, by value name.
func levelPlan(levels map[string]quant.Levels) plan {
	return plan{round: func(t *tape, v *onnx.Value, y *G.Node) *G.Node {
		if l, ok := levels[v.Name]; ok {
			return roundNode(t, l, t.input("step", []float32{float32(l.Step)}), y)
		}
		return y
	}}
}

// build lays g on a new tape. finish, which may be nil, adds what comes on top (a loss and its
// gradients). The tape is compiled when build returns.
func build(g *onnx.Graph, batch int, p plan, finish func(b *builder) error) (*builder, error) {
	for salt := range 10 {
		b := newBuilder(plainTape(), batch, p)
		if finish != nil {
			b.tape = newTape(salt)
		}
		if err := b.lay(g); err != nil {
			return nil, err
		}
		if finish != nil {
			if err := finish(b); err != nil {
				return nil, err
			}
		}
		var kept []*G.Node
		if p.outputsOnly {
			for _, v := range g.Outputs {
				kept = append(kept, b.nodes[v])
			}
		}
		if b.compile(kept) {
			return b, nil
		}
	}
	return nil, fmt.Errorf("finetune: the network has too many nodes to be trained")
}

func (b *builder) lay(g *onnx.Graph) error {
	b.layInputs(g)
	parts, err := blocks(g)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := b.layBlock(part); err != nil {
			return err
		}
	}
	for _, v := range g.Outputs {
		if b.node(v) == nil {
			return fmt.Errorf("finetune: output %q is computed by no node", v.Name)
		}
	}
	return nil
}

// layBlock lays a block behind those that it reads.
func (b *builder) layBlock(p block) error {
	if p.loop != nil {
		return b.layLoop(p.loop, p.nodes)
	}
	return b.layNode(p.nodes[0])
}

func (b *builder) layInputs(g *onnx.Graph) {
	b.graph = g
	for _, v := range g.Inputs {
		data := make([]float32, size(b.shape(v)))
		b.inputs = append(b.inputs, data)
		b.define(v, b.input(v.Name, data))
	}
}

// layNode lays a node behind those that it reads.
func (b *builder) layNode(n *onnx.Node) error {
	results, err := b.results(n)
	if err != nil {
		return fmt.Errorf("finetune: node %q: %s: %w", n.Name, n.Op.Type(), err)
	}
	for i, y := range results {
		v := n.Outputs[i]
		if want := size(b.shape(v)); y.Shape()[0] != want {
			return fmt.Errorf("finetune: node %q: %s: output %d has %d elements, want %d for shape %v",
				n.Name, n.Op.Type(), i, y.Shape()[0], want, v.Shape)
		}
		if b.plan.adjust != nil && isLinear(n) {
			y = b.plan.adjust(b.tape, n, y)
		}
		b.define(v, y)
	}
	return nil
}

// results lays a node and returns one tape node for each of its outputs.
func (b *builder) results(n *onnx.Node) ([]*G.Node, error) {
	if onnx.MovesOf(n, b.batch) != nil {
		return buildMoves(b, n)
	}
	if len(n.Outputs) != 1 {
		return nil, fmt.Errorf("%d outputs, want 1", len(n.Outputs))
	}
	f := operators[n.Op.Type()]
	if f == nil {
		f = family(n.Op)
	}
	if f == nil {
		return b.spelled(n)
	}
	y, err := f(b, n)
	return []*G.Node{y}, err
}

// spelled lays an operator that is shorthand for others as these.
func (b *builder) spelled(n *onnx.Node) ([]*G.Node, error) {
	nodes, err := onnx.Spell(n)
	if err != nil {
		return nil, err
	}
	if nodes == nil {
		return nil, fmt.Errorf("the operator has no float form")
	}
	var results []*G.Node
	for _, m := range nodes {
		if results, err = b.results(m); err != nil {
			return nil, err
		}
		b.nodes[m.Outputs[0]] = results[0]
	}
	return results, nil
}

// family is how the operators of a family are laid, nil for an operator of none.
func family(op onnx.Op) func(b *builder, n *onnx.Node) (*G.Node, error) {
	switch op.(type) {
	case onnx.Scalar:
		return buildScalar
	case *onnx.ArgMax: // ArgMin
		return buildArgMax
	case onnx.Pair:
		return buildPair
	case onnx.View:
		return buildView
	case *onnx.Reduce:
		return buildReduce
	}
	return nil
}

// define records the node of a value and rounds it if planned.
func (b *builder) define(v *onnx.Value, y *G.Node) {
	b.raw[v] = y
	if b.plan.round != nil {
		y = b.plan.round(b.tape, v, y)
	}
	b.nodes[v] = y
}

// node is the node of a value as its consumers see it; nil for a value that is neither
// constant nor computed yet.
func (b *builder) node(v *onnx.Value) *G.Node {
	if n := b.nodes[v]; n != nil {
		return n
	}
	if b.outer != nil { // constants, too, are made but once
		n := b.outer.node(v)
		if n != nil {
			n = b.capture(n)
			b.nodes[v] = n
		}
		return n
	}
	if v.Const == nil {
		return nil
	}
	var n *G.Node
	if b.plan.constant != nil && v.Const.Type == onnx.Float {
		n = b.plan.constant(b.tape, v)
	}
	if n == nil {
		n = b.input(v.Name, constFloats(v.Const))
	}
	b.nodes[v] = n
	return n
}

// in is the node of input i of n.
func (b *builder) in(n *onnx.Node, i int) (*G.Node, error) {
	if i >= len(n.Inputs) || n.Inputs[i] == nil {
		return nil, fmt.Errorf("input %d is missing", i)
	}
	x := b.node(n.Inputs[i])
	if x == nil {
		return nil, fmt.Errorf("input %q is not computed by an earlier node", n.Inputs[i].Name)
	}
	return x, nil
}

// optional is the node of input i of n, or nil when it is left out.
func (b *builder) optional(n *onnx.Node, i int) (*G.Node, error) {
	if i >= len(n.Inputs) || n.Inputs[i] == nil {
		return nil, nil
	}
	return b.in(n, i)
}

// shape is a value's shape with the batch bound.
func (b *builder) shape(v *onnx.Value) []int { return v.Shape.WithBatch(b.batch) }

// size is the number of elements of a shape.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// constFloats is a constant as float32: its own data where it is float.
func constFloats(t *onnx.Tensor) []float32 {
	if t.Type == onnx.Float {
		return t.Floats
	}
	out := make([]float32, len(t.Ints))
	for i, v := range t.Ints {
		out[i] = float32(v)
	}
	return out
}

// isLinear says whether a node multiplies its first input by constant weights.
func isLinear(n *onnx.Node) bool {
	switch n.Op.(type) {
	case *onnx.Conv, *onnx.ConvTranspose, *onnx.Gemm, *onnx.MatMul:
		return len(n.Inputs) > 1 && n.Inputs[1] != nil && n.Inputs[1].Const != nil
	}
	return false
}
