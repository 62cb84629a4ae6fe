package quant

import (
	"errors"
	"fmt"
	"slices"

	"qconv/runtime"
)

// streamer finds out how a program over a window goes with time, and makes the program of a step.
type streamer struct {
	p      *runtime.Program
	window int // frames
	hop    int // frames of a step; 0 while it is not settled
	axes   []int
	names  []string // of the layers that instructions were made for

	times     []timing // by tensor
	constants map[int][]int32
	rules     []rule       // by instruction
	forced    map[int]bool // instructions that are computed from the whole window, as their accumulators are read by one that is
	loops     []loopTime   // by Program.Loops
	needs     []hopNeed
	moving    int // instructions that compute and go with time
}

// hopNeed says that the frames of a step are a multiple of something, and why.
type hopNeed struct {
	frames int
	why    string
}

// rule is how an instruction is computed in a step.
type rule struct {
	kind  timeKind
	reads []read    // of timed tensors
	copy  *copyTime // of a timed Copy
	drop  bool      // part of a loop that is emitted with it
}

// read says which positions of a timed tensor an instruction needs at a step, beside the newest.
type read struct {
	tensor  int
	back    int // positions before those of the step, at least 0
	padding int // the level that stands where there was no position yet; -1 if that does not matter
	whole   bool
}

// positions is the number of positions of a timed tensor that a step adds.
func (s *streamer) positions(tensor int) int {
	stride := s.times[tensor].stride
	return s.hop * stride.den / stride.num
}

// analyze finds out how every tensor goes with time. The error is a LookAheadError, or says what is not supported.
func (s *streamer) analyze() error {
	s.forced = map[int]bool{}
	for {
		if err := s.pass(); err != errAgain {
			return err
		}
	}
}

// pass goes through all instructions once.
func (s *streamer) pass() error {
	s.times = make([]timing, len(s.p.Tensors))
	s.rules = make([]rule, len(s.p.Instrs))
	s.loops = make([]loopTime, len(s.p.Loops))
	s.needs, s.moving = nil, 0
	for i, in := range s.p.Inputs {
		t := timing{kind: wholeWindow, first: whole1(s.window)}
		if axis := s.axes[i]; axis >= 0 {
			shape := s.p.Tensors[in.Tensor].Shape
			t = timing{kind: timed, n: shape[axis], inner: 1, stride: whole1(1), first: whole1(0)}
			for _, size := range shape[axis+1:] {
				t.inner *= size
			}
		}
		s.times[in.Tensor] = t
	}
	for i := 0; i < len(s.p.Instrs); i++ {
		if k := slices.IndexFunc(s.p.Loops, func(l runtime.Loop) bool { return l.First == i }); k >= 0 {
			if err := s.loop(k); err != nil {
				return err
			}
			i += s.p.Loops[k].Length - 1
			continue
		}
		if err := s.instr(i); err != nil {
			return err
		}
	}
	return s.forceAccumulators()
}

// forceAccumulators has accumulators that are read as a whole computed as a whole, as they cannot be kept.
func (s *streamer) forceAccumulators() error {
	for i := range s.rules {
		for _, r := range s.rules[i].reads {
			if r.whole && s.p.Tensors[r.tensor].Levels == 0 {
				return s.force(r.tensor)
			}
		}
	}
	return nil
}

// errAgain says that something new has to be computed from the whole window, and everything has to be seen again.
var errAgain = errors.New("again")

// force has a tensor computed from the whole window.
func (s *streamer) force(tensor int) error {
	w := slices.IndexFunc(s.p.Instrs, func(in runtime.Instr) bool { return in.Dst() == tensor })
	if w < 0 {
		return &StreamError{"a loop begins with an input that goes with time"}
	}
	if s.forced[w] {
		return &StreamError{s.describe(w) + " is in a loop over the whole window that goes with time, too"}
	}
	s.forced[w] = true
	return errAgain
}

