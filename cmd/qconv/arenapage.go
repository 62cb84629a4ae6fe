package main

import (
	"fmt"
	"html"
	"strings"

	"gonum.org/v1/plot/plotter"

	"qconv/cmd/qconv/internal/page"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// Measures of the map of an arena, in CSS pixels.
const (
	arenaHeight = 260.0
	arenaStep   = 28.0 // of an instruction
	arenaLeft   = 70.0
	arenaBelow  = 24.0
)

// addArena adds where in the arena every tensor lies while the program runs, and how many bytes are in use.
func addArena(s *page.Section, p *qrt.Program, info *programInfo) error {
	places := p.Places()
	size := 0
	live := make([]int, len(p.Instrs)+1) // by instruction, the input first
	for _, q := range places {
		size = max(size, q.Offset+q.Bytes)
		for n := q.First; n <= q.Last; n++ {
			live[n+1] += q.Bytes
		}
	}
	s.Facts("arena, tensors", grouped(size)+" bytes", "scratch of the kernels", grouped(info.ScratchBytes)+" bytes", "weights and tables as the kernels read them", grouped(info.WeightBytes+info.TableBytes)+" bytes",
		"all together", grouped(info.RAMBytes)+" bytes", "all, with --low-memory", grouped(info.LowMemory.Total)+" bytes")
	if len(places) == 0 {
		return nil
	}
	s.Text("Tensors in the arena: one instruction after the other from left to right, offsets from bottom to top; a tensor lies there from the instruction that writes it to the last one that reads it. Outputs, and working memory of kernels, are not shown.")
	d, err := page.SVG([]byte(arenaMap(p, places, info, size)))
	if err != nil {
		return err
	}
	s.Scroll(page.Figure{Image: d})
	points := make(plotter.XYs, len(live))
	for n, bytes := range live {
		points[n] = plotter.XY{X: float64(n - 1), Y: float64(bytes)}
	}
	plot := page.NewPlot("bytes of tensors in use", "instruction", "bytes")
	if err := addPlotLine(plot, "", points, page.Blue, len(points) <= 60); err != nil {
		return err
	}
	plot.Y.Min = 0
	drawing, err := page.Draw(plot, page.Half)
	if err != nil {
		return err
	}
	s.Figures(page.Figure{Image: drawing})
	return nil
}

// arenaMap draws places as boxes over instructions and bytes.
func arenaMap(p *qrt.Program, places []qrt.Place, info *programInfo, size int) string {
	text := func(s string) string { return html.EscapeString(printable.Text(s)) }
	width := arenaLeft + arenaStep*float64(len(p.Instrs)+1) + 4
	var b strings.Builder
	fmt.Fprintf(&b, `<svg width="%.0fpx" viewBox="0 0 %.0f %.0f" font-size="11px">`, width, width, arenaHeight+arenaBelow)
	y := func(offset int) float64 { return 4 + (arenaHeight-8)*(1-float64(offset)/float64(size)) }
	for k := range 5 {
		offset := size * k / 4
		fmt.Fprintf(&b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#DDDFE3"></line><text x="%.0f" y="%.1f" text-anchor="end">%s</text>`,
			arenaLeft, y(offset), width, y(offset), arenaLeft-6, y(offset)+4, grouped(offset))
	}
	for n := range len(p.Instrs) + 1 {
		name := fmt.Sprint(n - 1)
		if n == 0 {
			name = "in"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`, arenaLeft+arenaStep*(float64(n)+0.5), arenaHeight+14, name)
	}
	for i, q := range places {
		x, top := arenaLeft+arenaStep*float64(q.First+1), y(q.Offset+q.Bytes)
		c := page.Palette[i%(len(page.Palette)-1)]
		hover := fmt.Sprintf("%s\n%s bytes at %s, from instruction %d to %d", placeName(q, info), grouped(q.Bytes), grouped(q.Offset), q.First, q.Last)
		if q.First < 0 {
			hover = fmt.Sprintf("%s\n%s bytes at %s, to instruction %d", placeName(q, info), grouped(q.Bytes), grouped(q.Offset), q.Last)
		}
		fmt.Fprintf(&b, `<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#%02X%02X%02X" fill-opacity="0.3" stroke="#%02X%02X%02X"></rect></g>`,
			text(hover), x+1, top, arenaStep*float64(q.Last-q.First+1)-2, max(y(q.Offset)-top, 1), c.R, c.G, c.B, c.R, c.G, c.B)
	}
	b.WriteString(`</svg>`)
	return b.String()
}

// placeName says what writes a tensor of the arena.
func placeName(q qrt.Place, info *programInfo) string {
	if q.First < 0 {
		return "an input, or the state of a stream"
	}
	return "result of " + info.Layers[q.First].Name
}
