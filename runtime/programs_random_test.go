package runtime

import (
	"fmt"
	"math"
	"math/rand"
)

// randomProgram chains random instructions over small tensors. It is always valid.
func randomProgram(seed int64) *Program {
	r := rand.New(rand.NewSource(seed))
	g := &generator{r: r, p: &Program{}, together: map[int]bool{}}
	p := g.p
	for range 1 + r.Intn(3) {
		g.codebook()
	}
	g.input()
	for range max(0, r.Intn(6)-3) {
		g.input()
	}
	if r.Intn(3) == 0 {
		g.states()
	}
	for range 1 + r.Intn(6) {
		[]func(){g.linear, g.linear, g.maxPool, g.mapping, g.map2, g.copying, g.matMul, g.loop}[r.Intn(8)]()
	}
	if p.Stream != nil {
		g.handOver()
	}
	for range max(0, r.Intn(6)-3) {
		g.argMax()
	}
	for t := range p.Tensors {
		if p.Tensors[t].Levels == 0 || t == len(p.Tensors)-1 || r.Intn(8) == 0 {
			p.Outputs = append(p.Outputs, Output{Name: string(rune('a' + t)), Tensor: t})
		}
	}
	if r.Intn(4) == 0 {
		size := p.Tensors[p.Outputs[0].Tensor].Elems()
		p.Normalizations = []Normalization{{Log: r.Intn(2) == 0, Shape: []int{0, size}, Length: size, Inner: 1}}
	}
	if r.Intn(2) == 0 {
		p.Labels = []string{"x"}
		p.Source[r.Intn(32)] = 1
		addSelfTests(p, r.Uint32())
	}
	return p
}

// input adds an input; several have names.
func (g *generator) input() {
	r, p := g.r, g.p
	in := Input{Tensor: g.tensor([3]int{1 + r.Intn(4), 1 + r.Intn(6), 1 + r.Intn(6)}, g.levels()), Interleaved: r.Intn(2) == 0}
	t := &p.Tensors[in.Tensor]
	for range []int{0, 1, t.Shape[0]}[r.Intn(3)] {
		in.Tables = append(in.Tables, g.table(256, t.Levels))
	}
	if r.Intn(3) == 0 {
		in.Shifts = []int8{1 + int8(r.Intn(64))}
		for range t.Shape[0] - 1 {
			in.Shifts = append(in.Shifts, int8(r.Intn(129)-64))
		}
	}
	p.Inputs = append(p.Inputs, in)
	if len(p.Inputs) > 1 {
		p.Inputs[0].Name, p.Inputs[len(p.Inputs)-1].Name = "first", fmt.Sprint("input ", len(p.Inputs))
	}
}

type generator struct {
	r        *rand.Rand
	p        *Program
	together map[int]bool // tensors that all iterations of the present loop write together
}

func (g *generator) levels() int { return []int{2, 3, 16, 32, 256}[g.r.Intn(5)] }

func (g *generator) tensor(shape [3]int, levels int) int {
	t := Tensor{Shape: shape, Levels: levels, Scale: ScaleOf(g.r.ExpFloat64())}
	if levels > 0 {
		t.Zero = g.r.Intn(levels)
	}
	g.p.Tensors = append(g.p.Tensors, t)
	return len(g.p.Tensors) - 1
}

// source is a random tensor that holds levels.
func (g *generator) source() int {
	for {
		if t := g.r.Intn(len(g.p.Tensors)); g.p.Tensors[t].Levels > 0 && !g.together[t] {
			return t
		}
	}
}

func (g *generator) codebook() {
	size := []int{1, 2, 3, 16, 300}[g.r.Intn(5)]
	centres := make([]int32, size)
	last := int32(-g.r.Intn(2 * size))
	for i := range centres {
		centres[i] = last
		last += 1 + int32(g.r.Intn(4)*g.r.Intn(40))
	}
	g.p.Codebooks = append(g.p.Codebooks, Codebook{Centres: centres})
}

