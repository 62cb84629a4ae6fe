package quant

import (
	"math"
	"slices"

	"qconv/onnx"
)

// classifyResize says how an interpolation is lowered: by whole factors it is a transposed
// convolution; any other is a convolution for each phase of its positions.
func classifyResize(n *onnx.Node, op *onnx.Resize) plan {
	in, out := n.Inputs[0].Shape.WithBatch(1), n.Outputs[0].Shape.WithBatch(1)
	sample := len(SampleShape(n.Inputs[0].Shape))
	whole := op.Mode == onnx.ResizeLinear && !op.Antialias && sample <= 3
	spatial := len(in) - min(sample-1, 2) // the first dimension of positions
	for d := range in {
		taps := op.Taps(d, in[d], out[d])
		whole = whole && (taps == nil || d >= spatial)
		if slices.ContainsFunc(taps, func(t onnx.Tap) bool { return t.From == nil }) {
			return refused("extrapolates beyond the input")
		}
		scale := op.Scales[d]
		whole = whole && (taps == nil || scale == math.Trunc(scale) && out[d] == in[d]*int(scale))
	}
	switch op.CoordMode {
	case onnx.HalfPixel, onnx.PytorchHalfPixel, onnx.HalfPixelSymmetric, onnx.Asymmetric:
		if whole {
			return plan{class: classLinear}
		}
	}
	return plan{class: classMerge}
}

// triangle is the kernel of linear interpolation by a whole factor s: weights over a common
// divisor, and by how many positions the kernel reaches to the left of an input position.
//
//	weight of in[v] in out[y] = 1 - |x(y) - v|,  x(y) = y/s, or (y+1/2)/s - 1/2 with half pixels
func triangle(s int, half bool) (weights []int32, divisor, left int) {
	if s == 1 {
		return []int32{1}, 1, 0
	}
	shift := 0 // 2s*(x(y) - v) = 2*(y - v*s) + shift
	if half {
		shift = 1 - s
	}
	for t := -2 * s; t <= 2*s; t++ {
		if w := 2*s - max(2*t+shift, -2*t-shift); w > 0 {
			if weights == nil {
				left = -t
			}
			weights = append(weights, int32(w))
		}
	}
	return weights, 2 * s, left
}

// bordered is the tensor of st, seen as an image, with its border repeated before and behind every row
// and column.
func (c *compiler) bordered(st state, shape [3]int, before, after [2]int) (state, error) {
	pad := &onnx.Pad{Pads: []int{0, before[0], before[1], 0, after[0], after[1]}, Mode: onnx.PadEdge}
	wide := onnx.Shape{shape[0], shape[1] + before[0] + after[0], shape[2] + before[1] + after[1]}
	st.tensor = c.reshaped(st, shape)
	return c.copied(st, pad.Moves(shape[:], []onnx.Shape{wide})[0], append(onnx.Shape{onnx.Batch}, wide...))
}

// resizeLinear is a depthwise transposed convolution over the input with its border
// repeated once on every side.
func (c *compiler) resizeLinear(n *onnx.Node, op *onnx.Resize) (*sum, error) {
	st, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return nil, err
	}
	shape := imageShape(n.Inputs[0].Shape)
	out := imageShape(n.Outputs[0].Shape)
	half := op.CoordMode != onnx.Asymmetric
	wide, err := c.bordered(st, shape, [2]int{1, 1}, [2]int{1, 1})
	if err != nil {
		return nil, err
	}
	t := term{unit: st.levels.Step}
	t.In, t.Groups, t.Stride, t.Dilation = wide.tensor, shape[0], [2]int{1, 1}, [2]int{1, 1}
	var kernels [2][]int32
	for d := range 2 {
		s := out[1+d] / shape[1+d]
		weights, divisor, left := triangle(s, half)
		kernels[d] = weights
		t.Kernel[d], t.Up[d] = len(weights), s
		// Kernel element k meets v*s = y - Pad + k; weight number y - (v-1)*s + left, turned
		// round, is element k = len-1 - that.
		t.Pad[d] = len(weights) - 1 - left - s
		t.unit /= float64(divisor)
	}
	var products []int32
	for ky := range kernels[0] {
		for kx := range kernels[1] {
			products = append(products, kernels[0][len(kernels[0])-1-ky]*kernels[1][len(kernels[1])-1-kx])
		}
	}
	t.draw(products, shape[0])
	return &sum{shape: out, terms: []term{t}, bias: make([]float64, out[0])}, nil
}

