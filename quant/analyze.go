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
	classScalar        // a scalar function, applied by the requantization
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
}

func analyze(g *onnx.Graph) *analysis {
	a := &analysis{graph: g, producers: g.Producers(), consumers: g.Consumers(), outputs: map[*onnx.Value]bool{}}
	for _, v := range g.Outputs {
		a.outputs[v] = true
	}
	return a
}

// classify returns the class of a node, or why it has no integer form.
func (a *analysis) classify(n *onnx.Node) (class, string) {
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
	case *onnx.Add:
		if _, _, ok := a.addend(n); ok {
			return classLinear, ""
		}
		if !sameShapes(n) {
			return classRefused, "the operands have different shapes; broadcasting an activation is not supported"
		}
		return classLinear, ""
	case *onnx.AveragePool:
		if !op.CountIncludePad && anyPad(op.Pads) {
			return classRefused, "an average that leaves out padding has a divisor that varies by position"
		}
		return classLinear, ""
	case *onnx.GlobalAveragePool:
		return classLinear, ""
	case onnx.Scalar:
		return classScalar, ""
	case *onnx.Reshape, *onnx.Flatten, *onnx.Squeeze, *onnx.Unsqueeze, *onnx.Identity, *onnx.Dropout:
		return classView, ""
	case *onnx.MaxPool, *onnx.GlobalMaxPool, *onnx.Transpose:
		return classMove, ""
	case *onnx.Pad:
		if op.Mode != "constant" || op.Value != 0 {
			return classRefused, fmt.Sprintf("padding with mode %q and value %g, want zeros", op.Mode, op.Value)
		}
		return classMove, ""
	case *onnx.Concat:
		return classMerge, ""
	case *onnx.Softmax, *onnx.LogSoftmax:
		if !a.reachesOutput(n.Outputs[0]) {
			return classRefused, "softmax inside the network has no integer form, only at its output"
		}
		return classFinal, ""
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

// addend splits an Add into its computed operand and a constant one that is a bias: one
// value, or one per channel.
func (a *analysis) addend(n *onnx.Node) (x, c *onnx.Value, ok bool) {
	x, c = n.Inputs[0], n.Inputs[1]
	if x.Const != nil {
		x, c = c, x
	}
	if c.Const == nil || x.Const != nil {
		return nil, nil, false
	}
	_, ok = perChannel(c, x.Shape)
	return x, c, ok
}

// perChannel reads a constant that broadcasts over everything but the channels of shape
// (dimension 1): one value per channel.
func perChannel(c *onnx.Value, shape onnx.Shape) ([]float64, bool) {
	if len(shape) < 2 || c.Const.Type != onnx.Float || len(c.Const.Shape) > len(shape) {
		return nil, false
	}
	channels := shape[1]
	out := make([]float64, channels)
	switch size := c.Const.Shape.Elems(); {
	case size == 1:
		for i := range out {
			out[i] = float64(c.Const.Floats[0])
		}
		return out, true
	case size == channels:
		// The one long dimension of the constant must stand where the channels are.
		at := 1 - (len(shape) - len(c.Const.Shape))
		if at < 0 || c.Const.Shape[at] != channels {
			return nil, false
		}
		for i := range out {
			out[i] = float64(c.Const.Floats[i])
		}
		return out, true
	}
	return nil, false
}

// reachesOutput says whether v is an output, or becomes one through views alone.
func (a *analysis) reachesOutput(v *onnx.Value) bool {
	if a.outputs[v] {
		return true
	}
	next := a.consumers[v]
	if len(next) != 1 {
		return false
	}
	c, _ := a.classify(next[0])
	return c == classView && a.reachesOutput(next[0].Outputs[0])
}

// absorbed says whether the accumulator or function value v never needs levels of its
// own, because the one node that reads it goes on in the same accumulator.
func (a *analysis) absorbed(v *onnx.Value) bool {
	if a.outputs[v] || len(a.consumers[v]) != 1 {
		return false
	}
	reader := a.consumers[v][0]
	switch c, _ := a.classify(reader); c {
	case classScalar:
		return true
	case classFinal:
		return a.open(v)
	case classView:
		return a.open(v) && a.absorbedView(reader.Outputs[0])
	case classLinear:
		_, isAdd := reader.Op.(*onnx.Add)
		return isAdd && a.open(v)
	}
	return false
}

// absorbedView says the same of a view of an accumulator; a view that is an output keeps
// the accumulators as they are.
func (a *analysis) absorbedView(v *onnx.Value) bool { return a.outputs[v] || a.absorbed(v) }

// open says whether v is an accumulator: a sum of linear maps, no function applied yet.
func (a *analysis) open(v *onnx.Value) bool {
	n := a.producers[v]
	if n == nil {
		return false
	}
	switch c, _ := a.classify(n); c {
	case classLinear:
		return true
	case classView:
		return a.open(n.Inputs[0]) && a.absorbed(n.Inputs[0])
	}
	return false
}

// sites finds the values that carry levels, in graph order.
func (a *analysis) sites() []Site {
	var sites []Site
	for _, v := range a.graph.Inputs {
		sites = append(sites, Site{Value: v, Role: RoleInput})
	}
	for _, n := range a.graph.Nodes {
		v := n.Outputs[0]
		switch c, _ := a.classify(n); c {
		case classLinear:
			if a.absorbed(v) || a.outputs[v] && len(a.consumers[v]) == 0 {
				continue // part of a longer sum, or delivered as accumulators
			}
			role := RoleHidden
			switch n.Op.(type) {
			case *onnx.AveragePool, *onnx.GlobalAveragePool:
				role = RolePooled
			}
			sites = append(sites, Site{Value: v, Role: role})
		case classScalar:
			if a.absorbed(v) {
				continue
			}
			role := RoleHidden
			if a.reachesOutput(v) {
				role = RoleOutput
			}
			sites = append(sites, Site{Value: v, Role: role, Func: n.Op.(onnx.Scalar)})
		case classMerge:
			sites = append(sites, Site{Value: v, Role: RoleHidden})
		}
	}
	return sites
}

// sameShapes says whether all inputs of a node have one shape.
func sameShapes(n *onnx.Node) bool {
	for _, in := range n.Inputs[1:] {
		if in.Const != nil || in.Shape.String() != n.Inputs[0].Shape.String() {
			return false
		}
	}
	return true
}

// anyPad says whether any pad is not zero.
func anyPad(pads []int) bool {
	for _, p := range pads {
		if p != 0 {
			return true
		}
	}
	return false
}