// table has size entries below levels, in one of the usual shapes.
func (g *generator) table(size, levels int) []uint8 {
	t := make([]uint8, size)
	shape := g.r.Intn(3)
	for i := range t {
		switch shape {
		case 0:
			t[i] = uint8(g.r.Intn(levels))
		case 1:
			t[i] = uint8(i * levels / size)
		case 2:
			t[i] = uint8(min(i, levels-1))
		}
	}
	return t
}

func (g *generator) step(levels int) int {
	n := g.r.Intn(levels)
	s := Step{Values: g.table(n+1, levels)}
	last := int32(-g.r.Intn(2000))
	for range n {
		s.Breaks = append(s.Breaks, last)
		last += 1 + int32(g.r.Intn(100))
	}
	g.p.Steps = append(g.p.Steps, s)
	return len(g.p.Steps) - 1
}

func (g *generator) pair(lo, hi int) [2]int {
	return [2]int{lo + g.r.Intn(hi-lo+1), lo + g.r.Intn(hi-lo+1)}
}

func (g *generator) linear() {
	groups := 1 + g.r.Intn(3)
	levels := g.levels()
	if g.r.Intn(5) == 0 {
		levels = 0
	}
	sources := []int{g.source()}
	if g.r.Intn(2) == 0 {
		sources = append(sources, g.source())
	}
	l := &Linear{}
	channels := groups * (1 + g.r.Intn(3))
	for _, in := range sources {
		n := g.p.Tensors[in].Shape[0]
		t := Term{In: in, Codebook: g.r.Intn(len(g.p.Codebooks)), Groups: 1, Kernel: g.pair(1, 3), Stride: g.pair(1, 2),
			Dilation: g.pair(1, 2), Pad: g.pair(-1, 2), Up: g.pair(1, 2)}
		if n%groups == 0 {
			t.Groups = groups
		}
		weights := make([]uint16, channels*(n/t.Groups)*t.Kernel[0]*t.Kernel[1])
		size := len(g.p.Codebooks[t.Codebook].Centres)
		for i := range weights {
			weights[i] = uint16(min(g.r.Intn(size), g.r.Intn(size)))
		}
		t.Weights = PackWeights(weights, size)
		l.Terms = append(l.Terms, t)
	}
	for range channels {
		l.Bias = append(l.Bias, int32(g.r.Intn(1000)-500))
	}
	if levels > 0 {
		l.Steps = []int{g.step(levels)}
		if g.r.Intn(2) == 0 {
			for range channels - 1 {
				l.Steps = append(l.Steps, g.step(levels))
			}
		}
	}
	l.Out = g.tensor([3]int{channels, 1 + g.r.Intn(6), 1 + g.r.Intn(6)}, levels)
	g.p.Instrs = append(g.p.Instrs, l)
}

// argMax finds positions along a dimension of any tensor, or along all of them.
func (g *generator) argMax() {
	in := g.r.Intn(len(g.p.Tensors))
	from := g.p.Tensors[in]
	axis := g.r.Intn(4)
	shape := from.Shape
	i := &ArgMax{In: in, Length: from.Elems(), Inner: 1, Last: g.r.Intn(2) == 0, Least: g.r.Intn(2) == 0}
	if axis == 3 {
		shape = [3]int{1, 1, 1}
	} else {
		i.Length, shape[axis] = shape[axis], 1
		for _, n := range from.Shape[axis+1:] {
			i.Inner *= n
		}
	}
	i.Out = g.tensor(shape, 0)
	g.p.Instrs = append(g.p.Instrs, i)
}

