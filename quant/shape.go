package quant

import "qconv/onnx"

// SampleShape is the shape of one sample of a value: its shape without its batch. Where the leading
// dimension of a network without a batch is 1, it is the batch of one that operators on pictures and vectors want.
func SampleShape(s onnx.Shape) onnx.Shape {
	if axis := channelAxis(s); axis > 0 {
		return s[axis:]
	}
	return s
}

// channelAxis is the dimension that holds the channels of a value in the program.
func channelAxis(s onnx.Shape) int {
	if len(s) > 0 && (s[0] == onnx.Batch || s[0] == 1 && len(s) > 1) {
		return 1
	}
	return 0
}

// ImageShape is the shape of a value's tensor in the program: channels, rows and columns of one sample.
func ImageShape(s onnx.Shape) [3]int { return imageShape(s) }

// imageShape is the channels, rows and columns of one sample: [C][H][W] as it is,
// [C][L] as C rows of one, [F] as F channels of one element, anything deeper
// as [C] times all the rest.
func imageShape(s onnx.Shape) [3]int {
	switch s := SampleShape(s); len(s) {
	case 0:
		return [3]int{1, 1, 1}
	case 1:
		return [3]int{s[0], 1, 1}
	case 2:
		return [3]int{s[0], 1, s[1]}
	case 3:
		return [3]int{s[0], s[1], s[2]}
	default:
		return [3]int{s[0], s[1:].Elems(), 1}
	}
}

// image2 is a spatial attribute of one or two dimensions as rows and columns.
func image2(v []int) [2]int {
	if len(v) == 1 {
		return [2]int{1, v[0]}
	}
	return [2]int{v[0], v[1]}
}

// beginPads are the pads above and to the left.
func beginPads(pads []int) [2]int {
	if len(pads) == 2 {
		return [2]int{0, pads[0]}
	}
	return [2]int{pads[0], pads[1]}
}

// endPads are the pads below and to the right.
func endPads(pads []int) [2]int {
	if len(pads) == 2 {
		return [2]int{0, pads[1]}
	}
	return [2]int{pads[2], pads[3]}
}

// perChannel reads a constant that broadcasts over everything but the channels of shape: one value per
// channel.
func perChannel(c *onnx.Value, shape onnx.Shape) ([]float64, bool) {
	t := c.Const
	channels := imageShape(shape)[0]
	if t.Shape.Elems() == 1 {
		return filled(channels, constant(t, 0)), true
	}
	// The one long dimension of the constant must stand where the channels are.
	at := channelAxis(shape) - (len(shape) - len(t.Shape))
	if at < 0 || t.Shape.Elems() != channels || t.Shape[at] != channels {
		return nil, false
	}
	out := make([]float64, channels)
	for i := range out {
		out[i] = constant(t, i)
	}
	return out, true
}

// constant is element i of a constant.
func constant(t *onnx.Tensor, i int) float64 {
	if t.Type == onnx.Float {
		return float64(t.Floats[i])
	}
	return float64(t.Ints[i])
}
