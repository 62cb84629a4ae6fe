package kernel

import "math"

// finisher turns the accumulators of an output channel into its levels.
type finisher struct {
	steps []*Requantizer // one for all channels or one per channel; empty: accumulators
}

// smallTables stands for so few uses that tables are as small as they can be, but where steps are searched.
const smallTables = -1

// tablesOf says for how many uses l has room for tables.
func tablesOf(l *Layer) int {
	if l.Rows > 0 && !l.Tables {
		return smallTables
	}
	return math.MaxInt
}

// newFinisher prepares the steps of l; with a vector other than Portable also bins. Tables are
// made for at most most uses per Run: the fewer, the smaller they are.
func newFinisher(l *Layer, v Vector, most int) finisher {
	var f finisher
	if len(l.Steps) == 0 {
		return f
	}
	low, high := l.Bounds()
	lo, hi := low[0], high[0]
	for o := range l.Out[0] {
		a, b := low[o], high[o]
		if len(l.Steps) > 1 {
			f.steps = append(f.steps, newStep(&l.Steps[o], a, b, min(most, l.positions()), v))
		}
		lo, hi = min(lo, a), max(hi, b)
	}
	if len(l.Steps) == 1 {
		f.steps = []*Requantizer{newStep(&l.Steps[0], lo, hi, min(most, l.Out[0]*l.positions()), v)}
	}
	return f
}

// newSmallFinisher is newFinisher with as little memory as can be: steps of single channels get no
// tables.
func newSmallFinisher(l *Layer) finisher {
	if len(l.Steps) <= 1 {
		return newFinisher(l, Portable, smallTables)
	}
	f := finisher{steps: make([]*Requantizer, len(l.Steps))}
	known := map[*uint8]*Requantizer{} // by the values of the step
	for o := range l.Steps {
		s := &l.Steps[o]
		r := known[&s.Values[0]]
		if r == nil {
			r = newSearch(s)
			known[&s.Values[0]] = r
		}
		f.steps[o] = r
	}
	return f
}

// newStep is NewRequantizer with bins, where v has a use for them.
func newStep(s *Step, lo, hi int32, uses int, v Vector) *Requantizer {
	if !v.any() {
		return NewRequantizer(s, lo, hi, uses)
	}
	first := count(s.Breaks, lo)
	breaks := s.Breaks[first:count(s.Breaks, hi)]
	b := newBins(breaks, s.Values[first:first+len(breaks)+1], lo, hi, v.has().longBins)
	if b != nil {
		uses = min(uses, 0) // large tables would save little
	}
	r := NewRequantizer(s, lo, hi, uses)
	r.bins = b
	return r
}

// step is the requantizer of channel o; nil where accumulators are delivered.
func (f *finisher) step(o int) *Requantizer {
	switch len(f.steps) {
	case 0:
		return nil
	case 1:
		return f.steps[0]
	}
	return f.steps[o]
}

// bytes is the memory of the tables.
func (f *finisher) bytes() int {
	n := 0
	for _, r := range f.steps {
		n += r.Bytes()
	}
	return n
}

// sums is where the accumulators of n elements from element at on are added up: in out where they are
// delivered, else in s.
func (f *finisher) sums(out []int32, s *Scratch, at, n int) []int32 {
	if len(f.steps) == 0 {
		return out[at : at+n]
	}
	return s.acc[:n]
}

// need is the Scratch that sums of n elements takes.
func (f *finisher) need(n int) Need {
	if len(f.steps) == 0 {
		return Need{}
	}
	return Need{Acc: n}
}

// finish delivers acc+add for channel o: levels to dst or, where the layer has no steps,
// accumulators to out, from element at on; acc may be there.
func (f *finisher) finish(dst []byte, out []int32, at int, acc []int32, o int, add int32) {
	if r := f.step(o); r != nil {
		r.Run(dst[at:at+len(acc)], acc, add)
		return
	}
	out = out[at : at+len(acc)]
	for i, a := range acc {
		out[i] = a + add
	}
}

// finishChannels delivers the levels of acc+add, plane elements of every channel, where each channel has a step of its own.
func (f *finisher) finishChannels(dst []byte, acc []int32, plane int, add int32) {
	if plane == 1 {
		finishEach(dst, acc, f.steps, add)
		return
	}
	for _, r := range f.steps {
		r.Run(dst[:plane], acc[:plane], add)
		dst, acc = dst[plane:], acc[plane:]
	}
}

// finishEach is finishChannels for channels of one element.
func finishEach(dst []byte, acc []int32, steps []*Requantizer, add int32) {
	dst, acc = dst[:len(steps)], acc[:len(steps)]
	for o, r := range steps {
		switch t := acc[o] + add - r.low; r.kind {
		case reqNear:
			dst[o] = r.values[uint32(clamp(t, r.top))]
		case reqCovered:
			dst[o] = marked(t, r.shift&31, r.marks)
		case reqClamped:
			dst[o] = marked(clamp(t, r.top), r.shift&31, r.marks)
		default:
			r.Run(dst[o:o+1], acc[o:o+1], add)
		}
	}
}
