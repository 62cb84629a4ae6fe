// Package webp reads WebP pictures, lossy, lossless and with transparency, but no animations. It needs only the standard library. The specifications are
// RFC 9649 for the file and lossless pictures, and RFC 6386 for lossy ones.
package webp

import (
	"fmt"
	"image"
	"image/color"

	"qconv/runtime/picture/webp/internal/vp8l"
)

// Is goes by the first bytes of a file.
func Is(head []byte) bool {
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

// Config reads the size and the colours of a picture: color.YCbCrModel of lossy ones, color.NYCbCrAModel of lossy ones with
// transparency, color.NRGBAModel of lossless ones.
func Config(data []byte) (image.Config, error) {
	f, err := parse(data)
	if err != nil {
		return image.Config{}, fmt.Errorf("webp: %w", err)
	}
	return f.config(), nil
}

// Decode decodes a picture to an *image.YCbCr, *image.NYCbCrA or *image.NRGBA, as its colours are. It takes the memory that [Memory] says
// of its Config, whatever the length of data.
func Decode(data []byte) (image.Image, error) {
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("webp: %w", err)
	}
	img, err := f.decode()
	if err != nil {
		return nil, fmt.Errorf("webp: %w", err)
	}
	return img, nil
}

// Memory is how many bytes decoding a picture takes at most, beside some 100 KB.
func Memory(c image.Config) int64 {
	pixels := int64(c.Width) * int64(c.Height)
	if c.ColorModel == color.NRGBAModel {
		return vp8l.Memory(pixels)
	}
	// Whole macroblocks of 16x16 pixels: planes with borders, and what is noted of each.
	columns, rows := int64(c.Width+15)/16, int64(c.Height+15)/16
	lossy := columns*rows*(256+2*64+4) + (rows+columns)*16*(16+2*8) + columns*32
	if c.ColorModel == color.NYCbCrAModel {
		return lossy + vp8l.Memory(pixels)
	}
	return lossy
}
