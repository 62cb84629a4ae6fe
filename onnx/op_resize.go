package onnx

import "fmt"

// Resize samples its input at other positions. Along every dimension i the output has
// Sizes[i] elements; element p of it lies at position
//
//	half_pixel            (p + 0.5) / Scales[i] - 0.5
//	pytorch_half_pixel    the same, or 0 where Sizes[i] is 1
//	asymmetric            p / Scales[i]
//	align_corners         p * (in - 1) / (Sizes[i] - 1), or 0 where Sizes[i] is 1
//	half_pixel_symmetric  (1 - Sizes[i]/(in*Scales[i])) * in/2 + (p + 0.5) / Scales[i] - 0.5
//	tf_half_pixel_for_nn  (p + 0.5) / Scales[i]
//	tf_crop_and_resize    start*(in-1) + p*(end-start)*(in-1)/(Sizes[i]-1), or
//	                      (start+end)/2*(in-1) where Sizes[i] is 1
//
// of the input, where its value is that of the nearest element, or a linear or cubic
// interpolation. Elements outside are those at the border.
type Resize struct {
	Mode      ResizeMode
	CoordMode CoordMode
	// NearestMode rounds positions; empty for other modes.
	NearestMode NearestMode
	// CubicA is the coefficient of the cubic kernel; 0 for other modes.
	CubicA float64
	// ExcludeOutside gives elements outside the input no weight, in mode "cubic".
	ExcludeOutside bool
	// Antialias widens the kernels of "linear" and "cubic" along dimensions that become smaller, so
	// that every element counts.
	Antialias bool
	// Extrapolation is the value of positions outside the input, with "tf_crop_and_resize".
	Extrapolation float64
	Scales        []float64 // of all dimensions; 1 for the batch
	Sizes         []int     // of all dimensions; Batch for the batch
	// ROI are the starts of all dimensions, then the ends, in parts of the input, with
	// "tf_crop_and_resize"; nil otherwise.
	ROI []float64
}

// ResizeMode says what a position between elements is worth.
type ResizeMode string

// CoordMode says where in the input a position of the output lies.
type CoordMode string

// NearestMode says which element is the nearest to a position.
type NearestMode string

const (
	ResizeNearest ResizeMode = "nearest"
	ResizeLinear  ResizeMode = "linear"
	ResizeCubic   ResizeMode = "cubic"

	HalfPixel          CoordMode = "half_pixel"
	PytorchHalfPixel   CoordMode = "pytorch_half_pixel"
	HalfPixelSymmetric CoordMode = "half_pixel_symmetric"
	Asymmetric         CoordMode = "asymmetric"
	AlignCorners       CoordMode = "align_corners"
	TFCropAndResize    CoordMode = "tf_crop_and_resize"
	TFHalfPixelForNN   CoordMode = "tf_half_pixel_for_nn"

	RoundPreferFloor NearestMode = "round_prefer_floor"
	RoundPreferCeil  NearestMode = "round_prefer_ceil"
	RoundFloor       NearestMode = "floor"
	RoundCeil        NearestMode = "ceil"
)

// Type returns "Resize".
func (*Resize) Type() string { return "Resize" }

// InferShape returns Sizes.
func (op *Resize) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(op.Sizes) != len(x) || len(op.Scales) != len(x) || op.ROI != nil && len(op.ROI) != 2*len(x) {
		return nil, fmt.Errorf("%d sizes, %d scales and %d bounds for input %v", len(op.Sizes), len(op.Scales), len(op.ROI), x)
	}
	for i, n := range op.Sizes {
		switch {
		case (n == Batch) != (x[i] == Batch) || n == Batch && op.Scales[i] != 1:
			return nil, refusef("sizes %v change the batch of input %v", op.Sizes, x)
		case !(op.Scales[i] > 0):
			return nil, fmt.Errorf("scale %g of dimension %d, want more than 0", op.Scales[i], i)
		}
	}
	return []Shape{Shape(op.Sizes).clone()}, nil
}
