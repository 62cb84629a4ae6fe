package picture

import (
	"bytes"
	"strings"
	"testing"
)

func TestFramePlanes(t *testing.T) {
	// Two pixels, or 2x2: red and green as BT.601 video writes them.
	const yRed, uRed, vRed, yWhite, yBlack = 81, 90, 240, 235, 16
	for _, c := range []struct {
		frame    Frame
		src      []byte
		channels int
		want     []byte
	}{
		{Frame{Width: 2, Height: 1, Pixel: RGB}, []byte{1, 2, 3, 4, 5, 6}, 3, []byte{1, 4, 2, 5, 3, 6}},
		{Frame{Width: 2, Height: 1, Pixel: BGR}, []byte{1, 2, 3, 4, 5, 6}, 3, []byte{3, 6, 2, 5, 1, 4}},
		{Frame{Width: 2, Height: 1, Pixel: RGB, Planar: true}, []byte{1, 4, 2, 5, 3, 6}, 3, []byte{1, 4, 2, 5, 3, 6}},
		{Frame{Width: 2, Height: 1, Pixel: BGR, Planar: true}, []byte{1, 4, 2, 5, 3, 6}, 3, []byte{3, 6, 2, 5, 1, 4}},
		{Frame{Width: 2, Height: 1, Pixel: Grey}, []byte{7, 9}, 1, []byte{7, 9}},
		{Frame{Width: 2, Height: 1, Pixel: Grey}, []byte{7, 9}, 3, []byte{7, 9, 7, 9, 7, 9}},
		{Frame{Width: 2, Height: 1, Pixel: YUYV}, []byte{yWhite, 128, yBlack, 128}, 3, []byte{255, 0, 255, 0, 255, 0}},
		{Frame{Width: 2, Height: 1, Pixel: YUYV}, []byte{yRed, uRed, yRed, vRed}, 3, []byte{255, 255, 0, 0, 0, 0}},
		{Frame{Width: 2, Height: 2, Pixel: NV12}, []byte{yWhite, yBlack, yBlack, yWhite, 128, 128}, 1, []byte{255, 0, 0, 255}},
		{Frame{Width: 2, Height: 2, Pixel: NV12}, []byte{yRed, yRed, yRed, yRed, uRed, vRed}, 3, []byte{255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		got := make([]byte, len(c.want))
		if err := c.frame.Planes(got, c.src, c.channels); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%v, %d channels: %v (%v), want %v", c.frame, c.channels, got, err, c.want)
		}
		if err := c.frame.Planes(got, c.src[1:], c.channels); err == nil {
			t.Errorf("%v: no error for a byte less", c.frame)
		}
	}
}

func TestFrameCheck(t *testing.T) {
	for want, f := range map[string]Frame{
		"even sizes":      {Width: 3, Height: 2, Pixel: YUYV},
		"3x2":             {Width: 3, Height: 2, Pixel: NV12},
		"1 to 32768":      {Width: 0, Height: 2},
		"at most 6710886": {Width: MaxSide, Height: MaxSide},
	} {
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", f, err, want)
		}
	}
	if _, err := ParsePixel("yuv"); err == nil {
		t.Error("yuv: no error")
	}
	for p := range Pixel(len(pixelNames)) {
		if q, err := ParsePixel(p.String()); err != nil || p != q {
			t.Errorf("%v is read as %v (%v)", p, q, err)
		}
	}
}

func TestCrop(t *testing.T) {
	wide := []byte{0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17} // 2 channels of 2x4
	got, size := Crop(bytes.Clone(wide), 2, [2]int{2, 4}, [2]int{5, 5})
	if want := []byte{1, 2, 5, 6, 11, 12, 15, 16}; !bytes.Equal(got, want) || size != [2]int{2, 2} {
		t.Errorf("%v of %v, want %v", got, size, want)
	}
	got, size = Crop(bytes.Clone(wide), 1, [2]int{8, 2}, [2]int{3, 3})
	if want := []byte{6, 7, 10, 11}; !bytes.Equal(got, want) || size != [2]int{2, 2} {
		t.Errorf("%v of %v, want %v", got, size, want)
	}
}
