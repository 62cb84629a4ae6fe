package main

import (
	"context"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/cmd/qconv/internal/page"
	"qconv/runtime/printable"
)

// writeHTML writes the page of an evaluation.
func (r evalReport) writeHTML(ctx context.Context, f *atomicfile.File, net network) error {
	p := page.New("Evaluation of "+pageNames(r.Model)[0], fmt.Sprintf("on %d samples of %s, %s", r.Samples, r.Data, producer()))
	s := p.Section("Result")
	r.addResult(s)
	if len(r.Targets) > 0 {
		if err := r.addTargets(p.Section("Targets")); err != nil {
			return err
		}
	}
	if len(r.Classes) > 0 {
		r.addClasses(p.Section("Classes"))
	}
	if r.Against != nil && len(r.Against.Layers) > 0 {
		if err := addLayerNoise(p.Section("Layers"), r.Against.Layers, r.FirstLost); err != nil {
			return err
		}
	}
	if len(r.Worst) > 0 {
		if err := r.addWorst(ctx, p.Section("Worst samples"), net); err != nil {
			return err
		}
	}
	return writePage(f, p)
}

// addResult adds the metrics of all networks.
func (r evalReport) addResult(s *page.Section) {
	names, all := pageNames(r.Model), []metrics{r.metrics}
	if r.Against != nil {
		names, all = pageNames(r.Model, r.Against.Model), append(all, r.Against.metrics)
	}
	addMetrics(s, names, all)
	if r.FirstLost != nil {
		s.Warn("The first value under %d dB is %s, with %.1f dB: what comes after it rests on that.", lostSNR, printable.Name(r.FirstLost.label()), r.FirstLost.SNR)
	}
}

// addMetrics adds a table of the metrics of some networks, a column each.
func addMetrics(s *page.Section, names []string, all []metrics) {
	columns := []page.Column{page.Left("")}
	for _, n := range names {
		columns = append(columns, page.Right(n))
	}
	t := s.Table(columns...)
	for i, m := range all[0].values() {
		row, any := []any{m.name}, false
		for _, of := range all {
			v := of.values()[i]
			row, any = append(row, v.text()), any || v.value != nil
		}
		if any {
			t.Row(row...)
		}
	}
	s.Text("%s", upperFirst(bracketsMean)+".")
}

// addTargets adds how well every output follows its targets, and draws the first of them.
func (r evalReport) addTargets(s *page.Section) error {
	columns := []page.Column{page.Left("target"), page.Right("R2"), page.Right("MSE")}
	if r.Against != nil {
		columns = append(columns, page.Right("R2 of the other"), page.Right("its MSE"))
	}
	var figures []page.Figure
	for e, points := range r.drawn {
		d, err := points.draw()
		if err != nil {
			return err
		}
		figures = append(figures, page.Figure{Image: d, Caption: fmt.Sprintf("target %d: what it should be, and what it is", e)})
	}
	s.Figures(figures...)
	if len(r.Targets) > printedTargets {
		s = s.Details(fmt.Sprintf("All %d targets", len(r.Targets)))
	}
	t := s.Table(columns...)
	for _, x := range r.Targets {
		row := []any{x.Target, figure(x.R2), figure(x.MSE)}
		if r.Against != nil {
			row = append(row, figure(x.AgainstR2), figure(x.AgainstMSE))
		}
		t.Row(row...)
	}
	return nil
}

