package picture

import (
	"image"

	"qconv/runtime"
)

// Input writes img to dst as the bytes that [runtime.Runner.Run] takes for an input of p, stretched to its size by [Fit]: dst has as many bytes as the input
// has elements. The input must have one channel or three.
func Input(dst []byte, img image.Image, p *runtime.Program, input int) error {
	in := &p.Inputs[input]
	shape := p.Tensors[in.Tensor].Shape
	if !in.Interleaved {
		return Fit(dst, img, shape)
	}
	planes := make([]byte, len(dst))
	if err := Fit(planes, img, shape); err != nil {
		return err
	}
	Interleave(dst, planes, shape[0])
	return nil
}
