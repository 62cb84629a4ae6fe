package finetune

import (
	"fmt"
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildResize lays the sampling at other positions, one dimension after the other. Nearest
// elements are moved; interpolations are sums of neighbours.
func buildResize(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Resize)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	in, out := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	nearest := make([][]int, len(in))
	for d := range in {
		if in[d] == out[d] && op.Scales[d] == 1 && (op.ROI == nil || op.Sizes[d] == onnx.Batch || wholeROI(op.ROI, d)) {
			continue
		}
		taps := make([]tap, out[d])
		for p := range taps {
			at, err := resizePosition(op, d, p, in[d], out[d])
			if err != nil {
				return nil, err
			}
			if taps[p], err = resizeTap(op, at, in[d]); err != nil {
				return nil, err
			}
		}
		if op.Mode == "nearest" {
			for _, t := range taps {
				at := -1
				if t.from != nil {
					at = t.from[0]
				}
				nearest[d] = append(nearest[d], at)
			}
			continue
		}
		shape := append([]int(nil), out[:d]...)
		x = b.interpolate(append(shape, in[d:]...), d, taps, float32(op.Extrapolation), x)
	}
	if op.Mode != "nearest" {
		return x, nil
	}
	return b.axes("Resize", in, nearest, float32(op.Extrapolation), x), nil
}

// wholeROI says whether a region spans all of dimension d.
func wholeROI(roi []float64, d int) bool { return roi[d] == 0 && roi[len(roi)/2+d] == 1 }

// resizePosition is the place in the input, in elements, of element p of dimension d of
// the output. A scale that is given counts as it is: the length that it makes of the input
// need not be whole.
func resizePosition(op *onnx.Resize, d, p, in, out int) (float64, error) {
	at, scale := float64(p), op.Scales[d]
	length, last := float64(in)*scale, float64(in-1)
	if math.Abs(length-float64(out)) < 1e-3 {
		length = float64(out)
	}
	switch op.CoordMode {
	case "half_pixel":
		return (at+0.5)/scale - 0.5, nil
	case "pytorch_half_pixel":
		if out == 1 {
			return 0, nil
		}
		return (at+0.5)/scale - 0.5, nil
	case "asymmetric":
		return at / scale, nil
	case "align_corners":
		if out == 1 {
			return 0, nil
		}
		return at * last / (length - 1), nil
	case "tf_crop_and_resize":
		start, end := op.ROI[d], op.ROI[len(op.ROI)/2+d]
		if out == 1 {
			return (start + end) / 2 * last, nil
		}
		return start*last + at*(end-start)*last/(length-1), nil
	}
	return 0, fmt.Errorf("coordinate mode %q is not known", op.CoordMode)
}

// tap is how one position is made of its neighbours along a dimension: the sum of
// weights[i] * x[from[i]], or the extrapolation value where from is nil.
type tap struct {
	from    []int
	weights []float64
}

// resizeTap is the tap of a position in n elements. Neighbours outside are those at the
// border, or have no weight with ExcludeOutside.
func resizeTap(op *onnx.Resize, at float64, n int) (tap, error) {
	if op.CoordMode == "tf_crop_and_resize" && (at < 0 || at > float64(n-1)) {
		return tap{}, nil
	}
	first := int(math.Floor(at))
	r := at - math.Floor(at)
	var t tap
	switch op.Mode {
	case "nearest":
		k, err := roundPosition(op.NearestMode, at)
		return tap{[]int{min(max(k, 0), n-1)}, []float64{1}}, err
	case "linear":
		t.weights = []float64{1 - r, r}
	case "cubic":
		a := op.CubicA
		t.weights = []float64{
			((a*(r+1)-5*a)*(r+1)+8*a)*(r+1) - 4*a,
			((a+2)*r-(a+3))*r*r + 1,
			((a+2)*(1-r)-(a+3))*(1-r)*(1-r) + 1,
			((a*(2-r)-5*a)*(2-r)+8*a)*(2-r) - 4*a,
		}
		first--
	default:
		return tap{}, fmt.Errorf("mode %q is not known, want nearest, linear or cubic", op.Mode)
	}
	sum := 0.0
	for i := range t.weights {
		k := first + i
		if op.ExcludeOutside && (k < 0 || k >= n) {
			t.weights[i] = 0
		}
		sum += t.weights[i]
		t.from = append(t.from, min(max(k, 0), n-1))
	}
	if op.ExcludeOutside {
		for i := range t.weights {
			t.weights[i] /= sum
		}
	}
	return t, nil
}

// roundPosition is the element nearest to a position; the mode says what happens to halves,
// or that nothing but one direction counts.
func roundPosition(mode string, at float64) (int, error) {
	switch mode {
	case "round_prefer_floor":
		return int(math.Ceil(at - 0.5)), nil
	case "round_prefer_ceil":
		return int(math.Floor(at + 0.5)), nil
	case "floor":
		return int(math.Floor(at)), nil
	case "ceil":
		return int(math.Ceil(at)), nil
	}
	return 0, fmt.Errorf("nearest mode %q is not known", mode)
}

// interpolate lays the sums of taps along one dimension of x, one tap for each position of
// the result.
func (b *builder) interpolate(shape []int, axis int, taps []tap, extrapolation float32, x *G.Node) *G.Node {
	outer, length, inner := size(shape[:axis]), shape[axis], size(shape[axis+1:])
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(outer, func(o int) {
			src, dst := in[0][o*length*inner:], out[o*len(taps)*inner:]
			for p, t := range taps {
				line := dst[p*inner:][:inner]
				if t.from == nil {
					for i := range line {
						line[i] = extrapolation
					}
					continue
				}
				clear(line)
				for k, from := range t.from {
					w := float32(t.weights[k])
					for i, v := range src[from*inner:][:inner] {
						line[i] += w * v
					}
				}
			}
		})
	}
	back := func(out []float32, in [][]float32) {
		clear(out)
		kernel.Parallel(outer, func(o int) {
			dst, src := out[o*length*inner:], in[0][o*len(taps)*inner:]
			for p, t := range taps {
				line := src[p*inner:][:inner]
				for k, from := range t.from {
					w := float32(t.weights[k])
					d := dst[from*inner:][:inner]
					for i, v := range line {
						d[i] += w * v
					}
				}
			}
		})
	}
	return b.apply("Resize", outer*len(taps)*inner, forward, []adjoint{func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply("Resize.dx", outer*length*inner, back, nil, dy)
	}}, x)
}
