package quant

import (
	"fmt"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// classifyResize says how a resize is lowered: nearest ones move indices, linear ones by
// whole factors are transposed convolutions.
func classifyResize(n *onnx.Node, op *onnx.Resize) (class, string) {
	switch op.CoordMode {
	case "half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners":
	default:
		return classRefused, fmt.Sprintf("resizes with coordinates %q, want half_pixel, pytorch_half_pixel, asymmetric or align_corners", op.CoordMode)
	}
	switch op.Mode {
	case "nearest":
		return classMove, ""
	case "linear":
		from, to := n.Inputs[0].Shape, n.Outputs[0].Shape
		for d, scale := range op.Scales {
			if scale != math.Trunc(scale) || scale > 1 && (d < 2 || op.CoordMode == "align_corners") || d > 0 && to[d] != from[d]*int(scale) {
				return classRefused, "a linear resize is a linear map of whole steps only when it enlarges rows and columns by whole factors, without aligned corners"
			}
		}
		return classLinear, ""
	}
	return classRefused, fmt.Sprintf("resizes in mode %q, want nearest or linear", op.Mode)
}

// nearestMap lists the source position of every position along an axis.
func nearestMap(op *onnx.Resize, axis, from, to int) []int {
	m := make([]int, to)
	for i := range m {
		x, scale := float64(i), op.Scales[axis]
		switch op.CoordMode {
		case "half_pixel":
			x = (x+0.5)/scale - 0.5
		case "pytorch_half_pixel":
			if x = (x+0.5)/scale - 0.5; to == 1 {
				x = 0
			}
		case "align_corners":
			x = x * float64(from-1) / math.Max(float64(to-1), 1)
		default:
			x /= scale
		}
		switch op.NearestMode {
		case "floor":
			x = math.Floor(x)
		case "ceil":
			x = math.Ceil(x)
		case "round_prefer_ceil":
			x = math.Floor(x + 0.5)
		default:
			x = math.Ceil(x - 0.5)
		}
		m[i] = min(max(int(x), 0), from-1)
	}
	return m
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

// resizeLinear is a depthwise transposed convolution over the input with its border
// repeated once on every side.
func (c *compiler) resizeLinear(n *onnx.Node, op *onnx.Resize) (*sum, error) {
	st := c.states[n.Inputs[0]]
	shape := imageShape(n.Inputs[0].Shape)
	out := imageShape(n.Outputs[0].Shape)
	half := op.CoordMode != "asymmetric"

	wide := onnx.Shape{onnx.Batch, shape[0], shape[1] + 2, shape[2] + 2}
	id := c.tensor(wide, st.levels)
	maps := identityMaps(onnx.Shape{shape[0]})
	maps = append(maps, padMap("edge", shape[1], 1, 1), padMap("edge", shape[2], 1, 1))
	pieces, err := maps.pieces(c.reshaped(st, shape), shape[:], wide[1:])
	if err != nil {
		return nil, err
	}
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: id, Fill: uint8(st.levels.Zero), Pieces: pieces})

	t := term{unit: st.levels.Step}
	t.In, t.Groups, t.Stride, t.Dilation = id, shape[0], [2]int{1, 1}, [2]int{1, 1}
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
	t.centres = slices.Compact(slices.Sorted(slices.Values(products)))
	for range shape[0] {
		for _, w := range products {
			i, _ := slices.BinarySearch(t.centres, w)
			t.indices = append(t.indices, uint16(i))
		}
	}
	return &sum{shape: out, terms: []term{t}, bias: make([]float64, out[0])}, nil
}
