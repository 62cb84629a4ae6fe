package runtime

// Loops and streams of random programs.

// states adds tensors that hold what the step before left; [generator.handOver] says what that is.
func (g *generator) states() {
	g.p.Stream = &Stream{Warmup: g.r.Intn(3)}
	for range 1 + g.r.Intn(3) {
		shape, levels := [3]int{1 + g.r.Intn(4), 1 + g.r.Intn(4), 1 + g.r.Intn(6)}, g.levels()
		if g.r.Intn(4) == 0 { // like an input
			t := g.p.Tensors[g.p.Inputs[0].Tensor]
			shape, levels = t.Shape, t.Levels
		}
		to := g.tensor(shape, levels)
		s := State{To: to, Initial: []uint8{uint8(g.r.Intn(levels))}}
		if g.r.Intn(2) == 0 {
			s.Initial = g.table(g.p.Tensors[to].Elems(), levels)
		}
		g.p.Stream.States = append(g.p.Stream.States, s)
	}
}

// handOver finds or makes what the states become.
func (g *generator) handOver() {
	isState := map[int]bool{}
	for _, s := range g.p.Stream.States {
		isState[s.To] = true
	}
	for i := range g.p.Stream.States {
		s := &g.p.Stream.States[i]
		s.From = g.like(s.To, func(t int) bool { return !isState[t] })
	}
}

// like is a tensor with the shape, levels and zero level of to: one that is allowed, or a new one that an instruction writes.
func (g *generator) like(to int, allowed func(t int) bool) int {
	want := g.p.Tensors[to]
	same := func(t int) bool {
		have := g.p.Tensors[t]
		return have.Shape == want.Shape && have.Levels == want.Levels
	}
	for t := range g.p.Tensors {
		if allowed(t) && same(t) && g.r.Intn(3) > 0 {
			if g.p.Tensors[t].Zero == want.Zero {
				return t
			}
		}
	}
	switch g.r.Intn(4) {
	case 3: // what does not depend on it
		g.p.Instrs = append(g.p.Instrs, &Copy{Fill: uint8(g.r.Intn(want.Levels)), Out: g.copyOf(to)})
	case 0: // each level becomes another one
		g.p.Instrs = append(g.p.Instrs, &Map{In: to, Tables: [][]uint8{g.table(want.Levels, want.Levels)}, Out: g.copyOf(to)})
	case 1: // a window that moves on, with something new behind
		n := want.Elems()
		by := 1 + g.r.Intn(n)
		c := &Copy{Fill: uint8(g.r.Intn(want.Levels))}
		if by < n {
			c.Pieces = append(c.Pieces, span1(to, n-by, 0, by))
		}
		if t := g.source(); g.p.Tensors[t].Levels <= want.Levels {
			c.Pieces = append(c.Pieces, span1(t, min(by, g.p.Tensors[t].Elems()), n-by, 0))
		}
		c.Out = g.copyOf(to)
		g.p.Instrs = append(g.p.Instrs, c)
	default:
		g.p.Instrs = append(g.p.Instrs, &Map2{A: to, B: to, Table: g.table(want.Levels*want.Levels, want.Levels), Out: g.copyOf(to)})
	}
	return len(g.p.Tensors) - 1
}

// copyOf is a new tensor like t.
func (g *generator) copyOf(t int) int {
	g.p.Tensors = append(g.p.Tensors, g.p.Tensors[t])
	return len(g.p.Tensors) - 1
}

// loop repeats a few instructions, with carries and pieces that move on.
func (g *generator) loop() {
	r, p := g.r, g.p
	l := Loop{First: len(p.Instrs), Count: 1 + r.Intn(5)}
	before := len(p.Tensors)
	targets := map[int]bool{}
	for range r.Intn(3) {
		targets[g.source()] = true
	}
	if r.Intn(3) > 0 {
		g.take(l.Count)
	}
	for range 1 + r.Intn(3) {
		[]func(){g.linear, g.linear, g.maxPool, g.mapping, g.map2, g.copying}[r.Intn(6)]()
	}
	if r.Intn(3) > 0 {
		g.put(l.Count)
	}
	for to := range before {
		if !targets[to] {
			continue
		}
		from := g.like(to, func(t int) bool { return t >= before && !g.together[t] })
		l.Carries = append(l.Carries, Carry{From: from, To: to})
	}
	l.Length = len(p.Instrs) - l.First
	p.Loops = append(p.Loops, l)
	clear(g.together)
}

// take copies a stretch of a tensor that moves on.
func (g *generator) take(count int) {
	in := g.source()
	t := g.p.Tensors[in]
	step := 0
	if count > 1 {
		step = g.r.Intn((t.Elems()-1)/(count-1) + 1)
	}
	way := step * (count - 1)
	q := span1(in, 1+g.r.Intn(t.Elems()-way), 0, 0)
	q.InStep = step
	if g.r.Intn(2) == 0 {
		q.InStart, q.InStep = way, -step
	}
	g.p.Instrs = append(g.p.Instrs, &Copy{Out: g.tensor([3]int{q.Dims[0], 1, 1}, t.Levels), Pieces: []Piece{q}})
}

// put collects a tensor of all iterations.
func (g *generator) put(count int) {
	in := g.source()
	t := g.p.Tensors[in]
	n := t.Elems()
	q := span1(in, n, 0, 0)
	q.OutStep = n
	if g.r.Intn(2) == 0 {
		q.OutStride[0], q.OutStep = count, 1
	}
	if g.r.Intn(2) == 0 {
		q.OutStart, q.OutStep = q.OutStep*(count-1), -q.OutStep
	}
	out := g.tensor([3]int{t.Shape[0], t.Shape[1] * t.Shape[2], count}, t.Levels)
	g.p.Instrs = append(g.p.Instrs, &Copy{Out: out, Fill: uint8(g.r.Intn(t.Levels)), Pieces: []Piece{q}})
	g.together[out] = true
}