// draw draws outputs over targets, and the line on which they are equal.
func (s scatter) draw() (*page.Drawing, error) {
	p := page.NewPlot("", "target", "output")
	low, high := s.want[0], s.want[0]
	for _, v := range s.want {
		low, high = min(low, v), max(high, v)
	}
	if err := addPlotLine(p, "", plotter.XYs{{X: low, Y: low}, {X: high, Y: high}}, page.Gray, false); err != nil {
		return nil, err
	}
	for _, series := range []struct {
		name   string
		values []float64
		color  color.Color
	}{{"the other", s.other, page.Orange}, {"this network", s.got, page.Blue}} {
		points := make(plotter.XYs, len(series.values))
		for i, v := range series.values {
			points[i] = plotter.XY{X: s.want[i], Y: v}
		}
		if len(points) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: series.color, Radius: vg.Points(1.2), Shape: draw.CircleGlyph{}}
		p.Add(dots)
		if s.other != nil {
			p.Legend.Add(series.name, dots)
		}
	}
	p.Legend.Top, p.Legend.Left = true, true
	return page.Draw(p, page.Half)
}

func (r evalReport) addClasses(s *page.Section) {
	columns := []page.Column{page.Left("class"), page.Right("samples"), page.Right("accuracy"), page.Right("95 % interval"), page.Right("precision")}
	if r.Against != nil {
		columns = append(columns, page.Right("accuracy of the other"))
	}
	t := s.Table(columns...)
	for _, k := range r.Classes {
		accuracy, between := any("-"), "-"
		if k.Accuracy != nil {
			accuracy = page.Share{Part: *k.Accuracy, Text: percent(*k.Accuracy)}
			between = fmt.Sprintf("%.1f..%.1f", 100*k.Accuracy95[0], 100*k.Accuracy95[1])
		}
		row := []any{k.title(), k.Samples, accuracy, between, percentOr(k.Precision)}
		if r.Against != nil {
			row = append(row, percentOr(k.Against))
		}
		t.Row(row...)
	}
	if r.Confusion != nil {
		r.addConfusion(s, "Answers by label", r.Confusion)
		if r.AgainstConfusion != nil {
			r.addConfusion(s.Details("Answers of "+pageNames(r.Model, r.Against.Model)[1]), "Answers by label", r.AgainstConfusion)
		}
	}
	if len(r.Confused) == 0 {
		return
	}
	s.Text("Most frequent wrong answers:")
	columns = []page.Column{page.Left("label"), page.Left("answer"), page.Right("samples")}
	if r.Against != nil {
		columns = append(columns, page.Right("by the other"))
	}
	t = s.Table(columns...)
	for _, c := range r.Confused {
		row := []any{c.Label, c.Answer, c.Samples}
		if c.Against != nil {
			row = append(row, *c.Against)
		}
		t.Row(row...)
	}
}

// addConfusion adds a matrix whose cells are darker the larger a share of their label they are.
func (r evalReport) addConfusion(s *page.Section, what string, counts [][]int) {
	s.Text("%s, a row for each label:", what)
	name := map[int]string{}
	for _, k := range r.Classes {
		name[k.Class] = k.title()
	}
	columns := []page.Column{page.Left("")}
	for answer := range counts {
		if _, ok := name[answer]; ok {
			columns = append(columns, page.Right(name[answer]))
		}
	}
	t := s.Table(columns...)
	for label, line := range counts {
		total := 0
		for _, n := range line {
			total += n
		}
		if total == 0 {
			continue
		}
		row := []any{name[label]}
		for answer, n := range line {
			if _, ok := name[answer]; !ok {
				continue
			}
			text := ""
			if n > 0 {
				text = fmt.Sprint(n)
			}
			row = append(row, page.Shade{Part: float64(n) / float64(total), Text: text})
		}
		t.Row(row...)
	}
}

// shownSNR is where a plot of signal-to-noise ratios ends: what is above has hardly any noise.
const shownSNR = 60

