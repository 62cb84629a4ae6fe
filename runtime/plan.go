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
	first, last int // instructions that write it and read it last; -1 is an input
	size        int // bytes, a multiple of arenaAlign
	offset      int
}

// lifetimes returns the spans of all tensors of p that are no outputs. A tensor
// lives from the instruction that writes it to the last one that reads it. A [Map] works in place where its
// input is not read later.
func (p *Program) lifetimes() []*span {
	byTensor := make([]*span, len(p.Tensors))
	output := make([]bool, len(p.Tensors))
	for _, o := range p.Outputs {
		output[o.Tensor] = true
	}
	var spans []*span
	write := func(t, at int) {
		if output[t] {
			return
		}
		size := (p.Tensors[t].bytes() + arenaAlign - 1) / arenaAlign * arenaAlign
		byTensor[t] = &span{tensors: []int{t}, first: at, last: at, size: size}
		spans = append(spans, byTensor[t])
	}
	for i := range p.Inputs {
		write(p.Inputs[i].Tensor, -1)
	}
	for i, instr := range p.Instrs {
		for _, t := range instr.Srcs() {
			if !output[t] {
				byTensor[t].last = i
			}
		}
		write(instr.Dst(), i)
	}
	for i, instr := range p.Instrs {
		m, ok := instr.(*Map)
		if !ok {
			continue
		}
		if in, out := byTensor[m.In], byTensor[m.Out]; in != nil && out != nil && in.last == i {
			in.tensors = append(in.tensors, out.tensors...)
			in.last = out.last
			byTensor[m.Out] = in
			spans = slices.DeleteFunc(spans, func(s *span) bool { return s == out })
		}
	}
	return spans
}

// Place is where in the arena of a [Runner] some tensors lie, and when. All but one of them are results of a [Map] that replace
// their source in place.
type Place struct {
	Tensors       []int
	First, Last   int // instructions that write it and read it last; -1 is an input
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
