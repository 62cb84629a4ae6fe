package onnx

import (
	"container/heap"
	"fmt"
	"slices"
)

// Bodies maps every node that runs in each iteration of a loop, the operators of the loop among them, to the loop: those that depend on one
// of its LoopTakes or LoopStates. It fails with a [FormatError] where loops are in each other, or where a value of a body is used outside.
func (g *Graph) Bodies() (map[*Node]*Loop, error) {
	bodies := map[*Node]*Loop{}
	in := map[*Value]*Loop{} // the loop that a value changes in
	states, nexts := map[*LoopState]*Node{}, map[*LoopState]int{}
	for _, n := range g.Nodes {
		own := loopOf(n.Op)
		if own != nil && own.Steps < 1 {
			return nil, n.wrap(fmt.Errorf("loop %q has %d steps, want at least 1", own.Name, own.Steps), g.Opset)
		}
		l := own
		for _, v := range n.Inputs {
			switch of := in[v]; {
			case of == nil || of == l && !begins(n.Op):
			case own != nil && begins(n.Op):
				return nil, n.wrap(fmt.Errorf("it reads %q, a value of the body of loop %q: loops in loops are not supported", v.Name, of.Name), g.Opset)
			case l == nil:
				l = of
			default:
				return nil, n.wrap(fmt.Errorf("it reads %q of the body of loop %q and belongs to loop %q", v.Name, of.Name, l.Name), g.Opset)
			}
		}
		switch op := n.Op.(type) {
		case *LoopState:
			states[op] = n
		case *LoopNext:
			nexts[op.State]++
			if s := states[op.State]; s == nil || op.State.Loop != op.Loop || nexts[op.State] > 1 {
				return nil, n.wrap(fmt.Errorf("its state is in no LoopState of loop %q before it, or has another LoopNext", op.Loop.Name), g.Opset)
			} else if have, want := n.Inputs[0].Shape, s.Outputs[0].Shape; !have.Equal(want) {
				return nil, n.wrap(fmt.Errorf("it hands %v to a state of shape %v", have, want), g.Opset)
			}
		}
		if l == nil {
			continue
		}
		bodies[n] = l
		if !ends(n.Op) {
			for _, v := range n.Outputs {
				in[v] = l
			}
		}
	}
	for s, n := range states {
		if nexts[s] == 0 {
			return nil, n.wrap(fmt.Errorf("the state has no LoopNext"), g.Opset)
		}
	}
	for _, v := range g.Outputs {
		if l := in[v]; l != nil {
			return nil, formatErrorf(fmt.Sprintf("graph output %q", v.Name), "it is a value of the body of loop %q, want one that a LoopPut or LoopNext hands out", l.Name)
		}
	}
	return bodies, nil
}

// loopOf is the loop that an operator of loops belongs to, nil for others.
func loopOf(op Op) *Loop {
	switch op := op.(type) {
	case *LoopTake:
		return op.Loop
	case *LoopPut:
		return op.Loop
	case *LoopState:
		return op.Loop
	case *LoopNext:
		return op.Loop
	}
	return nil
}

// begins says whether the operand of an operator is outside of the body that its result belongs to.
func begins(op Op) bool {
	switch op.(type) {
	case *LoopTake, *LoopState:
		return true
	}
	return false
}

// ends says whether the result of an operator is outside of the body that its operand belongs to.
func ends(op Op) bool {
	switch op.(type) {
	case *LoopPut, *LoopNext:
		return true
	}
	return false
}

