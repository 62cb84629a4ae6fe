package quant

import (
	"fmt"
	"math"

	"qconv/onnx"
	"qconv/runtime"
)

// pairFunction is the function of two values an operator computes, nil when it is none.
func pairFunction(op onnx.Op) func(a, b float64) float64 {
	switch op.(type) {
	case *onnx.Add, *onnx.Sum:
		return func(a, b float64) float64 { return a + b }
	case *onnx.Sub:
		return func(a, b float64) float64 { return a - b }
	case *onnx.Mul:
		return func(a, b float64) float64 { return a * b }
	case *onnx.Div:
		return func(a, b float64) float64 { return a / b }
	case *onnx.Mean:
		return func(a, b float64) float64 { return (a + b) / 2 }
	case *onnx.Max:
		return math.Max
	case *onnx.Min:
		return math.Min
	}
	return nil
}

// pair lowers a function of two tensors of levels to a two-dimensional table. The second
// may be broadcast; where only the first is, they change places.
func (c *compiler) pair(n *onnx.Node) (state, error) {
	out := n.Outputs[0]
	levels, err := c.levelsOf(out)
	if err != nil {
		return state{}, err
	}
	f := pairFunction(n.Op)
	a, b := n.Inputs[0], n.Inputs[1]
	if !a.Shape.Equal(out.Shape) {
		g := f
		a, b, f = b, a, func(x, y float64) float64 { return g(y, x) }
	}
	if !a.Shape.Equal(out.Shape) {
		return state{}, fmt.Errorf("broadcasts both operands, %v and %v; want one of the result's shape", b.Shape, a.Shape)
	}
	id := c.tensor(out.Shape, levels)
	shape := c.prog.Tensors[id].Shape
	small := append(make(onnx.Shape, 0, len(a.Shape)), a.Shape...)
	for i := range small {
		if d := i - (len(small) - len(b.Shape)); i > 0 && (d < 0 || b.Shape[d] == 1) {
			small[i] = 1
		}
	}
	if len(b.Shape) == len(a.Shape) && b.Shape[0] != a.Shape[0] {
		return state{}, fmt.Errorf("broadcasts along the batch")
	}
	sa, sb := c.states[a], c.states[b]
	table := make([]uint8, 0, sa.levels.Size()*sb.levels.Size())
	for i := range sa.levels.Size() {
		for j := range sb.levels.Size() {
			table = append(table, uint8(levels.Index(f(sa.levels.Value(i), sb.levels.Value(j)))))
		}
	}
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Map2{
		Out: id, A: c.reshaped(sa, shape), B: c.reshaped(sb, imageShape(small)), Table: table,
	})
	return state{shape: out.Shape, tensor: id, levels: levels}, nil
}
