package main

import (
	"context"
	"fmt"
	"math"

	"qconv/cmd/qconv/internal/page"
)

// activationSamples is how many samples the use of levels is counted on, and activationPoints how many elements of a value without levels are
// looked at in each.
const (
	activationSamples = 128
	activationPoints  = 512
)

// activation is what a value inside a network was on some samples.
type activation struct {
	insideValue
	low, high float64
	levels    int       // 0: none
	counts    []int     // by level
	points    []float64 // without levels: some elements
}

// measureActivations runs samples through a network and looks at the values inside; nil where it has no integer form.
func measureActivations(ctx context.Context, net network) ([]activation, error) {
	in, err := insidesOf(net)
	if in == nil || err != nil {
		return nil, err
	}
	list := make([]activation, len(in.values()))
	for i, v := range in.values() {
		list[i] = activation{insideValue: v, low: math.Inf(1), high: math.Inf(-1)}
	}
	all := net.data().Len()
	err = eachInside(ctx, []insides{in}, min(all, activationSamples), all, func(n int) {
		for i := range list {
			for k := range n {
				list[i].add(in, i, k)
			}
		}
	})
	return list, err
}

func (a *activation) add(in insides, i, k int) {
	values := make([]float64, a.elems)
	in.read(i, k, values)
	for _, v := range values {
		if !math.IsNaN(v) {
			a.low, a.high = min(a.low, v), max(a.high, v)
		}
	}
	indices, levels := in.levels(i, k)
	if levels == 0 {
		n := min(activationPoints, a.elems)
		for q := range n {
			a.points = append(a.points, values[q*a.elems/n])
		}
		return
	}
	if a.counts == nil {
		a.levels, a.counts = levels, make([]int, levels)
	}
	for _, l := range indices {
		a.counts[l]++
	}
}

// addActivations adds the ranges of values and how far their levels are used.
func addActivations(s *page.Section, list []activation, samples int) error {
	s.Text("On %d samples: the range of every value that has levels and of the outputs. Few levels in use, or many elements at the ends, say that a range does not suit. Entropy is how many bits the levels carry.", min(samples, activationSamples))
	t := s.Table(page.Left("value"), page.Left("layer"), page.Right("low"), page.Right("high"), page.Right("levels in use"), page.Right("at the lowest"), page.Right("at the highest"), page.Right("entropy"))
	var figures []page.Figure
	for i := range list {
		a := &list[i]
		layer := a.layer
		if layer == a.name {
			layer = ""
		}
		row := []any{a.name, layer, fmt.Sprintf("%.4g", a.low), fmt.Sprintf("%.4g", a.high)}
		if a.levels == 0 {
			t.Row(append(row, "-", "-", "-", "-")...)
		} else {
			used, total := 0, 0
			for _, n := range a.counts {
				total += n
				if n > 0 {
					used++
				}
			}
			t.Row(append(row, page.Share{Part: float64(used) / float64(a.levels), Text: fmt.Sprintf("%d of %d", used, a.levels)},
				percent(float64(a.counts[0])/float64(total)), percent(float64(a.counts[a.levels-1])/float64(total)), fmt.Sprintf("%.2f", entropyOf(a.counts)))...)
		}
		if i >= drawnLayers {
			continue
		}
		d, err := a.draw()
		if err != nil {
			return err
		}
		figures = append(figures, page.Figure{Image: d, Caption: a.name + a.axis()})
	}
	d := s.Details("How often each level, or value, is there")
	if len(list) > drawnLayers {
		d.Text("The first %d of %d values.", drawnLayers, len(list))
	}
	d.Figures(figures...)
	return nil
}

// axis says what is drawn.
func (a *activation) axis() string {
	if a.levels > 0 {
		return fmt.Sprintf(": elements by level 0 to %d", a.levels-1)
	}
	return ": elements by value"
}

func (a *activation) draw() (*page.Drawing, error) {
	if a.levels == 0 {
		return countWeights("", 0, float32s(a.points)).draw(page.Teal)
	}
	h := histogram{counts: a.counts}
	for l := range a.counts {
		h.values = append(h.values, float64(l))
	}
	return h.draw(page.Teal)
}

func float32s(v []float64) []float32 {
	out := make([]float32, 0, len(v))
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			out = append(out, float32(x))
		}
	}
	return out
}