// OrderLoops sorts the nodes so that those of every body stand together, and changes the order as little as that allows. What does not change in a
// loop stands before it. It fails where [Graph.Bodies] does, or where a loop needs what is computed from its own results.
func (g *Graph) OrderLoops() error {
	bodies, err := g.Bodies()
	if err != nil || len(bodies) == 0 {
		return err
	}
	// A unit is a node outside of loops, or a whole body; its place is that of its first node.
	unitOf := make(map[*Node]int, len(g.Nodes))
	var units [][]*Node
	loops := map[*Loop]int{}
	for _, n := range g.Nodes {
		l := bodies[n]
		u, known := loops[l]
		if l == nil || !known {
			u = len(units)
			units = append(units, nil)
			if l != nil {
				loops[l] = u
			}
		}
		units[u] = append(units[u], n)
		unitOf[n] = u
	}
	from := g.Producers()
	waits := make([]int, len(units)) // how many units have to come before
	behind := make([][]int, len(units))
	for u, nodes := range units {
		seen := map[int]bool{u: true}
		for _, n := range nodes {
			for _, v := range n.Inputs {
				p := from[v]
				if p == nil || seen[unitOf[p]] {
					continue
				}
				seen[unitOf[p]] = true
				waits[u]++
				behind[unitOf[p]] = append(behind[unitOf[p]], u)
			}
		}
	}
	var ready intHeap
	for u := range units {
		if waits[u] == 0 {
			ready = append(ready, u)
		}
	}
	// In a body, states come first, then sequences, and results last.
	for u, nodes := range units {
		if len(nodes) > 1 {
			slices.SortStableFunc(nodes, func(a, b *Node) int { return rank(a.Op) - rank(b.Op) })
			units[u] = nodes
		}
	}
	nodes := make([]*Node, 0, len(g.Nodes))
	for len(ready) > 0 {
		u := heap.Pop(&ready).(int)
		nodes = append(nodes, units[u]...)
		for _, b := range behind[u] {
			if waits[b]--; waits[b] == 0 {
				heap.Push(&ready, b)
			}
		}
	}
	if len(nodes) < len(g.Nodes) {
		for l, u := range loops {
			if waits[u] > 0 {
				return formatErrorf(fmt.Sprintf("loop %q", l.Name), "it needs what is computed from its own results")
			}
		}
	}
	g.Nodes = nodes
	g.nameLoops()
	return nil
}

// rank is the place of an operator in a body.
func rank(op Op) int {
	switch op.(type) {
	case *LoopState:
		return 0
	case *LoopTake:
		return 1
	case *LoopNext:
		return 3
	case *LoopPut:
		return 4
	}
	return 2
}

// nameLoops gives the operators of loops, which have no names in files, those of their results.
func (g *Graph) nameLoops() {
	taken := map[string]bool{}
	for _, n := range g.Nodes {
		taken[n.Name] = taken[n.Name] || loopOf(n.Op) == nil
	}
	for _, n := range g.Nodes {
		if loopOf(n.Op) == nil {
			continue
		}
		n.Name = n.Outputs[0].Name
		for taken[n.Name] {
			n.Name += "_"
		}
		taken[n.Name] = true
	}
}

// CheckLoops verifies that every body stands together in Nodes, as execution and lowering rely on.
func (g *Graph) CheckLoops() error {
	bodies, err := g.Bodies()
	if err != nil {
		return err
	}
	done := map[*Loop]bool{}
	var last *Loop
	for _, n := range g.Nodes {
		l := bodies[n]
		if l != last && done[l] {
			return n.wrap(fmt.Errorf("nodes of loop %q stand apart from each other", l.Name), g.Opset)
		}
		if last != nil && l != last {
			done[last] = true
		}
		last = l
	}
	return nil
}

// intHeap is a heap of numbers, the smallest on top.
type intHeap []int

func (h intHeap) Len() int           { return len(h) }
func (h intHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h intHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *intHeap) Push(x any)        { *h = append(*h, x.(int)) }
func (h *intHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// liveNodes are the nodes that the outputs depend on, also by way of what an iteration leaves to the next: a LoopState and its LoopNext need each other.
func (g *Graph) liveNodes(from map[*Value]*Node) map[*Node]bool {
	begin, next := map[*LoopState]*Node{}, map[*LoopState]*Node{}
	for _, n := range g.Nodes {
		switch op := n.Op.(type) {
		case *LoopState:
			begin[op] = n
		case *LoopNext:
			next[op.State] = n
		}
	}
	live := map[*Node]bool{}
	var todo []*Node
	need := func(n *Node) {
		if n != nil && !live[n] {
			live[n] = true
			todo = append(todo, n)
		}
	}
	for _, v := range g.Outputs {
		need(from[v])
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, v := range n.Inputs {
			need(from[v])
		}
		switch op := n.Op.(type) {
		case *LoopState:
			need(next[op])
		case *LoopNext:
			need(begin[op.State])
		}
	}
	return live
}
