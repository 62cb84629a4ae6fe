package webp

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xwebp "golang.org/x/image/webp"
)

// compare decodes a picture here and by golang.org/x/image/webp, and wants the same kind of picture and the same pixels.
func compare(t *testing.T, name string, data []byte) {
	t.Helper()
	got, err := Decode(data)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	want, err := xwebp.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: referee: %v", name, err)
	}
	c, err := Config(data)
	if b := got.Bounds(); err != nil || b != want.Bounds() || b != image.Rect(0, 0, c.Width, c.Height) || c.ColorModel != got.ColorModel() {
		t.Errorf("%s: bounds are %v, want %v; config %v (%v)", name, b, want.Bounds(), c, err)
		return
	}
	var same bool
	switch want := want.(type) {
	case *image.YCbCr:
		got, ok := got.(*image.YCbCr)
		same = ok && sameYCbCr(t, name, got, want)
	case *image.NYCbCrA:
		got, ok := got.(*image.NYCbCrA)
		same = ok && sameYCbCr(t, name, &got.YCbCr, &want.YCbCr) && bytes.Equal(got.A, want.A) && got.AStride == want.AStride
	case *image.NRGBA:
		got, ok := got.(*image.NRGBA)
		same = ok && bytes.Equal(got.Pix, want.Pix) && got.Stride == want.Stride
	}
	if !same {
		t.Errorf("%s: %T differs from %T", name, got, want)
	}
}

func sameYCbCr(t *testing.T, name string, got, want *image.YCbCr) bool {
	t.Helper()
	if got.SubsampleRatio != want.SubsampleRatio {
		return false
	}
	b := want.Rect
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if g, w := got.YCbCrAt(x, y), want.YCbCrAt(x, y); g != w {
				t.Errorf("%s: pixel %d, %d is %v, want %v", name, x, y, g, w)
				return false
			}
		}
	}
	return true
}

func TestTMP(t *testing.T) {
	files, _ := filepath.Glob("/tmp/webp/many/*.webp")
	for _, f := range files {
		data, _ := os.ReadFile(f)
		compare(t, filepath.Base(f), data)
	}
}

func TestX(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.webp")
	for _, f := range files {
		if strings.Contains(f, "animation") {
			continue
		}
		data, _ := os.ReadFile(f)
		compare(t, filepath.Base(f), data)
	}
}

func benchmark(b *testing.B, name string, decode func([]byte) (image.Image, error)) {
	data, err := os.ReadFile("/tmp/webp/" + name)
	if err != nil {
		b.Skip(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []string{"photo.webp", "photo_ll.webp"} {
		b.Run(n+"/own", func(b *testing.B) { benchmark(b, n, Decode) })
		b.Run(n+"/x", func(b *testing.B) {
			benchmark(b, n, func(d []byte) (image.Image, error) { return xwebp.Decode(bytes.NewReader(d)) })
		})
	}
}