// instr finds out about an instruction outside of loops.
func (s *streamer) instr(i int) error {
	instr := s.p.Instrs[i]
	kind := fixed
	for _, src := range instr.Srcs() {
		switch s.times[src].kind {
		case timed:
			kind = max(kind, timed)
		case wholeWindow:
			kind = wholeWindow
		case perStep, unknownTime:
			return &StreamError{fmt.Sprintf("%s reads tensor %d, which a loop has not finished", s.describe(i), src)}
		}
	}
	if kind == fixed {
		s.times[instr.Dst()] = timing{kind: fixed}
		s.rules[i] = rule{kind: fixed}
		return nil
	}
	if kind == timed && !s.forced[i] {
		t, r, err := s.inTime(i)
		if err != nil {
			return err
		}
		if t != nil && s.settleLead(i, t, r) {
			t.kind = timed
			if s.hop == 0 || t.n >= s.hop*t.stride.den/t.stride.num {
				s.times[instr.Dst()] = *t
				r.kind = timed
				s.rules[i] = *r
				if _, isCopy := instr.(*runtime.Copy); !isCopy {
					s.moving++
				}
				return nil
			}
		}
	}
	s.asWhole(i)
	return nil
}

// asWhole says that an instruction is computed from the whole window.
func (s *streamer) asWhole(i int) {
	always := func(int) bool { return true }
	s.rules[i] = s.wholeRule(i, always)
	t := timing{kind: wholeWindow, first: whole1(s.window)}
	s.wholeFrom(&t, i, always)
	s.times[s.p.Instrs[i].Dst()] = t
}

// wholeRule reads all that an instruction needs of the timed ones of some of its sources.
func (s *streamer) wholeRule(i int, of func(src int) bool) rule {
	r := rule{kind: wholeWindow}
	instr := s.p.Instrs[i]
	for _, src := range instr.Srcs() {
		t := &s.times[src]
		if t.kind == timed && of(src) && !slices.ContainsFunc(r.reads, func(o read) bool { return o.tensor == src }) {
			r.reads = append(r.reads, read{tensor: src, back: max(0, t.n-s.positions(src)-s.firstRead(instr, src)), padding: t.paddedBy(-1), whole: true})
		}
	}
	return r
}

// wholeFrom takes into t what frames an instruction that is computed from the window depends on.
func (s *streamer) wholeFrom(t *timing, i int, of func(src int) bool) {
	instr := s.p.Instrs[i]
	for _, src := range instr.Srcs() {
		if !of(src) {
			continue
		}
		in := &s.times[src]
		switch in.kind {
		case timed:
			from := s.firstRead(instr, src)
			first := in.first.plus(in.stride.times(from, 1))
			if in.endless || first.num < 0 {
				first = whole1(0)
			}
			if first.less(t.first) {
				t.first = first
			}
			if from < in.early {
				t.early = 1
			}
		case wholeWindow:
			if in.first.less(t.first) {
				t.first = in.first
			}
			t.early = max(t.early, in.early)
		}
	}
}

// firstRead is the first position of a timed tensor that an instruction reads: 0 but for a Copy outside of loops.
func (s *streamer) firstRead(instr runtime.Instr, src int) int {
	c, ok := instr.(*runtime.Copy)
	if !ok || takes(c) || puts(c) {
		return 0
	}
	t := &s.times[src]
	first := t.n - 1
	for _, p := range c.Pieces {
		if p.In == src {
			eachElement(p, func(_, at int) {
				k, _ := t.split(at)
				first = min(first, k)
			})
		}
	}
	return first
}

