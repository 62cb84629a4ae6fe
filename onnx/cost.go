package onnx

// Cost returns what a node takes for one sample: params counts the elements of its float
// constants, macs the multiply-accumulates of a Conv, ConvTranspose, Gemm or MatMul, with
// taps in the padding and without the bias. Shapes must be inferred.
func Cost(n *Node) (params, macs int) {
	for _, v := range n.Inputs {
		if v != nil && v.Const != nil && v.Type == Float {
			params += v.Shape.Elems()
		}
	}
	out := n.Outputs[0].Shape
	switch op := n.Op.(type) {
	case *Conv:
		macs = out.Elems() * product(n.Inputs[1].Shape[1:])
	case *ConvTranspose:
		macs = n.Inputs[0].Shape.Elems() * product(n.Inputs[1].Shape[1:])
	case *Gemm:
		k := n.Inputs[0].Shape[1]
		if op.TransA {
			k = n.Inputs[0].Shape[0]
		}
		macs = out.Elems() * k
	case *MatMul:
		a := n.Inputs[0].Shape
		macs = out.Elems() * a[len(a)-1]
	}
	return params, macs
}
