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
	first, last int   // instructions; -1 is an input
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
	byTensor := make([]*span, len(p.Tensors))
	var spans []*span
	write := func(t, at int) {
		byTensor[t] = &span{tensors: []int{t}, first: at, last: at, size: aligned(tensorBytes(&p.Tensors[t]))}
		spans = append(spans, byTensor[t])
	}
	for i := range p.Inputs {
		write(p.Inputs[i].Tensor, -1)
	}
	for i, instr := range p.Instrs {
		for _, t := range instr.Srcs() {
			byTensor[t].last = i
		}
		write(instr.Dst(), i)
	}
	for _, o := range p.Outputs {
		byTensor[o.Tensor].last = len(p.Instrs)
	}
	for i, instr := range p.Instrs {
		if !inPlace[i] {
			continue
		}
		in, out := byTensor[instr.Srcs()[0]], byTensor[instr.Dst()]
		if in.last != i || in == out {
			continue
		}
		in.tensors = append(in.tensors, out.tensors...)
		in.last, in.size = out.last, max(in.size, out.size)
		for _, t := range out.tensors {
			byTensor[t] = in
		}
		spans = slices.DeleteFunc(spans, func(s *span) bool { return s == out })
	}
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
