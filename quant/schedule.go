package quant

import "qconv/onnx"

// unit is what lowering does at a time: a node, or a loop with the nodes of its body.
type unit struct {
	loop  *onnx.Loop   // nil for a node
	nodes []*onnx.Node // in graph order
}

// bodies finds the loop that each node belongs to: the ends of loops, and all that depends on a step or a state by way of no other end. The second result are
// nodes that would belong to two.
func bodies(g *onnx.Graph) (of map[*onnx.Node]*onnx.Loop, nested []*onnx.Node) {
	of = map[*onnx.Node]*onnx.Loop{}
	inside := map[*onnx.Value]*onnx.Loop{}
	for _, n := range g.Nodes {
		var loop *onnx.Loop
		leaves := false
		switch op := n.Op.(type) {
		case *onnx.LoopTake:
			loop = op.Loop
		case *onnx.LoopState:
			loop = op.Loop
		case *onnx.LoopPut:
			loop, leaves = op.Loop, true
		case *onnx.LoopNext:
			loop, leaves = op.Loop, true
		}
		enters := loop != nil && !leaves
		for _, v := range n.Inputs {
			of := inside[v]
			switch {
			case of == nil:
			case enters, loop != nil && loop != of:
				nested = append(nested, n)
			default:
				loop = of
			}
		}
		if loop == nil {
			continue
		}
		of[n] = loop
		if !leaves {
			for _, v := range n.Outputs {
				inside[v] = loop
			}
		}
	}
	return of, nested
}

// schedule lists the nodes of a graph in an order in which those of a loop stand together, behind all that they need from outside.
func (a *analysis) schedule() []unit {
	loops := map[*onnx.Loop]*unit{}
	units := map[*onnx.Node]*unit{}
	for _, n := range a.graph.Nodes {
		loop := a.bodies[n]
		u := loops[loop]
		if loop == nil || u == nil {
			u = &unit{loop: loop}
			loops[loop] = u
		}
		u.nodes = append(u.nodes, n)
		units[n] = u
	}
	var order []unit
	begun := map[*unit]bool{}
	var visit func(u *unit)
	visit = func(u *unit) {
		if begun[u] {
			return
		}
		begun[u] = true
		for _, n := range u.nodes {
			for _, v := range n.Inputs {
				if from := a.producers[v]; v != nil && from != nil {
					visit(units[from])
				}
			}
		}
		order = append(order, *u)
	}
	for _, n := range a.graph.Nodes {
		visit(units[n])
	}
	return order
}
