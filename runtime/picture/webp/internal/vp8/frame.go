// Package vp8 decodes key frames of VP8, the lossy pictures of WebP, as RFC 6386 describes them.
package vp8

import (
	"errors"
	"image"
	"io"
)

// A frame header has 10 bytes (RFC 6386, section 9.1): three of flags and the length of the first partition, a start code, and
// width and height of 14 bits each, above which stand two bits for scaling that decoders ignore.
const headerBytes = 10

var (
	errNotKey  = errors.New("the VP8 frame depends on another one")
	errNoStart = errors.New("the VP8 frame has no start code")
	errVersion = errors.New("the VP8 frame has a version above 3")
	errEmpty   = errors.New("the VP8 frame has no pixels")
)

// Size reads the size of a picture in pixels.
func Size(data []byte) (width, height int, err error) {
	if len(data) < headerBytes {
		return 0, 0, io.ErrUnexpectedEOF
	}
	const notKey = 1
	width = (int(data[6]) | int(data[7])<<8) & 0x3fff
	height = (int(data[8]) | int(data[9])<<8) & 0x3fff
	switch {
	case data[0]&notKey != 0:
		err = errNotKey
	case data[0]>>1&7 > 3:
		err = errVersion
	case data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a:
		err = errNoStart
	case width == 0 || height == 0:
		err = errEmpty
	}
	return width, height, err
}

// decoder is the state of decoding one frame. Macroblocks are 16x16 pixels, in columns and rows.
type decoder struct {
	columns, rows int
	header
	modes   boolReader   // what precedes the coefficients: header and modes of prediction
	tokens  []boolReader // the coefficients; row y of macroblocks is in the partition y modulo their number
	y, u, v plane

	block   macroblock         // the current one
	above   []neighbour        // the lowest in each column so far
	left    neighbour          // of the current one
	filters []filterLimits     // of each macroblock
	limits  [4][2]filterLimits // by segment, and whether the subblocks are predicted one by one
}

// Decode decodes a picture. Its memory is about that of the picture; [Size] tells that of strangers' data before.
func Decode(data []byte) (*image.YCbCr, error) {
	width, height, err := Size(data)
	if err != nil {
		return nil, err
	}
	d := &decoder{columns: (width + 15) / 16, rows: (height + 15) / 16}
	if err := d.readHeader(data); err != nil {
		return nil, err
	}
	d.limits = d.filterLimits()
	d.y, d.u, d.v = newPlane(16*d.columns, 16*d.rows), newPlane(8*d.columns, 8*d.rows), newPlane(8*d.columns, 8*d.rows)
	d.above = make([]neighbour, d.columns)
	d.filters = make([]filterLimits, 0, d.columns*d.rows)
	for row := range d.rows {
		if err := d.decodeRow(row); err != nil {
			return nil, err
		}
	}
	if d.filterLevel != 0 {
		d.filter()
	}
	return &image.YCbCr{
		Y: d.y.pix[d.y.origin:], Cb: d.u.pix[d.u.origin:], Cr: d.v.pix[d.v.origin:], YStride: d.y.stride, CStride: d.u.stride,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, width, height),
	}, nil
}

// decodeRow decodes a row of macroblocks, which are filtered later: prediction uses pixels before filtering.
func (d *decoder) decodeRow(row int) error {
	tokens := &d.tokens[row&(len(d.tokens)-1)]
	d.left = neighbour{}
	for column := range d.columns {
		d.readModes(column)
		d.readCoefficients(tokens, column)
		d.predict(column, row)
		individual := 0
		if d.block.luma == subblocks {
			individual = 1
		}
		limits := d.limits[d.block.segment][individual]
		limits.inside = limits.inside || d.block.coded
		d.filters = append(d.filters, limits)
	}
	if d.modes.short || tokens.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// plane is a picture of bytes with a border for prediction: a row above it, and eight pixels between rows, the last of
// which is the one to the left of the next row, and the first four of which are to the right of their row.
type plane struct {
	pix            []byte
	stride, origin int
}

// newPlane makes a plane whose border has the values that prediction assumes: 127 above, the corner included, and 129 to the left
// (RFC 6386, section 12.2).
func newPlane(width, height int) plane {
	const gap = 8
	p := plane{stride: width + gap}
	p.origin = p.stride + gap
	p.pix = make([]byte, p.origin+p.stride*height)
	for i := range p.pix[:p.origin] {
		p.pix[i] = 127
	}
	for y := range height {
		p.pix[p.origin+y*p.stride-1] = 129
	}
	return p
}
