package quant

import (
	"fmt"
	"slices"

	"qconv/runtime"
)

// instr makes what an instruction of the window is in a step.
func (b *stepBuilder) instr(i int) error {
	instr, rule := b.p.Instrs[i], &b.rules[i]
	dst := instr.Dst()
	if rule.kind == timed {
		b.now[dst] = b.add(b.at(dst, b.positions(dst)))
		b.inTime(instr, rule, b.now[dst])
		b.fill(dst)
		return nil
	}
	b.now[dst] = b.add(b.p.Tensors[dst])
	b.whole(instr, rule)
	return nil
}

// whole makes an instruction that is computed from all of the window, or a constant.
func (b *stepBuilder) whole(instr runtime.Instr, rule *rule) {
	id := b.now[instr.Dst()]
	if c, ok := instr.(*runtime.Copy); ok && len(rule.reads) > 0 && !takes(c) && !puts(c) {
		var elements []moved
		m := elementMapOf(b.p, c)
		type place struct{ id, start, positions int }
		where := map[int]place{}
		for _, r := range rule.reads {
			id, start := b.source(r)
			where[r.tensor] = place{id, start, b.length(r, start)}
		}
		for e, in := range m.tensor {
			if in < 0 {
				continue
			}
			at, from := int(m.at[e]), b.now[int(in)]
			if w, ok := where[int(in)]; ok {
				t := &b.times[in]
				k, rest := t.split(at)
				from, at = w.id, t.join(k-w.start, rest, w.positions)
			}
			elements = append(elements, moved{e, from, at})
		}
		b.emit(&runtime.Copy{Out: id, Fill: c.Fill, Pieces: piecesFor(elements)})
		return
	}
	src := func(t int) int {
		if k := slices.IndexFunc(rule.reads, func(r read) bool { return r.tensor == t }); k >= 0 {
			return b.fullWindow(rule.reads[k])
		}
		return b.now[t]
	}
	switch instr := instr.(type) {
	case *runtime.Linear:
		b.emit(&runtime.Linear{Out: id, Bias: instr.Bias, Steps: slices.Clone(instr.Steps), Terms: b.terms(instr, func(k int, t *runtime.Term) { t.In = src(t.In) })})
	case *runtime.MaxPool:
		c := *instr
		c.Out, c.In = id, src(instr.In)
		b.emit(&c)
	case *runtime.Map:
		b.emit(&runtime.Map{Out: id, In: src(instr.In), Tables: instr.Tables})
	case *runtime.Map2:
		b.emit(&runtime.Map2{Out: id, A: src(instr.A), B: src(instr.B), Table: instr.Table})
	case *runtime.ArgMax:
		c := *instr
		c.Out, c.In = id, src(instr.In)
		b.emit(&c)
	case *runtime.MatMul:
		b.emit(&runtime.MatMul{Out: id, A: src(instr.A), B: src(instr.B), Steps: slices.Clone(instr.Steps)})
	case *runtime.Copy:
		c := &runtime.Copy{Out: id, Fill: instr.Fill, Pieces: slices.Clone(instr.Pieces)}
		for k := range c.Pieces {
			c.Pieces[k].In = src(c.Pieces[k].In)
		}
		b.emit(c)
	default:
		panic(fmt.Sprintf("BUG: quant: stream: %T", instr))
	}
}

// terms are those of a Linear, changed.
func (b *stepBuilder) terms(l *runtime.Linear, change func(k int, t *runtime.Term)) []runtime.Term {
	terms := slices.Clone(l.Terms)
	for k := range terms {
		change(k, &terms[k])
	}
	return terms
}

