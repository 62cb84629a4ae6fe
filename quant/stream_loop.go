package quant

import (
	"slices"

	"qconv/runtime"
)

// loopTime is how a loop goes with time.
type loopTime struct {
	steps  bool // its iterations are the positions in time of what it takes
	stride ratio
	takes  []int // tensors that it takes positions of
}

// loop finds out how a loop goes with time. One whose iterations take the positions of timed tensors in order, and whose states begin with constants, has
// an iteration for every new position. Any other is computed from the whole window.
func (s *streamer) loop(k int) error {
	l := &s.p.Loops[k]
	body := s.p.Instrs[l.First : l.First+l.Length]
	inside := map[int]bool{} // tensors that iterations write
	for _, instr := range body {
		inside[instr.Dst()] = true
	}
	steps, taken := true, []int(nil)
	for _, c := range l.Carries {
		steps = steps && s.times[c.To].kind == fixed
		inside[c.To] = true
	}
	for i, instr := range body {
		for _, src := range instr.Srcs() {
			if inside[src] || s.times[src].kind == fixed {
				continue
			}
			way := 0
			if c, ok := instr.(*runtime.Copy); ok && s.times[src].kind == timed {
				way = s.takesInOrder(c, src, l.Count)
			}
			if way < 0 {
				return &LookAheadError{What: s.describe(l.First + i), Frames: 0}
			}
			steps = steps && way > 0
			if way > 0 && !slices.Contains(taken, src) {
				taken = append(taken, src)
			}
		}
	}
	collected := map[int]timing{}
	for _, instr := range body {
		if puts(instr) {
			t, ok := s.putsInOrder(instr.(*runtime.Copy), l.Count)
			steps = steps && ok
			collected[instr.Dst()] = t
		}
	}
	steps = steps && len(taken) > 0
	for _, in := range taken {
		t := &s.times[in]
		steps = steps && t.stride == s.times[taken[0]].stride && t.lead == 0
	}
	if steps && s.hop > 0 && l.Count < s.positions(taken[0]) {
		steps = false
	}
	if !steps {
		for _, c := range l.Carries {
			if s.times[c.To].kind == timed {
				return s.force(c.To)
			}
		}
		for i, instr := range body {
			s.rules[l.First+i] = s.wholeRule(l.First+i, func(src int) bool { return !inside[src] })
			s.times[instr.Dst()] = timing{kind: wholeWindow}
		}
		var all timing
		all.kind, all.first = wholeWindow, whole1(s.window)
		for i := range body {
			s.wholeFrom(&all, l.First+i, func(src int) bool { return !inside[src] })
		}
		for t := range inside {
			s.times[t] = all
		}
		return nil
	}
	stride := s.times[taken[0]].stride
	s.loops[k] = loopTime{true, stride, taken}
	for i, instr := range body {
		s.rules[l.First+i] = rule{kind: perStep}
		if _, isCopy := instr.(*runtime.Copy); !isCopy {
			s.moving++
		}
	}
	for _, in := range taken {
		s.rules[l.First].reads = append(s.rules[l.First].reads, read{tensor: in, padding: -1})
	}
	// Behind the loop its tensors hold what the newest iteration left, which all frames before made.
	for t := range inside {
		s.times[t] = timing{kind: wholeWindow, early: 1, first: whole1(0)}
	}
	for t, put := range collected {
		put.kind, put.stride, put.early, put.endless = timed, stride, put.n, true
		put.first = whole1(0)
		s.times[t] = put
	}
	return nil
}

// takesInOrder says whether iterations take the positions of a timed tensor: 1 from the first to the last, -1 from the last to the first, 0 otherwise.
func (s *streamer) takesInOrder(c *runtime.Copy, src, count int) int {
	t := &s.times[src]
	if t.n != count {
		return 0
	}
	way := 0
	for _, p := range c.Pieces {
		if p.In != src {
			continue
		}
		this, from := 0, 0
		switch p.InStep {
		case t.inner:
			this = 1
		case -t.inner:
			this, from = -1, t.n-1
		}
		if this == 0 || p.OutStep != 0 || way != 0 && this != way {
			return 0
		}
		way = this
		in := true
		eachElement(p, func(_, at int) {
			k, _ := t.split(at)
			in = in && k == from
		})
		if !in {
			return 0
		}
	}
	return way
}

// putsInOrder is how the output of a Copy that collects what iterations give goes with time; false where it does not.
func (s *streamer) putsInOrder(c *runtime.Copy, count int) (timing, bool) {
	p := c.Pieces[0]
	t := timing{n: count, inner: p.OutStep}
	if len(c.Pieces) != 1 || p.OutStep <= 0 || p.InStep != 0 || !t.fits(&s.p.Tensors[c.Out]) {
		return t, false
	}
	ok := true
	eachElement(p, func(to, _ int) {
		k, _ := t.split(to)
		ok = ok && k == 0
	})
	return t, ok
}