// inTime finds out how an instruction that reads timed tensors and constants goes with time; nil where it does not.
func (s *streamer) inTime(i int) (*timing, *rule, error) {
	switch instr := s.p.Instrs[i].(type) {
	case *runtime.Linear:
		return s.linearTime(i, instr)
	case *runtime.MaxPool:
		return s.poolTime(i, instr)
	case *runtime.Map:
		t, r := s.mapTime(instr)
		return t, r, nil
	case *runtime.Map2:
		t, r := s.map2Time(instr)
		return t, r, nil
	case *runtime.MatMul:
		t, r := s.matMulTime(instr)
		return t, r, nil
	case *runtime.ArgMax:
		t, r := s.argMaxTime(instr)
		return t, r, nil
	case *runtime.Copy:
		return s.copyTime(i, instr)
	}
	return nil, nil, nil
}

// settleLead finds the positions of an output that are made of padding alone and come before the first frame, and has buffers of inputs that have such
// positions begin with them. It is false where that is not possible.
func (s *streamer) settleLead(i int, t *timing, r *rule) bool {
	for k := range r.reads {
		in := &s.times[r.reads[k].tensor]
		if in.lead > 0 {
			if pad := r.reads[k].padding; pad >= 0 && pad != in.leadLevel {
				return false
			}
			r.reads[k].padding = in.leadLevel
		}
	}
	t.lead = max(0, t.n-whole1(s.window).times(t.stride.den, t.stride.num).ceil())
	if t.lead == 0 {
		return true
	}
	switch instr := s.p.Instrs[i].(type) {
	case *runtime.Map:
		t.leadLevel = int(instr.Tables[0][t.leadLevel])
		for _, table := range instr.Tables {
			if int(table[s.times[instr.In].leadLevel]) != t.leadLevel {
				return false
			}
		}
		return true
	case *runtime.Copy:
		return s.copyLead(instr, t, r.copy)
	}
	return false
}

// describe names an instruction for messages: its layer, what it is, and its shapes.
func (s *streamer) describe(i int) string {
	p := s.p
	instr := p.Instrs[i]
	text := fmt.Sprintf("instruction %d (", i)
	if i < len(s.names) && s.names[i] != "" {
		text = fmt.Sprintf("%q (", s.names[i])
	}
	switch instr := instr.(type) {
	case *runtime.Linear:
		text += "Linear"
		if len(instr.Terms) > 0 {
			text += fmt.Sprintf(", kernel %dx%d", instr.Terms[0].Kernel[0], instr.Terms[0].Kernel[1])
		}
	case *runtime.MaxPool:
		text += fmt.Sprintf("MaxPool, kernel %dx%d", instr.Kernel[0], instr.Kernel[1])
	case *runtime.Map:
		text += "Map"
	case *runtime.Map2:
		text += "Map2"
	case *runtime.Copy:
		text += "Copy"
	case *runtime.ArgMax:
		text += "ArgMax"
	case *runtime.MatMul:
		text += "MatMul"
	}
	if srcs := instr.Srcs(); len(srcs) > 0 {
		text += fmt.Sprintf(", %v", p.Tensors[srcs[0]].Shape)
	}
	return text + fmt.Sprintf(" -> %v)", p.Tensors[instr.Dst()].Shape)
}

// need says that the frames of a step are a multiple of what a position repeats itself after.
func (s *streamer) need(i int, period ratio) {
	if period.num > 1 {
		s.needs = append(s.needs, hopNeed{period.num, s.describe(i)})
	}
}

// constantInTime says that a constant is the same at all positions in time of a place, of which it has n.
func (s *streamer) constantInTime(tensor int, at timePlace) bool {
	t, ok := timingAt(s.p.Tensors[tensor].Shape, at)
	if !ok {
		return false
	}
	values := s.constants[tensor]
	for e, v := range values {
		_, rest := t.split(e)
		if values[t.join(0, rest, t.n)] != v {
			return false
		}
	}
	return true
}

// timingAt sees a tensor of some shape with its time at a place.
func timingAt(shape [3]int, at timePlace) (timing, bool) {
	t := timing{n: at.n, inner: at.after}
	for _, size := range shape[at.axis+1:] {
		t.inner *= size
	}
	return t, shape[at.axis] == at.before*at.n*at.after
}