// inTime makes an instruction for the newest positions.
func (b *stepBuilder) inTime(instr runtime.Instr, rule *rule, id int) {
	switch instr := instr.(type) {
	case *runtime.Linear:
		b.linear(instr, rule, id)
	case *runtime.MaxPool:
		c := *instr
		tensor, start := b.source(rule.reads[0])
		c.Out, c.In = id, tensor
		if at, _ := b.times[instr.In].placeIn(b.p.Tensors[instr.In].Shape); at.axis > 0 && at.full() {
			d := at.axis - 1
			c.Pad[d] += start - (b.times[instr.Out].n-b.positions(instr.Out))*c.Stride[d]
		}
		b.emit(&c)
	case *runtime.Map:
		m := &runtime.Map{Out: id, In: b.now[instr.In], Tables: instr.Tables}
		if at, _ := b.times[instr.In].placeIn(b.p.Tensors[instr.In].Shape); at.axis == 0 && len(m.Tables) > 1 {
			m.Tables = nil
			for c := range b.out.Tensors[id].Shape[0] {
				block := b.positions(instr.In) * at.after
				m.Tables = append(m.Tables, instr.Tables[c/block*at.n*at.after+c%at.after])
			}
		}
		b.emit(m)
	case *runtime.Map2:
		h := b.positions(instr.Out)
		at, _ := b.times[instr.Out].placeIn(b.p.Tensors[instr.Out].Shape)
		operand := func(t int) int {
			if b.times[t].kind == fixed && b.p.Tensors[t].Shape[at.axis] != 1 {
				return b.fixedAt(t, at, h)
			}
			return b.now[t]
		}
		b.emit(&runtime.Map2{Out: id, A: operand(instr.A), B: operand(instr.B), Table: instr.Table})
	case *runtime.ArgMax:
		c := *instr
		c.Out, c.In = id, b.now[instr.In]
		if t := &b.times[instr.In]; instr.Inner%(t.n*t.inner) == 0 {
			c.Inner = instr.Inner / t.n * b.positions(instr.In)
		}
		b.emit(&c)
	case *runtime.MatMul:
		m := &runtime.MatMul{Out: id, A: b.now[instr.A], B: b.now[instr.B]}
		m.Steps = slices.Clone(instr.Steps[:min(len(instr.Steps), b.out.Tensors[id].Shape[0])])
		if at, _ := b.times[instr.A].placeIn(b.p.Tensors[instr.A].Shape); len(instr.Steps) > 1 {
			for c := range m.Steps {
				block := b.positions(instr.A) * at.after
				m.Steps[c] = instr.Steps[c/block*at.n*at.after+c%at.after]
			}
		}
		b.emit(m)
	case *runtime.Copy:
		b.copy(instr, rule, id)
	default:
		panic(fmt.Sprintf("BUG: quant: stream: %T", instr))
	}
}

// copy makes a Copy for the newest positions.
func (b *stepBuilder) copy(c *runtime.Copy, rule *rule, id int) {
	t := rule.copy
	h := b.positions(c.Out)
	elems := b.out.Tensors[id].Elems()
	type place struct{ id, start, positions int }
	where := map[int]place{}
	for _, r := range rule.reads {
		id, start := b.source(r)
		where[r.tensor] = place{id, start, b.length(r, start)}
	}
	small := timing{n: h, inner: t.inner}
	levels := map[uint8]int{} // how many elements are always of a level
	var elements []moved
	var others []int // elements that are always of a level
	level := func(e int) uint8 {
		k, rest := small.split(e)
		return t.sources[(h-1-k)%t.periodOut][rest].level
	}
	for e := range elems {
		k, rest := small.split(e)
		src := t.sources[(h-1-k)%t.periodOut][rest]
		if src.tensor < 0 {
			levels[src.level]++
			others = append(others, e)
			continue
		}
		w, in := where[src.tensor], &b.times[src.tensor]
		at := t.position(src, k+t.n-h)
		elements = append(elements, moved{e, w.id, in.join(at-w.start, src.rest, w.positions)})
	}
	fill := c.Fill
	for l, n := range levels {
		if n > levels[fill] || n == levels[fill] && l < fill {
			fill = l
		}
	}
	for l := range levels {
		if l == fill {
			continue
		}
		one := b.p.Tensors[c.Out]
		one.Shape = [3]int{1, 1, 1}
		constant := b.constant(one, []int32{int32(l)})
		for _, e := range others {
			if level(e) == l {
				elements = append(elements, moved{e, constant, 0})
			}
		}
	}
	slices.SortStableFunc(elements, func(a, b moved) int { return a.to - b.to })
	b.emit(&runtime.Copy{Out: id, Fill: fill, Pieces: piecesFor(elements)})
}

