package quant

import (
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// announce notes what is left to the reader of the output that is added next: the normalization that makes v, or
// what v is a view of.
func (c *compiler) announce(v *onnx.Value) {
	from := v
	for {
		n := c.analysis.producers[from]
		if n == nil {
			return
		}
		norm := runtime.Normalization{Output: len(c.prog.Outputs)}
		axis := 0
		switch op := n.Op.(type) {
		case onnx.View:
			from = n.Inputs[0]
			continue
		case *onnx.Softmax:
			axis = op.Axis
		case *onnx.LogSoftmax:
			axis, norm.Log = op.Axis, true
		default:
			return
		}
		if c.analysis.plans[n].class != classFinal {
			return
		}
		in := n.Inputs[0].Shape.WithBatch(1)
		norm.Length, norm.Inner = in[axis], in[axis+1:].Elems()
		norm.Shape = slices.Clone(v.Shape)
		if len(norm.Shape) > 0 && v.Shape[0] == onnx.Batch {
			norm.Shape[0] = 0
		}
		c.prog.Normalizations = append(c.prog.Normalizations, norm)
		return
	}
}

// onlyViewed says whether nothing reads v but views of it that become outputs.
func (a *analysis) onlyViewed(v *onnx.Value) bool {
	for _, n := range a.consumers[v] {
		if _, ok := n.Op.(onnx.View); !ok || !a.onlyViewed(n.Outputs[0]) {
			return false
		}
	}
	return true
}
