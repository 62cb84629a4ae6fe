package page

import (
	"fmt"
	"html"
	"image/color"
	"slices"
	"strings"

	"qconv/runtime/printable"
)

// Graph is a network of boxes with arrows, drawn from top to bottom. Boxes come in an order in which every arrow leads onwards.
type Graph struct {
	Boxes  []Box
	Arrows [][2]int // from box, to box, where the second is larger
}

// Box is a box of a graph.
type Box struct {
	Title string
	Lines []string // small words below the title
	Hover string   // shown while the pointer is above the box; empty for nothing more
	Color color.RGBA
}

// Measures of a drawing, in CSS pixels.
const (
	boxWidth  = 190.0
	lineSize  = 14.0
	boxPad    = 8.0
	gapX      = 24.0
	gapY      = 30.0
	wayWidth  = 14.0 // of an arrow that passes a layer
	boxLetter = 28   // letters that a box has room for
)

// maxWays bounds the layers that all arrows together pass; beyond it they are drawn straight.
const maxWays = 20_000

// place is a box, or a point at which an arrow passes a layer.
type place struct {
	box         int // -1: a point
	layer       int
	x, width    float64 // x is of the middle
	up, down    []int   // neighbours in the layers above and below
	wish, order float64
}

// layered is a graph whose boxes stand in layers, each below all those from which arrows lead to it.
type layered struct {
	places []place
	layers [][]int
	ways   [][]int // by arrow: the places it leads through
}

