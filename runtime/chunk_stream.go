package runtime

import "unsafe"

// FORMAT.md, "STAT: states of a stream".

func hasStream(p *Program) bool { return p.Stream != nil }

// The forms of the levels that a state begins with.
const (
	initialOne  = iota // one for all elements
	initialEach        // one for every element
)

func encodeStream(w *writer, p *Program) {
	w.uint(p.Stream.Warmup)
	w.uint(len(p.Stream.States))
	for i := range p.Stream.States {
		s := &p.Stream.States[i]
		w.uint(s.From)
		w.uint(s.To)
		if len(s.Initial) == 1 {
			w.byte(initialOne)
			w.byte(s.Initial[0])
		} else {
			w.byte(initialEach)
			w.table(s.Initial)
		}
	}
}

func decodeStream(r *reader, p *Program) {
	r.enterChunk("stream")
	p.Stream = &Stream{Warmup: r.uint("steps of the warm-up", maxWarmup)}
	n := r.count("number of states", maxTensors, 4)
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("state", i)
		r.hold(2, unsafe.Sizeof(State{})) // the list grows by doubling
		s := State{From: r.tensor("from", p), To: r.tensor("to", p)}
		at := r.pos
		switch form := r.byte("form of the initial levels"); form {
		case initialOne:
			s.Initial = []uint8{r.byte("initial level")}
		case initialEach:
			if r.err == nil {
				s.Initial = r.table("initial levels", p.Tensors[s.To].Elems())
			}
		default:
			r.fail(at, "form of the initial levels is %d, want 0..%d", form, initialEach)
		}
		p.Stream.States = append(p.Stream.States, s)
	}
}

// stream checks the states; that something writes what they come from is left to instrs.
func (c *checker) stream() *fault {
	p := c.p
	c.isState = make([]bool, len(p.Tensors))
	if p.Stream == nil {
		return nil
	}
	if n := p.Stream.Warmup; n < 0 || n > maxWarmup {
		return faultf(-1, "a warm-up of %d steps, want 0..%d", n, maxWarmup)
	}
	if n := len(p.Stream.States); n > maxTensors {
		return faultf(-1, "%d states, want at most %d", n, maxTensors)
	}
	for i := range p.Stream.States {
		s := &p.Stream.States[i]
		for _, t := range [...]int{s.From, s.To} {
			if t < 0 || t >= len(p.Tensors) {
				return faultf(i, "state %d: tensor %d, want 0..%d", i, t, len(p.Tensors)-1)
			}
		}
		if c.isInput[s.To] {
			return faultf(i, "state %d: to tensor %d, which is an input, want one that nothing writes", i, s.To)
		}
		if c.isState[s.To] {
			return faultf(i, "state %d: to tensor %d, which is a state already", i, s.To)
		}
		c.isState[s.To] = true
		if err := handsOver(p.Tensors, s.From, s.To); err != nil {
			return faultf(i, "state %d: %w", i, err)
		}
		to := &p.Tensors[s.To]
		if n := len(s.Initial); n != 1 && n != to.Elems() {
			return faultf(i, "state %d: %d initial levels, want 1 or %d, one for each element", i, n, to.Elems())
		}
		if top := int(largest(s.Initial)); top >= to.Levels {
			return faultf(i, "state %d: begins with level %d, want 0..%d", i, top, to.Levels-1)
		}
		if c.work += int64(to.Elems()); c.work > maxWork {
			return faultf(i, "the states up to here take more than %d moves", int64(maxWork))
		}
	}
	for i, s := range p.Stream.States {
		if c.isState[s.From] {
			return faultf(i, "state %d: from tensor %d, which is a state itself, want an input or what an instruction writes", i, s.From)
		}
	}
	return nil
}
