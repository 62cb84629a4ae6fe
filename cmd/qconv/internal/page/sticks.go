package page

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sticks is a plotter of vertical lines from 0 to each point: a histogram of values that need not be equally far apart.
type Sticks struct {
	Points plotter.XYs
	Color  color.Color
	Width  vg.Length
}

// Plot draws the lines.
func (s Sticks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: s.Color, Width: s.Width}
	for _, point := range s.Points {
		c.StrokeLine2(style, x(point.X), y(0), x(point.X), y(point.Y))
	}
}

// DataRange is the range of the points, 0 included.
func (s Sticks) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = plotter.XYRange(s.Points)
	return xmin, xmax, min(ymin, 0), max(ymax, 0)
}
