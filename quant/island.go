package quant

import "qconv/onnx"

// maxIsland is how many elementwise nodes become one function at most.
const maxIsland = 32

// islands finds values that several nodes read, all of them elementwise and none of them seen from
// outside, whose results run together again in one node: x*sigmoid(x), x/(1+|x|), where(x>0, x, 0.1*x).
// Such a node is a function of the value alone. Keys are those nodes; the inner nodes of all
// islands have no values of their own in the program.
func (a *analysis) islands() {
	a.merged, a.inner = map[*onnx.Node]*function{}, map[*onnx.Node]bool{}
	for _, v := range a.values() {
		if len(a.consumers[v]) < 2 || a.outputs[v] || a.inner[a.producers[v]] {
			continue
		}
		if f, nodes := a.island(v); f != nil {
			last := len(nodes) - 1
			a.merged[nodes[last]] = f
			for _, n := range nodes[:last] {
				a.inner[n] = true
			}
		}
	}
}

// values are the inputs of the graph and all computed values, in graph order.
func (a *analysis) values() []*onnx.Value {
	values := append([]*onnx.Value{}, a.graph.Inputs...)
	for _, n := range a.graph.Nodes {
		values = append(values, n.Outputs...)
	}
	return values
}

// island grows from value v over its readers, in graph order, until one value is left that all others have
// gone into. It returns the function from v to that value, and the nodes; nil if there is none.
func (a *analysis) island(v *onnx.Value) (*function, []*onnx.Node) {
	f := &function{from: v}
	position := map[*onnx.Value]int{v: 0}
	open := map[*onnx.Value]int{v: len(a.consumers[v])} // readers still to come
	var nodes []*onnx.Node
	for len(nodes) < maxIsland {
		var next *onnx.Node
		for x := range open {
			for _, n := range a.consumers[x] {
				if _, done := position[n.Outputs[0]]; !done && (next == nil || a.order[n] < a.order[next]) {
					next = n
				}
			}
		}
		if next == nil || len(next.Outputs) != 1 {
			return nil, nil
		}
		s := newStep(next, position)
		if s == nil {
			return nil, nil
		}
		f.steps = append(f.steps, *s)
		nodes = append(nodes, next)
		for _, x := range next.Inputs {
			if x.Const != nil {
				continue
			}
			if open[x]--; open[x] == 0 {
				delete(open, x)
			}
		}
		out := next.Outputs[0]
		position[out] = len(f.steps)
		if len(open) == 0 {
			return f, nodes
		}
		if a.outputs[out] || len(a.consumers[out]) == 0 {
			return nil, nil
		}
		open[out] = len(a.consumers[out])
	}
	return nil, nil
}
