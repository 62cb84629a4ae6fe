package page

import (
	"math"
	"strings"
	"testing"
)

// block is a residual block between two boxes: 0 leads to 1, 2, 3 in turn, and around them.
func residual() Graph {
	g := Graph{Arrows: [][2]int{{0, 1}, {1, 2}, {2, 3}, {0, 3}, {3, 5}, {4, 5}}}
	for _, title := range []string{"input", "conv", "conv", "add", "second input", "last"} {
		g.Boxes = append(g.Boxes, Box{Title: title, Lines: []string{hostile}, Color: Blue})
	}
	return g
}

// TestLayOut demands that arrows lead down, that nothing stands on something else, and that a box that comes in late stands near.
func TestLayOut(t *testing.T) {
	l := layOut(residual())
	for _, way := range l.ways {
		for k := range way[1:] {
			if a, b := l.places[way[k]].layer, l.places[way[k+1]].layer; b != a+1 {
				t.Errorf("an arrow leads from layer %d to %d", a, b)
			}
		}
	}
	for n, layer := range l.layers {
		for k := range layer[min(1, len(layer)):] {
			a, b := l.places[layer[k]], l.places[layer[k+1]]
			if gap := b.x - a.x - (a.width+b.width)/2; gap < gapX-1e-9 {
				t.Errorf("layer %d: places are %g apart, want %g", n, gap, gapX)
			}
		}
	}
	if got := l.places[4].layer; got != 3 {
		t.Errorf("the second input is in layer %d, want 3", got)
	}
	if d := math.Abs(l.places[1].x - l.places[2].x); d > boxWidth/4 {
		t.Errorf("a chain is bent by %g", d)
	}
}

func TestDrawGraph(t *testing.T) {
	for _, g := range []Graph{residual(), {}, {Boxes: []Box{{Title: "alone"}}}} {
		d, err := DrawGraph(g)
		if err != nil {
			t.Fatal(err)
		}
		text := string(d.svg)
		if n := strings.Count(text, "<rect"); n != len(g.Boxes) {
			t.Errorf("%d boxes are drawn, want %d", n, len(g.Boxes))
		}
		if n := strings.Count(text, "marker-end"); n != len(g.Arrows) {
			t.Errorf("%d arrows are drawn, want %d", n, len(g.Arrows))
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "NaN") {
			t.Errorf("drawing holds what it should not: %s", text)
		}
	}
}
