package quant

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"qconv/runtime"
)

// StreamOptions say how a program over a window becomes one that takes a step at a time.
type StreamOptions struct {
	// Hop is how many frames a step takes; 0 for the fewest that the strides of the network allow.
	Hop int
	// Axes are, by input, the dimension 0..2 of [C][H][W] that is time, or -1 for an input that every step is given as a whole. Nil: those that work.
	Axes []int
	// States are inputs that hold, at every step, what outputs held at the step before. A stream keeps them inside: they begin with zeros.
	States []StatePair
	// Names are those of the layers that instructions were made for, as [CompileNamed] returns them; nil where they are not known.
	Names []string
}

// StreamInfo says what became of a program.
type StreamInfo struct {
	Axes       []int // by input: the dimension of [C][H][W] that is time; -1 for none
	Window     int   // frames that the program took
	Hop        int   // frames that a step takes
	Warmup     int   // steps after a reset whose outputs are not those of a full window
	StateBytes int   // all states together
	Buffers    []StreamBuffer
	// Recurrent counts states of recurrences.
	Recurrent int
	// Moving counts the instructions that compute for the new positions alone, Whole those that compute once for every step.
	Moving, Whole int
	// Notes say what to know about the results, one sentence each.
	Notes []string
}

// StreamBuffer is a window that is kept between steps.
type StreamBuffer struct {
	What      string // who reads it
	Positions int    // in time
	Bytes     int
}

// Stream turns a program over a window of frames into one that takes the frames of a step and keeps what it needs of those before. Levels, weights and step functions stay
// the same. In every step after the first Warmup ones, its outputs are those of p over the window that ends with the step; of outputs with positions in time, those
// that the step adds. Padding before the first frame, and the states that recurrences begin with, stand at the reset of the stream:
// where they count, results are those of p over a window from the reset on, however long.
//
// An error names the instruction that looks ahead in time.
func Stream(p *runtime.Program, o StreamOptions) (*runtime.Program, *StreamInfo, error) {
	if p.Stream != nil {
		return nil, nil, &StreamError{"the program is a step of a stream already"}
	}
	if len(o.States) > 0 {
		p = withoutStates(p, o.States)
		o.Names = slices.Concat(make([]string, len(o.States)), o.Names)
	}
	q := cropped(p)
	constants, err := constantsOf(q)
	if err != nil {
		return nil, nil, err
	}
	s, err := findTime(q, constants, o)
	if err != nil {
		return nil, nil, err
	}
	least, why := s.leastHop()
	if s.hop = o.Hop; s.hop == 0 {
		s.hop = least
	}
	switch {
	case s.hop < 1 || s.hop%least != 0:
		return nil, nil, &StreamError{fmt.Sprintf("a step of %d frames, want a multiple of %d: %s", s.hop, least, why)}
	case s.hop > s.window:
		return nil, nil, &StreamError{fmt.Sprintf("a step of %d frames, want at most %d, the window", s.hop, s.window)}
	}
	if err := s.analyze(); err != nil {
		return nil, nil, err
	}
	b, err := s.build()
	if err != nil {
		return nil, nil, err
	}
	out := b.out
	if out.Stream.Warmup, err = s.warmup(); err != nil {
		return nil, nil, err
	}
	s.normalizations(out)
	live := dropDead(out)
	if err := out.Validate(); err != nil {
		return nil, nil, fmt.Errorf("quant: stream: %w", err)
	}
	if err := addSelfTests(out); err != nil {
		return nil, nil, err
	}
	return out, b.info(live), nil
}

// constantsOf are the elements of the tensors that no input reaches.
func constantsOf(p *runtime.Program) (map[int][]int32, error) {
	sub := *p
	sub.Inputs, sub.Outputs, sub.Loops, sub.Instrs = nil, nil, nil, nil
	known, loops := map[int]bool{}, loopOf(p)
	for i, instr := range p.Instrs {
		for _, l := range p.Loops {
			if l.First == i {
				for _, c := range l.Carries {
					known[c.To] = false // a state is no constant from here on
				}
			}
		}
		all := true
		for _, src := range instr.Srcs() {
			all = all && known[src]
		}
		if all && loops[i] == 0 {
			known[instr.Dst()] = true
			sub.Instrs = append(sub.Instrs, instr)
		}
	}
	tensors, err := simulateAll(&sub, nil)
	if err != nil {
		return nil, err
	}
	values := map[int][]int32{}
	for _, instr := range sub.Instrs {
		values[instr.Dst()] = tensors[instr.Dst()]
	}
	return values, nil
}

