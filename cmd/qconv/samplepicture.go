package main

import (
	"image"
	"image/color"

	"golang.org/x/image/draw"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"qconv/cmd/qconv/internal/page"
	"qconv/finetune/dataset"
)

// Sizes of samples on a page.
const (
	thumbSide     = 128 // pixels of a picture; larger ones are made smaller
	signalShown   = 6   // channels of a signal
	signalPoints  = 300
	signalAtLeast = 8 // numbers in a row that are worth a line
)

// image is what sample i looks like: a picture, or a signal as lines; nil where the first input is neither.
func (s *samples) image(i int, alt string) (page.Image, error) {
	set := s.parts[0].set
	values := make([]float32, set.Elems())
	if err := set.Floats(i, values); err != nil {
		return nil, err
	}
	return shapeImage(values, set.Shape, set.Kind != dataset.Pixels, alt)
}

// shapeImage draws values of a shape: pixels 0..255, or numbers that are stretched to them; nil where they are neither picture nor signal.
func shapeImage(values []float32, shape []int, numbers bool, alt string) (page.Image, error) {
	if len(values) != elems(shape) {
		return nil, nil // some are no numbers
	}
	if len(shape) == 3 && shape[1] == 1 {
		shape = []int{shape[0], shape[2]}
	}
	switch {
	case len(shape) == 3 && (shape[0] == 1 || shape[0] == 3) && shape[2] > 1:
		if numbers {
			stretch(values)
		}
		return page.NewPicture(thumb(pixelImage(values, shape)), thumbSide, alt)
	case len(shape) == 2 && shape[1] >= signalAtLeast:
		return signalImage(values, shape[0], shape[1])
	case len(shape) == 1 && shape[0] >= signalAtLeast:
		return signalImage(values, 1, shape[0])
	}
	return nil, nil
}

// stretch brings values to 0..255.
func stretch(values []float32) {
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	for i, v := range values {
		if values[i] = 128; high > low {
			values[i] = 255 * ((v - low) / (high - low))
		}
	}
}

// pixelImage is an image of values 0..255, [1 or 3][H][W].
func pixelImage(values []float32, shape []int) image.Image {
	h, w := shape[1], shape[2]
	plane := h * w
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for at := range plane {
		var rgb [3]uint8
		for c := range rgb {
			rgb[c] = uint8(values[at+min(c, shape[0]-1)*plane] + 0.5)
		}
		m.SetNRGBA(at%w, at/w, color.NRGBA{rgb[0], rgb[1], rgb[2], 255})
	}
	return m
}

// thumb is an image of at most thumbSide pixels on each side.
func thumb(m image.Image) image.Image {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	most := max(w, h)
	if most <= thumbSide {
		return m
	}
	small := image.NewNRGBA(image.Rect(0, 0, max(1, w*thumbSide/most), max(1, h*thumbSide/most)))
	draw.BiLinear.Scale(small, small.Bounds(), m, m.Bounds(), draw.Src, nil)
	return small
}

// signalImage draws the first channels of a signal [channels][length].
func signalImage(values []float32, channels, length int) (page.Image, error) {
	p := page.NewPlot("", "", "")
	for c := range min(channels, signalShown) {
		n := min(length, signalPoints)
		points := make(plotter.XYs, n)
		for k := range points {
			at := k * length / n
			points[k] = plotter.XY{X: float64(at), Y: float64(values[c*length+at])}
		}
		l, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		l.Color, l.Width = page.Palette[c%len(page.Palette)], vg.Points(1)
		p.Add(l)
	}
	d, err := page.Draw(p, page.Small)
	if err != nil {
		return nil, err
	}
	return d, nil
}
