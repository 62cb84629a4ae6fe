package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"image/color"
	"strings"
)

// Colours of drawings. A drawing in these changes with the screen: each has a twin for dark ones. Black
// (which gonum's plots have for axes and words) becomes the colour of the page's text. Any other colour stays as it is.
var (
	Blue   = color.RGBA{0x1f, 0x5f, 0xbf, 0xff}
	Orange = color.RGBA{0xc8, 0x60, 0x0a, 0xff}
	Green  = color.RGBA{0x1c, 0x80, 0x40, 0xff}
	Purple = color.RGBA{0x7a, 0x3f, 0xb0, 0xff}
	Red    = color.RGBA{0xc0, 0x26, 0x2d, 0xff}
	Teal   = color.RGBA{0x0f, 0x7f, 0x86, 0xff}
	Pale   = color.RGBA{0xa8, 0xc0, 0xe8, 0xff} // of areas and of lines in the background
	Grid   = color.RGBA{0xdd, 0xdf, 0xe3, 0xff}
	Gray   = color.RGBA{0x70, 0x76, 0x80, 0xff}
)

// Palette holds colours for series, in the order in which they are taken.
var Palette = []color.RGBA{Blue, Orange, Green, Purple, Red, Teal, Gray}

// dark are the colours' twins for dark screens, by the name of their CSS variable.
var dark = []struct {
	name  string
	light color.RGBA
	dark  string
}{
	{"blue", Blue, "#82b1ff"},
	{"orange", Orange, "#ffa95c"},
	{"green", Green, "#74d492"},
	{"purple", Purple, "#cba3ff"},
	{"red", Red, "#ff8a86"},
	{"teal", Teal, "#63d3db"},
	{"pale", Pale, "#3d5a8c"},
	{"grid", Grid, "#3a3e46"},
	{"gray", Gray, "#a3a9b3"},
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// variable is the CSS value that stands for a colour of a drawing, written as #RRGGBB.
func variable(c string) string {
	if strings.EqualFold(c, "#000000") {
		return "currentColor"
	}
	for _, d := range dark {
		if strings.EqualFold(c, hex(d.light)) {
			return "var(--" + d.name + ")"
		}
	}
	return c
}

//go:embed page.css
var sheet string

// style is the sheet of the page, with the colours of both screens.
func style() template.CSS {
	var light, other strings.Builder
	for _, d := range dark {
		fmt.Fprintf(&light, "--%s:%s;", d.name, strings.ToLower(hex(d.light)))
		fmt.Fprintf(&other, "--%s:%s;", d.name, d.dark)
	}
	return template.CSS(fmt.Sprintf(":root{%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n%s", light.String(), other.String(), sheet))
}
