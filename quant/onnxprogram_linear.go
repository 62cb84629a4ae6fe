package quant

import (
	"fmt"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// linear sums terms digit by digit, adds the bias, and brings the sum to levels where the output has them.
func (w *programWriter) linear(name string, l *runtime.Linear) (string, error) {
	var sums []string
	for k := range l.Terms {
		digits, err := w.term(fmt.Sprint(name, ".", k), &l.Terms[k], w.p.Tensors[l.Out].Shape)
		if err != nil {
			return "", err
		}
		sums = append(sums, digits...)
	}
	bias := make([]int64, len(l.Bias))
	for o, v := range l.Bias {
		bias[o] = int64(v)
	}
	sums = append(sums, w.b.Const(name+".bias", onnx.Int32, onnx.Shape{1, len(bias), 1, 1}, bias))
	acc := sums[0]
	for _, s := range sums[1:] {
		acc = w.b.Node("Add", name+".sum", []string{acc, s})
	}
	if len(l.Steps) == 0 {
		return acc, nil
	}
	return w.requantize(name, l.Steps, acc), nil
}

// term is a term of a sum, as one value of int32 for each digit of its weights. Sums may overflow on the way; what
// they come to does not.
func (w *programWriter) term(name string, t *runtime.Term, shape [3]int) ([]string, error) {
	from := &w.p.Tensors[t.In]
	indices := make([]uint16, t.Weights.Len())
	if err := t.Weights.Decode(indices); err != nil {
		return nil, err
	}
	value, size := w.spread(t)
	var pads [4]int
	for d := range 2 {
		pads[d] = t.Pad[d]
		pads[2+d] = (shape[1+d]-1)*t.Stride[d] + (t.Kernel[d]-1)*t.Dilation[d] + 1 - size[d] - t.Pad[d]
	}
	if slices.Min(pads[:]) < 0 {
		value = w.pad(value, pads, from.Zero)
		pads = [4]int{}
	}
	left := make([]int64, len(indices))
	for i, index := range indices {
		left[i] = int64(w.p.Codebooks[t.Codebook].Centres[index])
	}
	weights := onnx.Shape{shape[0], from.Shape[0] / t.Groups, t.Kernel[0], t.Kernel[1]}
	var sums []string
	for digit := 0; digit == 0 || slices.ContainsFunc(left, func(c int64) bool { return c != 0 }); digit++ {
		bytes := make([]int64, len(left))
		for i, c := range left {
			low := (c+128)&255 - 128
			bytes[i], left[i] = low+weightZero, (c-low)>>8
		}
		sum := w.b.Node("ConvInteger", fmt.Sprint(name, ".digit", digit),
			[]string{value, w.b.Const(name+".weights", onnx.Uint8, weights, bytes), w.level(from.Zero), w.level(weightZero)},
			onnx.Attr{Name: "kernel_shape", Value: t.Kernel[:]}, onnx.Attr{Name: "strides", Value: t.Stride[:]},
			onnx.Attr{Name: "dilations", Value: t.Dilation[:]}, onnx.Attr{Name: "pads", Value: pads[:]}, onnx.Attr{Name: "group", Value: t.Groups})
		if digit > 0 {
			unit := w.b.Const("unit", onnx.Int32, onnx.Shape{}, []int64{1 << (8 * digit)})
			sum = w.b.Node("Mul", sum+".times", []string{sum, unit})
		}
		sums = append(sums, sum)
	}
	return sums, nil
}

// weightZero is the byte of a weight's digit 0.
const weightZero = 128

// spread is the input of a term with its elements Up apart, as a transposed convolution sees it, zeros between and behind them, and
// its rows and columns then.
func (w *programWriter) spread(t *runtime.Term) (string, [2]int) {
	from := &w.p.Tensors[t.In]
	value, c, size := w.values[t.In], from.Shape[0], [2]int{from.Shape[1], from.Shape[2]}
	if t.Up == [2]int{1, 1} {
		return value, size
	}
	value = w.reshape(value, 0, c, size[0], 1, size[1], 1)
	value = w.b.Node("Pad", value+".spread", []string{value, w.numbers(0, 0, 0, 0, 0, 0, 0, 0, 0, t.Up[0]-1, 0, t.Up[1]-1), w.level(from.Zero)})
	size[0], size[1] = size[0]*t.Up[0], size[1]*t.Up[1]
	return w.reshape(value, 0, c, size[0], size[1]), size
}

// requantize counts how many breaks each accumulator has reached, and looks up the level of that.
func (w *programWriter) requantize(name string, steps []int, acc string) string {
	most := 1
	for _, s := range steps {
		most = max(most, len(w.p.Steps[s].Breaks))
	}
	// Step functions of fewer breaks get their last one again. Reaching it reaches all of them.
	var breaks, values []int64
	plain := true // the level is the count
	for _, s := range steps {
		step := &w.p.Steps[s]
		own := len(step.Breaks)
		for j := range most {
			b := int64(0)
			if own > 0 {
				b = int64(step.Breaks[min(j, own-1)])
			}
			breaks = append(breaks, b)
		}
		for count := range most + 1 {
			v := int64(step.Values[min(count, own)])
			plain = plain && v == int64(count)
			values = append(values, v)
		}
	}
	shape := onnx.Shape{1, len(steps), 1, 1, most}
	single := w.b.Node("Unsqueeze", name+".each", []string{acc, w.numbers(4)})
	reached := w.b.Node("GreaterOrEqual", name+".reached", []string{single, w.b.Const(name+".breaks", onnx.Int32, shape, breaks)})
	count := w.b.Node("ReduceSum", name+".count", []string{w.cast(reached, onnx.Int32), w.numbers(4)}, onnx.Attr{Name: "keepdims", Value: 0})
	if plain {
		return w.cast(count, onnx.Uint8)
	}
	if len(steps) > 1 {
		count = w.byChannel(count, len(steps), most+1)
	}
	return w.b.Node("Gather", name+".level", []string{w.b.Const(name+".values", onnx.Uint8, onnx.Shape{len(values)}, values), count})
}
