package c

import (
	"cmp"
	"slices"

	"qconv/runtime"
)

// arenaAlign is the alignment of tensors in the arena, in bytes: that of a word.
const arenaAlign = 4

// span is the place in time and memory of a tensor, and of those that replace it in place, or of what an instruction works on.
type span struct {
	tensors     []int // none: working memory of instruction first
	first, last int   // instructions; -1 is an input or a state
	kept        bool  // it is needed when last has run
	handed      bool  // what a carry or a state hands over stays in place
	size        int   // bytes, a multiple of arenaAlign
	offset      int
}

// arena says where everything lies.
type arena struct {
	tensors []int // offset, by tensor
	work    []int // offset of the working memory, by instruction
	live    []int // bytes of tensors that are needed while an instruction runs
	bytes   int
}

// tensorBytes is the memory of a tensor.
func tensorBytes(t *runtime.Tensor) int {
	if t.Levels == 0 {
		return 4 * t.Elems()
	}
	return t.Elems()
}

func aligned(n int) int { return (n + arenaAlign - 1) / arenaAlign * arenaAlign }

// planArena places the tensors of p and the working memory of its instructions so that nothing that is needed at the same
// time overlaps. Outputs stay until the end. inPlace says which instructions write where they read; work is by instruction, in bytes.
func planArena(p *runtime.Program, inPlace []bool, work []int) arena {
	spans := tensorSpans(p, inPlace)
	for i, n := range work {
		if n > 0 {
			spans = append(spans, &span{first: i, last: i, size: aligned(n)})
		}
	}
	orders := []func(a, b *span) int{
		func(a, b *span) int { return cmp.Compare(b.size, a.size) },
		func(a, b *span) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.size, a.size)) },
		func(a, b *span) int {
			return cmp.Or(cmp.Compare(b.last-b.first, a.last-a.first), cmp.Compare(b.size, a.size))
		},
	}
	live := make([]int, len(p.Instrs))
	for _, s := range spans {
		for n := max(0, s.first); n <= s.last && n < len(live); n++ {
			live[n] += s.size
		}
	}
	var best arena
	for i, order := range orders {
		slices.SortStableFunc(spans, order)
		if a := place(p, spans, len(work)); i == 0 || a.bytes < best.bytes {
			best, best.live = a, live
		}
	}
	return best
}

// tensorSpans are the spans of all tensors.
func tensorSpans(p *runtime.Program, inPlace []bool) []*span {
	lives := p.Lifetimes()
	byTensor := make([]*span, len(p.Tensors))
	var spans []*span
	add := func(t int) {
		l := lives[t]
		byTensor[t] = &span{tensors: []int{t}, first: l.First, last: l.Last, kept: l.Kept, size: aligned(tensorBytes(&p.Tensors[t]))}
		spans = append(spans, byTensor[t])
	}
	for i := range p.Inputs {
		add(p.Inputs[i].Tensor)
	}
	for _, s := range states(p) {
		add(s.To)
	}
	for _, instr := range p.Instrs {
		add(instr.Dst())
	}
	for _, o := range p.Outputs {
		byTensor[o.Tensor].last = len(p.Instrs)
	}
	join := func(a, b *span) {
		if b.last > a.last || b.last == a.last && b.kept {
			a.last, a.kept = b.last, b.kept
		}
		a.tensors = append(a.tensors, b.tensors...)
		a.first, a.size = min(a.first, b.first), max(a.size, b.size)
		for _, t := range b.tensors {
			byTensor[t] = a
		}
		spans = slices.DeleteFunc(spans, func(s *span) bool { return s == b })
	}
	for _, h := range staying(p) {
		to, from := byTensor[h.to], byTensor[h.from]
		to.handed = true
		join(to, from)
	}
	for i, instr := range p.Instrs {
		if !inPlace[i] {
			continue
		}
		in, out := byTensor[instr.Srcs()[0]], byTensor[instr.Dst()]
		if in != out && in.last == i && !in.kept && !out.handed {
			join(in, out)
		}
	}
	return spans
}

// place gives every span in turn the lowest offset that is free throughout its life.
func place(p *runtime.Program, spans []*span, instrs int) arena {
	a := arena{tensors: make([]int, len(p.Tensors)), work: make([]int, instrs)}
	var placed []*span // by offset
	for _, s := range spans {
		s.offset = 0
		for _, q := range placed {
			if q.first > s.last || q.last < s.first {
				continue
			}
			if s.offset+s.size <= q.offset {
				break
			}
			s.offset = max(s.offset, q.offset+q.size)
		}
		at, _ := slices.BinarySearchFunc(placed, s.offset+1, func(q *span, offset int) int { return cmp.Compare(q.offset, offset) })
		placed = slices.Insert(placed, at, s)
		for _, t := range s.tensors {
			a.tensors[t] = s.offset
		}
		if len(s.tensors) == 0 {
			a.work[s.first] = s.offset
		}
		a.bytes = max(a.bytes, s.offset+s.size)
	}
	return a
}
