package finetune

import (
	"container/heap"
	"fmt"

	"qconv/onnx"
)

// block is a node of a graph, or a loop with all nodes of its body, which run together.
type block struct {
	loop  *onnx.Loop // nil for a single node
	nodes []*onnx.Node
}

// blocks are the nodes of a graph in an order in which every block stands behind those that it reads from, and otherwise in their own. The body of a loop are the
// nodes that depend on an iteration of it.
func blocks(nodes []*onnx.Node) ([]block, error) {
	owner, err := bodies(nodes)
	if err != nil {
		return nil, err
	}
	var list []block
	number := map[*onnx.Node]int{} // of the block of a node
	made := map[*onnx.Loop]int{}
	producers := map[*onnx.Value]*onnx.Node{}
	for _, n := range nodes {
		loop := owner[n]
		at, ok := made[loop]
		if loop == nil || !ok {
			at = len(list)
			list = append(list, block{loop: loop})
		}
		if loop != nil {
			made[loop] = at
		}
		list[at].nodes = append(list[at].nodes, n)
		number[n] = at
		for _, v := range n.Outputs {
			producers[v] = n
		}
	}
	if len(made) == 0 {
		return list, nil
	}
	waits, readers := make([]int, len(list)), make([][]int, len(list))
	for at, b := range list {
		for _, n := range b.nodes {
			for _, v := range n.Inputs {
				if p := producers[v]; p != nil && number[p] != at {
					waits[at]++
					readers[number[p]] = append(readers[number[p]], at)
				}
			}
		}
	}
	ready := &numbers{}
	for at, n := range waits {
		if n == 0 {
			heap.Push(ready, at)
		}
	}
	var sorted []block
	for ready.Len() > 0 {
		at := heap.Pop(ready).(int)
		sorted = append(sorted, list[at])
		for _, reader := range readers[at] {
			if waits[reader]--; waits[reader] == 0 {
				heap.Push(ready, reader)
			}
		}
	}
	for at, n := range waits {
		if n > 0 && list[at].loop != nil {
			return nil, fmt.Errorf("finetune: loop %q depends on its own results", list[at].loop.Name)
		}
	}
	return sorted, nil
}

// bodies says which loop a node belongs to; none for those outside.
func bodies(nodes []*onnx.Node) (map[*onnx.Node]*onnx.Loop, error) {
	owner := map[*onnx.Node]*onnx.Loop{}
	inside := map[*onnx.Value]*onnx.Loop{} // values of one iteration
	for _, n := range nodes {
		var own *onnx.Loop
		for _, v := range n.Inputs {
			loop := inside[v]
			if loop == nil || loop == own {
				continue
			}
			if own != nil {
				return nil, fmt.Errorf("finetune: node %q: it reads values of iterations of loop %q and of loop %q, want those of one", n.Name, own.Name, loop.Name)
			}
			own = loop
		}
		begins, ends := false, false
		var named *onnx.Loop
		switch op := n.Op.(type) {
		case *onnx.LoopTake:
			named, begins = op.Loop, true
		case *onnx.LoopState:
			named, begins = op.Loop, true
		case *onnx.LoopPut:
			named, ends = op.Loop, true
		case *onnx.LoopNext:
			named, ends = op.Loop, true
		}
		if named != nil {
			if own != nil && (begins || own != named) {
				return nil, fmt.Errorf("finetune: node %q: %s of loop %q reads a value of an iteration of loop %q; loops in loops have no float form", n.Name, n.Op.Type(), named.Name, own.Name)
			}
			own = named
		}
		if own == nil {
			continue
		}
		owner[n] = own
		if !ends {
			for _, v := range n.Outputs {
				inside[v] = own
			}
		}
	}
	return owner, nil
}

// numbers is a heap of numbers, the least first.
type numbers []int

func (h numbers) Len() int           { return len(h) }
func (h numbers) Less(i, j int) bool { return h[i] < h[j] }
func (h numbers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *numbers) Push(x any)        { *h = append(*h, x.(int)) }
func (h *numbers) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
