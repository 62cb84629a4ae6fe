package onnx

import "math"

// Tap is how one position of a resized dimension is made of the positions of the input: the sum
// of Weights[i] * x[From[i]], or the extrapolation value where From is nil.
type Tap struct {
	From    []int
	Weights []float64
}

// Taps lists those of all positions of dimension d, which has in elements and gets out; nil
// where the dimension stays as it is, which scale 1 says. Mode nearest has one source for each position.
func (op *Resize) Taps(d, in, out int) []Tap {
	if in == out && op.Scales[d] == 1 {
		return nil
	}
	taps := make([]Tap, out)
	for p := range taps {
		taps[p] = op.tap(op.position(d, p, in, out), op.Scales[d], in)
	}
	return taps
}

// position is the place in the input, in elements, of element p of dimension d of
// the output. A scale that is given counts as it is, but corners are aligned with those of the
// elements that there are. It is computed in single precision, as runtimes do: where it falls between two
// elements, a rounding more or less decides for one of them.
func (op *Resize) position(d, p, in, out int) float64 {
	at, scale, size := float32(p), float32(op.Scales[d]), float32(in)
	switch op.CoordMode {
	case AlignCorners:
		if out == 1 {
			return 0
		}
		return float64(at * (size - 1) / float32(out-1))
	case Asymmetric:
		return float64(at / scale)
	case TFCropAndResize:
		start, end := float32(op.ROI[d]), float32(op.ROI[len(op.ROI)/2+d])
		if out == 1 {
			return float64(0.5 * (start + end) * (size - 1))
		}
		first := start * (size - 1)
		return float64(first + at*(end-start)*(size-1)/float32(out-1))
	case TFHalfPixelForNN:
		return float64((at + 0.5) / scale)
	case HalfPixelSymmetric:
		// What a whole number of elements cuts off is cut off at both ends.
		cut := 1 - float32(out)/(scale*size)
		offset := size / 2 * cut
		step := (at + 0.5) / scale
		return float64(offset + step - 0.5)
	case PytorchHalfPixel:
		if out == 1 {
			return 0
		}
	}
	step := (at + 0.5) / scale
	return float64(step - 0.5)
}

// tap is that of a position in n elements. Neighbours outside are those at the
// border, or have no weight with ExcludeOutside.
func (op *Resize) tap(at, scale float64, n int) Tap {
	if op.CoordMode == TFCropAndResize && (at < 0 || at > float64(n-1)) {
		return Tap{}
	}
	if op.Mode == ResizeNearest {
		return Tap{[]int{min(max(op.NearestMode.round(at), 0), n-1)}, []float64{1}}
	}
	kernel, reach := triangleKernel, 1.0
	if op.Mode == ResizeCubic {
		kernel, reach = cubicKernel(op.CubicA), 2
	}
	narrow := 1.0 // how much the kernel is stretched to reach over all that becomes one position
	if op.Antialias && scale < 1 {
		narrow = scale
	}
	floor := math.Floor(at)
	var t Tap
	sum := 0.0
	// Positions at and beyond the kernel's reach have no weight.
	for k := int(floor) - int(math.Ceil(reach/narrow)) + 1; float64(k) < floor+1+reach/narrow; k++ {
		w := kernel((float64(k) - floor - (at - floor)) * narrow)
		if op.ExcludeOutside && (k < 0 || k >= n) {
			continue
		}
		sum += w
		t.From, t.Weights = append(t.From, min(max(k, 0), n-1)), append(t.Weights, w)
	}
	if op.ExcludeOutside || narrow != 1 {
		for i := range t.Weights {
			t.Weights[i] /= sum
		}
	}
	return t
}

// triangleKernel weighs an element at distance x in linear interpolation.
func triangleKernel(x float64) float64 { return math.Max(0, 1-math.Abs(x)) }

// cubicKernel is the kernel of Keys (1981) with coefficient a.
func cubicKernel(a float64) func(x float64) float64 {
	return func(x float64) float64 {
		switch x = math.Abs(x); {
		case x <= 1:
			return ((a+2)*x-(a+3))*x*x + 1
		case x < 2:
			return ((a*x-5*a)*x+8*a)*x - 4*a
		}
		return 0
	}
}

// nearHalf is how far off a half a position may lie that counts as one: positions are computed in single precision. It
// is what ONNX Runtime allows, found by trying scales about halves from 0.5 to 100.5.
const nearHalf = 1e-6

// round is the element nearest to a position; the mode says what happens to halves,
// or that nothing but one direction counts.
func (mode NearestMode) round(at float64) int {
	switch mode {
	case RoundPreferCeil:
		return int(math.Floor(at + 0.5 + nearHalf))
	case RoundFloor:
		return int(math.Floor(at))
	case RoundCeil:
		return int(math.Ceil(at))
	}
	return int(math.Ceil(at - 0.5 - nearHalf))
}