// matMul multiplies a tensor by another, which a Copy brings to a shape that fits.
func (g *generator) matMul() {
	first, second := g.source(), g.source()
	a, from := g.p.Tensors[first].Shape, g.p.Tensors[second]
	shape := [3]int{a[0], a[2], 1 + g.r.Intn(5)}
	move := &Copy{Fill: uint8(g.r.Intn(from.Levels)), Out: g.tensor(shape, from.Levels)}
	n := min(shape[0]*shape[1]*shape[2], from.Elems())
	move.Pieces = []Piece{{In: second, Dims: [6]int{n, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}
	g.p.Instrs = append(g.p.Instrs, move)
	levels := []int{0, g.levels()}[g.r.Intn(2)]
	i := &MatMul{A: first, B: move.Out, Out: g.tensor([3]int{a[0], a[1], shape[2]}, levels)}
	if levels > 0 {
		for range []int{1, a[0]}[g.r.Intn(2)] {
			i.Steps = append(i.Steps, g.step(levels))
		}
	}
	g.p.Instrs = append(g.p.Instrs, i)
}

func (g *generator) maxPool() {
	in := g.source()
	from := g.p.Tensors[in]
	m := &MaxPool{In: in, Kernel: g.pair(1, 3), Stride: g.pair(1, 2), Dilation: [2]int{1, 1}}
	shape := [3]int{from.Shape[0], 1, 1}
	for d := range 2 {
		m.Pad[d] = g.r.Intn(m.Kernel[d])
		shape[d+1] = 1 + (from.Shape[d+1]+m.Pad[d]-1)/m.Stride[d]
	}
	m.Out = g.tensor(shape, from.Levels)
	g.p.Instrs = append(g.p.Instrs, m)
}

func (g *generator) mapping() {
	in := g.source()
	from, levels := g.p.Tensors[in], g.levels()
	m := &Map{In: in}
	for range []int{1, from.Shape[0]}[g.r.Intn(2)] {
		m.Tables = append(m.Tables, g.table(from.Levels, levels))
	}
	m.Out = g.tensor(from.Shape, levels)
	g.p.Instrs = append(g.p.Instrs, m)
}

func (g *generator) map2() {
	a := g.source()
	b := a
	for t := range g.p.Tensors {
		fits := g.p.Tensors[t].Levels > 0 && !g.together[t]
		for d, n := range g.p.Tensors[t].Shape {
			fits = fits && (n == 1 || n == g.p.Tensors[a].Shape[d])
		}
		if fits && g.r.Intn(2) == 0 {
			b = t
		}
	}
	levels := g.levels()
	m := &Map2{A: a, B: b, Table: g.table(g.p.Tensors[a].Levels*g.p.Tensors[b].Levels, levels)}
	m.Out = g.tensor(g.p.Tensors[a].Shape, levels)
	if g.r.Intn(2) == 0 {
		m.Table = productTable(g.p, m)
		for range g.r.Intn(4) {
			m.Table[g.r.Intn(len(m.Table))] = uint8(g.r.Intn(levels))
		}
	}
	g.p.Instrs = append(g.p.Instrs, m)
}

// productTable is the table that multiplies the real values of both inputs.
func productTable(p *Program, i *Map2) []uint8 {
	out, a, b := &p.Tensors[i.Out], &p.Tensors[i.A], &p.Tensors[i.B]
	var table []uint8
	for x := range a.Levels {
		for y := range b.Levels {
			v := a.Scale.Float() * float64(x-a.Zero) * b.Scale.Float() * float64(y-b.Zero) / out.Scale.Float()
			table = append(table, uint8(math.Max(0, math.Min(math.Floor(v+float64(out.Zero)+0.5), float64(out.Levels-1)))))
		}
	}
	return table
}

// copying transposes a tensor, or enlarges it to the nearest neighbour, into a larger one.
func (g *generator) copying() {
	in := g.source()
	from := g.p.Tensors[in]
	c, h, w := from.Shape[0], from.Shape[1], from.Shape[2]
	i := &Copy{Fill: uint8(g.r.Intn(from.Levels))}
	if g.r.Intn(2) == 0 {
		i.Pieces = []Piece{{In: in, Dims: [6]int{c, h, w, 1, 1, 1}, OutStart: 1,
			OutStride: [6]int{h, 1, c * h}, InStride: [6]int{h * w, w, 1}}}
		i.Out = g.tensor([3]int{w, c, h + 1}, from.Levels)
	} else {
		i.Pieces = []Piece{{In: in, Dims: [6]int{c, h, 2, w, 2, 1},
			OutStride: [6]int{4 * h * w, 4 * w, 2 * w, 2, 1}, InStride: [6]int{h * w, w, 0, 1, 0}}}
		i.Out = g.tensor([3]int{c, 2 * h, 2 * w}, from.Levels)
	}
	g.p.Instrs = append(g.p.Instrs, i)
}
