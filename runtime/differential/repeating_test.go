package differential

import (
	"slices"

	"qconv/runtime"
)

// repeating draws a network with loops, or that is a step of a stream, or both.
func (s *source) repeating() *runtime.Program {
	b := &builder{source: s, p: &runtime.Program{}}
	b.input()
	if s.chance(25) {
		b.input()
	}
	stream := s.chance(60)
	if stream {
		b.states()
	}
	if !stream || s.chance(60) {
		for range s.between(1, 2) {
			b.loop()
			b.one()
		}
	} else {
		for range s.between(1, 4) {
			b.one()
		}
	}
	if stream {
		b.handOver()
	}
	b.outputs()
	return b.p
}

// states adds tensors that hold what the step before left.
func (b *builder) states() {
	b.p.Stream = &runtime.Stream{Warmup: b.intn(4)}
	for range b.between(1, 3) {
		levels := b.levels()
		t := b.tensor([3]int{b.between(1, 6), b.between(1, 4), b.oneOf(1, 2, 3, 8, 17)}, levels, b.zero(levels))
		if b.chance(25) {
			b.p.Tensors[t] = b.p.Tensors[0] // an input's
		}
		state := runtime.State{To: t, Initial: []uint8{uint8(b.intn(b.p.Tensors[t].Levels))}}
		if b.chance(50) {
			state.Initial = b.table(b.p.Tensors[t].Elems(), b.p.Tensors[t].Levels)
		}
		b.p.Stream.States = append(b.p.Stream.States, state)
	}
}

// handOver finds what the states become.
func (b *builder) handOver() {
	states := b.p.Stream.States
	for i := range states {
		states[i].From = b.like(states[i].To, func(t int) bool {
			return !slices.ContainsFunc(states, func(s runtime.State) bool { return s.To == t })
		})
	}
}

