package page

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/png"
)

// Figure is an image with a caption, one of which may be missing.
type Figure struct {
	Image   Image // nil for none
	Caption string
}

// Image is a *Drawing or a *Picture.
type Image interface{ markup() template.HTML }

// Markup is what the template shows.
func (f Figure) Markup() template.HTML { return f.Image.markup() }

// Start is where a figure that scrolls begins to be of interest, in CSS pixels from the left.
func (f Figure) Start() int {
	if d, ok := f.Image.(*Drawing); ok {
		return d.start
	}
	return 0
}

// Picture is an image of pixels.
type Picture struct {
	URL           template.URL
	Width, Height int // on the page, in CSS pixels
	Alt           string
}

// NewPicture is m, enlarged by a whole factor, as sharp squares, to about size pixels where it is smaller; alt is what it shows, in words.
func NewPicture(m image.Image, size int, alt string) (*Picture, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return nil, fmt.Errorf("page: picture: %w", err)
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	k := max(size/max(w, h, 1), 1)
	url := template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()))
	return &Picture{URL: url, Width: k * w, Height: k * h, Alt: alt}, nil
}

func (p *Picture) markup() template.HTML {
	var b bytes.Buffer
	if err := layoutTemplate.ExecuteTemplate(&b, "picture", p); err != nil {
		panic("BUG: page: " + err.Error())
	}
	return template.HTML(b.String())
}
