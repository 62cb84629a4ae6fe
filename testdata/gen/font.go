package main

import (
	"fmt"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/gofont/gosmallcaps"
	"golang.org/x/image/font/gofont/gosmallcapsitalic"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// point is a place in the plane, x to the right and y down.
type point struct{ x, y float64 }

// outline is a set of closed polygons. That of a digit is as high as 1 and centred at the
// origin; its edges are short, so that moving the corners bends it smoothly.
type outline [][]point

// digits holds the outlines of the digits 0 to 9 of one font.
type digits [10]outline

// loadFonts returns the digits of every Go font, in a fixed order.
func loadFonts() ([]digits, error) {
	sources := [][]byte{
		goregular.TTF, gomedium.TTF, gobold.TTF, gosmallcaps.TTF, gomono.TTF, gomonobold.TTF,
		goitalic.TTF, gomediumitalic.TTF, gobolditalic.TTF, gosmallcapsitalic.TTF, gomonoitalic.TTF, gomonobolditalic.TTF,
	}
	fonts := make([]digits, len(sources))
	for i, src := range sources {
		f, err := sfnt.Parse(src)
		if err != nil {
			return nil, fmt.Errorf("gen: font %d: %w", i, err)
		}
		for d := range fonts[i] {
			if fonts[i][d], err = loadDigit(f, rune('0'+d)); err != nil {
				return nil, fmt.Errorf("gen: font %d, digit %d: %w", i, d, err)
			}
		}
	}
	return fonts, nil
}

// loadDigit reads the outline of r and brings it to height 1 around the origin.
func loadDigit(f *sfnt.Font, r rune) (outline, error) {
	const unitsPerEm = 1000
	var buf sfnt.Buffer
	index, err := f.GlyphIndex(&buf, r)
	if err != nil {
		return nil, err
	}
	segments, err := f.LoadGlyph(&buf, index, fixed.I(unitsPerEm), nil)
	if err != nil {
		return nil, err
	}
	var out outline
	for _, s := range segments {
		if s.Op == sfnt.SegmentOpMoveTo {
			out = append(out, []point{toPoint(s.Args[0])})
			continue
		}
		last := &out[len(out)-1]
		*last = appendSegment(*last, s)
	}
	bounds, _, err := f.GlyphBounds(&buf, index, fixed.I(unitsPerEm), font.HintingNone)
	if err != nil {
		return nil, err
	}
	low, high := toPoint(bounds.Min), toPoint(bounds.Max)
	for _, polygon := range out {
		for i, p := range polygon {
			polygon[i] = point{
				(p.x - (low.x+high.x)/2) / (high.y - low.y),
				(p.y - (low.y+high.y)/2) / (high.y - low.y),
			}
		}
	}
	return out, nil
}

// appendSegment appends a segment that starts at the last point of polygon, cut into pieces
// of at most about 30 font units.
func appendSegment(polygon []point, s sfnt.Segment) []point {
	a := polygon[len(polygon)-1]
	b, c := toPoint(s.Args[0]), toPoint(s.Args[1])
	switch s.Op {
	case sfnt.SegmentOpLineTo: // as the curve whose control point is the middle
		b, c = point{(a.x + b.x) / 2, (a.y + b.y) / 2}, b
	case sfnt.SegmentOpQuadTo:
	default:
		panic(fmt.Sprintf("BUG: the Go fonts are TrueType, got segment operation %d", s.Op))
	}
	pieces := int(math.Ceil((math.Abs(c.x-a.x) + math.Abs(c.y-a.y)) / 30))
	for i := 1; i <= pieces; i++ {
		t := float64(i) / float64(pieces)
		polygon = append(polygon, between(between(a, b, t), between(b, c, t), t))
	}
	return polygon
}

// between returns the point that lies t of the way from a to b.
func between(a, b point, t float64) point {
	return point{a.x + mul(b.x-a.x, t), a.y + mul(b.y-a.y, t)}
}

// toPoint converts from 26.6 fixed-point numbers.
func toPoint(p fixed.Point26_6) point { return point{float64(p.X) / 64, float64(p.Y) / 64} }

// mul returns a*b rounded to float64: the conversion keeps the compiler from fusing it with
// an addition, so that every processor draws the same pixels.
func mul(a, b float64) float64 { return float64(a * b) }
