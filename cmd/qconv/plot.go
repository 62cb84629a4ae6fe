package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/cmd/qconv/internal/page"
	"qconv/finetune"
)

// curve is how training went, step by step, for a picture.
type curve struct {
	title              string
	task               finetune.Task
	losses, accuracies []float64
	validations        []finetune.Validation
}

func (c *curve) step(p finetune.Progress) {
	c.losses, c.accuracies = append(c.losses, p.Loss), append(c.accuracies, p.Accuracy)
}

func (c *curve) validation(v finetune.Validation) { c.validations = append(c.validations, v) }

// checkPlotName reports a file name that says no known format; empty is no plot.
func checkPlotName(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png", ".svg":
		return nil
	}
	if path == "" {
		return nil
	}
	return usagef("flag --%s: got %q, want a name that ends in .png or .svg", plotFlag.Name, path)
}

// Size of a learning curve and of its panels' frame.
const (
	plotWidth   = 20 * vg.Centimeter
	plotHeight  = 18 * vg.Centimeter
	plotPadding = 5 * vg.Millimeter
)

// draw makes a picture of the curve, in the format that the file name says: the loss above, accuracies or
// errors below.
func (c *curve) draw(name string) ([]byte, error) {
	upper, err := c.lossPanel()
	if err != nil {
		return nil, err
	}
	upper.Title.Text = c.title
	panels := []*plot.Plot{upper}
	lower, err := c.resultPanel()
	if err != nil {
		return nil, err
	}
	if lower != nil {
		panels = append(panels, lower)
	}
	return drawPanels(name, panels)
}

// drawPanels makes a picture of some plots, one below the other, in the format that the file name says.
func drawPanels(name string, list []*plot.Plot) ([]byte, error) {
	var panels [][]*plot.Plot
	for _, p := range list {
		panels = append(panels, []*plot.Plot{p})
	}
	var canvas vg.CanvasWriterTo
	if strings.EqualFold(filepath.Ext(name), ".svg") {
		canvas = vgsvg.New(plotWidth, plotHeight)
	} else {
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(plotWidth, plotHeight), vgimg.UseDPI(120))}
	}
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadX: plotPadding, PadY: plotPadding,
		PadTop: plotPadding, PadBottom: plotPadding, PadLeft: plotPadding, PadRight: plotPadding}
	for i, row := range plot.Align(panels, tiles, draw.New(canvas)) {
		panels[i][0].Draw(row[0])
	}
	var file bytes.Buffer
	if _, err := canvas.WriteTo(&file); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// save stores the picture.
func (c *curve) save(out *atomicfile.File) error {
	picture, err := c.draw(out.Path())
	if err != nil {
		return err
	}
	return writeResult(out, picture)
}

// newPanel is a panel over all steps.
func (c *curve) newPanel(y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "step", y
	p.X.Min, p.X.Max = 0, float64(max(len(c.losses), 1))
	p.Legend.Top = true
	p.Legend.Padding = vg.Millimeter
	p.Legend.XOffs = -3 * vg.Millimeter
	p.Add(plotter.NewGrid())
	return p
}

// lossPanel shows the loss of every step and a moving mean.
func (c *curve) lossPanel() (*plot.Plot, error) {
	p := c.newPanel("training loss")
	if err := addLine(p, "each step", thinned(c.losses, 1), page.Pale, 0.75); err != nil {
		return nil, err
	}
	if err := addLine(p, "mean of steps around", thinned(c.losses, smoothing(len(c.losses))), page.Blue, 1.5); err != nil {
		return nil, err
	}
	logScale(p)
	return p, nil
}

// resultPanel shows the accuracy in training and the metrics of validations; nil where there
// are none.
func (c *curve) resultPanel() (*plot.Plot, error) {
	type series struct {
		name  string
		value func(finetune.Metrics) float64
		color color.Color
	}
	lines := []series{{"validation: agreement with the teacher", func(m finetune.Metrics) float64 { return 100 * m.Agreement }, page.Green}}
	var p *plot.Plot
	if c.task == finetune.TaskClasses {
		p = c.newPanel("percent")
		p.Legend.Top = false
		if err := addLine(p, "training: accuracy, mean of steps around", scaled(thinned(c.accuracies, smoothing(len(c.accuracies))), 100), page.Blue, 1.5); err != nil {
			return nil, err
		}
		if len(c.validations) > 0 && c.validations[0].Metrics.Labelled > 0 {
			lines = append(lines, series{"validation: accuracy", func(m finetune.Metrics) float64 { return 100 * m.Accuracy }, page.Orange})
		}
	} else if len(c.validations) > 0 {
		p = c.newPanel("mean squared error")
		lines = []series{{"validation: against the teacher", func(m finetune.Metrics) float64 { return m.Distance }, page.Green}}
		if c.validations[0].Metrics.HasMSE {
			lines = append(lines, series{"validation: against the input", func(m finetune.Metrics) float64 { return m.MSE }, page.Orange})
		}
	} else {
		return nil, nil
	}
	if err := c.addTeacher(p); err != nil {
		return nil, err
	}
	for _, l := range lines {
		points := make(plotter.XYs, len(c.validations))
		for i, v := range c.validations {
			points[i] = plotter.XY{X: float64(v.Step), Y: l.value(v.Metrics)}
		}
		if err := addPoints(p, l.name, points, l.color); err != nil {
			return nil, err
		}
	}
	if c.task == finetune.TaskClasses {
		p.Y.Min -= legendRoom * math.Max(p.Y.Max-p.Y.Min, 1)
	} else {
		logScale(p)
	}
	return p, nil
}

