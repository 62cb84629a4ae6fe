package onnx

import (
	"math"
	"slices"
)

// readResize takes the attributes and operands of opset 10 (scales alone), and those of
// opset 11 and later (roi, scales, sizes), since opset 18 possibly for some axes only.
func readResize(r *nodeReader) Op {
	op := &Resize{Mode: ResizeMode(r.text("mode", "nearest"))}
	if r.opset < 11 {
		op.CoordMode, op.NearestMode = Asymmetric, RoundFloor
		r.sizes(op, r.operandFloats(1, "scales"), nil, r.allAxes())
		if op.Mode == ResizeNearest {
			op.NearestMode = r.nearestBefore11(op.Scales)
		}
		return op.plain(r)
	}
	op.CoordMode = CoordMode(r.text("coordinate_transformation_mode", "half_pixel"))
	op.NearestMode = NearestMode(r.text("nearest_mode", "round_prefer_floor"))
	op.CubicA = r.float("cubic_coeff_a", -0.75)
	op.ExcludeOutside = r.bool("exclude_outside", false)
	op.Extrapolation = r.float("extrapolation_value", 0)
	axes := r.allAxes()
	if a := r.ints("axes"); a != nil && r.shapes[0] != nil {
		axes = nil
		for _, axis := range a {
			axis, ok := resolveAxis(axis, len(r.shapes[0]))
			if !ok || slices.Contains(axes, axis) {
				r.failf("axes %v for input %v", a, r.shapes[0])
				return op
			}
			axes = append(axes, axis)
		}
	}
	policy := r.text("keep_aspect_ratio_policy", "stretch")
	op.Antialias = r.bool("antialias", false)
	if op.CoordMode == TFCropAndResize {
		op.ROI = r.bounds(axes)
	}
	// An operand that is there may be empty, which is as good as none.
	scales, sizes := []float64(nil), (*ints)(nil)
	if r.given(2) && !r.empty(2) {
		scales = r.operandFloats(2, "scales")
	} else if r.given(3) {
		if sizes = r.exact(r.in[3]); sizes == nil {
			r.operandInts(3, "sizes") // says why
		}
	} else {
		r.failf("neither scales nor sizes are given")
	}
	r.sizes(op, scales, sizes, axes)
	if policy != "stretch" && sizes != nil {
		r.keepAspect(op, policy, axes)
	}
	return op.plain(r)
}

// nearestBefore11 is how positions are rounded before opset 11 said: up where a dimension shrinks, as
// ONNX Runtime has it, else down.
func (r *nodeReader) nearestBefore11(scales []float64) NearestMode {
	shrinks := slices.ContainsFunc(scales, func(s float64) bool { return s < 1 })
	grows := slices.ContainsFunc(scales, func(s float64) bool { return s > 1 })
	if shrinks && grows {
		r.refusef("nearest elements along dimensions that shrink and that grow, before opset 11")
	}
	if shrinks {
		return RoundCeil
	}
	return RoundFloor
}

// readUpsample reads the predecessor of Resize: its scales are an attribute before opset
// 9, operand 1 since.
func readUpsample(r *nodeReader) Op {
	op := &Resize{Mode: ResizeMode(r.text("mode", "nearest")), CoordMode: Asymmetric, NearestMode: RoundFloor}
	var scales []float64
	if r.opset < 7 && r.has("height_scale") {
		scales = []float64{1, 1, r.float("height_scale", 1), r.float("width_scale", 1)}
		if op.Mode == "bilinear" {
			op.Mode = ResizeLinear
		}
	} else if r.opset < 9 {
		scales = r.floats("scales")
	} else {
		scales = r.operandFloats(1, "scales")
	}
	r.sizes(op, scales, nil, r.allAxes())
	return op.plain(r)
}

// plain checks the modes, clears fields that mean nothing in them, and keeps operand 0.
func (op *Resize) plain(r *nodeReader) Op {
	r.keep(1)
	switch op.Mode {
	case ResizeNearest, ResizeLinear, ResizeCubic:
	default:
		r.failf("mode is %q, want nearest, linear or cubic", op.Mode)
	}
	switch op.CoordMode {
	case HalfPixel, PytorchHalfPixel, HalfPixelSymmetric, AlignCorners, Asymmetric, TFCropAndResize, TFHalfPixelForNN:
	default:
		r.failf("coordinate_transformation_mode is %q", op.CoordMode)
	}
	switch op.NearestMode {
	case RoundPreferFloor, RoundPreferCeil, RoundFloor, RoundCeil:
	default:
		r.failf("nearest_mode is %q", op.NearestMode)
	}
	if op.Mode != ResizeNearest {
		op.NearestMode = ""
	} else {
		op.Antialias = false
	}
	if op.Mode != ResizeCubic {
		op.CubicA, op.ExcludeOutside = 0, false
	}
	if op.CoordMode != TFCropAndResize {
		op.Extrapolation = 0
	}
	if op.Sizes != nil && slices.Equal(op.Sizes, r.shapes[0]) && !(op.Sizes[0] == Batch && op.Scales[0] != 1) {
		return &Identity{} // whatever the scales
	}
	return op
}

// allAxes are the dimensions of operand 0.
func (r *nodeReader) allAxes() []int {
	axes := make([]int, len(r.shapes[0]))
	for i := range axes {
		axes[i] = i
	}
	return axes
}

