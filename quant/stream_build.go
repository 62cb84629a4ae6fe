package quant

import (
	"fmt"
	"slices"

	"qconv/runtime"
)

// stepBuilder makes the program of a step of what a streamer found.
type stepBuilder struct {
	*streamer
	out    *runtime.Program
	now    map[int]int // by tensor of the window: that of the step, with the newest positions if it is timed
	wanted map[bufferKey]*buffer
	order  map[int][]*buffer // by tensor
	states []runtime.State
	identityStep,
	nothing int // position of the step function and of the tensor that constants are made with; -1 for none yet
	buffered []*buffer
}

// bufferKey tells buffers of a tensor apart by what they begin with; -1 where that does not matter.
type bufferKey struct{ tensor, padding int }

// buffer holds the newest positions of a timed tensor and some before.
type buffer struct {
	key    bufferKey
	back   int // positions beside those of the step
	cold   int // positions after a reset that are made of what was not there, and count as padding
	tensor int // [outer][back+positions][inner]
	newest int // tensor of the positions of the step alone
	full   int // tensor of all positions of the window, if it is wanted; -1 for none yet
}

// build makes the program.
func (s *streamer) build() (*stepBuilder, error) {
	b := &stepBuilder{streamer: s, now: map[int]int{}, wanted: map[bufferKey]*buffer{}, order: map[int][]*buffer{}, identityStep: -1, nothing: -1}
	b.out = &runtime.Program{
		Codebooks: slices.Clone(s.p.Codebooks), Steps: slices.Clone(s.p.Steps), Labels: s.p.Labels, Source: s.p.Source, Producer: s.p.Producer,
		Stream: &runtime.Stream{},
	}
	b.plan()
	for i, in := range s.p.Inputs {
		t := s.p.Tensors[in.Tensor]
		step := in
		if axis := s.axes[i]; axis >= 0 {
			t.Shape[axis] = s.hop
			if axis == 0 {
				if step.Tables = firstTables(in.Tables, s.hop); len(in.Tables) > 1 && step.Tables == nil {
					return nil, &StreamError{fmt.Sprintf("input %q has other tables for every frame", in.Name)}
				}
				for _, shift := range in.Shifts {
					if shift != in.Shifts[0] {
						return nil, &StreamError{fmt.Sprintf("input %q has another scale for every frame", in.Name)}
					}
				}
				step.Shifts = in.Shifts[:min(len(in.Shifts), s.hop)]
			}
		}
		step.Tensor = b.add(t)
		b.out.Inputs = append(b.out.Inputs, step)
		b.now[in.Tensor] = step.Tensor
		b.fill(in.Tensor)
	}
	for i := 0; i < len(s.p.Instrs); i++ {
		if k := slices.IndexFunc(s.p.Loops, func(l runtime.Loop) bool { return l.First == i }); k >= 0 {
			if err := b.loop(k); err != nil {
				return nil, err
			}
			i += s.p.Loops[k].Length - 1
			continue
		}
		if err := b.instr(i); err != nil {
			return nil, err
		}
	}
	for _, o := range s.p.Outputs {
		o.Tensor = b.now[o.Tensor]
		b.out.Outputs = append(b.out.Outputs, o)
	}
	b.out.Stream.States = b.states
	return b, nil
}

// firstTables are the tables of the first frames, nil where those of others are not the same.
func firstTables(tables [][]uint8, frames int) [][]uint8 {
	if len(tables) < 2 {
		return tables
	}
	for _, t := range tables {
		if string(t) != string(tables[0]) {
			return nil
		}
	}
	return tables[:1]
}

// plan finds out which buffers there are, and how long they are.
func (b *stepBuilder) plan() {
	for _, r := range b.rules {
		for _, rd := range r.reads {
			if rd.padding >= 0 {
				b.want(rd)
			}
		}
	}
	for _, r := range b.rules {
		for _, rd := range r.reads {
			if rd.padding < 0 && rd.back > 0 {
				b.want(rd)
			}
		}
	}
}

// want has a buffer for what is read: any of the tensor's where padding does not matter.
func (b *stepBuilder) want(r read) *buffer {
	key := bufferKey{r.tensor, r.padding}
	if list := b.order[r.tensor]; r.padding < 0 && len(list) > 0 {
		key = list[0].key
	}
	buf := b.wanted[key]
	if buf == nil {
		buf = &buffer{key: key, full: -1}
		if r.padding >= 0 {
			buf.cold = b.cold(r.tensor)
		}
		b.wanted[key] = buf
		b.order[r.tensor] = append(b.order[r.tensor], buf)
	}
	buf.back = max(buf.back, r.back)
	return buf
}

