package webp

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"

	"qconv/runtime/picture/webp/internal/vp8"
	"qconv/runtime/picture/webp/internal/vp8l"
)

var (
	errContainer = errors.New("the chunks of the file do not fit together")
	errSizes     = errors.New("the picture has another size than its canvas")
	errNoPicture = errors.New("there is no picture in the file")
	errAnimation = errors.New("this is an animation; make a picture of one of its frames")
)

// file is what a file holds of a picture: the data of its chunks, nil where there is none (RFC 9649, section 2).
type file struct {
	lossy, lossless, alpha []byte
	width, height          int
}

// parse finds the chunks, and reads the size of the picture.
func parse(data []byte) (*file, error) {
	const riff, head = 12, 8 // "RIFF", a size, "WEBP"; the name and size of a chunk
	if len(data) < riff {
		return nil, io.ErrUnexpectedEOF
	}
	size := uint64(binary.LittleEndian.Uint32(data[4:])) + head
	if size < riff {
		return nil, errContainer
	}
	rest := size - riff // of the file, by its header
	f := &file{}
	var canvas []byte
	for data = data[riff:]; f.lossy == nil && f.lossless == nil; {
		if rest < head {
			return nil, errNoPicture
		}
		if len(data) < head {
			return nil, io.ErrUnexpectedEOF
		}
		name, n := string(data[:4]), uint64(binary.LittleEndian.Uint32(data[4:]))
		if data, rest = data[head:], rest-head; n > rest {
			return nil, errContainer
		}
		if n > uint64(len(data)) {
			return nil, io.ErrUnexpectedEOF
		}
		chunk := data[:n:n]
		switch name {
		case "VP8 ":
			f.lossy = chunk
		case "VP8L":
			f.lossless = chunk
		case "ALPH":
			if canvas == nil || f.alpha != nil {
				return nil, errContainer
			}
			f.alpha = chunk
		case "VP8X":
			if canvas != nil || n != canvasBytes {
				return nil, errContainer
			}
			canvas = chunk
		case "ANIM", "ANMF":
			return nil, errAnimation
		}
		n = min((n+1)&^1, rest) // a byte follows odd ones
		data, rest = data[min(n, uint64(len(data))):], rest-n
	}
	return f, f.check(canvas)
}

// The chunk "VP8X" has flags, and width and height of the canvas less one (section 2.7.1.1).
const (
	canvasBytes   = 10
	alphaFlag     = 1 << 4
	animationFlag = 1 << 1
)

// check reads the size of the picture, which must be that of the canvas, and looks whether transparency is where it belongs: beside
// a lossy picture whose canvas says that there is some.
func (f *file) check(canvas []byte) (err error) {
	if canvas != nil && canvas[0]&animationFlag != 0 {
		return errAnimation
	}
	transparent := canvas != nil && canvas[0]&alphaFlag != 0
	if f.lossless != nil {
		f.width, f.height, err = vp8l.Size(f.lossless)
		if f.alpha != nil {
			return errContainer
		}
	} else {
		f.width, f.height, err = vp8.Size(f.lossy)
		if transparent != (f.alpha != nil) {
			return errContainer
		}
	}
	if err != nil || canvas == nil {
		return err
	}
	less1 := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
	if f.width != 1+less1(canvas[4:]) || f.height != 1+less1(canvas[7:]) {
		return errSizes
	}
	return nil
}

// config is the size of the picture, and the colours of what decode returns.
func (f *file) config() image.Config {
	c := image.Config{Width: f.width, Height: f.height}
	switch {
	case f.lossless != nil:
		c.ColorModel = color.NRGBAModel
	case f.alpha != nil:
		c.ColorModel = color.NYCbCrAModel
	default:
		c.ColorModel = color.YCbCrModel
	}
	return c
}

func (f *file) decode() (image.Image, error) {
	if f.lossless != nil {
		img, err := vp8l.Decode(f.lossless)
		if err != nil {
			return nil, err
		}
		return img, nil
	}
	img, err := vp8.Decode(f.lossy)
	if err != nil {
		return nil, err
	}
	if f.alpha == nil {
		return img, nil
	}
	a, err := decodeAlpha(f.alpha, f.width, f.height)
	if err != nil {
		return nil, err
	}
	return &image.NYCbCrA{YCbCr: *img, A: a, AStride: f.width}, nil
}