// linear makes a Linear for the newest positions.
func (b *stepBuilder) linear(l *runtime.Linear, rule *rule, id int) {
	h, n := b.positions(l.Out), b.times[l.Out].n
	out := &runtime.Linear{Out: id, Bias: l.Bias, Steps: slices.Clone(l.Steps)}
	at, _ := b.times[l.Out].placeIn(b.p.Tensors[l.Out].Shape)
	next := 0
	out.Terms = b.terms(l, func(k int, t *runtime.Term) {
		if b.times[t.In].kind == fixed {
			b.fixedTerm(t, at, h)
		} else {
			r := rule.reads[next]
			next++
			where, _ := b.times[t.In].placeIn(b.p.Tensors[t.In].Shape)
			in, start := b.source(r)
			t.In = in
			if where.axis > 0 && where.full() {
				d := where.axis - 1
				t.Pad[d] += start*t.Up[d] - (n-h)*t.Stride[d]
			}
		}
		if at.axis == 0 {
			// The first positions do what all do.
			t.Groups = t.Groups / n * h
			weights := make([]uint16, t.Weights.Len())
			if err := t.Weights.Decode(weights); err != nil {
				panic("BUG: quant: stream: weights of a valid program: " + err.Error())
			}
			t.Weights = runtime.PackWeights(weights[:len(weights)/n*h], len(b.p.Codebooks[t.Codebook].Centres))
		}
	})
	if at.axis == 0 {
		channels := b.out.Tensors[id].Shape[0]
		out.Bias = l.Bias[:channels]
		if len(l.Steps) > 1 {
			out.Steps = out.Steps[:channels]
		}
	}
	b.emit(out)
}

// fixedTerm makes a term over a constant read as much of it as h positions need.
func (b *stepBuilder) fixedTerm(t *runtime.Term, at timePlace, h int) {
	shape := b.p.Tensors[t.In].Shape
	switch {
	case at.axis == 0:
		t.In = b.fixedAt(t.In, timePlace{0, 1, at.n, shape[0] / at.n}, h)
	case !at.full():
		t.In = b.fixedAt(t.In, at, h)
	default:
		d := at.axis - 1
		t.Pad[d] = 0
		t.In = b.fixedAt(t.In, timePlace{at.axis, 1, shape[at.axis], 1}, (h-1)*t.Stride[d]+(t.Kernel[d]-1)*t.Dilation[d]+1)
	}
}

