package vp8l

import "errors"

// Kinds of transforms (RFC 9649, section 3.5).
const (
	predictorKind = iota
	colourKind
	greenKind
	paletteKind
	kinds
)

var (
	errTwice     = errors.New("the VP8L picture has a transform twice")
	errPredictor = errors.New("the VP8L picture has an unknown predictor")
)

// transform is what the encoder did to the pixels, and decoding undoes.
type transform struct {
	kind  int
	width int      // of the picture before
	bits  int      // squares of 1<<bits pixels have an entry of data each; of a palette, 1<<bits pixels share one
	data  []uint32 // or the palette
}

// readTransform reads a transform of a picture of a width, and returns the width after it.
func (d *decoder) readTransform(width, height int) (*transform, int, error) {
	t := &transform{kind: d.read(2), width: width}
	var err error
	switch t.kind {
	case predictorKind, colourKind:
		t.bits = 2 + d.read(3)
		t.data, err = d.readPixels(squares(width, t.bits), squares(height, t.bits), false)
	case paletteKind:
		n := 1 + d.read(8)
		switch {
		case n <= 2:
			t.bits = 3
		case n <= 4:
			t.bits = 2
		case n <= 16:
			t.bits = 1
		}
		width = squares(width, t.bits)
		if t.data, err = d.readPixels(n, 1, false); err != nil {
			break
		}
		for i := 1; i < n; i++ {
			t.data[i] = add(t.data[i], t.data[i-1])
		}
		t.data = append(t.data, make([]uint32, 256-n)...) // colours beyond are transparent black
	}
	return t, width, err
}

// undo gives the pixels before the transform; it may use the memory of those after it.
func (t *transform) undo(pixels []uint32) ([]uint32, error) {
	switch t.kind {
	case predictorKind:
		return pixels, t.undoPredictor(pixels)
	case colourKind:
		t.undoColour(pixels)
	case greenKind:
		for i, p := range pixels {
			g := p >> 8 & 0xff
			pixels[i] = add(p, g<<16|g)
		}
	case paletteKind:
		return t.undoPalette(pixels), nil
	}
	return pixels, nil
}

// undoPalette looks up the colours (section 3.5.4): the index is the green, or bits of it, the lowest first.
func (t *transform) undoPalette(pixels []uint32) []uint32 {
	if t.bits == 0 {
		for i, p := range pixels {
			pixels[i] = t.data[p>>8&0xff]
		}
		return pixels
	}
	packed := squares(t.width, t.bits)
	depth := 8 >> t.bits
	out := make([]uint32, 0, len(pixels)/packed*t.width)
	for ; len(pixels) > 0; pixels = pixels[packed:] {
		for x := range t.width {
			index := pixels[x>>t.bits] >> 8 & 0xff >> (x & (1<<t.bits - 1) * depth)
			out = append(out, t.data[index&(1<<depth-1)])
		}
	}
	return out
}

// undoColour adds what was taken from red and blue in proportion to green, and from blue in proportion to red (section 3.5.2).
func (t *transform) undoColour(pixels []uint32) {
	wide := squares(t.width, t.bits)
	for y := 0; len(pixels) > 0; y++ {
		row := t.data[y>>t.bits*wide:][:wide]
		for x, p := range pixels[:t.width] {
			by := row[x>>t.bits]
			g := p >> 8
			r := p>>16 + part(by, g)
			b := p + part(by>>8, g) + part(by>>16, r)
			pixels[x] = p&0xff00ff00 | r&0xff<<16 | b&0xff
		}
		pixels = pixels[t.width:]
	}
}

// part is ColorTransformDelta, of the lowest bytes as signed numbers.
func part(factor, colour uint32) uint32 {
	return uint32(int32(int8(factor)) * int32(int8(colour)) >> 5)
}
