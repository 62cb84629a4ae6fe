package picture

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"qconv/runtime"
)

// TestInput asks for both orders of bytes, of a picture that has the input's size.
func TestInput(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 2, 1))
	img.Set(0, 0, color.RGBA{1, 2, 3, 255})
	img.Set(1, 0, color.RGBA{4, 5, 6, 255})
	p := &runtime.Program{Tensors: []runtime.Tensor{{Shape: [3]int{3, 1, 2}}}, Inputs: []runtime.Input{{}, {Interleaved: true}}}
	for k, want := range [][]byte{{1, 4, 2, 5, 3, 6}, {1, 2, 3, 4, 5, 6}} {
		got := make([]byte, 6)
		if err := Input(got, img, p, k); err != nil || !bytes.Equal(got, want) {
			t.Errorf("input %d: got %v (%v), want %v", k, got, err, want)
		}
	}
	p.Tensors[0].Shape = [3]int{2, 1, 2}
	if err := Input(make([]byte, 4), img, p, 0); err == nil {
		t.Error("two channels were filled from a picture")
	}
}