// axisNames are the dimensions of a program's tensor.
var axisNames = [3]string{"channels", "rows", "columns"}

// findTime analyzes the program with time along the given dimensions of the inputs, or along those that work.
func findTime(p *runtime.Program, constants map[int][]int32, o StreamOptions) (*streamer, error) {
	if axes := o.Axes; axes != nil {
		if len(axes) != len(p.Inputs) {
			return nil, &StreamError{fmt.Sprintf("time axes for %d inputs, want %d", len(axes), len(p.Inputs))}
		}
		s, err := along(p, constants, o.Names, axes)
		if err != nil {
			return nil, err
		}
		if s.moving == 0 {
			return nil, &StreamError{fmt.Sprintf("nothing moves with time along %s: every step would compute all of the window", axesText(p, axes))}
		}
		return s, nil
	}
	var found []*streamer
	var problems []error
	for _, axes := range candidates(p) {
		s, err := along(p, constants, o.Names, axes)
		switch {
		case err != nil:
			var look *LookAheadError
			if errors.As(err, &look) {
				look.along = ", with time along " + axesText(p, axes)
			}
			problems = append(problems, err)
		case s.moving > 0:
			found = append(found, s)
		}
	}
	// Of choices for several inputs those count that have more of them go with time.
	found = slices.DeleteFunc(found, func(s *streamer) bool {
		return slices.ContainsFunc(found, func(o *streamer) bool { return o != s && extends(o.axes, s.axes) })
	})
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(problems) == 1 {
			return nil, problems[0]
		}
		var look *LookAheadError
		for _, err := range problems {
			if errors.As(err, &look) {
				return nil, err
			}
		}
		return nil, &StreamError{"no dimension of the input is time: nothing moves along one"}
	}
	several := &TimeAxesError{}
	for _, s := range found {
		several.Axes = append(several.Axes, s.axes)
		several.texts = append(several.texts, axesText(p, s.axes))
	}
	return nil, several
}

// TimeAxesError says that time may run along several dimensions of the inputs.
type TimeAxesError struct {
	Axes  [][]int // as in [StreamOptions]
	texts []string
}

func (e *TimeAxesError) Error() string {
	return "quant: stream: time may run along " + strings.Join(e.texts, ", or along ") + ": say which"
}

// extends says that axes are those of less, and more inputs that go with time.
func extends(axes, less []int) bool {
	more := false
	for i := range axes {
		if less[i] >= 0 && axes[i] != less[i] {
			return false
		}
		more = more || less[i] < 0 && axes[i] >= 0
	}
	return more
}

// maxCandidates bounds the choices of time axes that are tried.
const maxCandidates = 256

// candidates are the choices of a time axis for every input, at least one of which has one.
func candidates(p *runtime.Program) [][]int {
	list := [][]int{nil}
	for _, in := range p.Inputs {
		var longer [][]int
		for _, axes := range list {
			for d := -1; d < 3 && len(longer) < maxCandidates; d++ {
				if d < 0 && len(p.Inputs) > 1 || d >= 0 && p.Tensors[in.Tensor].Shape[d] > 1 {
					longer = append(longer, append(slices.Clone(axes), d))
				}
			}
		}
		list = longer
	}
	return slices.DeleteFunc(list, func(axes []int) bool { return framesOf(p, axes) == 0 })
}

// framesOf is the number of frames of a window; 0 where inputs disagree, or none goes with time.
func framesOf(p *runtime.Program, axes []int) int {
	frames := 0
	for i, d := range axes {
		if d < 0 {
			continue
		}
		n := p.Tensors[p.Inputs[i].Tensor].Shape[d]
		if n < 2 || frames > 0 && n != frames {
			return 0
		}
		frames = n
	}
	return frames
}

// along analyzes the program with time along some dimensions.
func along(p *runtime.Program, constants map[int][]int32, names []string, axes []int) (*streamer, error) {
	s := &streamer{p: p, names: names, axes: axes, window: framesOf(p, axes), constants: constants}
	if s.window == 0 {
		return nil, &StreamError{fmt.Sprintf("%s: every input that goes with time wants as many frames, and at least 2", axesText(p, axes))}
	}
	return s, s.analyze()
}

