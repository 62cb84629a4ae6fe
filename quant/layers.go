package quant

import "qconv/onnx"

// Layer is a node with clustered weights.
type Layer struct {
	// Name is that of the node, or of its weights where the node has none.
	Name    string
	Node    *onnx.Node
	Weights *onnx.Value
	Bias    *onnx.Value // nil for none
	// Site is the value in which the node's accumulator, and whatever else joins it, is
	// brought to levels; nil where it is delivered as it is.
	Site *onnx.Value
}

// Layers lists the nodes with clustered weights in graph order.
func (m *Model) Layers() []Layer {
	a := analyze(m.Graph)
	var layers []Layer
	for _, n := range m.Graph.Nodes {
		switch n.Op.(type) {
		case *onnx.Conv, *onnx.ConvTranspose, *onnx.Gemm:
		default:
			continue
		}
		l := Layer{Name: n.Name, Node: n, Weights: n.Inputs[1], Site: a.siteOf(n)}
		if l.Name == "" {
			l.Name = l.Weights.Name
		}
		if len(n.Inputs) > 2 {
			l.Bias = n.Inputs[2]
		}
		layers = append(layers, l)
	}
	return layers
}

// siteOf follows the accumulator of a node to where it gets levels.
func (a *analysis) siteOf(n *onnx.Node) *onnx.Value {
	for {
		v := n.Outputs[0]
		if a.plans[n].site {
			return v
		}
		if len(a.consumers[v]) == 0 {
			return nil
		}
		n = a.consumers[v][0]
	}
}
