package quant

import (
	"fmt"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// classifyReduce says how a reduction is lowered: means and sums are linear maps, a maximum
// over positions is a pool.
func classifyReduce(n *onnx.Node, op *onnx.Reduce) (class, string) {
	if len(n.Inputs[0].Shape) > 4 {
		return classRefused, fmt.Sprintf("reduces a tensor of rank %d, want at most 4", len(n.Inputs[0].Shape))
	}
	_, channels := reduceWindow(op, n.Inputs[0].Shape)
	switch {
	case op.Kind == "ReduceMean", op.Kind == "ReduceSum":
		return classLinear, ""
	case op.Kind == "ReduceMax" && !channels:
		return classMove, ""
	case op.Kind == "ReduceMax":
		return classRefused, "a maximum over channels has no integer form, only over rows and columns"
	}
	return classRefused, otherReduce
}

// reduceWindow is the window of rows and columns a reduction covers, and whether it
// covers the channels as well.
func reduceWindow(op *onnx.Reduce, shape onnx.Shape) (window [2]int, channels bool) {
	image := imageShape(shape)
	window = [2]int{1, 1}
	for _, axis := range op.Axes {
		switch {
		case axis == 1:
			channels = true
		case axis == len(shape)-1:
			window[1] = image[2]
		default:
			window[0] = image[1]
		}
	}
	return window, channels
}

// reduce is a convolution with all weights equal, depthwise unless channels are summed too.
func (c *compiler) reduce(n *onnx.Node, op *onnx.Reduce) (*sum, error) {
	st := c.states[n.Inputs[0]]
	shape := imageShape(n.Inputs[0].Shape)
	window, channels := reduceWindow(op, n.Inputs[0].Shape)
	out := [3]int{shape[0], shape[1] - window[0] + 1, shape[2] - window[1] + 1}
	t := term{centres: []int32{1}, unit: st.levels.Step}
	t.Term = runtime.Term{
		In: c.reshaped(st, shape), Groups: shape[0], Kernel: window, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1},
	}
	count := window[0] * window[1]
	t.indices = make([]uint16, shape[0]*count)
	if channels {
		out[0], t.Groups = 1, 1
		count *= shape[0]
	}
	if op.Kind == "ReduceMean" {
		t.unit /= float64(count)
	}
	return &sum{shape: out, terms: []term{t}, bias: make([]float64, out[0])}, nil
}

// reducesPositions says whether an operator is a mean over positions.
func reducesPositions(op onnx.Op) bool {
	switch op := op.(type) {
	case *onnx.AveragePool, *onnx.GlobalAveragePool:
		return true
	case *onnx.Reduce:
		return op.Kind == "ReduceMean" && !slices.Contains(op.Axes, 1)
	}
	return false
}

// depthToSpace is the copy that spreads blocks of channels [C*b*b][H][W] over rows and
// columns, [C][H*b][W*b].
func depthToSpace(in [3]int, b int, crd bool) runtime.Piece {
	channels, h, w := in[0]/(b*b), in[1], in[2]
	plane := h * w
	channel, row, column := plane, b*channels*plane, channels*plane // of the source
	if crd {
		channel, row, column = b*b*plane, b*plane, plane
	}
	return newPiece(0, 0, 0, []dim{
		{channels, b * b * plane, channel},
		{h, b * b * w, w}, {b, b * w, row},
		{w, b, 1}, {b, 1, column},
	})
}

// spaceToDepth is the copy that gathers blocks of rows and columns [C][H*b][W*b] as
// channels [b*b*C][H][W].
func spaceToDepth(in [3]int, b int) runtime.Piece {
	channels, h, w := in[0], in[1]/b, in[2]/b
	plane := h * w
	return newPiece(0, 0, 0, []dim{
		{b, b * channels * plane, in[2]}, {b, channels * plane, 1},
		{channels, plane, in[1] * in[2]},
		{h, w, b * in[2]}, {w, 1, b},
	})
}
