package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestMemory compares what is said of the memory with what decoding and taking planes really allocate.
func TestMemory(t *testing.T) {
	r := image.Rect(0, 0, 700, 500)
	see := image.NewNRGBA(r)
	for i := range see.Pix {
		see.Pix[i] = byte(i / 3)
	}
	pal := image.NewPaletted(r, palette.Plan9)
	lossy := func(m image.Image) []byte {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var animation bytes.Buffer
	small := image.NewPaletted(image.Rect(1, 1, 5, 5), palette.Plan9)
	if err := gif.EncodeAll(&animation, &gif.GIF{Image: []*image.Paletted{small, small}, Delay: []int{1, 1}, Config: image.Config{ColorModel: color.Palette(palette.Plan9), Width: 700, Height: 500}}); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"grey": encodePNG(t, image.NewGray(r)), "grey 16": encodePNG(t, image.NewGray16(r)), "colour": encodePNG(t, image.NewRGBA(r)),
		"transparent": encodePNG(t, see), "colour 16": encodePNG(t, image.NewNRGBA64(r)), "palette": encodePNG(t, pal),
		"JPEG": lossy(see), "grey JPEG": lossy(image.NewGray(r)), "GIF": animation.Bytes(),
	}
	for _, kind := range []string{"lossy", "alpha", "lossless", "palette"} {
		data, err := os.ReadFile("webp/testdata/wide-" + kind + ".webp")
		if err != nil {
			t.Fatal(err)
		}
		files["WebP "+kind] = data
	}
	for name, data := range files {
		var need int64
		planes := make([]byte, 3*700*500)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		img, err := DecodeIf(data, func(c image.Config, memory int64) error {
			if c.Width != 700 || c.Height != 500 {
				t.Errorf("%s: %dx%d", name, c.Width, c.Height)
			}
			need = memory
			return nil
		})
		if err == nil {
			err = Planes(planes, img, 3)
		}
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		const aside = 200 << 10 // buffers and tables of decoders, whatever the size of the picture
		if took := int64(after.TotalAlloc - before.TotalAlloc); took > need+aside || need > 5*took {
			t.Errorf("%s: took %d bytes, said to need %d", name, took, need)
		}
	}
}

// jpegHeader is a JPEG file of nothing but a frame header: components of the given samplings.
func jpegHeader(marker byte, w, h int, samplings ...byte) []byte {
	b := []byte{0xff, 0xd8, 0xff, marker, 0, byte(8 + 3*len(samplings)), 8, 0, 0, 0, 0, byte(len(samplings))}
	binary.BigEndian.PutUint16(b[7:], uint16(h))
	binary.BigEndian.PutUint16(b[9:], uint16(w))
	for i, s := range samplings {
		b = append(b, byte(i+1), s, 0)
	}
	return append(b, 0xff, 0xda, 0, 2)
}

func TestJPEGMemory(t *testing.T) {
	for name, c := range map[string]struct {
		data     []byte
		perPixel float64
	}{
		"fine":        {jpegHeader(0xc0, 1000, 1000, 0x11, 0x11, 0x11), 3 + 4},
		"usual":       {jpegHeader(0xc0, 1000, 1000, 0x22, 0x11, 0x11), 1.5 + 4},
		"progressive": {jpegHeader(0xc2, 1000, 1000, 0x22, 0x11, 0x11), 1.5 + 4*1.5 + 4},
		"grey":        {jpegHeader(0xc0, 1000, 1000, 0x22), 1 + 4},
		"CMYK":        {jpegHeader(0xc0, 1000, 1000, 0x11, 0x11, 0x11, 0x11), 4 + 4 + 4},
	} {
		got := int64(0)
		_, err := DecodeIf(c.data, func(_ image.Config, memory int64) error { got = memory; return ErrFormat })
		if err != ErrFormat || got != int64(c.perPixel*1e6) {
			t.Errorf("%s: %d bytes (%v), want %v for a pixel", name, got, err, c.perPixel)
		}
	}
	many := append(jpegHeader(0xc2, 1000, 1000, 0x11), bytes.Repeat([]byte{0xff, 0xda}, maxScans)...)
	if _, err := Decode(many); err == nil || !strings.Contains(err.Error(), "in 101 scans, want at most 100") {
		t.Errorf("many scans: %v", err)
	}
}

// TestRefused wants no memory for pictures that are not allowed.
func TestRefused(t *testing.T) {
	data := jpegHeader(0xc2, 8000, 8000, 0x11, 0x11, 0x11)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := DecodeIf(data, func(image.Config, int64) error { return ErrFormat })
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; err != ErrFormat || took > 1<<20 {
		t.Errorf("took %d bytes (%v)", took, err)
	}
}
