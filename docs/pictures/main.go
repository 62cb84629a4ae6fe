// Command pictures draws accuracy.svg of this folder from the table of finetune/bench/RECIPES.md: go run ./docs/pictures
package main

import (
	"fmt"
	"image/color"
	"log"
	"os"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	table, err := os.ReadFile("finetune/bench/RECIPES.md")
	if err != nil {
		return err
	}
	float := regexp.MustCompile(`ResNet-8, in floating point: ([\d.]+) %`).FindSubmatch(table)
	if float == nil {
		return fmt.Errorf("RECIPES.md does not say what the float network reaches")
	}
	teacher, _ := strconv.ParseFloat(string(float[1]), 64)
	tuned, post := plotter.XYs{}, plotter.XYs{}
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(line, "|")
		if len(cells) < 7 || strings.Contains(cells[1], "labels") || strings.Contains(cells[1], "mobilenet") {
			continue
		}
		accuracy, err := strconv.ParseFloat(strings.TrimSpace(cells[3]), 64)
		bytes, err2 := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(cells[5]), ",", ""), 64)
		if err != nil || err2 != nil || accuracy < teacher-15 {
			continue
		}
		point := plotter.XY{X: bytes / 1000, Y: accuracy}
		if strings.Contains(cells[2], "`convert ") {
			post = append(post, point)
		} else {
			tuned = append(tuned, point)
		}
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "ResNet-8 on CIFAR-10 as JPEG, without labels", "size of the .qlut file, KB", "accuracy, %"
	p.Add(plotter.NewGrid())
	for _, series := range []struct {
		name   string
		points plotter.XYs
		style  draw.GlyphStyle
	}{
		{"fine-tuned", tuned, draw.GlyphStyle{Color: color.RGBA{0x1f, 0x5f, 0xbf, 0xff}, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}},
		{"converted from samples", post, draw.GlyphStyle{Color: color.RGBA{0xc8, 0x60, 0x0a, 0xff}, Radius: vg.Points(3.5), Shape: draw.BoxGlyph{}}},
	} {
		s, err := plotter.NewScatter(series.points)
		if err != nil {
			return err
		}
		s.GlyphStyle = series.style
		p.Add(s)
		p.Legend.Add(series.name, s)
	}
	line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: teacher}, {X: 100, Y: teacher}})
	if err != nil {
		return err
	}
	line.Color, line.Dashes = color.RGBA{0x70, 0x76, 0x80, 0xff}, []vg.Length{vg.Points(5), vg.Points(3)}
	p.Add(line)
	p.Legend.Add("float network, 320 KB", line)
	p.Legend.Top, p.Legend.Padding = false, vg.Millimeter
	p.X.Min, p.X.Max = 0, 100
	return save(p, "docs/pictures/accuracy.svg")
}

// save writes a drawing.
func save(p *plot.Plot, name string) error {
	w, err := p.WriterTo(15*vg.Centimeter, 9*vg.Centimeter, "svg")
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := w.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
