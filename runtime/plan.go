package runtime

import (
	"slices"
	"sort"
)

// arenaAlign is the alignment of tensors in the arena, in bytes.
const arenaAlign = 16

// span is the place in time and memory of a tensor, and of those that replace it in place.
type span struct {
	tensors     []int
	first, last int  // instructions that write it and read it last; -1 is an input
	size        int  // bytes, a multiple of arenaAlign
	carried     bool // no Carry or State may write here any more
	offset      int
}

// lives says when tensors are needed.
type lives struct {
	// from is the instruction from which on the memory of a tensor is taken: the one that writes it, or -1.
	from []int
	// until is when a tensor is needed last, by tensor: twice the instruction that reads it, or one more at the end of a loop or of a step.
	until []int
	loops []*Loop // by instruction; nil: none
	reads [][]int // by tensor: the instructions that read it
}

// lives finds out when the tensors of p are needed. What a loop reads and does not write is needed by the next iteration too;
// what all iterations write together is there from the first on; what is carried is needed at the end of an iteration or of a step.
func (p *Program) lives() *lives {
	v := &lives{from: make([]int, len(p.Tensors)), until: make([]int, len(p.Tensors)), loops: make([]*Loop, len(p.Instrs)), reads: make([][]int, len(p.Tensors))}
	for i := range p.Loops {
		l := &p.Loops[i]
		for n := l.First; n < l.First+l.Length; n++ {
			v.loops[n] = l
		}
	}
	for t := range p.Tensors {
		v.from[t], v.until[t] = -1, -2
	}
	for n, instr := range p.Instrs {
		l := v.loops[n]
		for _, t := range instr.Srcs() {
			if l != nil && v.from[t] < l.First {
				v.need(t, l.end())
			}
			v.need(t, 2*n)
			v.reads[t] = append(v.reads[t], n)
		}
		t := instr.Dst()
		v.from[t] = n
		if l != nil && steps(instr) {
			v.from[t] = l.First
		}
		v.need(t, 2*n)
	}
	for i := range p.Loops {
		for _, c := range p.Loops[i].Carries {
			v.need(c.From, p.Loops[i].end())
			v.need(c.To, p.Loops[i].end())
		}
	}
	if p.Stream != nil {
		for _, s := range p.Stream.States {
			v.need(s.From, 2*len(p.Instrs)-1)
			v.need(s.To, 2*len(p.Instrs)-1)
		}
	}
	return v
}

// end is the end of an iteration of l, in the time of lives.
func (l *Loop) end() int { return 2*(l.First+l.Length) - 1 }

// need says that a tensor is needed at a time.
func (v *lives) need(tensor, time int) { v.until[tensor] = max(v.until[tensor], time) }

// lifetimes returns the spans of all tensors of p that are no outputs. A tensor
// lives from the instruction that writes it to the last one that needs it. A [Map] works in place where its
// input is not needed later, and what a [Carry] or a [State] hands over is written in place where what it replaces is not.
func (p *Program) lifetimes() []*span {
	v := p.lives()
	byTensor := make([]*span, len(p.Tensors))
	output := make([]bool, len(p.Tensors))
	for _, o := range p.Outputs {
		output[o.Tensor] = true
	}
	var spans []*span
	write := func(t int) {
		size := (p.Tensors[t].bytes() + arenaAlign - 1) / arenaAlign * arenaAlign
		byTensor[t] = &span{tensors: []int{t}, first: v.from[t], last: v.until[t] >> 1, size: size}
		spans = append(spans, byTensor[t])
	}
	for i := range p.Inputs {
		if t := p.Inputs[i].Tensor; !output[t] {
			write(t)
		}
	}
	if p.Stream != nil {
		for _, s := range p.Stream.States {
			write(s.To)
			byTensor[s.To].carried = output[s.To] // the result is made of it at the end
		}
	}
	for _, instr := range p.Instrs {
		if !output[instr.Dst()] {
			write(instr.Dst())
		}
	}
	join := func(in, out *span) {
		in.tensors = append(in.tensors, out.tensors...)
		in.first, in.last = min(in.first, out.first), max(in.last, out.last)
		for _, t := range out.tensors {
			byTensor[t] = in
		}
		out.tensors = nil
	}
	for i, instr := range p.Instrs {
		m, ok := instr.(*Map)
		if !ok {
			continue
		}
		if in, out := byTensor[m.In], byTensor[m.Out]; in != nil && out != nil && v.until[m.In] == 2*i {
			join(in, out)
		}
	}
	for _, h := range p.handOvers() {
		from, to := byTensor[h.from], byTensor[h.to]
		if from != nil && to != nil && !from.carried && !to.carried && v.replaces(p, h, from.first) {
			join(to, from)
			to.carried = true
		}
	}
	return slices.DeleteFunc(spans, func(s *span) bool { return s.tensors == nil })
}

// Place is where in the arena of a [Runner] some tensors lie, and when. All but one of them are results of a [Map] that replace
// their source in place, or handed over in place by a [Carry] or a [State].
type Place struct {
	Tensors       []int
	First, Last   int // instructions that write it and read it last; -1 is an input or a state of a stream
	Offset, Bytes int
}

// Places are those of all tensors that are no outputs, by offset: what the arena holds, without the working memory of the kernels
// that a Runner may put beside them.
func (p *Program) Places() []Place {
	_, _, placed := p.placeTensors()
	list := make([]Place, len(placed))
	for i, s := range placed {
		list[i] = Place{Tensors: s.tensors, First: s.first, Last: s.last, Offset: s.offset, Bytes: s.size}
	}
	return list
}

// bytes is the memory of a tensor while the program runs.
func (t *Tensor) bytes() int {
	if t.Levels == 0 {
		return 4 * t.Elems()
	}
	return t.Elems()
}

// planArena gives every tensor that is no output an offset such that no two tensors that live
// at the same time share memory, and returns the offsets by tensor and the size of the
// arena. Larger tensors are placed first, each at the lowest offset that is free
// throughout its life.
func (p *Program) planArena() (offsets []int, size int) {
	offsets, size, _ = p.placeTensors()
	return offsets, size
}

// placeTensors is planArena, and returns the spans by offset.
func (p *Program) placeTensors() (offsets []int, size int, placed []*span) {
	spans := p.lifetimes()
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].size > spans[j].size })
	offsets = make([]int, len(p.Tensors))
	for _, s := range spans {
		for _, q := range placed {
			if q.first > s.last || q.last < s.first {
				continue
			}
			if s.offset+s.size <= q.offset {
				break
			}
			s.offset = max(s.offset, q.offset+q.size)
		}
		at := sort.Search(len(placed), func(i int) bool { return placed[i].offset > s.offset })
		placed = append(placed, nil)
		copy(placed[at+1:], placed[at:])
		placed[at] = s
		for _, t := range s.tensors {
			offsets[t] = s.offset
		}
		size = max(size, s.offset+s.size)
	}
	return offsets, size, placed
}