// draw gives a term integer weights, the same for a number of channels, from a codebook of just these.
func (t *term) draw(weights []int32, channels int) {
	t.centres = slices.Compact(slices.Sorted(slices.Values(weights)))
	for range channels {
		for _, w := range weights {
			i, _ := slices.BinarySearch(t.centres, w)
			t.indices = append(t.indices, uint16(i))
		}
	}
}

// phases is an interpolation along one axis whose positions repeat: those of the same phase,
// y = phase + period*t, are the same sum of the elements from + stride*t, from + stride*t + 1, ... of the input,
// which goes on beyond its ends with the elements there.
type phases struct {
	stride, from, times int
	weights             [][]float64 // by phase
}

// unchanged are the phases of an axis of n positions that stays as it is.
func unchanged(n int) phases { return phases{stride: 1, times: n, weights: [][]float64{{1}}} }

// findPhases finds the shortest period of taps over n elements; the whole axis is one at worst.
func findPhases(taps []onnx.Tap, n int) phases {
	rows := make([][]float64, len(taps)) // over the n elements
	for y, t := range taps {
		rows[y] = make([]float64, n)
		for i, k := range t.From {
			rows[y][k] += t.Weights[i]
		}
	}
	for period := 1; period < len(taps); period++ {
		stride := int(math.Round(float64(period) * float64(n) / float64(len(taps))))
		for _, s := range []int{stride, stride - 1, stride + 1} {
			if s > 0 {
				if p, ok := repeating(rows, taps, period, s); ok {
					return p
				}
			}
		}
	}
	return phases{stride: n, times: 1, weights: rows}
}

// repeating makes phases of the rows in the middle and says whether all others are the same, shifted.
func repeating(rows [][]float64, taps []onnx.Tap, period, stride int) (phases, bool) {
	n := len(rows[0])
	p := phases{stride: stride, times: (len(rows) + period - 1) / period, from: n}
	middle := p.times / 2
	to := -n
	for phase := range period {
		// The model of a phase is a row whose elements all lie inside, as near the middle as possible.
		y := min(phase+middle*period, len(rows)-1-(len(rows)-1-phase)%period)
		for k, w := range rows[y] {
			if w != 0 {
				p.from, to = min(p.from, k-y/period*stride), max(to, k-y/period*stride)
			}
		}
	}
	for phase := range period {
		y := min(phase+middle*period, len(rows)-1-(len(rows)-1-phase)%period)
		w := make([]float64, to-p.from+1)
		for k, v := range rows[y] {
			if at := k - y/period*stride - p.from; at >= 0 && at < len(w) {
				w[at] = v
			}
		}
		p.weights = append(p.weights, w)
	}
	got := make([]float64, n)
	for y, want := range rows {
		clear(got)
		for i, w := range p.weights[y%period] {
			got[min(max(p.from+y/period*stride+i, 0), n-1)] += w
		}
		for k := range want {
			if math.Abs(got[k]-want[k]) > 1e-6 {
				return phases{}, false
			}
		}
	}
	return p, true
}

// maxResampleWeights is how many weights an interpolation of rows and columns at once has at most; beyond
// it, they are done one after the other.
const maxResampleWeights = 4096

