package quant

import (
	"fmt"
	"math"
	"unicode/utf8"

	"qconv/onnx"
)

// class says how an operator takes part in the integer program.
type class uint8

const (
	classRefused class = iota
	classLinear        // opens or extends an accumulator
	classScalar        // a function of one value, applied by its requantization or by a table
	classEntry         // the scaling of an input, which is done before the program starts
	classInner         // part of a function whose last node does the work
	classPair          // a function of two tensors: a two-dimensional table
	classView          // the same elements in the same order under another shape
	classMove          // moves indices; levels stay those of its input
	classPool          // compares indices; levels stay those of its input
	classMerge         // moves indices of several inputs, or constants, into levels of its own
	classFinal         // monotone normalization at the output, left to the reader of the logits
	classMatMul        // multiplies two tensors of matrices, exactly
	classArgMax        // compares along a dimension: levels, or accumulators where nothing else needs levels
	classLoop          // leads into the body of a loop or out of it; levels stay those of its input, or of the state
)

// plan says what becomes of a node.
type plan struct {
	class  class
	reason string    // of classRefused
	f      *function // of classScalar
	site   bool      // its output carries levels of its own
}

// analysis is what the structure of a graph alone decides, before any level is chosen: once, one
// plan for each node.
type analysis struct {
	graph      *onnx.Graph
	producers  map[*onnx.Value]*onnx.Node
	consumers  map[*onnx.Value][]*onnx.Node
	order      map[*onnx.Node]int
	outputs    map[*onnx.Value]bool
	merged     map[*onnx.Node]*function // nodes that end an island, and the function they compute
	inner      map[*onnx.Node]bool      // nodes inside an island
	toOutput   map[*onnx.Value]bool     // outputs, and values that become one through views and the ends of loops alone
	positions  map[*onnx.Value]bool     // results of ArgMax, and views of them
	lowest     map[*onnx.Value]float64  // see Site.Lowest
	scores     map[*onnx.Value]bool     // see Site.Masked
	squares    map[*onnx.Value]bool     // what findDeviations has found
	ofProducts map[*onnx.Value]bool     // what ofProduct has found
	fine       map[*onnx.Value]bool     // those that need finer levels than others of the network
	plans      map[*onnx.Node]*plan
	codes      map[*onnx.Value]Levels         // what carried has found; no levels for none
	roundings  map[*onnx.Value]*onnx.Quantize // what rounding has found; nil for none
	begun      map[*onnx.LoopState]*onnx.Node // the node of each
	next       map[*onnx.LoopState]*onnx.Node // the LoopNext of each
	states     map[*onnx.Value]bool           // sites that a LoopNext hands on
	beginning  map[*onnx.Value]*onnx.Value    // what begins has found; nil for none
	tied       map[*onnx.Value]*onnx.Value    // by input, the output that becomes it at the next step of a stream
}

func analyze(g *onnx.Graph) *analysis {
	a := &analysis{
		graph: g, producers: g.Producers(), consumers: g.Consumers(), order: map[*onnx.Node]int{},
		outputs: map[*onnx.Value]bool{}, toOutput: map[*onnx.Value]bool{}, positions: map[*onnx.Value]bool{}, fine: map[*onnx.Value]bool{}, scores: map[*onnx.Value]bool{}, squares: map[*onnx.Value]bool{}, ofProducts: map[*onnx.Value]bool{}, lowest: map[*onnx.Value]float64{}, plans: map[*onnx.Node]*plan{},
		codes: map[*onnx.Value]Levels{}, roundings: map[*onnx.Value]*onnx.Quantize{},
		begun: map[*onnx.LoopState]*onnx.Node{}, next: map[*onnx.LoopState]*onnx.Node{}, states: map[*onnx.Value]bool{}, beginning: map[*onnx.Value]*onnx.Value{}, tied: map[*onnx.Value]*onnx.Value{},
	}
	for i, n := range g.Nodes {
		a.order[n] = i
	}
	for _, v := range g.Outputs {
		a.outputs[v], a.toOutput[v] = true, true
	}
	for _, p := range statesOf(g) {
		if in, out := valueCalled(g.Inputs, p.Input), valueCalled(g.Outputs, p.Output); in != nil && out != nil {
			a.tied[in] = out
		}
	}
	for i := range g.Nodes {
		n := g.Nodes[len(g.Nodes)-1-i]
		_, isView := n.Op.(onnx.View)
		_, isPut := n.Op.(*onnx.LoopPut)
		if (isView || isPut) && a.toOutput[n.Outputs[0]] && len(a.consumers[n.Inputs[0]]) == 1 {
			a.toOutput[n.Inputs[0]] = true
		}
	}
	a.findLoops()
	a.islands()
	for _, n := range g.Nodes {
		p := a.classify(n)
		a.plans[n] = &p
	}
	a.findFine()
	a.findDeviations()
	a.findSites()
	a.findStates()
	a.findTied()
	return a
}

