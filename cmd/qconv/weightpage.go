package main

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"qconv/cmd/qconv/internal/page"
	"qconv/quant"
	qrt "qconv/runtime"
)

// layerWeights are the weights of a layer.
type layerWeights struct {
	name             string
	total, different int
	entropy          float64 // the least number of bits that a weight takes when each is coded by itself
	coded            int     // bytes in a .qlut; 0 where they are not coded
	histogram
}

// histogram is how often ascending values are there: each of them, or, where they are more than mostSticks, drawnBins ranges of equal width.
type histogram struct {
	values []float64
	counts []int
}

// countWeights describes the weights of a layer. It takes all of them, and sorts them.
func countWeights[T float32 | int32](name string, coded int, all []T) layerWeights {
	slices.Sort(all)
	w := layerWeights{name: name, total: len(all), coded: coded}
	if len(all) == 0 {
		return w
	}
	low, high := float64(all[0]), float64(all[len(all)-1])
	ranges := make([]int, drawnBins)
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to] == all[from] {
			to++
		}
		n, v := to-from, float64(all[from])
		p := float64(n) / float64(len(all))
		w.entropy -= p * math.Log2(p)
		if w.different++; w.different <= mostSticks {
			w.values, w.counts = append(w.values, v), append(w.counts, n)
		}
		if high > low {
			ranges[min(int(drawnBins*(v-low)/(high-low)), drawnBins-1)] += n
		}
		from = to
	}
	w.entropy = max(w.entropy, 0)
	if w.different > mostSticks {
		w.values, w.counts = w.values[:0], ranges
		for k := range ranges {
			w.values = append(w.values, low+(float64(k)+0.5)*(high-low)/drawnBins)
		}
	}
	return w
}

// programWeights are those of a program, a list for every map of every layer. Values are the integers of its codebooks.
func programWeights(p *qrt.Program, info *programInfo) ([]layerWeights, error) {
	var list []layerWeights
	for i, instr := range p.Instrs {
		l, ok := instr.(*qrt.Linear)
		if !ok {
			continue
		}
		for k := range l.Terms {
			t := &l.Terms[k]
			indices := make([]uint16, t.Weights.Len())
			if err := t.Weights.Decode(indices); err != nil {
				return nil, err
			}
			values := make([]int32, len(indices))
			for e, w := range indices {
				values[e] = p.Codebooks[t.Codebook].Centres[w]
			}
			name := info.Layers[i].Name
			if len(l.Terms) > 1 {
				name += fmt.Sprintf(", map %d", k+1)
			}
			list = append(list, countWeights(name, t.Weights.CodedBytes(), values))
		}
	}
	return list, nil
}

// modelWeights are those of an ONNX network's layers.
func modelWeights(m *quant.Model) []layerWeights {
	var list []layerWeights
	for _, l := range m.Layers() {
		list = append(list, countWeights(l.Name, 0, slices.Clone(l.Weights.Const.Floats)))
	}
	return list
}

// entropyOf is the entropy of counts, in bits.
func entropyOf(counts []int) float64 {
	total, sum := 0, 0.0
	for _, c := range counts {
		total += c
	}
	for _, c := range counts {
		if c > 0 {
			p := float64(c) / float64(total)
			sum -= p * math.Log2(p)
		}
	}
	return max(sum, 0)
}

// Bounds of what is drawn.
const (
	drawnLayers = 60
	mostSticks  = 512 // different values that have a stick each; more are drawn by drawnBins ranges
	drawnBins   = 100
)

// addWeights adds bits per weight beside the entropy, and the histogram of every layer.
func addWeights(s *page.Section, list []layerWeights) error {
	coded := slices.ContainsFunc(list, func(w layerWeights) bool { return w.coded > 0 })
	if coded {
		s.Text("A weight is the number of a centre. Entropy is the least number of bits that it takes when each is coded by itself; bits are what it takes in the file, its frequency table included.")
	} else {
		s.Text("Entropy is the least number of bits that a weight takes when each is coded by itself.")
	}
	columns := []page.Column{page.Left("layer"), page.Right("weights"), page.Right("different"), page.Right("entropy")}
	if coded {
		columns = append(columns, page.Right("bits"), page.Right("bytes"))
	}
	t := s.Table(columns...)
	var entropies, bits plotter.XYs
	for i := range list {
		w := &list[i]
		row := []any{w.name, grouped(w.total), grouped(w.different), fmt.Sprintf("%.2f", w.entropy)}
		if coded {
			row = append(row, fmt.Sprintf("%.2f", bitsPer(w.coded, w.total)), grouped(w.coded))
		}
		t.Row(row...)
		entropies = append(entropies, plotter.XY{X: float64(i + 1), Y: w.entropy})
		bits = append(bits, plotter.XY{X: float64(i + 1), Y: bitsPer(w.coded, w.total)})
	}
	if len(list) > 1 {
		p := page.NewPlot("bits of a weight", "layer", "bits")
		if coded {
			if err := addPlotLine(p, "in the file", bits, page.Orange, true); err != nil {
				return err
			}
		}
		if err := addPlotLine(p, "entropy", entropies, page.Blue, true); err != nil {
			return err
		}
		p.Y.Min = 0
		p.Y.Max *= 1.3 // room for the legend
		p.Legend.Top = true
		d, err := page.Draw(p, page.Half)
		if err != nil {
			return err
		}
		s.Figures(page.Figure{Image: d})
	}
	return addHistograms(s.Details("Histograms of the weights"), list)
}

// addHistograms draws the weights of every layer.
func addHistograms(s *page.Section, list []layerWeights) error {
	if len(list) > drawnLayers {
		s.Text("The first %d of %d layers.", drawnLayers, len(list))
	}
	var figures []page.Figure
	for _, w := range list[:min(len(list), drawnLayers)] {
		caption := fmt.Sprintf("%s: a stick for each of %d values", w.name, w.different)
		if w.different > mostSticks {
			caption = fmt.Sprintf("%s: %s different values in %d ranges", w.name, grouped(w.different), drawnBins)
		}
		d, err := w.draw(page.Blue)
		if err != nil {
			return err
		}
		figures = append(figures, page.Figure{Image: d, Caption: caption})
	}
	s.Figures(figures...)
	return nil
}

// draw draws a stick for each value.
func (h histogram) draw(c color.Color) (*page.Drawing, error) {
	points := make(plotter.XYs, len(h.values))
	for i, v := range h.values {
		points[i] = plotter.XY{X: v, Y: float64(h.counts[i])}
	}
	p := page.NewPlot("", "", "")
	if len(points) > 0 {
		width := float64(page.Half.Width) * 0.7 / float64(len(points))
		p.Add(page.Sticks{Points: points, Color: c, Width: vg.Length(max(0.6, min(width, 5)))})
	}
	return page.Draw(p, page.Half)
}
