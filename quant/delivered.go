package quant

import "qconv/onnx"

// Delivered lists what a program's outputs stand for: the outputs of the graph or, where one is a Softmax or the
// logarithm of one, which is left to the reader, the scores it is computed from.
func Delivered(g *onnx.Graph) []*onnx.Value {
	producers := g.Producers()
	var list []*onnx.Value
	for _, out := range g.Outputs {
		delivered := out
		for v := out; producers[v] != nil; {
			n := producers[v]
			_, view := n.Op.(onnx.View)
			_, softmax := n.Op.(*onnx.Softmax)
			_, logSoftmax := n.Op.(*onnx.LogSoftmax)
			if !view && !softmax && !logSoftmax {
				break
			}
			v = n.Inputs[0]
			if !view {
				delivered = v
			}
		}
		list = append(list, delivered)
	}
	return list
}