func refused(format string, args ...any) plan { return plan{reason: fmt.Sprintf(format, args...)} }

// classify makes the plan of a node from those of the nodes before it.
func (a *analysis) classify(n *onnx.Node) plan {
	if a.inner[n] {
		return plan{class: classInner}
	}
	if reason := FloatOnly(n.Op.Type()); reason != "" {
		return refused("%s", reason)
	}
	if len(n.Inputs) > 0 && a.positions[n.Inputs[0]] {
		a.positions[n.Outputs[0]] = true
		return plan{class: classView} // it leads to outputs alone, or the ArgMax is refused
	}
	if isLoopEnd(n.Op) {
		return plan{class: classLoop}
	}
	if moves := onnx.MovesOf(n, 1); moves != nil {
		return classifyMove(moves)
	}
	if a.merged[n] == nil {
		switch {
		case a.isEntry(n):
			return plan{class: classEntry}
		case a.sums(n):
			return plan{class: classLinear}
		}
	}
	switch op := n.Op.(type) {
	case *onnx.Conv, *onnx.ConvTranspose:
		if n.Inputs[1].Const == nil {
			return refused("weights that are computed, not constant, cannot be clustered")
		}
		if s := n.Inputs[0].Shape; s[0] != onnx.Batch && s[0] != 1 {
			return refused("a convolution of %d pictures that are one sample", s[0])
		}
		return plan{class: classLinear}
	case *onnx.Gemm:
		switch {
		case n.Inputs[1].Const == nil:
			return refused("a product of two computed matrices has no table form")
		case op.TransA:
			return refused("a transposed activation matrix mixes samples of the batch")
		}
		return plan{class: classLinear}
	case *onnx.MatMul:
		return classifyMatMul(n)
	case *onnx.AveragePool:
		if len(runs(averageCounts(n, 0))) > 1 || len(runs(averageCounts(n, 1))) > 1 {
			return plan{class: classMerge} // windows at the border have other divisors
		}
		return plan{class: classLinear}
	case *onnx.GlobalAveragePool:
		return plan{class: classLinear}
	case *onnx.Reduce:
		return classifyReduce(n, op)
	case *onnx.Resize:
		return classifyResize(n, op)
	case onnx.View:
		return plan{class: classView}
	case *onnx.MaxPool, *onnx.GlobalMaxPool:
		return plan{class: classPool}
	case *onnx.Concat:
		return plan{class: classMerge}
	case *onnx.ArgMax:
		if reader := a.misreader(n.Outputs[0]); reader != nil {
			return refused("positions that it finds can only be delivered, reshaped or cast, and %s %q does more with them", reader.Op.Type(), reader.Name)
		}
		a.positions[n.Outputs[0]] = true
		return plan{class: classArgMax}
	case *onnx.Softmax, *onnx.LogSoftmax:
		if !a.toOutput[n.Outputs[0]] || !a.onlyViewed(n.Outputs[0]) {
			return refused("inside the network it is spelled out, and at its output the scores themselves are delivered")
		}
		return plan{class: classFinal}
	case *onnx.BatchNormalization:
		if f := normalization(n); f != nil {
			return plan{class: classScalar, f: f}
		}
	}
	return a.classifyElementwise(n)
}

