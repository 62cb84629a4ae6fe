package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"

	"qconv/runtime/picture/webp"
)

// maxScans bounds the passes of a progressive JPEG, each of which visits every pixel though it may have a few
// bytes only. Cameras and programs write about ten.
const maxScans = 100

// memory is how many bytes [Decode] and [Planes] take at most for a picture with the size and colours of c, beside
// the file and the planes themselves: what the decoder makes, and the copy as RGBA that other colours need.
func memory(data []byte, format string, c image.Config) (int64, error) {
	pixels := int64(c.Width) * int64(c.Height)
	const rgba = 4
	switch format {
	case "png":
		return pngMemory(data, pixels)
	case "jpeg":
		return jpegMemory(data, pixels)
	case "gif":
		return pixels * (1 + rgba), nil
	case "webp":
		return webp.Memory(c) + pixels*rgba, nil
	}
	if c.ColorModel == color.YCbCrModel {
		return pixels * (2 + rgba), nil
	}
	return pixels * (2*rgba + rgba), nil
}

// pngMemory goes by the header, which the decoder has found to be right.
func pngMemory(data []byte, pixels int64) (int64, error) {
	const (
		depthAt, colourAt, interlaceAt = 24, 25, 28
		gray, palette                  = 0, 3
	)
	if len(data) <= interlaceAt {
		return 0, ErrFormat
	}
	perPixel, rgba := int64(4), int64(4)
	opaque := !bytes.Contains(data, []byte("tRNS"))
	switch kind := data[colourAt]; {
	case kind == palette, kind == gray && opaque:
		perPixel = 1
	case kind == 2 && opaque && data[depthAt] == 8: // decoded as RGBA at once
		rgba = 0
	}
	if data[depthAt] == 16 {
		perPixel *= 2
	}
	if data[interlaceAt] != 0 {
		perPixel += (perPixel + 1) / 2 // the last of the passes is half of the picture
	}
	return pixels * (perPixel + rgba), nil
}

// jpegMemory looks for the frame header, which tells how finely each component is sampled and whether
// the picture is progressive: then all coefficients are held, four bytes each.
func jpegMemory(data []byte, pixels int64) (int64, error) {
	if n := bytes.Count(data, []byte{0xff, 0xda}); n > maxScans {
		return 0, fmt.Errorf("the picture comes in %d scans, want at most %d", n, maxScans)
	}
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff {
			at++ // decoders pass over such bytes too
			continue
		}
		marker := data[at+1]
		switch {
		case marker == 0xff:
			at++
		case marker == 0 || marker >= 0xd0 && marker <= 0xd8: // markers without a segment
			at += 2
		case marker >= 0xc0 && marker <= 0xc2:
			return jpegFrame(data[at+4:], marker == 0xc2, pixels)
		default:
			at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		}
	}
	return 0, ErrFormat
}

// jpegFrame reads a frame header: precision, height, width, and three bytes for every component.
func jpegFrame(header []byte, progressive bool, pixels int64) (int64, error) {
	const fixed, component = 6, 3
	if len(header) < fixed || len(header) < fixed+component*int(header[fixed-1]) {
		return 0, ErrFormat
	}
	n := int(header[fixed-1])
	wide, high, parts := 1, 1, 0
	for i := range n {
		sampling := header[fixed+component*i+1]
		h, v := int(sampling>>4), int(sampling&15)
		wide, high, parts = max(wide, h), max(high, v), parts+h*v
	}
	samples := (int64(parts)*pixels + int64(wide*high) - 1) / int64(wide*high)
	if n == 1 {
		samples = pixels // its sampling means nothing
	}
	const rgba, coefficient = 4, 4
	total := samples + pixels*rgba
	if progressive {
		total += samples * coefficient
	}
	if n == 4 {
		total += pixels * rgba
	}
	return total, nil
}
