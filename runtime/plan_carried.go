package runtime

import "slices"

// inLoop is what a Carry of a loop, or a State where there is none, hands over.
type inLoop struct {
	handOver
	loop *Loop
}

// handOvers lists what carries and states hand over from a tensor that no other hands over, to one that no other writes.
func (p *Program) handOvers() []inLoop {
	var all, list []inLoop
	uses := make([]int, len(p.Tensors))
	for i := range p.Loops {
		for _, c := range p.Loops[i].Carries {
			all = append(all, inLoop{handOver{c.From, c.To}, &p.Loops[i]})
		}
	}
	if p.Stream != nil {
		for _, s := range p.Stream.States {
			all = append(all, inLoop{handOver{s.From, s.To}, nil})
		}
	}
	for _, h := range all {
		uses[h.from]++
		uses[h.to]++
	}
	for _, h := range all {
		if uses[h.from] == 1 && uses[h.to] == 1 {
			list = append(list, h)
		}
	}
	return list
}

// replaces says that h.from may lie where h.to does, from the instruction first on that writes there: in an iteration, or a step, nothing
// reads h.to that runs after it. Behind a loop nothing may read h.from, as it is h.to that is needed there.
func (v *lives) replaces(p *Program, h inLoop, first int) bool {
	if first < 0 {
		return false // an input
	}
	within := v.loops[first] // the iterations of which write h.from
	for _, n := range v.reads[h.to] {
		switch {
		case h.loop != nil && v.loops[n] != h.loop:
			// Before the loop h.from is not there, behind it both are the same.
		case h.loop == nil && within != nil && v.loops[n] == within, n > first, n == first && !inPlace(p, n, h.to):
			return false
		}
	}
	if h.loop != nil {
		for _, n := range v.reads[h.from] {
			if v.loops[n] != h.loop {
				return false
			}
		}
	}
	return true
}

// inPlace says that the output of instruction n may lie where the tensor that it reads does.
func inPlace(p *Program, n, tensor int) bool {
	switch i := p.Instrs[n].(type) {
	case *Map:
		return true
	case *Map2:
		return i.A == tensor && i.B != tensor
	case *Copy:
		return i.movesOn(tensor) && i.covers(p.Tensors[i.Out].Elems())
	}
	return false
}

// movesOn says that the first piece of i, and no other, reads a tensor, and moves its elements to lower positions such that, in whatever order its
// dimensions are gone through, each upwards, nothing is overwritten before it is read: as one run, or as rows that end before the next one begins, also where
// they are read. The pieces of i write every element once.
func (i *Copy) movesOn(tensor int) bool {
	for k := range i.Pieces {
		if (i.Pieces[k].In == tensor) != (k == 0) {
			return false
		}
	}
	q := i.Pieces[0].overGaps()
	var dims []int
	for d, n := range q.Dims {
		if n == 1 {
			continue
		}
		if q.OutStride[d] < 0 || q.InStride[d] != q.OutStride[d] {
			return false
		}
		dims = append(dims, d)
	}
	slices.SortFunc(dims, func(a, b int) int { return q.OutStride[a] - q.OutStride[b] })
	end := q.InStart - q.OutStart // how far a row reaches from where it is written
	for k, d := range dims {
		if k > 0 && end >= q.OutStride[d] {
			return false
		}
		end += (q.Dims[d] - 1) * q.OutStride[d]
	}
	return q.OutStart <= q.InStart && i.pieceSteps() == nil
}