// addLayerNoise adds the signal-to-noise ratios of layers, in order, and the first that is lost, if any.
func addLayerNoise(s *page.Section, layers []layerNoise, lost *layerNoise) error {
	s.Text("Signal to noise of every value that has levels and of the outputs, in the order in which they are computed: the variance of the value in the network compared with, "+
		"by the mean squared difference. Under %d dB a value is lost.", lostSNR)
	p := page.NewPlot("", "value", "dB")
	points, line := make(plotter.XYs, len(layers)), plotter.XYs{{X: 1, Y: lostSNR}, {X: float64(max(len(layers), 2)), Y: lostSNR}}
	for i, l := range layers {
		points[i] = plotter.XY{X: float64(i + 1), Y: min(l.SNR, shownSNR)}
	}
	if err := addPlotLine(p, "", points, page.Blue, true); err != nil {
		return err
	}
	if err := addPlotLine(p, fmt.Sprintf("%d dB", lostSNR), line, page.Orange, false); err != nil {
		return err
	}
	p.Y.Min = min(p.Y.Min, 0)
	p.Legend.Top = true
	d, err := page.Draw(p, page.Wide)
	if err != nil {
		return err
	}
	s.Figures(page.Figure{Image: d})
	t := s.Table(page.Right(""), page.Left("value"), page.Left("layer"), page.Left("instruction"), page.Right("dB"))
	for i, l := range layers {
		db := any(page.Share{Part: l.SNR / 50, Text: fmt.Sprintf("%.1f", l.SNR)})
		if lost != nil && l == *lost {
			db = page.Strong(fmt.Sprintf("%.1f, the first under %d", l.SNR, lostSNR))
		}
		t.Row(i+1, l.Name, l.Layer, l.Instruction, db)
	}
	return nil
}

// addPlotLine adds a line, and its points where they are wanted; an empty name is in no legend.
func addPlotLine(p *plot.Plot, name string, points plotter.XYs, c color.Color, dots bool) error {
	l, s, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	l.Color, l.Width = c, vg.Points(1.5)
	s.Color, s.Shape, s.Radius = c, draw.CircleGlyph{}, vg.Points(2)
	p.Add(l)
	if dots {
		p.Add(s)
	}
	if name != "" {
		p.Legend.Add(name, l)
	}
	return nil
}

// addWorst adds the samples that are off most, with what they look like.
func (r evalReport) addWorst(ctx context.Context, s *page.Section, net network) error {
	switch {
	case r.Worst[0].Answer == "":
		s.Text("Samples with the largest squared error, the worst first.")
	case r.Worst[0].Label == "":
		s.Text("Samples that the networks answer differently, those first for which the scores are farthest apart.")
	default:
		s.Text("Samples with a wrong answer, those first for which its score exceeds the right one's most.")
	}
	var figures []page.Figure
	for _, w := range r.Worst {
		text := fmt.Sprintf("%s: squared error %.4g", w.Sample, w.Off)
		if w.Answer != "" {
			text = fmt.Sprintf("%s for %s", w.Answer, w.Label)
			if w.Label == "" {
				text = w.Answer
			}
			if w.Other != "" {
				text += ", the other: " + w.Other
			}
			text += fmt.Sprintf(" (%.3g apart) · %s", w.Off, w.Sample)
		}
		m, err := net.data().image(w.index, text)
		if err != nil {
			return err
		}
		figures = append(figures, page.Figure{Image: m, Caption: text})
		if w.Answer != "" {
			continue
		}
		if m, err = outputImage(ctx, net, w.index); err != nil {
			return err
		}
		if m != nil {
			figures = append(figures, page.Figure{Image: m, Caption: "the output for it"})
		}
	}
	s.Gallery(figures...)
	return nil
}

// outputImage is what the output for a sample looks like, drawn as the input is where it should equal that; nil where it is a few numbers.
func outputImage(ctx context.Context, net network, sample int) (page.Image, error) {
	_, size := net.Sizes()
	out := [][]float64{make([]float64, size)}
	if err := net.Predict(ctx, []int{sample}, out); err != nil {
		return nil, err
	}
	shape := []int{size}
	if data := net.data(); data.aim.copies {
		shape = data.parts[0].set.Shape
	}
	return shapeImage(float32s(out[0]), shape, true, "the output")
}

// upperFirst is a text that begins a sentence.
func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
