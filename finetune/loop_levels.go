package finetune

import "qconv/onnx"

// sharedLevels are the states of loops and the values whose levels they carry: that which their LoopNext reads, or what it moves.
//
// To be replaced by quant.SharedLevels.
func sharedLevels(g *onnx.Graph) map[*onnx.Value]*onnx.Value {
	producers := g.Producers()
	states := map[*onnx.LoopState]*onnx.Value{}
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*onnx.LoopState); ok {
			states[op] = n.Outputs[0]
		}
	}
	shared := map[*onnx.Value]*onnx.Value{}
	for _, n := range g.Nodes {
		op, ok := n.Op.(*onnx.LoopNext)
		if !ok {
			continue
		}
		v := n.Inputs[0]
		for seen := map[*onnx.Value]bool{}; !seen[v]; {
			seen[v] = true
			p := producers[v]
			if p == nil {
				break
			}
			_, view := p.Op.(onnx.View)
			if !view && onnx.MovesOf(p, 1) == nil {
				break
			}
			v = p.Inputs[0]
		}
		shared[states[op.State]] = v
	}
	return shared
}
