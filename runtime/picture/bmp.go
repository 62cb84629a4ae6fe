package picture

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
)

func init() { image.RegisterFormat("bmp", bmpMagic, decodeBMP, decodeBMPConfig) }

// bmpMagic starts a BMP file: "BM", its size, four bytes of zero, and where the pixels begin.
const bmpMagic = "BM????\x00\x00\x00\x00"

// IsBMP goes by the first bytes of a file.
func IsBMP(head []byte) bool {
	return len(head) >= len(bmpMagic) && string(head[:2]) == "BM" && string(head[6:10]) == bmpMagic[6:]
}

// bmpHeader is what is used of both headers of a BMP file.
type bmpHeader struct {
	width, height int
	bottomUp      bool
	bits          int           // of a pixel: 8, 24 or 32
	palette       color.Palette // of 8 bits
	pixels        int           // where they begin
}

var errBMP = errors.New("bmp: not a picture of 8, 24 or 32 bits a pixel without compression")

// readBMPHeader reads the headers, of the form of Windows 3 or later ones that begin alike.
func readBMPHeader(r io.Reader) (*bmpHeader, error) {
	const file, least = 14, 40
	var b [file + least]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	h := &bmpHeader{
		pixels: int(le.Uint32(b[10:])), width: int(int32(le.Uint32(b[18:]))), height: int(int32(le.Uint32(b[22:]))),
		bits: int(le.Uint16(b[28:])), bottomUp: true,
	}
	size, compression, colours := int(le.Uint32(b[14:])), le.Uint32(b[30:]), int(le.Uint32(b[46:]))
	if h.height < 0 {
		h.height, h.bottomUp = -h.height, false
	}
	const bitFields = 3 // of 32 bits; nearly always blue, green, red and alpha
	switch {
	case h.width <= 0 || h.height <= 0 || size < least || size > 1<<10 || h.pixels < file+size:
		return nil, errBMP
	case compression != 0 && !(compression == bitFields && h.bits == 32):
		return nil, errBMP
	case h.bits != 8 && h.bits != 24 && h.bits != 32:
		return nil, errBMP
	}
	skip := size - least
	if compression == bitFields {
		fields := make([]byte, max(skip, 12))
		if _, err := io.ReadFull(r, fields); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		if le.Uint32(fields) != 0xFF0000 || le.Uint32(fields[4:]) != 0xFF00 || le.Uint32(fields[8:]) != 0xFF {
			return nil, errBMP
		}
		h.pixels -= len(fields)
	} else if _, err := io.CopyN(io.Discard, r, int64(skip)); err != nil {
		return nil, io.ErrUnexpectedEOF
	} else {
		h.pixels -= skip
	}
	h.pixels -= file + least
	if h.bits == 8 {
		if colours == 0 {
			colours = 256
		}
		if colours < 0 || colours > 256 || h.pixels < 4*colours {
			return nil, errBMP
		}
		entries := make([]byte, 4*colours)
		if _, err := io.ReadFull(r, entries); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		for ; len(entries) > 0; entries = entries[4:] {
			h.palette = append(h.palette, color.RGBA{entries[2], entries[1], entries[0], 255})
		}
		h.pixels -= 4 * colours
	}
	if h.pixels < 0 || h.pixels > 1<<20 {
		return nil, errBMP
	}
	return h, nil
}

func decodeBMPConfig(r io.Reader) (image.Config, error) {
	h, err := readBMPHeader(r)
	if err != nil {
		return image.Config{}, err
	}
	c := image.Config{Width: h.width, Height: h.height, ColorModel: color.RGBAModel}
	if h.bits == 8 {
		c.ColorModel = h.palette
	}
	return c, nil
}

// decodeBMP makes a picture without transparency: the fourth byte of a pixel means nothing in most files.
func decodeBMP(r io.Reader) (image.Image, error) {
	h, err := readBMPHeader(r)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, int64(h.pixels)); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	bytesPer := h.bits / 8
	row := make([]byte, (h.width*bytesPer+3)&^3)
	img := image.NewRGBA(image.Rect(0, 0, h.width, h.height))
	for i := range h.height {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		y := i
		if h.bottomUp {
			y = h.height - 1 - i
		}
		dst := img.Pix[y*img.Stride:][:4*h.width]
		for x := range h.width {
			p := row[x*bytesPer:][:bytesPer]
			if h.bits == 8 {
				if int(p[0]) >= len(h.palette) {
					return nil, errors.New("bmp: a pixel has no colour in the palette")
				}
				c := h.palette[p[0]].(color.RGBA)
				copy(dst[4*x:], []byte{c.R, c.G, c.B, 255})
				continue
			}
			copy(dst[4*x:], []byte{p[2], p[1], p[0], 255})
		}
	}
	return img, nil
}
