package quant

import (
	"slices"

	"qconv/onnx"
)

// What a loop carries from one iteration to the next has one grid: a LoopState holds levels of the site that its LoopNext hands them from.
// What it begins with is brought to these levels before the loop. An input of the network that nothing but states of one grid begins with has that grid
// itself, so that a result that is carried from run to run outside of the program is not rounded again.

// findLoops notes the two nodes of every state.
func (a *analysis) findLoops() {
	for _, n := range a.graph.Nodes {
		switch op := n.Op.(type) {
		case *onnx.LoopState:
			a.begun[op] = n
		case *onnx.LoopNext:
			a.next[op.State] = n
		}
	}
}

// isLoopEnd says whether an operator leads into the body of a loop or out of it.
func isLoopEnd(op onnx.Op) bool {
	switch op.(type) {
	case *onnx.LoopTake, *onnx.LoopPut, *onnx.LoopState, *onnx.LoopNext:
		return true
	}
	return false
}

// findStates makes sites of the states that no site stands behind, such as those that exchange what they begin with.
func (a *analysis) findStates() {
	for _, n := range a.graph.Nodes {
		if _, ok := n.Op.(*onnx.LoopState); ok && a.gridOf(n.Outputs[0]) == nil {
			a.plans[n].site = true
		}
	}
	for _, n := range a.graph.Nodes {
		if op, ok := n.Op.(*onnx.LoopState); ok {
			a.markState(a.next[op].Inputs[0])
		}
	}
}

// markState says that a value is carried on: its grid is that of a state, and so are those of the values that it is put together from.
func (a *analysis) markState(v *onnx.Value) {
	grid := a.gridOf(v)
	if grid == nil || a.states[grid] {
		return
	}
	a.states[grid] = true
	if n := a.producers[grid]; n != nil {
		if _, ok := n.Op.(*onnx.Concat); ok {
			for _, in := range n.Inputs {
				a.markState(in)
			}
		}
	}
}

// gridOf is the site whose levels a value carries: itself, or what it has its elements from by movements, views, comparisons and the ends of loops.
// Nil for constants and values that have no levels of their own.
func (a *analysis) gridOf(v *onnx.Value) *onnx.Value {
	for seen := map[*onnx.Value]bool{}; !seen[v]; {
		seen[v] = true
		n := a.producers[v]
		switch {
		case v.Const != nil:
			return nil
		case a.tied[v] != nil:
			v = a.tied[v]
		case n == nil, a.plans[n].class == classEntry:
			state := a.begins(v)
			if state == nil {
				return v
			}
			v = state
		case a.plans[n].site:
			return v
		default:
			if v = a.source(n); v == nil {
				return nil
			}
		}
	}
	return nil
}

// source is the value whose elements a node hands on; nil where it computes others.
func (a *analysis) source(n *onnx.Node) *onnx.Value {
	switch op := n.Op.(type) {
	case *onnx.LoopState:
		return a.next[op].Inputs[0]
	case *onnx.LoopNext:
		return a.begun[op.State].Outputs[0]
	}
	switch a.plans[n].class {
	case classMove, classView, classPool, classLoop:
		return n.Inputs[0]
	}
	return nil
}

// begins is a state that has a network's input for its beginning, where the input shares the levels of the state: nothing but states of the same levels has it, as
// it is or moved. Nil where there is none.
func (a *analysis) begins(in *onnx.Value) *onnx.Value {
	if state, known := a.beginning[in]; known {
		return state
	}
	a.beginning[in] = nil // while it is looked for: a state may have its levels from this input
	var states []*onnx.Value
	ok := true
	var follow func(v *onnx.Value)
	follow = func(v *onnx.Value) {
		ok = ok && !a.outputs[v]
		for _, n := range a.consumers[v] {
			if _, isState := n.Op.(*onnx.LoopState); isState {
				states = append(states, n.Outputs[0])
				continue
			}
			if c := a.plans[n].class; c != classMove && c != classView {
				ok = false
			}
			for _, out := range n.Outputs {
				if ok {
					follow(out)
				}
			}
		}
	}
	follow(in)
	if !ok || len(states) == 0 {
		return nil
	}
	grid := a.gridOf(states[0])
	if grid == nil || slices.ContainsFunc(states, func(s *onnx.Value) bool { return a.gridOf(s) != grid }) {
		return nil
	}
	a.beginning[in] = states[0]
	return states[0]
}

// SharedLevels are the values of a simplified graph that carry the levels of a site they are not computed from alone, and that site's value: results of LoopState, which in the
// first iteration are rounded to these levels, and inputs of the network that are no sites because only states of one site begin with them.
func SharedLevels(g *onnx.Graph) map[*onnx.Value]*onnx.Value {
	a := analyze(g)
	shared := map[*onnx.Value]*onnx.Value{}
	for _, in := range g.Inputs {
		if v := a.entered(in); a.begins(v) != nil || a.tiedAway(v) {
			shared[v] = a.gridOf(v)
		}
	}
	for _, n := range g.Nodes {
		if _, ok := n.Op.(*onnx.LoopState); ok && !a.plans[n].site {
			shared[n.Outputs[0]] = a.gridOf(n.Outputs[0])
		}
	}
	return shared
}

// feedsState says whether a result becomes, alone or in a sum, what a loop carries on, or what it begins with.
func (a *analysis) feedsState(n *onnx.Node) bool {
	for {
		v := n.Outputs[0]
		readers := a.consumers[v]
		switch {
		case a.states[v]:
			return true
		case len(readers) == 0:
			return false
		case a.plans[n].site && !slices.ContainsFunc(readers, func(r *onnx.Node) bool { _, ok := r.Op.(*onnx.LoopState); return !ok }):
			return true
		case len(readers) > 1:
			return false
		}
		switch a.plans[readers[0]].class {
		case classLinear:
			if !joins(readers[0].Op) {
				return false
			}
		case classView, classMove:
		default:
			return false
		}
		n = readers[0]
	}
}
