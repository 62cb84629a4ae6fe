package onnx

import "math"

// Costs returns the function that says what a node of the graph takes for one sample: params counts the elements of its float
// constants, macs the multiply-accumulates of a Conv, ConvTranspose, Gemm or MatMul in all iterations, with
// taps in the padding and without the bias. Shapes must be inferred.
func Costs(g *Graph) func(n *Node) (params, macs int) {
	bodies, err := g.Bodies()
	return func(n *Node) (params, macs int) {
		params, macs = cost(n)
		if l := bodies[n]; err == nil && l != nil {
			macs *= l.Steps
		}
		return params, macs
	}
}

// cost is that of a node that runs once.
func cost(n *Node) (params, macs int) {
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

// slow is how many multiply-accumulates take as long as a step of a pooling or normalization, at worst.
const slow = 8

// Work estimates how long it takes to run the graph for one sample: in multiply-accumulates,
// at most [math.MaxInt64]. Shapes must be inferred.
func Work(g *Graph) int64 {
	bodies, _ := g.Bodies()
	total := 0.0
	for _, n := range g.Nodes {
		_, macs := cost(n)
		once := float64(macs)
		for _, v := range n.Outputs {
			once += slow * float64(v.Shape.Elems()) * steps(n.Op)
		}
		for _, v := range n.Inputs {
			once += float64(v.shape().Elems())
		}
		if l := bodies[n]; l != nil && !begins(n.Op) && !ends(n.Op) {
			once *= float64(l.Steps) // the operators of a loop hand on a step of it each time
		}
		total += once
	}
	return int64(math.Min(total, math.MaxInt64/2))
}

// steps is how many elements an operator looks at, at worst, for one of its result.
func steps(op Op) float64 {
	switch op := op.(type) {
	case *MaxPool:
		return float64(product(op.Kernel))
	case *AveragePool:
		return float64(product(op.Kernel))
	case *LRN:
		return float64(op.Size)
	case *Resize:
		return 16
	}
	return 1
}