// resample lowers an interpolation by any factor.
func (c *compiler) resample(n *onnx.Node, op *onnx.Resize) (state, error) {
	st, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return state{}, err
	}
	levels, err := c.levelsOf(n.Outputs[0])
	if err != nil {
		return state{}, err
	}
	in, out := slices.Clone(n.Inputs[0].Shape.WithBatch(1)), n.Outputs[0].Shape.WithBatch(1)
	var changed []int // dimensions
	found := map[int]phases{}
	size := 1 // weights of all at once
	for d := range in {
		if taps := op.Taps(d, in[d], out[d]); taps != nil {
			changed, found[d] = append(changed, d), findPhases(taps, in[d])
			size *= len(found[d].weights) * len(found[d].weights[0])
		}
	}
	between, err := NewLevels(256, levels.Min(), levels.Max())
	if err != nil {
		return state{}, err
	}
	last := len(in) - 1
	if len(changed) == 2 && changed[0] == last-1 && size <= maxResampleWeights {
		from := [3]int{in[:last-1].Elems(), in[last-1], in[last]}
		st, err = c.interpolate(st, [2]phases{found[last-1], found[last]}, from, [3]int{from[0], out[last-1], out[last]}, levels)
		changed = nil
	}
	// One dimension after the other, as the rows of a picture.
	for k, d := range changed {
		if err != nil {
			break
		}
		own := between
		if k == len(changed)-1 {
			own = levels
		}
		from := [3]int{in[:d].Elems(), in[d], in[d+1:].Elems()}
		axes := [2]phases{found[d], unchanged(from[2])}
		to := [3]int{from[0], out[d], from[2]}
		if from[2] == 1 { // its columns
			from[1], from[2], to[1], to[2] = 1, in[d], 1, out[d]
			axes = [2]phases{unchanged(1), found[d]}
		}
		st, err = c.interpolate(st, axes, from, to, own)
		in[d] = out[d]
	}
	st.shape = n.Outputs[0].Shape
	return st, err
}

// interpolationBits is the precision of the weights of an interpolation.
const interpolationBits = 14

// interpolate sums neighbours, one channel of accumulators for each phase, all channels of the image one
// below the other; then it puts the phases in their places.
func (c *compiler) interpolate(st state, axes [2]phases, from, to [3]int, levels Levels) (state, error) {
	var before, after, steps [2]int
	t := term{unit: math.Ldexp(st.levels.Step, -interpolationBits)}
	for d, p := range axes {
		before[d] = max(0, -p.from)
		t.Kernel[d], t.Stride[d] = len(p.weights[0]), p.stride
		t.Pad[d] = -max(0, p.from)
		end := p.from + (p.times-1)*p.stride + len(p.weights[0])
		after[d] = max(0, end-from[1+d])
		steps[d] = p.times
	}
	// Channels lie a whole number of strides apart.
	rows := from[1] + before[0] + after[0]
	if rest := rows % t.Stride[0]; rest > 0 {
		after[0] += t.Stride[0] - rest
		rows += t.Stride[0] - rest
	}
	wide, err := c.bordered(st, from, before, after)
	if err != nil {
		return state{}, err
	}
	columns := from[2] + before[1] + after[1]
	t.In = c.reshaped(wide, [3]int{1, from[0] * rows, columns})
	t.Groups, t.Dilation, t.Up = 1, [2]int{1, 1}, [2]int{1, 1}
	var weights []int32
	for _, a := range axes[0].weights {
		for _, b := range axes[1].weights {
			for _, wa := range a {
				for _, wb := range b {
					weights = append(weights, int32(math.Round(math.Ldexp(wa*wb, interpolationBits))))
				}
			}
		}
	}
	t.draw(weights, 1)
	perChannel := rows / t.Stride[0]
	sums := [3]int{len(axes[0].weights) * len(axes[1].weights), from[0] * perChannel, steps[1]}
	id := c.tensor(onnx.Shape{onnx.Batch, sums[0], sums[1], sums[2]}, levels)
	linear, match, err := c.emit(&sum{shape: sums, terms: []term{t}, bias: make([]float64, sums[0])}, id, levels.Count, useLevels)
	if err != nil {
		return state{}, err
	}
	if err := c.requantize(linear, nil, match, nil, levels); err != nil {
		return state{}, err
	}
	plane := sums[1] * sums[2]
	m := onnx.Move{Axes: make([][]int, 3)}
	for ch := range to[0] {
		m.Axes[0] = append(m.Axes[0], ch*perChannel*sums[2])
	}
	for y := range to[1] {
		p := len(axes[0].weights)
		m.Axes[1] = append(m.Axes[1], y%p*len(axes[1].weights)*plane+y/p*sums[2])
	}
	for x := range to[2] {
		p := len(axes[1].weights)
		m.Axes[2] = append(m.Axes[2], x%p*plane+x/p)
	}
	return c.copied(state{tensor: id, levels: levels}, m, onnx.Shape{onnx.Batch, to[0], to[1], to[2]})
}
