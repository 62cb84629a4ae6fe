package main

import (
	"bytes"
	"image"
	"math"
	"testing"

	"qconv/cmd/qconv/internal/page"
)

// TestShapeImage draws samples as what they are.
func TestShapeImage(t *testing.T) {
	for _, c := range []struct {
		shape []int
		kind  string
	}{
		{[]int{1, 4, 6}, "picture"}, {[]int{3, 4, 6}, "picture"}, {[]int{1, 300, 200}, "picture"},
		{[]int{2, 32}, "drawing"}, {[]int{3, 1, 32}, "drawing"}, {[]int{12, 9}, "drawing"}, {[]int{40}, "drawing"},
		{[]int{4}, ""}, {[]int{5, 4, 4}, ""}, {[]int{64, 1, 1}, ""}, {[]int{2, 3, 4, 5}, ""},
	} {
		values := make([]float32, elems(c.shape))
		for i := range values {
			values[i] = float32(math.Sin(float64(i)))
		}
		m, err := shapeImage(values, c.shape, true, "alt")
		if err != nil {
			t.Fatal(err)
		}
		kind := ""
		switch m := m.(type) {
		case *page.Picture:
			if kind = "picture"; m.Width > thumbSide || m.Height > thumbSide || m.Width < 20 {
				t.Errorf("%v is a picture of %dx%d", c.shape, m.Width, m.Height)
			}
		case *page.Drawing:
			kind = "drawing"
		}
		if kind != c.kind {
			t.Errorf("%v is %q, want %q", c.shape, kind, c.kind)
		}
	}
	if m, err := shapeImage(make([]float32, 3), []int{4}, true, ""); m != nil || err != nil {
		t.Errorf("too few numbers are %v, %v", m, err)
	}
}

func TestStretch(t *testing.T) {
	values := []float32{-1, 0, 1, 3}
	stretch(values)
	m := pixelImage(values, []int{1, 2, 2}).(*image.NRGBA)
	if want := []uint8{0, 0, 0, 255, 64, 64, 64, 255, 128, 128, 128, 255, 255, 255, 255, 255}; !bytes.Equal(m.Pix, want) {
		t.Errorf("got %v, want %v", m.Pix, want)
	}
	same := []float32{7, 7}
	if stretch(same); same[0] != 128 {
		t.Errorf("equal values become %g", same[0])
	}
}
