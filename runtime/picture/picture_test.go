package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/png"
	"io"
	"strings"
	"testing"
)

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGray(t *testing.T) {
	for r := 0; r < 256; r += 5 {
		for g := 0; g < 256; g += 3 {
			for b := 0; b < 256; b += 7 {
				c := color.RGBA{uint8(r), uint8(g), uint8(b), 255}
				if got, want := gray(c.R, c.G, c.B), color.GrayModel.Convert(c).(color.Gray).Y; got != want {
					t.Fatalf("grey of %v is %d, want %d", c, got, want)
				}
			}
		}
	}
	for v := range 256 {
		if got := gray(uint8(v), uint8(v), uint8(v)); got != uint8(v) {
			t.Errorf("grey of grey %d is %d", v, got)
		}
	}
}

// TestPlanes compares every kind of picture with what its pixels say one by one.
func TestPlanes(t *testing.T) {
	r := image.Rect(3, 2, 10, 7) // off the origin, as sub-pictures are
	w, h := r.Dx(), r.Dy()
	ycc := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	for i := range ycc.Y {
		ycc.Y[i] = byte(i * 7)
	}
	for i := range ycc.Cb {
		ycc.Cb[i], ycc.Cr[i] = byte(i*30), byte(255-i*20)
	}
	pics := []image.Image{ycc, image.NewGray(r), image.NewGray16(r), image.NewRGBA(r), image.NewNRGBA(r),
		image.NewNRGBA64(r), image.NewPaletted(r, palette.Plan9), image.NewCMYK(r)}
	for _, m := range pics[1:] {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				m.(interface{ Set(x, y int, c color.Color) }).Set(x, y, color.NRGBA{uint8(20 * x), uint8(30 * y), uint8(x * y), uint8(255 - 10*x)})
			}
		}
	}
	for _, m := range pics {
		rgb, one := make([]byte, 3*w*h), make([]byte, w*h)
		if err := errors.Join(Planes(rgb, m, 3), Planes(one, m, 1)); err != nil {
			t.Fatal(err)
		}
		for i := range w * h {
			cr, cg, cb, _ := m.At(r.Min.X+i%w, r.Min.Y+i/w).RGBA()
			want := color.RGBA{uint8(cr >> 8), uint8(cg >> 8), uint8(cb >> 8), 255}
			if got := (color.RGBA{rgb[i], rgb[w*h+i], rgb[2*w*h+i], 255}); got != want {
				t.Fatalf("%T: pixel %d is %v, want %v", m, i, got, want)
			}
			if g := color.GrayModel.Convert(want).(color.Gray).Y; one[i] != g {
				t.Fatalf("%T: grey pixel %d is %d, want %d", m, i, one[i], g)
			}
		}
		if Planes(one, m, 3) == nil || Planes(rgb, m, 2) == nil {
			t.Errorf("%T: wrong room or channels: no error", m)
		}
	}
}

func TestDecodeCanvas(t *testing.T) {
	frame := image.NewPaletted(image.Rect(1, 1, 3, 2), color.Palette{color.Black, color.White})
	frame.Pix[0], frame.Pix[1] = 1, 1
	var b bytes.Buffer
	g := &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 4, Height: 3}}
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	m, err := Decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 12)
	if err := Planes(got, m, 1); err != nil {
		t.Fatal(err)
	}
	if want := []byte{0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("frame on its canvas is %v, want %v", got, want)
	}
}

func TestDecodeErrors(t *testing.T) {
	good := encodePNG(t, image.NewGray(image.Rect(0, 0, 20, 20)))
	sized := func(w, h uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[16:], w)
		binary.BigEndian.PutUint32(b[20:], h)
		binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
		return b
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{nil, "not a picture"},
		{[]byte("GIF89a"), "EOF"},
		{good[:len(good)/2], "EOF"},
		{sized(MaxSide+1, 1), "at most"},
		{sized(1<<14, 1<<13), "altogether"},
	} {
		_, err := Decode(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d bytes: error is %v, want %q", len(c.data), err, c.want)
		}
	}
	if _, err := Decode([]byte("text")); !errors.Is(err, ErrFormat) {
		t.Errorf("text: error is %v, want ErrFormat", err)
	}
}

func TestDecoderPanic(t *testing.T) {
	image.RegisterFormat("panics", "panics!", func(r io.Reader) (image.Image, error) {
		panic("broken decoder")
	}, func(r io.Reader) (image.Config, error) {
		return image.Config{Width: 1, Height: 1}, nil
	})
	if _, err := Decode([]byte("panics!")); err == nil || !strings.Contains(err.Error(), "broken decoder") {
		t.Errorf("error is %v, want the decoder's panic in it", err)
	}
}

func TestInterleave(t *testing.T) {
	planes := []byte{1, 2, 11, 12, 21, 22}
	got, back := make([]byte, 6), make([]byte, 6)
	Interleave(got, planes, 3)
	if want := []byte{1, 11, 21, 2, 12, 22}; !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if Planar(back, got, 3); !bytes.Equal(back, planes) {
		t.Errorf("and back %v, want %v", back, planes)
	}
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 3)))
	f.Add(b.Bytes())
	b.Reset()
	gif.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 3)), nil)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Config(data)
		if err != nil || c.Width*c.Height > 1<<16 {
			return
		}
		m, err := Decode(data)
		if err != nil {
			return
		}
		if err := Planes(make([]byte, 3*c.Width*c.Height), m, 3); err != nil {
			t.Error(err)
		}
	})
}
