package ortfuzz

import (
	"math"
	"slices"
)

func upsample(d *drawer, v *value) {
	if d.n.opset > 9 {
		return
	}
	mode := of(d, "nearest", "linear")
	if mode == "linear" && len(v.shape) != 4 {
		mode = "nearest"
	}
	scales, shape := make([]float64, len(v.shape)), slices.Clone(v.shape)
	for i := range scales {
		scales[i] = 1
		if i >= 2 || i >= v.first() && mode == "nearest" {
			scales[i] = of(d, 1.0, 2, 3, 1.5, 2.25)
		}
		shape[i] = int(float32(shape[i]) * float32(scales[i]))
	}
	attrs := d.optional(nil, "mode", mode, "nearest")
	in := []string{v.name}
	if d.n.opset < 9 {
		attrs = append(attrs, attr{"scales", scales})
	} else {
		in = append(in, d.given(float32s, []int{len(scales)}, scales...))
	}
	d.add("Upsample", d.sampled(v, mode, shape), in, attrs...)
}

// sampled is the result of a Resize: exact where elements are only copied.
func (d *drawer) sampled(v *value, mode string, shape []int) *value {
	out := v.result(shape...)
	out.exact = out.exact && mode == "nearest"
	return out
}

func resize(d *drawer, v *value) {
	if d.n.opset < 10 {
		return
	}
	rank := len(v.shape)
	mode := of(d, "nearest", "linear", "cubic")
	if d.n.opset == 10 && mode == "cubic" {
		return
	}
	// ONNX Runtime takes linear along the last one to three dimensions, cubic along the last two.
	from := v.first()
	switch mode {
	case "linear":
		if rank < 2 || rank > 5 {
			return
		}
		from = max(from, rank-of(d, 1, 2, 2))
	case "cubic":
		if rank != 4 {
			return
		}
		from = 2
	}
	attrs := d.optional(nil, "mode", mode, "nearest")
	coordinates := "asymmetric"
	antialias := false
	if d.n.opset >= 11 {
		list := []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"}
		if d.n.opset < 13 {
			list = append(list, "tf_half_pixel_for_nn")
		}
		if d.n.opset >= 19 {
			list = append(list, "half_pixel_symmetric")
		}
		coordinates = of(d, list...)
		if coordinates == "tf_half_pixel_for_nn" && mode != "nearest" {
			coordinates = "half_pixel"
		}
		attrs = d.optional(attrs, "coordinate_transformation_mode", coordinates, "half_pixel")
		if mode == "nearest" {
			attrs = d.optional(attrs, "nearest_mode", of(d, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"), "round_prefer_floor")
		}
		if mode == "cubic" {
			attrs = d.optional(attrs, "cubic_coeff_a", of(d, -0.75, -0.5), -0.75)
			attrs = d.optional(attrs, "exclude_outside", d.IntN(2), 0)
		}
		if antialias = d.n.opset >= 18 && mode != "nearest" && coordinates != "tf_crop_and_resize" && d.chance(3); antialias {
			attrs = append(attrs, attr{"antialias", 1})
		}
		if coordinates == "tf_crop_and_resize" {
			attrs = d.optional(attrs, "extrapolation_value", of(d, 0.0, 1), 0.0)
		}
	}
	bySize := d.n.opset >= 11 && d.chance(2)
	scales, shape := make([]float64, rank), slices.Clone(v.shape)
	for i := range scales {
		scales[i] = 1
		if i < from || d.chance(4) {
			continue
		}
		if bySize {
			shape[i] = d.between(1, 2*v.shape[i]+1)
			continue
		}
		scales[i] = of(d, 2, 3, 1.5, 2.25, 0.5, 0.75, 1.0/3, 0.6, 1.3, float64(d.between(5, 40))/17)
		shape[i] = int(math.Floor(float64(float32(v.shape[i]) * float32(scales[i]))))
		if shape[i] < 1 {
			return
		}
	}
	in := []string{v.name}
	axes := allAxes(rank)
	if d.n.opset >= 18 && d.chance(2) {
		axes = axes[from:]
		named := slices.Clone(axes)
		for i := range named {
			named[i] = d.signed(named[i], rank, 18)
		}
		attrs = append(attrs, attr{"axes", named})
	} else if v.batched && bySize && d.n.inputs[0].symbols[0] != "" {
		return // sizes would fix the batch
	}
	if d.n.opset >= 11 {
		roi := make([]float64, 2*len(axes))
		for i := range axes {
			roi[i], roi[len(axes)+i] = 0, 1
			if axes[i] >= from && d.chance(2) {
				roi[i], roi[len(axes)+i] = of(d, 0.25, 0, -0.25), of(d, 0.75, 1, 1.25)
			}
		}
		if coordinates == "tf_crop_and_resize" {
			in = append(in, d.given(float32s, []int{len(roi)}, roi...))
		} else {
			empty := d.given(float32s, []int{0})
			if d.n.opset >= 13 && d.chance(2) {
				empty = ""
			}
			in = append(in, empty)
		}
	}
	if bySize {
		sizes := make([]int, len(axes))
		for i, axis := range axes {
			sizes[i] = shape[axis]
		}
		if d.n.opset >= 13 {
			in = append(in, "")
		} else {
			in = append(in, d.given(float32s, []int{0}))
		}
		in = append(in, d.ints(sizes...))
	} else {
		var some []float64
		for _, axis := range axes {
			some = append(some, scales[axis])
		}
		in = append(in, d.given(float32s, []int{len(some)}, some...))
	}
	d.add("Resize", d.sampled(v, mode, shape), in, attrs...)
}

func allAxes(rank int) []int {
	axes := make([]int, rank)
	for i := range axes {
		axes[i] = i
	}
	return axes
}
