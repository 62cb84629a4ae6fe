package finetune

import (
	"fmt"
	"slices"

	"qconv/onnx"
)

// block is a node of a graph, or all nodes of a loop, which run together.
type block struct {
	loop  *onnx.Loop // nil for a single node
	nodes []*onnx.Node
}

// blocks are the nodes of a graph in their order. The nodes of a loop must stand together, as they do in graphs that were read.
func blocks(g *onnx.Graph) ([]block, error) {
	if err := g.CheckLoops(); err != nil {
		return nil, fmt.Errorf("finetune: %w", err)
	}
	bodies, err := g.Bodies()
	if err != nil {
		return nil, fmt.Errorf("finetune: %w", err)
	}
	list := make([]block, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		loop, last := bodies[n], len(list)-1
		if loop != nil && last >= 0 && list[last].loop == loop {
			list[last].nodes = append(list[last].nodes, n)
		} else {
			list = append(list, block{loop, []*onnx.Node{n}})
		}
	}
	return list, nil
}

// iterations says how often a node of a network runs: once unless it computes a value of the body of a loop.
func iterations(g *onnx.Graph) func(n *onnx.Node) int {
	bodies, _ := g.Bodies()
	return func(n *onnx.Node) int {
		switch n.Op.(type) {
		case *onnx.LoopPut, *onnx.LoopNext: // what they compute is outside
			return 1
		}
		if loop := bodies[n]; loop != nil {
			return loop.Steps
		}
		return 1
	}
}

// hasLoops says whether a network has loops.
func hasLoops(g *onnx.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *onnx.Node) bool { _, ok := n.Op.(*onnx.LoopNext); return ok })
}
