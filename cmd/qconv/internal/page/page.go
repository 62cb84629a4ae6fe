// Package page writes reports as HTML pages of one file: no script, nothing from the network, legible on light and dark
// screens from 360 pixels of width on. Drawings are inline SVG, pictures data URIs.
//
// Every text may come from a stranger: html/template escapes it, what is not printable becomes its backslash
// escape (package printable), and a content security policy in the page forbids whatever would be loaded or run all the same.
//
//	p := page.New("model.qlut", "sweep over levels and weights, 2,000 samples")
//	s := p.Section("Accuracy")
//	s.Text("%d networks were tuned.", len(runs))
//	t := s.Table(page.Left("levels"), page.Right("accuracy"), page.Right("bytes"))
//	t.Row(32, "98.15 %", page.Share{Part: 0.4, Text: "12,345"})
//	plot := page.NewPlot("accuracy against size", "bytes", "percent")
//	... // lines in page.Palette colours, see package gonum.org/v1/plot
//	drawing, err := page.Draw(plot, page.Wide)
//	s.Figures(page.Figure{Image: drawing, Caption: "every network"})
//	html, err := p.Bytes()
package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"qconv/runtime/printable"
)

// Page is a report.
type Page struct {
	title, lead string
	sections    []*Section
}

// New is an empty page. The lead is a line below the title, which may be empty.
func New(title, lead string) *Page { return &Page{title: title, lead: lead} }

// Section adds a section, which the list of contents at the top of the page names.
func (p *Page) Section(title string) *Section {
	s := &Section{Title: title, ID: fmt.Sprintf("s%d", len(p.sections)+1)}
	p.sections = append(p.sections, s)
	return s
}

//go:embed page.html
var layout string

var layoutTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"text": printable.Text}).Parse(layout))

// Bytes is the whole page. Equal pages give equal bytes.
func (p *Page) Bytes() ([]byte, error) {
	var b bytes.Buffer
	data := struct {
		Title, Lead string
		Style       template.CSS
		Sections    []*Section
	}{p.title, p.lead, style(), p.sections}
	if err := layoutTemplate.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// Section is a part of a page: paragraphs, tables and figures in the order in which they were added.
type Section struct {
	Title, ID string
	Blocks    []block
}

// block is one of the parts of a section; the template takes the field that is set.
type block struct {
	Paragraph, Warning string
	Facts              []fact
	Table              *Table
	Figures, Gallery   []Figure
	Scrolled           *Figure
	Details            *Section
}

type fact struct{ Name, Value string }

// Text adds a paragraph.
func (s *Section) Text(format string, args ...any) {
	s.Blocks = append(s.Blocks, block{Paragraph: fmt.Sprintf(format, args...)})
}

// Warn adds a paragraph that stands out.
func (s *Section) Warn(format string, args ...any) {
	s.Blocks = append(s.Blocks, block{Warning: fmt.Sprintf(format, args...)})
}

// Facts adds a list of names and values, in turns.
func (s *Section) Facts(namesAndValues ...string) {
	var facts []fact
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		facts = append(facts, fact{namesAndValues[i], namesAndValues[i+1]})
	}
	s.Blocks = append(s.Blocks, block{Facts: facts})
}

// Figures adds figures side by side, as many as there is room for; none of them is wider than the page.
func (s *Section) Figures(figures ...Figure) {
	if len(figures) > 0 {
		s.Blocks = append(s.Blocks, block{Figures: figures})
	}
}

// Gallery adds small figures side by side, such as pictures of samples.
func (s *Section) Gallery(figures ...Figure) {
	if len(figures) > 0 {
		s.Blocks = append(s.Blocks, block{Gallery: figures})
	}
}

// Scroll adds a figure in its own size, which scrolls inside itself where that is larger than the page.
func (s *Section) Scroll(f Figure) { s.Blocks = append(s.Blocks, block{Scrolled: &f}) }

// Details adds a part that is opened by a click on its summary.
func (s *Section) Details(summary string) *Section {
	d := &Section{Title: summary}
	s.Blocks = append(s.Blocks, block{Details: d})
	return d
}

// Table adds a table with these columns.
func (s *Section) Table(columns ...Column) *Table {
	t := &Table{Columns: columns}
	s.Blocks = append(s.Blocks, block{Table: t})
	return t
}
