package quant

import (
	"slices"
	"strings"

	"qconv/onnx"
)

// Site is a value that carries levels at run time.
type Site struct {
	Value *onnx.Value
	Role  Role
	// Lowest is a value below 0 that all lower ones are as good as; 0 for none.
	Lowest float64
	// Masked says that these are the scores of a Softmax: those below half of [onnx.MaskValue] are hidden by a mask, and need be no
	// farther below the others than [Negligible].
	Masked bool
}

// Imported is the name that the value, or the input or output of the network that it stands for, had before it was
// balanced.
func (s Site) Imported() string { return strings.TrimSuffix(s.Value.Name, "/balanced") }

// Role says how a site's levels are chosen.
type Role uint8

const (
	RoleHidden Role = iota // an activation inside the network
	RoleInput
	RoleOutput
	RolePooled // a mean over positions, or a value within a Softmax or a normalization: what needs finer levels
	RoleState  // what a loop carries from one iteration to the next, and what is summed up to that: its errors add up
)

// sites lists the values that carry levels, in graph order.
func (a *analysis) sites() []Site {
	var sites []Site
	for _, v := range a.graph.Inputs {
		if in := a.entered(v); a.begins(in) == nil && !a.tiedAway(in) {
			sites = append(sites, Site{Value: in, Role: RoleInput})
		}
	}
	for _, n := range a.graph.Nodes {
		if a.plans[n].site {
			sites = append(sites, Site{Value: n.Outputs[0], Role: a.role(n), Lowest: a.lowest[n.Outputs[0]], Masked: a.scores[n.Outputs[0]]})
		}
	}
	return sites
}

// findSites decides, from the outputs to the inputs, which results carry levels of their own.
func (a *analysis) findSites() {
	absorbed := map[*onnx.Value]bool{}
	for _, n := range slices.Backward(a.graph.Nodes) {
		v := n.Outputs[0]
		absorbed[v] = a.absorbs(v, absorbed)
		switch p := a.plans[n]; p.class {
		case classLinear, classMatMul:
			// An output that nothing else reads is delivered as accumulators.
			p.site = !absorbed[v] && !(a.outputs[v] && a.delivered(v))
		case classScalar:
			p.site = !absorbed[v]
		case classPair, classMerge:
			p.site = true
		}
	}
}

func (a *analysis) role(n *onnx.Node) Role {
	if a.feedsState(n) {
		return RoleState
	}
	if reducesPositions(n.Op) || a.fine[n.Outputs[0]] {
		return RolePooled
	}
	v := n.Outputs[0]
	if readers := a.consumers[v]; len(readers) == 1 && a.plans[readers[0]].class == classLinear && a.sums(readers[0]) {
		v = readers[0].Outputs[0]
	}
	if a.leaves(v) {
		return RoleOutput
	}
	return RoleHidden
}

// leaves says whether nothing happens to v on its way to an output but movements, views and what is left to the reader.
func (a *analysis) leaves(v *onnx.Value) bool {
	for !a.toOutput[v] {
		readers := a.consumers[v]
		if len(readers) != 1 || len(readers[0].Outputs) != 1 {
			return false
		}
		switch a.plans[readers[0]].class {
		case classMove, classView, classFinal:
			v = readers[0].Outputs[0]
		default:
			return false
		}
	}
	return true
}

// absorbs says whether the accumulator or function value v never needs levels of its
// own, because what reads it goes on in the same accumulator.
func (a *analysis) absorbs(v *onnx.Value, absorbed map[*onnx.Value]bool) bool {
	if a.outputs[v] {
		return false
	}
	readers := a.consumers[v]
	if len(readers) > 0 && a.delivered(v) {
		return a.accumulates(v)
	}
	if len(readers) > 1 {
		// The argument of an island.
		return a.inner[readers[0]] || a.merges(readers[0], v) && !a.tellsRowsApart(readers[0], v)
	}
	if len(readers) != 1 {
		return false
	}
	reader := readers[0]
	switch a.plans[reader].class {
	case classScalar:
		return !a.tellsRowsApart(reader, v)
	case classView:
		out := reader.Outputs[0]
		return a.open(v) && (a.outputs[out] && a.delivered(out) || absorbed[out] && imageShape(v.Shape)[0] == imageShape(out.Shape)[0])
	case classLinear:
		return a.open(v) && joins(reader.Op) || a.summed(v)
	}
	return false
}

// delivered says whether all readers of v take its accumulators as they are, if they are not views of it that
// do. A value that nothing reads is delivered as well.
func (a *analysis) delivered(v *onnx.Value) bool {
	for _, n := range a.consumers[v] {
		switch a.plans[n].class {
		case classFinal, classArgMax:
		case classView:
			if out := n.Outputs[0]; len(a.consumers[v]) > 1 || a.outputs[out] || len(a.consumers[out]) == 0 || !a.delivered(out) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// tellsRowsApart says whether a function of a product of two matrices differs by what are rows of the product.
func (a *analysis) tellsRowsApart(n *onnx.Node, v *onnx.Value) bool {
	return a.plans[n].f.byChannel() && a.ofProduct(v)
}

// merges says whether a node is a function of v that reads it more than once.
func (a *analysis) merges(n *onnx.Node, v *onnx.Value) bool {
	p := a.plans[n]
	return p.class == classScalar && p.f.from == v && !slices.ContainsFunc(a.consumers[v], func(m *onnx.Node) bool { return m != n })
}

// joins says whether a linear operator goes on in the accumulators of its operands.
func joins(op onnx.Op) bool {
	switch op.(type) {
	case *onnx.Add, *onnx.Sub, *onnx.Sum:
		return true
	}
	return false
}

// accumulates says whether v is a sum of linear maps or a product, or views of one that nothing else reads.
func (a *analysis) accumulates(v *onnx.Value) bool {
	for {
		n := a.producers[v]
		switch {
		case n == nil:
			return false
		case a.plans[n].class == classLinear, a.plans[n].class == classMatMul:
			return true
		case a.plans[n].class != classView || a.outputs[n.Inputs[0]] || len(a.consumers[n.Inputs[0]]) != 1:
			return false
		}
		v = n.Inputs[0]
	}
}

// open says whether v is a sum of linear maps with no function applied yet, or a view of
// one that nothing else reads and that is the same image in the program.
func (a *analysis) open(v *onnx.Value) bool {
	for {
		n := a.producers[v]
		if n == nil {
			return false
		}
		switch a.plans[n].class {
		case classLinear:
			return true
		case classView:
			in := n.Inputs[0]
			if a.outputs[in] || len(a.consumers[in]) != 1 || imageShape(in.Shape) != imageShape(v.Shape) {
				return false
			}
			v = in
		default:
			return false
		}
	}
}
