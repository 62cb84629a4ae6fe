package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"qconv/runtime/printable"
)

// Drawing is a picture of lines and words, as inline SVG. Each is as wide as its figure, up to its own width, and
// keeps its proportions.
type Drawing struct {
	svg   template.HTML
	start int // where it begins to be of interest, in CSS pixels from the left
}

func (d *Drawing) markup() template.HTML { return d.svg }

// Size is the size of a plot. Letters of 10 points stay legible where a plot shrinks to a telephone's width.
type Size struct{ Width, Height vg.Length }

// Sizes of plots.
var (
	Small = Size{240, 150}
	Half  = Size{340, 220}
	Wide  = Size{480, 270}
)

// NewPlot is a plot with a grid, in the page's letters and colours; any of the texts may be empty.
func NewPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	Restyle(p)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = Grid, Grid
	p.Add(grid)
	return p
}

// Restyle gives a plot the page's letters, and no background.
func Restyle(p *plot.Plot) {
	p.BackgroundColor = nil
	for _, f := range []*font.Font{&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font,
		&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font} {
		f.Variant, f.Size = "Sans", 10
	}
	p.Title.TextStyle.Font.Size = 11
	p.Title.Padding = 4
	p.Legend.Padding = vg.Millimeter
}

// Draw draws a plot.
func Draw(p *plot.Plot, s Size) (*Drawing, error) {
	c := vgsvg.New(s.Width, s.Height)
	p.Draw(draw.Crop(draw.New(c), 2, -8, 2, -4))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("page: drawing: %w", err)
	}
	return SVG(b.Bytes())
}

// Elements and attributes that a drawing may have: none that loads or runs anything.
var (
	elements = []string{"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "polyline", "polygon", "title", "defs", "marker", "image"}
	attrs    = []string{"viewBox", "width", "height", "transform", "style", "class", "id", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry",
		"points", "fill", "fill-opacity", "stroke", "stroke-width", "text-anchor", "font-size", "font-weight", "opacity",
		"marker-end", "markerWidth", "markerHeight", "refX", "refY", "orient", "dx", "dy", "role", "aria-label"}
)

// SVG is a drawing from an SVG document, in which colours of the page become those of the screen. Elements or attributes that are
// unknown here are an error: a drawing holds no scripts, links or references.
func SVG(document []byte) (*Drawing, error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	var b strings.Builder
	depth := 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("page: drawing: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Space != "" || !slices.Contains(elements, t.Name.Local) {
				return nil, fmt.Errorf("page: drawing: element %q is not allowed", t.Name.Local)
			}
			if err := startElement(&b, t, depth == 0); err != nil {
				return nil, err
			}
			depth++
		case xml.EndElement:
			fmt.Fprintf(&b, "</%s>", t.Name.Local)
			depth--
		case xml.CharData:
			if text := string(t); strings.TrimSpace(text) != "" {
				b.WriteString(html.EscapeString(printable.Text(text)))
			}
		}
	}
	return &Drawing{svg: template.HTML(b.String())}, nil
}

func startElement(b *strings.Builder, t xml.StartElement, outermost bool) error {
	fmt.Fprintf(b, "<%s", t.Name.Local)
	styles := ""
	for _, a := range t.Attr {
		name, value := a.Name.Local, a.Value
		switch {
		case a.Name.Space == "xmlns", name == "xmlns":
			continue
		case a.Name.Space == "xlink" && name == "href" && t.Name.Local == "image" && strings.HasPrefix(value, "data:image/"):
			name = "href"
		case a.Name.Space != "" || !slices.Contains(attrs, name):
			return fmt.Errorf("page: drawing: attribute %q of %s is not allowed", name, t.Name.Local)
		case name == "style":
			if styles, value = value, recolored(value); value == "" {
				continue
			}
		case name == "fill", name == "stroke":
			value = variable(value)
			if strings.Contains(value, "url(") {
				return errors.New("page: drawing: a colour refers to something else")
			}
		case name == "marker-end":
			if !strings.HasPrefix(value, "url(#") {
				return errors.New("page: drawing: an arrow's tip is elsewhere")
			}
		case outermost && name == "height":
			continue // follows from the width and the proportions
		case outermost && name == "width":
			name, value = "style", "width:"+value
		}
		fmt.Fprintf(b, ` %s="%s"`, name, html.EscapeString(printable.Text(value)))
	}
	if strings.Contains(styles, "url(") {
		return errors.New("page: drawing: a style refers to something else")
	}
	b.WriteString(">")
	return nil
}

// recolored is a style with the page's colours, and without the font's family, which is the page's.
func recolored(style string) string {
	var kept []string
	for property := range strings.SplitSeq(style, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(property), ":")
		if !ok || name == "font-family" || name == "font-variant" {
			continue
		}
		kept = append(kept, name+":"+variable(strings.TrimSpace(value)))
	}
	return strings.Join(kept, ";")
}
