// Package vp8l decodes VP8L, the lossless pictures of WebP, as section 3 of RFC 9649 describes them.
package vp8l

import (
	"errors"
	"image"
	"io"
)

// A picture begins with a signature, width and height less one in 14 bits each, a bit that says that there may be transparency,
// which decoders need not know, and a version of three bits (RFC 9649, section 3.4).
const (
	headerBytes = 5
	signature   = 0x2f
)

var (
	errSignature = errors.New("the VP8L picture has no signature")
	errVersion   = errors.New("the VP8L picture has a version other than 0")
	errShort     = io.ErrUnexpectedEOF
)

// Size reads the size of a picture in pixels.
func Size(data []byte) (width, height int, err error) {
	if len(data) < headerBytes {
		return 0, 0, errShort
	}
	r := bitReader{data: data}
	first := r.read(8)
	width, height = 1+r.read(14), 1+r.read(14)
	r.read(1)
	switch version := r.read(3); {
	case first != signature:
		err = errSignature
	case version != 0:
		err = errVersion
	}
	return width, height, err
}

// Decode decodes a picture. Its memory is at most [Memory].
func Decode(data []byte) (*image.NRGBA, error) {
	width, height, err := Size(data)
	if err != nil {
		return nil, err
	}
	pixels, err := decode(data[headerBytes:], width, height)
	if err != nil {
		return nil, err
	}
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i, p := range pixels {
		out := img.Pix[4*i:][:4]
		out[0], out[1], out[2], out[3] = byte(p>>16), byte(p>>8), byte(p), byte(p>>24)
	}
	return img, nil
}

// Green decodes data without the header, of a picture of the given size, and returns the green of its pixels: what transparency is
// written as.
func Green(data []byte, width, height int) ([]byte, error) {
	pixels, err := decode(data, width, height)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(pixels))
	for i, p := range pixels {
		out[i] = byte(p >> 8)
	}
	return out, nil
}

// Memory is how many bytes decode, Decode and Green take at most for pixels, beside some 100 KB: pixels before and after the palette and as they are
// returned, the data of transforms, and prefix codes.
func Memory(pixels int64) int64 { return 13*pixels + codeRoom(pixels) }

// codeRoom is what prefix codes may take: as much as the largest that encoders write.
func codeRoom(pixels int64) int64 {
	const least, most, perPixel = 1 << 20, 26 << 20, 16
	return min(most, least+perPixel*pixels)
}

// decoder is the state of decoding one picture.
type decoder struct {
	bitReader
	room  int                // bytes left for prefix codes
	words [maxAlphabet]uint8 // lengths of the words of the code that is read
}

// decode decodes what follows the header.
func decode(data []byte, width, height int) ([]uint32, error) {
	d := &decoder{bitReader: bitReader{data: data}, room: int(codeRoom(int64(width) * int64(height)))}
	pixels, err := d.decode(width, height)
	if d.short {
		return nil, errShort // whatever the zeros that were read instead led to
	}
	return pixels, err
}

// decode decodes transforms, and the pixels after them (section 3.8).
func (d *decoder) decode(width, height int) ([]uint32, error) {
	var transforms []*transform
	var seen [kinds]bool
	for d.flag() {
		t, after, err := d.readTransform(width, height)
		switch {
		case err != nil:
			return nil, err
		case seen[t.kind]:
			return nil, errTwice
		}
		seen[t.kind], width = true, after
		transforms = append(transforms, t)
	}
	pixels, err := d.readPixels(width, height, true)
	for i := len(transforms) - 1; i >= 0 && err == nil; i-- {
		pixels, err = transforms[i].undo(pixels)
	}
	return pixels, err
}