// cold is how many positions of a timed tensor after a reset are made of frames that were not there.
func (s *streamer) cold(tensor int) int {
	t := &s.times[tensor]
	return max(0, whole1(s.window).times(t.stride.den, t.stride.num).plus(whole1(-t.n)).ceil())
}

func (b *stepBuilder) add(t runtime.Tensor) int {
	b.out.Tensors = append(b.out.Tensors, t)
	return len(b.out.Tensors) - 1
}

func (b *stepBuilder) emit(i runtime.Instr) { b.out.Instrs = append(b.out.Instrs, i) }

// at is a tensor like one of the window with another number of positions.
func (b *stepBuilder) at(tensor, positions int) runtime.Tensor {
	t := b.p.Tensors[tensor]
	if where, ok := b.times[tensor].placeIn(t.Shape); ok {
		t.Shape = where.with(t.Shape, positions)
	}
	return t
}

// fill makes the buffers of a timed tensor whose newest positions are there.
func (b *stepBuilder) fill(tensor int) {
	t := &b.times[tensor]
	for _, buf := range b.order[tensor] {
		h := b.positions(tensor)
		buf.newest = b.now[tensor]
		if buf.cold > 0 {
			buf.newest = b.gated(tensor, buf)
		}
		buf.tensor = buf.newest
		if buf.back == 0 {
			continue
		}
		initial := buf.key.padding
		if initial < 0 {
			initial = b.p.Tensors[tensor].Zero
		}
		buf.tensor = b.delayed(buf.newest, b.at(tensor, 1), func(n int) runtime.Tensor { return b.at(tensor, n) }, t.inner, h, buf.back, initial)
		b.buffered = append(b.buffered, buf)
	}
}

// delayed is a tensor of the newest h positions and so many before them.
func (b *stepBuilder) delayed(newest int, one runtime.Tensor, with func(n int) runtime.Tensor, inner, h, back, initial int) int {
	outer := one.Elems() / inner
	long := b.add(with(back + h))
	rows := func(in, positions, from, at, n int) runtime.Piece {
		return newPiece(in, at*inner, from*inner, []dim{{outer, (back + h) * inner, positions * inner}, {n * inner, 1, 1}})
	}
	if back < h {
		// The state is what is older than the step, as a tensor of its own.
		old, kept := b.add(with(back)), b.add(with(back))
		b.emit(&runtime.Copy{Out: long, Pieces: []runtime.Piece{rows(old, back, 0, 0, back), rows(newest, h, 0, back, h)}})
		b.emit(&runtime.Copy{Out: kept, Pieces: []runtime.Piece{newPiece(long, 0, h*inner, []dim{{outer, back * inner, (back + h) * inner}, {back * inner, 1, 1}})}})
		b.states = append(b.states, runtime.State{From: kept, To: old, Initial: []uint8{uint8(initial)}})
		return long
	}
	old := b.add(with(back + h))
	b.emit(&runtime.Copy{Out: long, Pieces: []runtime.Piece{rows(old, back+h, h, 0, back), rows(newest, h, 0, back, h)}})
	b.states = append(b.states, runtime.State{From: long, To: old, Initial: []uint8{uint8(initial)}})
	return long
}

// source is the tensor that holds the positions a read needs, and the position of the window that its first one is.
func (b *stepBuilder) source(r read) (tensor, start int) {
	t := &b.times[r.tensor]
	newest := t.n - b.positions(r.tensor)
	if r.padding < 0 && r.back == 0 {
		return b.now[r.tensor], newest
	}
	buf := b.want(r)
	return buf.tensor, newest - buf.back
}

// length is the number of positions of what source gives.
func (b *stepBuilder) length(r read, start int) int { return b.times[r.tensor].n - start }

// window is a tensor of all positions of a timed one in the window.
func (b *stepBuilder) fullWindow(r read) int {
	t := &b.times[r.tensor]
	r.back = t.n - b.positions(r.tensor)
	if r.back == 0 {
		return b.now[r.tensor]
	}
	buf := b.want(r)
	if buf.back == r.back {
		return buf.tensor
	}
	if buf.full < 0 {
		buf.full = b.add(b.p.Tensors[r.tensor])
		n := buf.back + b.positions(r.tensor)
		outer := b.p.Tensors[r.tensor].Elems() / (t.n * t.inner)
		b.emit(&runtime.Copy{Out: buf.full, Pieces: []runtime.Piece{newPiece(buf.tensor, 0, (n-t.n)*t.inner, []dim{{outer, t.n * t.inner, n * t.inner}, {t.n * t.inner, 1, 1}})}})
	}
	return buf.full
}