// DrawGraph draws a graph.
func DrawGraph(g Graph) (*Drawing, error) {
	l := layOut(g)
	lines := 0
	for _, b := range g.Boxes {
		lines = max(lines, len(b.Lines))
	}
	height := boxPad + lineSize*float64(1+lines) + boxPad/2
	left, right := 0.0, 0.0
	for _, p := range l.places {
		left, right = min(left, p.x-p.width/2), max(right, p.x+p.width/2)
	}
	total := float64(len(l.layers))*(height+gapY) - gapY + 4
	var b strings.Builder
	fmt.Fprintf(&b, `<svg width="%.0fpx" viewBox="0 0 %.0f %.0f" font-size="11px">`, right-left+4, right-left+4, max(total, 1))
	fmt.Fprintf(&b, `<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto"><path d="M0,0L8,4L0,8Z" fill="%s"></path></marker></defs>`, hex(Gray))
	at := func(p int) (x, top, bottom float64) {
		q := &l.places[p]
		top = 2 + float64(q.layer)*(height+gapY)
		return q.x - left + 2, top, top + height
	}
	for _, way := range l.ways {
		var d strings.Builder
		x, _, y := at(way[0])
		fmt.Fprintf(&d, "M%.1f,%.1f", x, y)
		for _, p := range way[1:] {
			toX, top, bottom := at(p)
			middle := (y + top) / 2
			fmt.Fprintf(&d, "C%.1f,%.1f,%.1f,%.1f,%.1f,%.1f", x, middle, toX, middle, toX, top)
			x, y = toX, top
			if l.places[p].box < 0 {
				fmt.Fprintf(&d, "L%.1f,%.1f", toX, bottom)
				y = bottom
			}
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" marker-end="url(#tip)"></path>`, d.String(), hex(Gray))
	}
	for i, p := range l.places {
		if p.box >= 0 {
			x, y, _ := at(i)
			writeBox(&b, g.Boxes[p.box], x-boxWidth/2, y, height)
		}
	}
	b.WriteString(`</svg>`)
	d, err := SVG([]byte(b.String()))
	if err == nil && len(g.Boxes) > 0 {
		d.start = max(int(l.places[0].x-left-boxWidth/2-gapX), 0)
	}
	return d, err
}

func writeBox(b *strings.Builder, box Box, x, y, height float64) {
	text := func(s string) string { return html.EscapeString(printable.Text(s)) }
	c := hex(box.Color)
	hover := box.Title + "\n" + strings.Join(box.Lines, "\n")
	if box.Hover != "" {
		hover += "\n" + box.Hover
	}
	fmt.Fprintf(b, `<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.0f" height="%.0f" rx="5" fill="%s" fill-opacity="0.12" stroke="%s"></rect>`, text(hover), x, y, boxWidth, height, c, c)
	for i, line := range append([]string{box.Title}, box.Lines...) {
		weight := ""
		if i == 0 {
			weight = ` font-weight="bold"`
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f"%s>%s</text>`, x+boxPad, y+boxPad+lineSize*(float64(i)+0.7), weight, text(cut(line, boxLetter)))
	}
	b.WriteString(`</g>`)
}

// cut is a text of at most n letters.
func cut(s string, n int) string {
	letters := []rune(s)
	if len(letters) <= n {
		return s
	}
	return string(letters[:n-1]) + "…"
}

// layOut finds the place of every box.
func layOut(g Graph) *layered {
	l := &layered{}
	for i := range g.Boxes {
		l.places = append(l.places, place{box: i, width: boxWidth})
	}
	arrows := slices.Clone(g.Arrows)
	slices.SortFunc(arrows, func(a, b [2]int) int {
		if a[0] != b[0] {
			return a[0] - b[0]
		}
		return a[1] - b[1]
	})
	arrows = slices.Compact(arrows)
	for _, a := range arrows {
		if a[0] >= a[1] {
			panic(fmt.Sprintf("BUG: page: an arrow leads back from box %d to %d", a[0], a[1]))
		}
		to := &l.places[a[1]]
		to.layer = max(to.layer, l.places[a[0]].layer+1)
	}
	// Boxes to which nothing leads stand right above the first that they lead to.
	entered, first := make([]bool, len(g.Boxes)), make([]int, len(g.Boxes))
	for _, a := range arrows {
		entered[a[1]] = true
		if layer := l.places[a[1]].layer; first[a[0]] == 0 || layer < first[a[0]] {
			first[a[0]] = layer
		}
	}
	for i := range g.Boxes {
		if !entered[i] && first[i] > 0 {
			l.places[i].layer = first[i] - 1
		}
	}
	l.addWays(arrows)
	for i, p := range l.places {
		for len(l.layers) <= p.layer {
			l.layers = append(l.layers, nil)
		}
		l.layers[p.layer] = append(l.layers[p.layer], i)
	}
	l.sort()
	l.spread()
	return l
}

// addWays leads every arrow through a place in each layer that it passes.
func (l *layered) addWays(arrows [][2]int) {
	passed := 0
	for _, a := range arrows {
		passed += l.places[a[1]].layer - l.places[a[0]].layer - 1
	}
	for _, a := range arrows {
		way := []int{a[0]}
		for layer := l.places[a[0]].layer + 1; layer < l.places[a[1]].layer && passed <= maxWays; layer++ {
			way = append(way, len(l.places))
			l.places = append(l.places, place{box: -1, layer: layer, width: wayWidth})
		}
		way = append(way, a[1])
		for k := range way[1:] {
			from, to := way[k], way[k+1]
			l.places[from].down = append(l.places[from].down, to)
			l.places[to].up = append(l.places[to].up, from)
		}
		l.ways = append(l.ways, way)
	}
}

// sweeps is how often layers are put in order, and settled, down and up again.
const (
	sweeps       = 8
	settleSweeps = 40
)

// sort puts the places of every layer into the order of the middle of their neighbours.
func (l *layered) sort() {
	number := func(layer []int) {
		for k, p := range layer {
			l.places[p].order = float64(k)
		}
	}
	for _, layer := range l.layers {
		number(layer)
	}
	pass := func(layer []int, neighbours func(p *place) []int) {
		for _, p := range layer {
			q := &l.places[p]
			q.wish = q.order
			if list := neighbours(q); len(list) > 0 {
				sum := 0.0
				for _, n := range list {
					sum += l.places[n].order
				}
				q.wish = sum / float64(len(list))
			}
		}
		slices.SortStableFunc(layer, func(a, b int) int {
			switch x, y := l.places[a].wish, l.places[b].wish; {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		number(layer)
	}
	for range sweeps {
		for _, layer := range l.layers {
			pass(layer, func(p *place) []int { return p.up })
		}
		for _, layer := range slices.Backward(l.layers) {
			pass(layer, func(p *place) []int { return p.down })
		}
	}
}

// spread gives every place its x: near the middle of its neighbours, apart from those beside it.
func (l *layered) spread() {
	for _, layer := range l.layers {
		x := 0.0
		for _, p := range layer {
			l.places[p].x = x + l.places[p].width/2
			x += l.places[p].width + gapX
		}
		for _, p := range layer {
			l.places[p].x -= (x - gapX) / 2
		}
	}
	for range settleSweeps {
		for _, layer := range l.layers {
			l.settle(layer)
		}
		for _, layer := range slices.Backward(l.layers) {
			l.settle(layer)
		}
	}
}

// settle moves the places of a layer, in their order and apart, such that the squares of the ways to where they would like to be are least: those
// that would come too near to each other move together.
func (l *layered) settle(layer []int) {
	type block struct {
		sum float64
		n   int
	}
	var blocks []block
	offset := make([]float64, len(layer)) // of a place from the first, when all stand as near as they may
	for k, p := range layer {
		q := &l.places[p]
		if k > 0 {
			offset[k] = offset[k-1] + (l.places[layer[k-1]].width+q.width)/2 + gapX
		}
		wish, n := 0.0, 0
		for _, list := range [][]int{q.up, q.down} {
			for _, other := range list {
				wish, n = wish+l.places[other].x, n+1
			}
		}
		if n == 0 {
			wish, n = q.x, 1
		}
		blocks = append(blocks, block{wish/float64(n) - offset[k], 1})
		for len(blocks) > 1 {
			a, b := blocks[len(blocks)-2], blocks[len(blocks)-1]
			if a.sum/float64(a.n) <= b.sum/float64(b.n) {
				break
			}
			blocks = append(blocks[:len(blocks)-2], block{a.sum + b.sum, a.n + b.n})
		}
	}
	k := 0
	for _, b := range blocks {
		for range b.n {
			l.places[layer[k]].x = b.sum/float64(b.n) + offset[k]
			k++
		}
	}
}