// addTeacher draws a level line where the float network is: at its accuracy, or its error against the targets.
func (c *curve) addTeacher(p *plot.Plot) error {
	if len(c.validations) == 0 {
		return nil
	}
	name, level := "", 0.0
	switch m := c.validations[0].Teacher; {
	case c.task == finetune.TaskClasses && m.Labelled > 0:
		name, level = "validation: accuracy of the float network", 100*m.Accuracy
	case c.task != finetune.TaskClasses && m.HasMSE:
		name, level = "validation: the float network", m.MSE
	default:
		return nil
	}
	l, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: level}, {X: p.X.Max, Y: level}})
	if err != nil {
		return err
	}
	l.Color, l.Width, l.Dashes = page.Gray, vg.Points(1.5), []vg.Length{vg.Points(5), vg.Points(3)}
	p.Add(l)
	p.Legend.Add(name, l)
	return nil
}

func addLine(p *plot.Plot, name string, points plotter.XYs, c color.Color, width vg.Length) error {
	if len(points) == 0 {
		return nil
	}
	l, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	l.Color, l.Width = c, width*vg.Points(1)
	p.Add(l)
	p.Legend.Add(name, l)
	return nil
}

func addPoints(p *plot.Plot, name string, points plotter.XYs, c color.Color) error {
	if len(points) == 0 {
		return nil
	}
	l, s, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	l.Color, s.Color, s.Shape, s.Radius = c, c, draw.CircleGlyph{}, vg.Points(3)
	p.Add(l, s)
	p.Legend.Add(name, l, s)
	return nil
}

// smoothing is the number of steps that a moving mean of n is taken over.
func smoothing(n int) int { return max(n/40, min(n, 10)) }

// plotPoints bounds the points of a line.
const plotPoints = 1000

// thinned are at most plotPoints of the values, by step from 1 on, each the mean of the given
// number of steps around it.
func thinned(values []float64, around int) plotter.XYs {
	sums := make([]float64, len(values)+1)
	for i, v := range values {
		sums[i+1] = sums[i] + v
	}
	n := min(len(values), plotPoints)
	around = max(around, len(values)/plotPoints)
	points := make(plotter.XYs, n)
	for k := range points {
		i := k * len(values) / n
		from, to := max(i-around/2, 0), min(i-around/2+max(around, 1), len(values))
		points[k] = plotter.XY{X: float64(i + 1), Y: (sums[to] - sums[from]) / float64(to-from)}
	}
	return points
}

// legendRoom is the part of the Y axis that is kept free for the legend.
const legendRoom = 0.3

func scaled(points plotter.XYs, factor float64) plotter.XYs {
	for i := range points {
		points[i].Y *= factor
	}
	return points
}

// logScale makes the Y axis logarithmic, where all values are positive.
func logScale(p *plot.Plot) {
	if !(p.Y.Min > 0) || math.IsInf(p.Y.Max, 0) {
		return
	}
	if p.Y.Max < 1.1*p.Y.Min {
		p.Y.Min, p.Y.Max = p.Y.Min/1.1, p.Y.Max*1.1
	}
	p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, legendRoom)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
}

// logTicks marks whole multiples of powers of ten; over little more than two of those, not only the
// powers themselves have labels.
func logTicks(low, high float64) []plot.Tick {
	labelled := func(digit int) bool { return digit == 1 }
	if high/low < 300 {
		labelled = func(digit int) bool { return digit == 1 || digit == 2 || digit == 5 }
	}
	if high/low < 5 {
		labelled = func(int) bool { return true }
	}
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Log10(high); e++ {
		for digit := 1; digit <= 9; digit++ {
			v := float64(digit) * math.Pow(10, e)
			if v < low || v > high {
				continue
			}
			label := ""
			if labelled(digit) {
				label = fmt.Sprintf("%.6g", v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}