// like finds a tensor like to among those that are allowed, or adds an instruction that writes one.
func (b *builder) like(to int, allowed func(t int) bool) int {
	want := b.p.Tensors[to]
	for t, have := range b.p.Tensors {
		if allowed(t) && have.Shape == want.Shape && have.Levels == want.Levels && have.Zero == want.Zero && b.chance(70) {
			return t
		}
	}
	n := want.Elems()
	switch b.intn(4) {
	case 0: // each level becomes another one
		return b.add(&runtime.Map{In: to, Tables: [][]uint8{b.table(want.Levels, want.Levels)}, Out: b.tensor(want.Shape, want.Levels, want.Zero)})
	case 1: // together with another tensor, or itself
		return b.add(&runtime.Map2{A: to, B: to, Table: b.table(want.Levels*want.Levels, want.Levels), Out: b.tensor(want.Shape, want.Levels, want.Zero)})
	case 2: // a window that moves on
		columns, lines := want.Shape[2], n/want.Shape[2]
		by := b.between(1, columns)
		c := &runtime.Copy{Fill: uint8(b.intn(want.Levels))}
		if by < columns {
			c.Pieces = append(c.Pieces, runtime.Piece{In: to, Dims: [6]int{lines, columns - by, 1, 1, 1, 1}, InStart: by, OutStride: [6]int{columns, 1}, InStride: [6]int{columns, 1}})
		}
		if in := b.operand(); b.p.Tensors[in].Levels <= want.Levels && b.p.Tensors[in].Elems() >= lines {
			c.Pieces = append(c.Pieces, runtime.Piece{In: in, Dims: [6]int{lines, 1, 1, 1, 1, 1}, OutStart: columns - 1, OutStride: [6]int{columns}, InStride: [6]int{1}})
		}
		if len(c.Pieces) == 0 {
			c.Pieces = []runtime.Piece{{In: to, Dims: [6]int{n, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}
		}
		c.Out = b.tensor(want.Shape, want.Levels, want.Zero)
		return b.add(c)
	}
	in := b.operand()
	for b.p.Tensors[in].Levels > want.Levels {
		in = to
	}
	i := &runtime.Copy{Fill: uint8(b.intn(want.Levels)), Pieces: []runtime.Piece{{
		In: in, Dims: [6]int{min(n, b.p.Tensors[in].Elems()), 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1},
	}}}
	i.Out = b.tensor(want.Shape, want.Levels, want.Zero)
	return b.add(i)
}

// loop adds instructions that run several times.
func (b *builder) loop() {
	l := runtime.Loop{Count: b.oneOf(1, 2, 3, 3, 5)}
	targets := []int{b.operand(), b.operand()}[:b.between(0, 2)]
	slices.Sort(targets)
	targets = slices.Compact(targets)
	for range b.between(0, 2) { // between the tensors that are carried and the loop
		b.one()
	}
	l.First = len(b.p.Instrs)
	before := len(b.p.Tensors)
	if b.chance(70) {
		b.moving(l.Count)
	}
	for range b.between(1, 3) {
		b.one()
	}
	if b.chance(70) {
		b.together = append(b.together, b.collect(l.Count))
	}
	for _, to := range targets {
		from := b.like(to, func(t int) bool { return t >= before && !slices.Contains(b.together, t) })
		l.Carries = append(l.Carries, runtime.Carry{From: from, To: to})
	}
	b.together = nil
	l.Length = len(b.p.Instrs) - l.First
	b.p.Loops = append(b.p.Loops, l)
}

// moving copies a block of a tensor that moves on with the iterations.
func (b *builder) moving(count int) {
	in := b.operand()
	t := b.p.Tensors[in]
	step := b.between(0, (t.Elems()-1)/max(count-1, 1))
	way := step * (count - 1)
	q := runtime.Piece{In: in, Dims: [6]int{b.between(1, t.Elems()-way), 1, 1, 1, 1, 1}, InStep: step, OutStride: [6]int{1}, InStride: [6]int{1}}
	if b.chance(50) {
		q.InStart, q.InStep = way, -step
	}
	b.add(&runtime.Copy{Out: b.tensor([3]int{q.Dims[0], 1, 1}, t.Levels, t.Zero), Pieces: []runtime.Piece{q}})
}

// collect copies what a tensor holds in all iterations, one beside the other.
func (b *builder) collect(count int) int {
	in := b.operand()
	t := b.p.Tensors[in]
	n := t.Elems()
	q := runtime.Piece{In: in, Dims: [6]int{n, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, OutStep: n, InStride: [6]int{1}}
	if b.chance(50) {
		q.OutStride[0], q.OutStep = count, 1
	}
	if b.chance(50) {
		q.OutStart, q.OutStep = q.OutStep*(count-1), -q.OutStep
	}
	shape := [3]int{t.Shape[0], t.Shape[1], t.Shape[2] * count}
	return b.add(&runtime.Copy{Out: b.tensor(shape, t.Levels, t.Zero), Pieces: []runtime.Piece{q}})
}

// repeatingClasses lists the classes that p belongs to as far as loops and streams go.
func repeatingClasses(p *runtime.Program, set classSet) {
	if len(p.Loops) == 0 && p.Stream == nil {
		return
	}
	set.add("loops:", []any{0, 1, 2}[min(len(p.Loops), 2)])
	for _, l := range p.Loops {
		set.add("iterations:", []any{1, 2, "3 and more"}[min(l.Count, 3)-1])
		set.add("carries:", len(l.Carries))
		for _, instr := range p.Instrs[l.First : l.First+l.Length] {
			set.add("in a loop:", kindOf(instr))
			if c, ok := instr.(*runtime.Copy); ok {
				for _, q := range c.Pieces {
					if q.InStep != 0 {
						set.add("a piece that reads", direction(q.InStep))
					}
					if q.OutStep != 0 {
						set.add("a piece that writes", direction(q.OutStep))
					}
				}
			}
		}
	}
	if p.Stream != nil {
		set.add("states:", len(p.Stream.States))
	}
}
