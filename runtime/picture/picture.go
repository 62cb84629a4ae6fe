// Package picture turns PNG, JPEG, GIF, BMP and WebP files, and frames of cameras, into bytes a program takes. It needs
// only the standard library, so that the board's tool and the host make the same bytes
// of the same file. Formats registered with package image by the caller work as well.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	"qconv/runtime/picture/webp"
)

// Limits on what is decoded, checked before memory is taken.
const (
	MaxSide   = 1 << 15 // rows or columns
	MaxPixels = 1 << 26
)

// ErrFormat is returned for data that are no picture of a known format.
var ErrFormat = errors.New("not a picture of a known format")

// Config reads the size and colour model without decoding the picture.
func Config(data []byte) (image.Config, error) {
	c, _, err := config(data)
	return c, err
}

// config is Config with the name of the format.
func config(data []byte) (c image.Config, format string, err error) {
	defer recovered(&err)
	if webp.Is(data) {
		format = "webp"
		c, err = webp.Config(data)
	} else {
		c, format, err = image.DecodeConfig(bytes.NewReader(data))
	}
	switch {
	case errors.Is(err, image.ErrFormat):
		err = ErrFormat
	case err != nil:
	case c.Width < 1 || c.Height < 1:
		err = fmt.Errorf("the picture is %dx%d pixels, want at least 1x1", c.Width, c.Height)
	case c.Width > MaxSide || c.Height > MaxSide || int64(c.Width)*int64(c.Height) > MaxPixels:
		err = fmt.Errorf("the picture is %dx%d pixels, want at most %d a side and %d altogether", c.Width, c.Height, MaxSide, MaxPixels)
	}
	return c, format, err
}

// Decode decodes a picture; of an animation the first frame. The bounds of the result
// start at 0, 0 and have the size that [Config] tells; where a GIF frame does not cover
// its canvas, the canvas is black. Orientation tags of cameras are not applied.
func Decode(data []byte) (image.Image, error) {
	return DecodeIf(data, func(image.Config, int64) error { return nil })
}

// DecodeIf is Decode for pictures that allow has no objection to. It is called before memory is taken, with what
// Config tells and the bytes that decoding the picture and taking its planes need at most.
func DecodeIf(data []byte, allow func(c image.Config, memory int64) error) (img image.Image, err error) {
	defer recovered(&err)
	c, format, err := config(data)
	if err != nil {
		return nil, err
	}
	need, err := memory(data, format, c)
	if err != nil {
		return nil, err
	}
	if err := allow(c, need); err != nil {
		return nil, err
	}
	if format == "webp" {
		img, err = webp.Decode(data)
	} else {
		img, _, err = image.Decode(bytes.NewReader(data))
	}
	if err != nil {
		return nil, err
	}
	all := image.Rect(0, 0, c.Width, c.Height)
	if img.Bounds() == all {
		return img, nil
	}
	canvas := image.NewRGBA(all)
	draw.Draw(canvas, img.Bounds(), img, img.Bounds().Min, draw.Src)
	return canvas, nil
}

// recovered turns a panic of a decoder, caused by broken data, into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the decoder failed: %v", p)
	}
}

// Planes writes img to dst as [channels][H][W] bytes; len(dst) must be
// channels*H*W. With 3 channels they are red, green, blue; with 1 the grey value is that
// of color.GrayModel for the 8-bit colour. Transparent pictures are laid on black.
func Planes(dst []byte, img image.Image, channels int) error {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if channels != 1 && channels != 3 {
		return fmt.Errorf("a picture has 1 or 3 channels, want %d", channels)
	}
	if len(dst) != channels*w*h {
		return fmt.Errorf("room for %d bytes, want %d (%d channels of %dx%d pixels)", len(dst), channels*w*h, channels, w, h)
	}
	switch m := img.(type) {
	case *image.Gray:
		for y := range h {
			copy(dst[y*w:(y+1)*w], m.Pix[y*m.Stride:])
		}
		for c := 1; c < channels; c++ {
			copy(dst[c*w*h:], dst[:w*h])
		}
	case *image.RGBA:
		planesRGBA(dst, m, channels)
	default:
		rgba := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.Draw(rgba, rgba.Rect, img, b.Min, draw.Src)
		planesRGBA(dst, rgba, channels)
	}
	return nil
}

func planesRGBA(dst []byte, m *image.RGBA, channels int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	n := w * h
	for y := range h {
		row := m.Pix[y*m.Stride : y*m.Stride+4*w]
		if channels == 1 {
			for x := range w {
				dst[y*w+x] = gray(row[4*x], row[4*x+1], row[4*x+2])
			}
			continue
		}
		red, green, blue := dst[y*w:][:w], dst[n+y*w:][:w], dst[2*n+y*w:][:w]
		for x := range w {
			p := row[4*x : 4*x+3 : 4*x+3]
			red[x], green[x], blue[x] = p[0], p[1], p[2]
		}
	}
}

// Gray writes the grey values of the colours in src, [3][n] bytes, to dst, [n] bytes.
func Gray(dst, src []byte) {
	n := len(dst)
	red, green, blue := src[:n], src[n:][:n], src[2*n:][:n]
	for i := range dst {
		dst[i] = gray(red[i], green[i], blue[i])
	}
}

// gray is color.GrayModel of an opaque 8-bit colour, without its allocations:
// (19595 R + 38470 G + 7471 B + 2^15) >> 24 of 16-bit components.
func gray(r, g, b uint8) uint8 {
	return uint8((0x101*(19595*uint32(r)+38470*uint32(g)+7471*uint32(b)) + 1<<15) >> 24)
}

// Interleave writes [channels][n] bytes of src to dst as [n][channels], the order of
// pixels in memory.
func Interleave(dst, src []byte, channels int) {
	n := len(src) / channels
	for c := range channels {
		for i := range n {
			dst[i*channels+c] = src[c*n+i]
		}
	}
}

// Planar is the opposite of [Interleave].
func Planar(dst, src []byte, channels int) {
	n := len(src) / channels
	for c := range channels {
		for i := range n {
			dst[c*n+i] = src[i*channels+c]
		}
	}
}