// classifyMove tells movements that bring a value of their own.
func classifyMove(moves []onnx.Move) plan {
	for _, m := range moves {
		// What stands for minus infinity is lower than all levels, and the lowest does as well.
		if m.FillValue != 0 && math.Abs(m.FillValue) < 1e30 {
			return plan{class: classMerge}
		}
	}
	return plan{class: classMove}
}

// classifyElementwise does the same for operators that work element by element.
func (a *analysis) classifyElementwise(n *onnx.Node) plan {
	if f := a.merged[n]; f != nil {
		return plan{class: classScalar, f: f}
	}
	if f := functionOf(n); f != nil {
		if _, isAdd := n.Op.(*onnx.Add); isAdd && a.open(f.from) {
			return plan{class: classLinear} // a bias
		}
		return plan{class: classScalar, f: f}
	}
	switch n.Op.(type) {
	case *onnx.Add, *onnx.Sub, *onnx.Sum, *onnx.Mean:
		if a.summable(n) {
			return plan{class: classLinear}
		}
	}
	if _, ok := n.Op.(onnx.Pair); ok && len(n.Inputs) == 2 {
		return plan{class: classPair}
	}
	return refused("no integer form is known for this operator")
}

// functionOf is the function of its one computed operand that an elementwise node is; nil if it has
// several, or constants that differ by position.
func functionOf(n *onnx.Node) *function {
	var from *onnx.Value
	for _, v := range n.Inputs {
		switch {
		case v.Const != nil:
		case from != nil && from != v:
			return nil
		default:
			from = v
		}
	}
	if from == nil {
		return nil
	}
	s := newStep(n, map[*onnx.Value]int{from: 0})
	if s == nil {
		return nil
	}
	return &function{from: from, steps: []step{*s}}
}

// summable says whether the operands of a sum can meet in one accumulator: all have the result's
// shape, or are constants, which can be given it.
func (a *analysis) summable(n *onnx.Node) bool {
	for _, in := range n.Inputs {
		if in.Const == nil && !in.Shape.Equal(n.Outputs[0].Shape) {
			return false
		}
	}
	return true
}

// maxElems is the largest tensor of a program, see section Limits of FORMAT.md.
const maxElems = 1 << 24

// Check returns every node that cannot become integer, with its reason; nil when all can.
func checkGraph(g *onnx.Graph) error { return analyze(g).check() }

func (a *analysis) check() error {
	var refused []onnx.UnsupportedNode
	for _, n := range a.graph.Nodes {
		reason := a.plans[n].reason
		for _, v := range n.Outputs {
			if elems := v.Shape.Elems(); reason == "" && elems > maxElems {
				reason = fmt.Sprintf("its result %v has %d elements, a program holds tensors of up to %d; a smaller input helps", v.Shape, elems, maxElems)
			}
		}
		if reason != "" {
			refused = append(refused, onnx.UnsupportedNode{Name: n.Name, Op: n.Op.Type(), Opset: a.graph.Opset, Reason: reason})
		}
	}
	for _, v := range a.graph.Outputs {
		if reason := misnamed(v.Name); reason != "" {
			n := onnx.UnsupportedNode{Op: "output", Opset: a.graph.Opset, Reason: reason}
			if p := a.producers[v]; p != nil {
				n.Name, n.Op = p.Name, p.Op.Type()
			}
			refused = append(refused, n)
		}
	}
	if refused != nil {
		return &onnx.UnsupportedError{Nodes: refused}
	}
	return nil
}

// maxName is the most bytes of a name in a program.
const maxName = 1024

// misnamed says why a program cannot hold the name of an output; empty if it can.
func misnamed(name string) string {
	switch {
	case len(name) > maxName:
		return fmt.Sprintf("its output %.32q... has a name of %d bytes, a program holds %d: rename it", name, len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Sprintf("its output %q has a name that is not valid UTF-8: rename it", name)
	}
	return ""
}
