package quant

import "qconv/onnx"

// Site is a value that carries levels at run time.
type Site struct {
	Value *onnx.Value
	Role  Role
}

// Role says how a site's levels are chosen.
type Role uint8

const (
	RoleHidden Role = iota // an activation inside the network
	RoleInput
	RoleOutput
	RolePooled // a mean over positions, which needs finer levels
)

// sites finds the values that carry levels, in graph order.
func (a *analysis) sites() []Site {
	var sites []Site
	for _, v := range a.graph.Inputs {
		sites = append(sites, Site{Value: v, Role: RoleInput})
	}
	for _, n := range a.graph.Nodes {
		if a.isSite(n) {
			sites = append(sites, Site{Value: n.Outputs[0], Role: a.role(n)})
		}
	}
	return sites
}

// isSite says whether the output of a node carries levels of its own.
func (a *analysis) isSite(n *onnx.Node) bool {
	v := n.Outputs[0]
	switch c, _ := a.classify(n); c {
	case classLinear:
		// An output that nothing else reads is delivered as accumulators.
		return !a.absorbed(v) && !(a.outputs[v] && len(a.consumers[v]) == 0)
	case classScalar:
		return !a.absorbed(v)
	case classPair, classMerge:
		return true
	}
	return false
}

func (a *analysis) role(n *onnx.Node) Role {
	if reducesPositions(n.Op) {
		return RolePooled
	}
	if a.reachesOutput(n.Outputs[0]) {
		return RoleOutput
	}
	return RoleHidden
}

// reachesOutput says whether v is an output, or becomes one through views alone.
func (a *analysis) reachesOutput(v *onnx.Value) bool {
	for !a.outputs[v] {
		next := a.consumers[v]
		if len(next) != 1 || !isView(next[0].Op) {
			return false
		}
		v = next[0].Outputs[0]
	}
	return true
}

// absorbed says whether the accumulator or function value v never needs levels of its
// own, because the one node that reads it goes on in the same accumulator.
func (a *analysis) absorbed(v *onnx.Value) bool {
	if a.outputs[v] {
		return false
	}
	readers := a.consumers[v]
	if len(readers) == 2 && (a.inner[readers[0]] || a.inner[readers[1]]) {
		return true // x of a gate x*f(x)
	}
	if len(readers) != 1 {
		return false
	}
	reader := readers[0]
	switch c, _ := a.classify(reader); c {
	case classScalar:
		return true
	case classFinal:
		return a.open(v)
	case classView:
		out := reader.Outputs[0]
		return a.open(v) && (a.outputs[out] || a.absorbed(out))
	case classLinear:
		return a.open(v) && joins(reader.Op)
	}
	return false
}

// joins says whether a linear operator goes on in the accumulators of its operands.
func joins(op onnx.Op) bool {
	switch op.(type) {
	case *onnx.Add, *onnx.Sub, *onnx.Sum:
		return true
	}
	return false
}

// open says whether v is a sum of linear maps with no function applied yet, or a view of
// one that nothing else reads.
func (a *analysis) open(v *onnx.Value) bool {
	n := a.producers[v]
	if n == nil {
		return false
	}
	switch c, _ := a.classify(n); c {
	case classLinear:
		return true
	case classView:
		in := n.Inputs[0]
		return !a.outputs[in] && len(a.consumers[in]) == 1 && a.open(in)
	}
	return false
}