// loop makes a loop: as it is over the whole window, or an iteration for every new position.
func (b *stepBuilder) loop(k int) error {
	l, lt := &b.p.Loops[k], &b.loops[k]
	body := b.p.Instrs[l.First : l.First+l.Length]
	if !lt.steps {
		b.wholeLoop(l, body)
		return nil
	}
	h := b.positions(lt.takes[0])
	cold := 0
	for _, in := range lt.takes {
		cold = max(cold, b.cold(in))
	}
	var flags int
	if cold > 0 {
		flags = b.flags(cold, h, func(n int) [3]int { return [3]int{1, 1, n} })
	}
	var carries []runtime.Carry
	for _, c := range l.Carries {
		state := b.add(b.p.Tensors[c.To])
		b.states = append(b.states, runtime.State{To: state, Initial: initialLevels(b.constants[c.To])})
		b.now[c.To] = state
		carries = append(carries, runtime.Carry{To: state})
	}
	first := len(b.out.Instrs)
	flag := flags
	if cold > 0 && h > 1 {
		flag = b.add(runtime.Tensor{Shape: [3]int{1, 1, 1}, Levels: 2})
		take := newPiece(flags, 0, 0, nil)
		take.InStep = 1
		b.emit(&runtime.Copy{Out: flag, Pieces: []runtime.Piece{take}})
	}
	for _, instr := range body {
		dst := instr.Dst()
		if puts(instr) {
			b.now[dst] = b.add(b.at(dst, h))
		} else {
			b.now[dst] = b.add(b.p.Tensors[dst])
		}
		if !puts(instr) && !takes(instr) {
			b.whole(instr, &rule{})
			continue
		}
		b.stepCopy(instr.(*runtime.Copy), h, b.now[dst])
	}
	for n, c := range l.Carries {
		from := b.now[c.From]
		if cold > 0 {
			initial := initialLevels(b.constants[c.To])
			if len(initial) > 1 {
				return &StreamError{fmt.Sprintf("the loop at %s begins with a state whose elements differ, before the frames that its input is made of are there: pad what stands before it on the left", b.describe(l.First))}
			}
			gated := b.add(b.p.Tensors[c.From])
			b.emit(&runtime.Map2{Out: gated, A: from, B: flag, Table: gateTable(b.p.Tensors[c.From].Levels, int(initial[0]))})
			from = gated
		}
		carries[n].From = from
		b.states[len(b.states)-len(l.Carries)+n].From = from
	}
	if h > 1 {
		b.out.Loops = append(b.out.Loops, runtime.Loop{First: first, Length: len(b.out.Instrs) - first, Count: h, Carries: carries})
	} else {
		for n, c := range l.Carries {
			b.now[c.To] = carries[n].From
		}
	}
	for _, instr := range body {
		if b.times[instr.Dst()].kind == timed {
			b.fill(instr.Dst())
		}
	}
	return nil
}

// initialLevels are levels, one alone if all are the same.
func initialLevels(values []int32) []uint8 {
	out := make([]uint8, len(values))
	same := true
	for i, v := range values {
		out[i] = uint8(v)
		same = same && v == values[0]
	}
	if same {
		return out[:1]
	}
	return out
}

// stepCopy makes a Copy that takes a position for an iteration, or puts one, among the newest h positions.
func (b *stepBuilder) stepCopy(c *runtime.Copy, h, id int) {
	out := &runtime.Copy{Out: id, Fill: c.Fill}
	put := b.times[c.Out].kind == timed
	for _, p := range c.Pieces {
		var elements []moved
		in := &b.times[p.In]
		eachElement(p, func(to, from int) {
			if put {
				t := &b.times[c.Out]
				k, rest := t.split(to)
				to = t.join(k, rest, h)
			}
			if p.InStep != 0 {
				k, rest := in.split(from)
				from = in.join(k, rest, h)
			}
			elements = append(elements, moved{to, b.now[p.In], from})
		})
		slices.SortFunc(elements, func(a, b moved) int { return a.to - b.to })
		for _, q := range piecesFor(elements) {
			if h > 1 {
				q.InStep, q.OutStep = p.InStep, p.OutStep
			}
			out.Pieces = append(out.Pieces, q)
		}
	}
	b.emit(out)
}

// wholeLoop makes a loop that is computed from the whole window.
func (b *stepBuilder) wholeLoop(l *runtime.Loop, body []runtime.Instr) {
	// All windows that it reads are made before it.
	for i := range body {
		for _, r := range b.rules[l.First+i].reads {
			b.fullWindow(r)
		}
	}
	loop := runtime.Loop{First: len(b.out.Instrs), Length: len(body), Count: l.Count}
	for i, instr := range body {
		b.now[instr.Dst()] = b.add(b.p.Tensors[instr.Dst()])
		b.whole(instr, &b.rules[l.First+i])
	}
	for _, c := range l.Carries {
		loop.Carries = append(loop.Carries, runtime.Carry{From: b.now[c.From], To: b.now[c.To]})
	}
	b.out.Loops = append(b.out.Loops, loop)
}
