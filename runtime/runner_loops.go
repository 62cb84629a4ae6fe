package runtime

import "qconv/runtime/internal/kernel"

// looped is a prepared Loop.
type looped struct {
	first, end int // instructions
	count      int
	carries    []handOver
	moving     []*op // those with pieces that move on
}

// handOver says that the elements of a tensor become those of another.
type handOver struct{ from, to int }

// prepareLoops prepares the loops and states of p, once the instructions are prepared. What is handed over in place, in one of the
// spans, takes no copy.
func (s *ops) prepareLoops(p *Program, placed []*span) {
	place := make([]*span, len(p.Tensors))
	for _, q := range placed {
		for _, t := range q.tensors {
			place[t] = q
		}
	}
	copied := func(h handOver) bool { return place[h.from] == nil || place[h.from] != place[h.to] }
	for i := range p.Loops {
		l := &p.Loops[i]
		prepared := &looped{first: l.First, end: l.First + l.Length, count: l.Count}
		for _, c := range l.Carries {
			if h := (handOver{c.From, c.To}); copied(h) {
				prepared.carries = append(prepared.carries, h)
			}
		}
		for _, op := range s.list[l.First:prepared.end] {
			if op.steps != nil {
				op.shifts = s.shifts
				s.shifts += len(op.steps)
				prepared.moving = append(prepared.moving, op)
			}
		}
		s.loops = append(s.loops, prepared)
	}
	if p.Stream == nil {
		return
	}
	for i := range p.Stream.States {
		state := &p.Stream.States[i]
		if h := (handOver{state.From, state.To}); copied(h) {
			s.carries = append(s.carries, h)
		}
		s.states = append(s.states, state.To)
		s.initial = append(s.initial, state.Initial)
	}
}

// shift is how far a piece has moved on in the iterations so far, in elements.
type shift struct{ out, in int }

// pieceSteps are the steps of the pieces of a Copy; nil where there are none.
func (i *Copy) pieceSteps() (list []shift) {
	for k := range i.Pieces {
		if q := &i.Pieces[k]; q.OutStep != 0 || q.InStep != 0 {
			list = make([]shift, len(i.Pieces))
			break
		}
	}
	for k := range list {
		list[k] = shift{i.Pieces[k].OutStep, i.Pieces[k].InStep}
	}
	return list
}

// begin is the first instruction of an inference.
func (r *Runner) begin() int {
	clear(r.shifts)
	r.loop = 0
	r.enterLoop()
	return 0
}

// enterLoop counts the iterations of the next loop.
func (r *Runner) enterLoop() {
	if r.loop < len(r.ops.loops) {
		r.left = r.ops.loops[r.loop].count
	}
}

// next is the instruction that runs after n; there are no more at the number of instructions. At the end of an iteration it
// hands over what the next one begins with.
func (r *Runner) next(n int) int {
	n++
	if r.loop == len(r.ops.loops) {
		return n
	}
	l := r.ops.loops[r.loop]
	if n < l.end {
		return n
	}
	r.handOver(l.carries)
	if r.left--; r.left == 0 {
		r.loop++
		r.enterLoop()
		return n
	}
	for _, o := range l.moving {
		at := r.shifts[o.shifts:][:len(o.steps)]
		for i, s := range o.steps {
			at[i].out += s.out
			at[i].in += s.in
		}
	}
	return l.first
}

// handOver copies tensors.
func (r *Runner) handOver(list []handOver) {
	for _, h := range list {
		copy(r.tensors[h.to], r.tensors[h.from])
	}
}

// Reset makes the next [Runner.Step] the first one of a stream: its states hold their initial levels.
func (r *Runner) Reset() {
	for i, levels := range r.ops.initial {
		to := r.tensors[r.ops.states[i]]
		if len(levels) == 1 {
			kernel.Fill(to, levels[0])
		} else {
			copy(to, levels)
		}
	}
}