// sizes sets Scales and Sizes from those of some axes; one of both is given.
func (r *nodeReader) sizes(op *Resize, scales []float64, sizes *ints, axes []int) {
	x := r.shapes[0]
	if x == nil || scales == nil && sizes == nil {
		return
	}
	if scales != nil && len(scales) != len(axes) || sizes != nil && len(sizes.v) != len(axes) {
		r.failf("the scales or sizes are not those of %d dimensions of input %v", len(axes), x)
		return
	}
	op.Scales, op.Sizes = slices.Repeat([]float64{1}, len(x)), slices.Clone(x)
	for k, axis := range axes {
		in := x[axis]
		switch {
		case scales != nil && in == Batch:
			op.Scales[axis] = scales[k]
		case scales != nil:
			n := r.resized(axis, in, scales[k])
			if !(n >= 1 && n <= maxDim) {
				r.failf("scale %g of dimension %d of input %v", scales[k], axis, x)
				return
			}
			op.Scales[axis], op.Sizes[axis] = scales[k], int(n)
		case in == Batch && (sizes.v[k] == dim{batch: 1} || sizes.v[k] == dim{n: int64(max(r.batch, 1))}):
		case in == Batch || sizes.v[k].batch != 0:
			r.refusef("the size of dimension %d of input %v depends on the batch size, or fixes it", axis, x)
			return
		default:
			op.Sizes[axis] = clampInt(sizes.v[k].n)
			op.Scales[axis] = float64(op.Sizes[axis]) / float64(in)
			if op.Sizes[axis] < 1 {
				r.failf("size %d of dimension %d of input %v", op.Sizes[axis], axis, x)
				return
			}
		}
	}
}

// resized is how many elements a scale makes of in along an axis: the whole part of their product in single
// precision, as runtimes compute it. A declared size that differs by one decides.
func (r *nodeReader) resized(axis, in int, scale float64) float64 {
	n := math.Floor(float64(float32(in) * float32(scale)))
	if axis < len(r.declared) && math.Abs(float64(r.declared[axis])-n) == 1 && r.declared[axis] > 0 {
		return float64(r.declared[axis])
	}
	return n
}

// keepAspect gives all axes one scale: the smallest or the largest of those the sizes
// ask for.
func (r *nodeReader) keepAspect(op *Resize, policy string, axes []int) {
	x := r.shapes[0]
	scale := 0.0
	for _, axis := range axes {
		switch s := op.Scales[axis]; {
		case x[axis] == Batch:
			r.refusef("keep_aspect_ratio_policy over the batch")
			return
		case scale == 0, policy == "not_larger" && s < scale, policy == "not_smaller" && s > scale:
			scale = s
		}
	}
	if policy != "not_larger" && policy != "not_smaller" {
		r.failf("keep_aspect_ratio_policy is %q", policy)
	}
	if scale == 0 || op.Sizes == nil {
		return
	}
	for _, axis := range axes {
		n := math.Floor(float64(x[axis])*scale + 0.5)
		if !(n >= 1 && n <= maxDim) {
			r.failf("scale %g of dimension %d of input %v", scale, axis, x)
			return
		}
		op.Scales[axis], op.Sizes[axis] = scale, int(n)
	}
	r.refuseInexact(op)
}

// refuseInexact refuses scales that neither sizes nor numbers of a file give.
func (r *nodeReader) refuseInexact(op *Resize) {
	for i, s := range op.Scales {
		if n := op.Sizes[i]; n != Batch && s != float64(n)/float64(r.shapes[0][i]) && s != float64(float32(s)) {
			r.refusef("keep_aspect_ratio_policy with sizes that do not have one ratio")
			return
		}
	}
}

// bounds takes the region of tf_crop_and_resize, operand 1, and spreads it over all
// dimensions.
func (r *nodeReader) bounds(axes []int) []float64 {
	roi := r.operandFloats(1, "roi")
	rank := len(r.shapes[0])
	if roi == nil || rank == 0 {
		return nil
	}
	if len(roi) != 2*len(axes) {
		r.failf("roi has %d entries, want %d", len(roi), 2*len(axes))
		return nil
	}
	out := make([]float64, 2*rank)
	for i := range rank {
		out[rank+i] = 1
	}
	for k, axis := range axes {
		out[axis], out[rank+axis] = roi[k], roi[len(axes)+k]
	}
	return out
}

// write gives the scales if they are those of a file, and the sizes if the scales follow
// from them. The batch size is asked for where sizes are written.
func (op *Resize) write(w *nodeWriter) {
	w.text("mode", string(op.Mode))
	w.text("coordinate_transformation_mode", string(op.CoordMode))
	if op.Mode == ResizeNearest {
		w.text("nearest_mode", string(op.NearestMode))
	}
	if op.Mode == ResizeCubic {
		w.float("cubic_coeff_a", op.CubicA)
		w.bool("exclude_outside", op.ExcludeOutside)
	}
	if op.Antialias {
		w.bool("antialias", true)
	}
	if op.CoordMode == TFCropAndResize {
		w.float("extrapolation_value", op.Extrapolation)
		w.operandFloats("roi", op.ROI)
	} else {
		w.omit()
	}
	if !slices.ContainsFunc(op.Scales, func(s float64) bool { return s != float64(float32(s)) }) {
		w.operandFloats("scales", op.Scales)
		return
	}
	w.omit()
	if len(op.Sizes) > 0 && op.Sizes[0] == Batch {
		w.operandBatched("sizes", op.Sizes[1:])
	} else {
		w.operandInts("sizes", op.Sizes)
	}
}