// gated is the newest positions of a tensor with those replaced by padding that are made of what was not there.
func (b *stepBuilder) gated(tensor int, buf *buffer) int {
	h := b.positions(tensor)
	where, _ := b.times[tensor].placeIn(b.p.Tensors[tensor].Shape)
	flags := b.flags(buf.cold, h, func(n int) [3]int {
		shape := [3]int{1, 1, 1}
		shape[where.axis] = n
		return shape
	})
	if !where.full() {
		wide := runtime.Tensor{Shape: [3]int{1, 1, 1}, Levels: 2}
		wide.Shape[where.axis] = where.before * h * where.after
		id := b.add(wide)
		b.emit(&runtime.Copy{Out: id, Pieces: []runtime.Piece{newPiece(flags, 0, 0, []dim{{where.before, h * where.after, 0}, {h, where.after, 1}, {where.after, 1, 0}})}})
		flags = id
	}
	out := b.add(b.out.Tensors[b.now[tensor]])
	b.emit(&runtime.Map2{Out: out, A: b.now[tensor], B: flags, Table: gateTable(b.p.Tensors[tensor].Levels, buf.key.padding)})
	return out
}

// gateTable is that of a Map2 with flags: the level where the flag is 1, padding where it is 0.
func gateTable(levels, padding int) []uint8 {
	table := make([]uint8, 2*levels)
	for a := range levels {
		table[2*a], table[2*a+1] = uint8(padding), uint8(a)
	}
	return table
}

// flags are 0 for the first cold positions after a reset and 1 for all others.
func (b *stepBuilder) flags(cold, h int, shape func(n int) [3]int) int {
	with := func(n int) runtime.Tensor { return runtime.Tensor{Shape: shape(n), Levels: 2} }
	ones := b.add(with(h))
	b.emit(&runtime.Copy{Out: ones, Fill: 1})
	long := b.delayed(ones, with(1), with, 1, h, cold, 0)
	flags := b.add(with(h))
	b.emit(&runtime.Copy{Out: flags, Pieces: []runtime.Piece{newPiece(long, 0, 0, []dim{{h, 1, 1}})}})
	return flags
}

// fixedAt is a constant of the window at some positions in time alone, which are all the same.
func (b *stepBuilder) fixedAt(tensor int, at timePlace, positions int) int {
	if at.n == positions {
		return b.now[tensor]
	}
	window := b.p.Tensors[tensor]
	t, _ := timingAt(window.Shape, at)
	small := window
	small.Shape = at.with(window.Shape, positions)
	bias := make([]int32, small.Elems())
	for e := range bias {
		k := timing{n: positions, inner: t.inner}
		_, rest := k.split(e)
		bias[e] = b.constants[tensor][t.join(0, rest, t.n)]
	}
	return b.constant(small, bias)
}

// constant makes a tensor of constant levels.
func (b *stepBuilder) constant(t runtime.Tensor, levels []int32) int {
	if !slices.ContainsFunc(levels, func(v int32) bool { return v != levels[0] }) {
		id := b.add(t)
		b.emit(&runtime.Copy{Out: id, Fill: uint8(levels[0])})
		return id
	}
	if b.nothing < 0 {
		b.nothing = b.add(runtime.Tensor{Shape: [3]int{1, 1, 1}, Levels: 2})
		b.emit(&runtime.Copy{Out: b.nothing})
		step := runtime.Step{Values: []uint8{0}}
		for i := 1; i < 256; i++ {
			step.Breaks, step.Values = append(step.Breaks, int32(i)), append(step.Values, uint8(i))
		}
		b.identityStep = len(b.out.Steps)
		b.out.Steps = append(b.out.Steps, step)
		b.out.Codebooks = append(b.out.Codebooks, runtime.Codebook{Centres: []int32{0}})
	}
	step := b.identityStep
	if t.Levels < 256 {
		s := runtime.Step{Breaks: b.out.Steps[step].Breaks[:t.Levels-1], Values: b.out.Steps[step].Values[:t.Levels]}
		step = len(b.out.Steps)
		b.out.Steps = append(b.out.Steps, s)
	}
	flat := t
	flat.Shape = [3]int{t.Elems(), 1, 1}
	id := b.add(flat)
	one := [2]int{1, 1}
	b.emit(&runtime.Linear{Out: id, Bias: levels, Steps: []int{step}, Terms: []runtime.Term{{
		In: b.nothing, Codebook: slices.IndexFunc(b.out.Codebooks, func(c runtime.Codebook) bool { return len(c.Centres) == 1 && c.Centres[0] == 0 }),
		Groups: 1, Kernel: one, Stride: one, Dilation: one, Up: one, Weights: runtime.PackWeights(make([]uint16, len(levels)), 1),
	}}})
	if t.Shape == flat.Shape {
		return id
	}
	shaped := b.add(t)
	b.emit(&runtime.Copy{Out: shaped, Pieces: []runtime.Piece{newPiece(id, 0, 0, []dim{{t.Elems(), 1, 1}})}})
	return shaped
}
