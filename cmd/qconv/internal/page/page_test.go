package page

import (
	"bytes"
	"encoding/xml"
	"image"
	"image/color"
	"io"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
)

// hostile is a name of a stranger that means something in HTML, SVG and on a screen.
const hostile = "<script>alert(1)</script>\"'&\u202ex"

func examplePage(t *testing.T) *Page {
	t.Helper()
	p := New(hostile, "about "+hostile)
	s := p.Section("Accuracy " + hostile)
	s.Text("text %s", hostile)
	s.Warn("warning %s", hostile)
	s.Facts("name "+hostile, "value "+hostile)
	m := image.NewGray(image.Rect(0, 0, 4, 3))
	picture, err := NewPicture(m, 40, "a picture of "+hostile)
	if err != nil {
		t.Fatal(err)
	}
	table := s.Table(Left("layer "+hostile), Right("bytes"))
	table.Row(hostile, Share{0.5, "1 " + hostile})
	table.Row(picture, Shade{0.25, "2"})
	table.Row(Strong(hostile))
	plot := NewPlot(hostile, "x "+hostile, "y")
	line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 1}, {X: 2, Y: 3}})
	if err != nil {
		t.Fatal(err)
	}
	line.Color = Blue
	plot.Add(line)
	plot.Legend.Add(hostile, line)
	drawing, err := Draw(plot, Half)
	if err != nil {
		t.Fatal(err)
	}
	s.Figures(Figure{Image: drawing, Caption: hostile}, Figure{Image: picture})
	s.Scroll(Figure{Image: drawing})
	p.Section("More").Details(hostile).Text("inside")
	return p
}

// TestPageEscapes looks at every place that takes a text.
func TestPageEscapes(t *testing.T) {
	page, err := examplePage(t).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "\u202e", "http:", "https:", "ZgotmplZ"} {
		if bytes.Contains(page, []byte(bad)) {
			i := bytes.Index(page, []byte(bad))
			t.Errorf("page holds %q: ...%s...", bad, page[max(i-80, 0):min(i+80, len(page))])
		}
	}
	if n := bytes.Count(page, []byte("alert(1)")); n < 15 {
		t.Errorf("the name is shown %d times, want every time it was given", n)
	}
	again, err := examplePage(t).Bytes()
	if err != nil || !bytes.Equal(page, again) {
		t.Errorf("the same page has other bytes (%v)", err)
	}
}

// TestDrawingColors finds the page's colours as variables and no black.
func TestDrawingColors(t *testing.T) {
	page, err := examplePage(t).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(page), "<svg")
	for _, want := range []string{"stroke:var(--blue)", "stroke:currentColor", "stroke:var(--grid)"} {
		if !strings.Contains(body, want) {
			t.Errorf("drawing holds no %s", want)
		}
	}
	if strings.Contains(body, "#000000") || strings.Contains(body, "font-family") {
		t.Error("drawing holds colours or fonts of its own")
	}
	for _, c := range Palette {
		if v := variable(hex(c)); !strings.HasPrefix(v, "var(--") || !strings.Contains(string(style()), strings.Trim(v, "var()")+":") {
			t.Errorf("colour %s is %s on the page, want a variable of the sheet", hex(c), v)
		}
	}
	if got := hex(color.RGBA{1, 2, 3, 255}); variable(got) != got {
		t.Errorf("another colour becomes %s", variable(got))
	}
}

func TestSVGRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"script":     `<svg><script>1</script></svg>`,
		"event":      `<svg><g onclick="x()"></g></svg>`,
		"link":       `<svg><a href="x"></a></svg>`,
		"image":      `<svg><image xlink:href="http://example.org/x.png"/></svg>`,
		"style":      `<svg><g style="fill:url(http://example.org)"></g></svg>`,
		"foreign":    `<svg><foreignObject></foreignObject></svg>`,
		"incomplete": `<svg`,
	} {
		if _, err := SVG([]byte(doc)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestSVGWellFormed reads a drawing back.
func TestSVGWellFormed(t *testing.T) {
	d, err := SVG([]byte(`<?xml version="1.0"?><!-- c --><svg width="10pt" height="5pt" viewBox="0 0 10 5"><text x="1">a &lt;b&gt; &amp;</text><rect fill="#000000" width="2" height="3"/></svg>`))
	if err != nil {
		t.Fatal(err)
	}
	want := `<svg style="width:10pt" viewBox="0 0 10 5"><text x="1">a &lt;b&gt; &amp;</text><rect fill="currentColor" width="2" height="3"></rect></svg>`
	if string(d.svg) != want {
		t.Errorf("got  %s\nwant %s", d.svg, want)
	}
	for decoder := xml.NewDecoder(strings.NewReader(string(d.svg))); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
