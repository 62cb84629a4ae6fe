package quant

import (
	"fmt"

	"qconv/onnx"
)

// class says how an operator takes part in the integer program.
type class uint8

const (
	classRefused class = iota
	classLinear        // opens or extends an accumulator
	classScalar        // a function of one value, applied by its requantization or by a table
	classGate          // the inner function of a gate; the product that reads it does its work
	classPair          // a function of two tensors: a two-dimensional table
	classView          // the same elements in the same order under another shape
	classMove          // moves or compares indices; levels stay those of its input
	classMerge         // moves indices of several inputs into levels of its own
	classFinal         // monotone normalization at the output, left to the reader of the logits
)

// analysis is what the structure of a graph alone decides, before any level is chosen.
type analysis struct {
	graph     *onnx.Graph
	producers map[*onnx.Value]*onnx.Node
	consumers map[*onnx.Value][]*onnx.Node
	outputs   map[*onnx.Value]bool
	gates     map[*onnx.Node]*onnx.Node // products x*f(x) and their f
	inner     map[*onnx.Node]bool       // those f
	known     map[*onnx.Node]verdict    // what classify has found
}

func analyze(g *onnx.Graph) *analysis {
	a := &analysis{
		graph: g, producers: g.Producers(), consumers: g.Consumers(),
		outputs: map[*onnx.Value]bool{}, inner: map[*onnx.Node]bool{}, known: map[*onnx.Node]verdict{},
	}
	for _, v := range g.Outputs {
		a.outputs[v] = true
	}
	a.gates = findGates(a)
	for _, f := range a.gates {
		a.inner[f] = true
	}
	return a
}

// verdict is the class of a node, and why it has no integer form.
type verdict struct {
	class  class
	reason string
}

// classify returns the class of a node, or why it has no integer form. The class of a node may depend on
// those of the nodes before it.
func (a *analysis) classify(n *onnx.Node) (class, string) {
	v, ok := a.known[n]
	if !ok {
		v.class, v.reason = a.decide(n)
		a.known[n] = v
	}
	return v.class, v.reason
}

// decide finds what classify returns.
func (a *analysis) decide(n *onnx.Node) (class, string) {
	if a.inner[n] {
		return classGate, ""
	}
	if reason := FloatOnly(n.Op.Type()); reason != "" {
		return classRefused, reason
	}
	if isView(n.Op) {
		return classView, ""
	}
	switch op := n.Op.(type) {
	case *onnx.Conv, *onnx.ConvTranspose:
		if n.Inputs[1].Const == nil {
			return classRefused, "weights that are computed, not constant, cannot be clustered"
		}
		return classLinear, ""
	case *onnx.Gemm:
		switch {
		case n.Inputs[1].Const == nil:
			return classRefused, "a product of two computed matrices has no table form"
		case op.TransA:
			return classRefused, "a transposed activation matrix mixes samples of the batch"
		}
		return classLinear, ""
	case *onnx.AveragePool:
		if len(runs(averageCounts(n, 0))) > 1 || len(runs(averageCounts(n, 1))) > 1 {
			return classMerge, "" // windows at the border have other divisors
		}
		return classLinear, ""
	case *onnx.GlobalAveragePool:
		return classLinear, ""
	case *onnx.Reduce:
		return classifyReduce(n, op)
	case *onnx.Resize:
		return classifyResize(n, op)
	case *onnx.MaxPool, *onnx.GlobalMaxPool, *onnx.Transpose, *onnx.Slice, *onnx.Split, *onnx.Gather,
		*onnx.Expand, *onnx.Tile, *onnx.DepthToSpace, *onnx.SpaceToDepth:
		return classMove, ""
	case *onnx.Pad:
		if op.Mode == "constant" && op.Value != 0 {
			return classRefused, fmt.Sprintf("pads with %g; only zero is sure to be one of the levels", op.Value)
		}
		return classMove, ""
	case *onnx.Concat:
		return classMerge, ""
	case *onnx.Softmax, *onnx.LogSoftmax, *onnx.ArgMax:
		if !a.reachesOutput(n.Outputs[0]) {
			return classRefused, "has no integer form inside the network, only at its output, where the scores themselves are delivered"
		}
		return classFinal, ""
	}
	return a.classifyElementwise(n)
}

// isView says whether an operator keeps all elements in their order.
func isView(op onnx.Op) bool {
	switch op.(type) {
	case *onnx.Reshape, *onnx.Flatten, *onnx.Squeeze, *onnx.Unsqueeze, *onnx.Identity, *onnx.Dropout:
		return true
	}
	return false
}

// classifyElementwise does the same for operators that work element by element.
func (a *analysis) classifyElementwise(n *onnx.Node) (class, string) {
	f, x := a.functionOf(n)
	_, isAdd := n.Op.(*onnx.Add)
	switch {
	case f != nil && isAdd && a.open(x):
		return classLinear, "" // a bias
	case f != nil:
		return classScalar, ""
	}
	for _, in := range n.Inputs {
		if in.Const != nil {
			return classRefused, fmt.Sprintf("the constant %q is neither one value nor one per channel", in.Name)
		}
	}
	switch n.Op.(type) {
	case *onnx.Add, *onnx.Sub, *onnx.Sum, *onnx.Mean:
		if sameShapes(n) {
			return classLinear, ""
		}
	}
	if pairFunction(n.Op) != nil && len(n.Inputs) == 2 {
		return classPair, ""
	}
	return classRefused, "no integer form is known for this operator"
}

// Check returns every node that cannot become integer, with its reason; nil when all can.
func Check(g *onnx.Graph) error {
	a := analyze(g)
	var refused []onnx.UnsupportedNode
	for _, n := range g.Nodes {
		if c, reason := a.classify(n); c == classRefused {
			refused = append(refused, onnx.UnsupportedNode{Name: n.Name, Op: n.Op.Type(), Opset: g.Opset, Reason: reason})
		}
	}
	if refused != nil {
		return &onnx.UnsupportedError{Nodes: refused}
	}
	return nil
}

// perChannel reads a constant that broadcasts over everything but the channels of shape
// (dimension 1): one value per channel.
func perChannel(c *onnx.Value, shape onnx.Shape) ([]float64, bool) {
	if len(shape) < 2 || c.Const.Type != onnx.Float || len(c.Const.Shape) > len(shape) {
		return nil, false
	}
	channels := shape[1]
	switch size := c.Const.Shape.Elems(); {
	case size == 1:
		return filled(channels, float64(c.Const.Floats[0])), true
	case size == channels:
		// The one long dimension of the constant must stand where the channels are.
		at := 1 - (len(shape) - len(c.Const.Shape))
		if at < 0 || c.Const.Shape[at] != channels {
			return nil, false
		}
		out := make([]float64, channels)
		for i := range out {
			out[i] = float64(c.Const.Floats[i])
		}
		return out, true
	}
	return nil, false
}

// sameShapes says whether all inputs of a node have one shape.
func sameShapes(n *onnx.Node) bool {
	for _, in := range n.Inputs[1:] {
		if !in.Shape.Equal(n.Inputs[0].Shape) {
			return false
		}
	}
	return true
}