// axesText names dimensions of inputs.
func axesText(p *runtime.Program, axes []int) string {
	var parts []string
	for i, d := range axes {
		if d < 0 {
			continue
		}
		in := p.Inputs[i]
		text := fmt.Sprintf("the %s of %v", axisNames[d], p.Tensors[in.Tensor].Shape)
		if in.Name != "" {
			text += fmt.Sprintf(" of input %q", in.Name)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " and ")
}

// leastHop is the number of frames that a step has to be a multiple of, and why.
func (s *streamer) leastHop() (int, string) {
	least, why := 1, ""
	for _, n := range s.needs {
		if l := least / gcd(least, n.frames) * n.frames; l > least {
			least, why = l, n.why+" goes on by "+fmt.Sprint(n.frames)+" frames"
		}
	}
	return least, why
}

// warmup is how many steps after a reset have outputs that are not those of a full window.
func (s *streamer) warmup() (int, error) {
	steps := 0
	for _, o := range s.p.Outputs {
		t := &s.times[o.Tensor]
		switch t.kind {
		case timed:
			h := s.positions(o.Tensor)
			steps = max(steps, (s.cold(o.Tensor)+h-1)/h)
		case wholeWindow:
			frames := s.window - max(0, t.first.floor())
			steps = max(steps, (frames+s.hop-1)/s.hop-1)
		}
	}
	return steps, nil
}

// normalizations keeps what is left to the reader of outputs, in their shapes of a step.
func (s *streamer) normalizations(out *runtime.Program) {
	for _, n := range s.p.Normalizations {
		id := s.p.Outputs[n.Output].Tensor
		t := &s.times[id]
		if t.kind == timed {
			h := s.positions(id)
			if n.Inner%(t.inner*t.n) == 0 {
				n.Inner = n.Inner / t.n * h
			}
			n.Shape = slices.Clone(n.Shape)
			for d := len(n.Shape) - 1; d >= 0; d-- {
				if n.Shape[d] == t.n {
					n.Shape[d] = h
					break
				}
			}
		}
		out.Normalizations = append(out.Normalizations, n)
	}
}

// info says what was made, and which of its tensors are still there.
func (b *stepBuilder) info(live map[int]bool) *StreamInfo {
	info := &StreamInfo{Axes: b.axes, Window: b.window, Hop: b.hop, Warmup: b.out.Stream.Warmup, Moving: b.moving}
	for _, st := range b.out.Stream.States {
		info.StateBytes += b.out.Tensors[st.To].Elems()
	}
	for i, r := range b.rules {
		if _, isCopy := b.p.Instrs[i].(*runtime.Copy); r.kind == wholeWindow && !isCopy {
			info.Whole++
		}
	}
	for i, l := range b.loops {
		switch of := b.p.Loops[i]; {
		case l.steps:
			info.Recurrent += len(of.Carries)
		case of.Count > 1 && b.rules[of.First].kind == wholeWindow:
			info.Notes = append(info.Notes, fmt.Sprintf("the loop of %d iterations at %s runs whole at every step: it does not go along with time, as those do that take its positions in order and whose states begin with constants",
				of.Count, b.describe(of.First)))
		}
	}
	for _, buf := range b.buffered {
		if n := buf.back + b.positions(buf.key.tensor); live[buf.tensor] {
			t := b.at(buf.key.tensor, n)
			info.Buffers = append(info.Buffers, StreamBuffer{b.readers(buf), n, t.Elems()})
		}
	}
	for _, o := range b.p.Outputs {
		t := &b.times[o.Tensor]
		if t.kind == wholeWindow && t.early > 0 || t.kind == timed && t.early > t.n-b.positions(o.Tensor) {
			info.Notes = append(info.Notes, fmt.Sprintf("output %q depends on padding, or on the state that a recurrence begins with, of the window: these stand at the reset of the stream, "+
				"so results are those of a window from the reset on; for the first full window they are the same as before", o.Name))
		}
	}
	return info
}

// readers names the instructions that read a buffer.
func (b *stepBuilder) readers(buf *buffer) string {
	var list []string
	for i, r := range b.rules {
		for _, rd := range r.reads {
			if rd.tensor == buf.key.tensor && (rd.back > 0 || rd.whole) {
				list = append(list, b.describe(i))
				break
			}
		}
	}
	if len(list) > 2 {
		list = append(list[:2], fmt.Sprintf("%d more", len(list)-2))
	}
	return strings.Join(list, " and ")
}
