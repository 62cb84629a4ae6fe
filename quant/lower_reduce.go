package quant

import (
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// classifyReduce says how a reduction is lowered: means and sums are linear maps, a maximum
// is a pool.
func classifyReduce(n *onnx.Node, op *onnx.Reduce) plan {
	switch op.Kind {
	case onnx.ReduceMean, onnx.ReduceSum:
		if shape, _ := reducedImage(n, op); shape == imageShape(n.Outputs[0].Shape) {
			return plan{class: classLinear}
		}
		return plan{class: classMerge} // the accumulators are not those of the result's channels
	case onnx.ReduceMax:
		return plan{class: classPool}
	}
	return refused("only sums, means and extremes have an integer form; others are made of these")
}

// reduceWindow is the window of rows and columns a reduction covers, and whether it
// covers the channels as well.
func reduceWindow(op *onnx.Reduce, shape onnx.Shape) (window [2]int, channels bool) {
	image := imageShape(shape)
	window = [2]int{1, 1}
	first := channelAxis(shape)
	for _, axis := range op.Axes {
		switch {
		case axis < first: // a batch of one
		case axis == first:
			channels = true
		case axis == len(shape)-1:
			window[1] = image[2]
		default:
			window[0] = image[1]
		}
	}
	return window, channels
}

// reducedImage is the shape of a reduction over whole rows, columns and channels of the input's image;
// zero where it is none.
func reducedImage(n *onnx.Node, op *onnx.Reduce) (shape [3]int, channels bool) {
	in := n.Inputs[0].Shape
	if len(SampleShape(in)) > 3 {
		return shape, false
	}
	window, channels := reduceWindow(op, in)
	shape = imageShape(in)
	shape[1], shape[2] = shape[1]-window[0]+1, shape[2]-window[1]+1
	if channels {
		shape[0] = 1
	}
	return shape, channels
}

// reduce is a convolution with all weights equal, depthwise unless channels are summed too.
func (c *compiler) reduce(n *onnx.Node, op *onnx.Reduce) (*sum, error) {
	st, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return nil, err
	}
	shape := imageShape(n.Inputs[0].Shape)
	window, channels := reduceWindow(op, n.Inputs[0].Shape)
	out, _ := reducedImage(n, op)
	return c.summing(st, func(st state) *sum { return c.sumOver(op, st, shape, window, channels, out) }), nil
}

// sumOver is the sum or mean over windows, which cover the channels as well if so said, of the tensor of st
// seen with a shape.
func (c *compiler) sumOver(op *onnx.Reduce, st state, shape [3]int, window [2]int, channels bool, out [3]int) *sum {
	t := term{centres: []int32{1}, unit: st.levels.Step}
	t.Term = runtime.Term{
		In: c.reshaped(st, shape), Groups: shape[0], Kernel: window, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1},
	}
	count := window[0] * window[1]
	t.indices = make([]uint16, shape[0]*count)
	if channels {
		t.Groups = 1
		count *= shape[0]
	}
	if op.Kind == onnx.ReduceMean {
		t.unit /= float64(count)
	}
	return &sum{shape: out, terms: []term{t}, bias: make([]float64, out[0])}
}

// lines is the input of a reduction with what is reduced as the rows of an image: those dimensions before it
// are the channels, those behind it the columns. Where they do not stand together they are moved there.
func (c *compiler) lines(n *onnx.Node, op *onnx.Reduce) (state, [3]int, error) {
	v := n.Inputs[0]
	st, err := c.operand(v, nil)
	if err != nil {
		return state{}, [3]int{}, err
	}
	shape := v.Shape.WithBatch(1)
	axes := slices.DeleteFunc(slices.Clone(op.Axes), func(axis int) bool { return shape[axis] == 1 })
	if len(axes) == 0 {
		axes = op.Axes[:1]
	}
	first, last := axes[0], axes[len(axes)-1]
	image := [3]int{1, 1, 1}
	for d, size := range shape {
		switch {
		case slices.Contains(axes, d):
			image[1] *= size
		case d < first:
			image[0] *= size
		case d > last:
			image[2] *= size
		}
	}
	if image[0]*image[1]*image[2] == shape.Elems() {
		return st, image, nil
	}
	perm := []int{}
	for d := range shape {
		if !slices.Contains(axes, d) {
			perm = append(perm, d)
		}
	}
	perm = append(perm, axes...)
	moved, err := c.copied(st, (&onnx.Transpose{Perm: perm}).Moves(shape, nil)[0], v.Shape)
	return moved, [3]int{shape.Elems() / image[1], image[1], 1}, err
}

// reduceLines lowers a sum or mean over dimensions that are not whole channels, rows or columns.
func (c *compiler) reduceLines(n *onnx.Node, op *onnx.Reduce) (state, error) {
	st, image, err := c.lines(n, op)
	if err != nil {
		return state{}, err
	}
	s := c.sumOver(op, st, image, [2]int{image[1], 1}, false, [3]int{image[0], 1, image[2]})
	return c.close(n.Outputs[0], state{shape: n.Outputs[0].Shape, sum: s})
}

// reducesPositions says whether an operator is a mean over positions.
func reducesPositions(op onnx.Op) bool {
	switch op := op.(type) {
	case *onnx.AveragePool, *onnx.GlobalAveragePool:
		return true
	case *onnx.Reduce:
		return op.Kind == onnx.ReduceMean && !slices.Contains(op.Axes, 1)
	}
	return false
}
