package runtime

import "math"

// NumberLevels writes to dst the levels of input i that are nearest to numbers, one for each element in the order
// [C][H][W], for [Runner.RunLevels]: the numbers are those of the network's own input, behind the preprocessing of pixels. With the
// input's scale, its zero, and the shift of a channel,
//
//	level = floor(number / (scale * 2^shift) + zero + 1/2), limited to 0..levels-1
//
// NaN becomes level 0. It is not part of the run path: it computes in floating point.
func (p *Program) NumberLevels(dst []byte, i int, numbers []float32) {
	in := &p.Inputs[i]
	t := &p.Tensors[in.Tensor]
	scale, top := t.Scale.Float(), float64(t.Levels-1)
	plane := t.Shape[1] * t.Shape[2]
	for k := range numbers {
		shift := 0
		if in.Shifts != nil {
			shift = int(in.Shifts[k/plane])
		}
		level := math.Floor(math.Ldexp(float64(numbers[k]), -shift)/scale + float64(t.Zero) + 0.5)
		if !(level > 0) {
			level = 0
		}
		dst[k] = byte(min(level, top))
	}
}

// PixelLevels writes to dst the levels that bytes in the order [C][H][W] become through the tables of input i, or the bytes
// themselves where it has none, for [Runner.RunLevels].
func (p *Program) PixelLevels(dst []byte, i int, pixels []byte) {
	in := &p.Inputs[i]
	if in.Tables == nil {
		copy(dst, pixels)
		return
	}
	plane := len(pixels) / len(in.Tables)
	for k, v := range pixels {
		dst[k] = in.Tables[k/plane][v]
	}
}
