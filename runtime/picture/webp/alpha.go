package webp

import (
	"errors"
	"io"
	"slices"

	"qconv/runtime/picture/webp/internal/vp8l"
)

var errAlpha = errors.New("the transparency is written in an unknown way")

// decodeAlpha decodes the transparency that belongs to a lossy picture, a byte for each pixel (RFC 9649, section 2.7.1.2). A byte says how it
// is written, what was subtracted from it, and how the encoder had simplified it, which needs no undoing.
func decodeAlpha(data []byte, width, height int) (a []byte, err error) {
	if len(data) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	const plain, lossless = 0, 1
	how, data := data[0], data[1:]
	switch n := width * height; how & 3 {
	case plain:
		if len(data) < n {
			return nil, io.ErrUnexpectedEOF
		}
		a = slices.Clone(data[:n])
	case lossless:
		if a, err = vp8l.Green(data, width, height); err != nil {
			return nil, err
		}
	default:
		return nil, errAlpha
	}
	unfilter(a, width, how>>2&3)
	return a, nil
}

// unfilter adds what each byte was predicted to be from those before it. In the first row that is the one to the left, in the first
// column the one above.
func unfilter(a []byte, width int, method byte) {
	const none, left, above, both = 0, 1, 2, 3
	if method == none {
		return
	}
	for x := 1; x < width; x++ {
		a[x] += a[x-1]
	}
	for at := width; at < len(a); at += width {
		up, row := a[at-width:at], a[at:at+width]
		row[0] += up[0]
		for x := 1; x < width; x++ {
			switch method {
			case left:
				row[x] += row[x-1]
			case above:
				row[x] += up[x]
			case both:
				row[x] += byte(max(0, min(255, int(row[x-1])+int(up[x])-int(up[x-1]))))
			}
		}
	}
}
