package c

import (
	"slices"

	"qconv/runtime"
)

// handOver says that the elements of a tensor become those of another: a carry, or a state.
type handOver struct{ from, to int }

// states are those of p as a step of a stream; none without.
func states(p *runtime.Program) []runtime.State {
	if p.Stream == nil {
		return nil
	}
	return p.Stream.States
}

// staying lists what is handed over in place: from lies where to does. That is so where nothing needs to once from is written, until it
// would be handed over, and where neither has a part in anything else that is handed over.
func staying(p *runtime.Program) []handOver {
	writer, loop := make([]int, len(p.Tensors)), make([]*runtime.Loop, len(p.Instrs))
	for t := range writer {
		writer[t] = -1
	}
	readers := make([][]int, len(p.Tensors))
	for n, instr := range p.Instrs {
		writer[instr.Dst()] = n
		for _, t := range instr.Srcs() {
			readers[t] = append(readers[t], n)
		}
	}
	var all []handOver
	parts := make([]int, len(p.Tensors)) // of a tensor in what is handed over
	note := func(h handOver) {
		if !slices.Contains(all, h) {
			all = append(all, h)
			parts[h.from]++
			parts[h.to]++
		}
	}
	carried := map[handOver]*runtime.Loop{}
	for i := range p.Loops {
		l := &p.Loops[i]
		for n := l.First; n < l.First+l.Length; n++ {
			loop[n] = l
		}
		for _, c := range l.Carries {
			carried[handOver{c.From, c.To}] = l
			note(handOver{c.From, c.To})
		}
	}
	for _, s := range states(p) {
		note(handOver{s.From, s.To})
	}
	var list []handOver
	for _, h := range all {
		at := writer[h.from]
		if at < 0 || parts[h.from] > 1 || parts[h.to] > 1 {
			continue
		}
		l := carried[h]
		late := slices.ContainsFunc(readers[h.to], func(n int) bool {
			switch {
			case l != nil && (n < l.First || n >= l.First+l.Length):
				return false // before the loop, or behind it, where both are equal
			case l == nil && loop[n] != nil && loop[n] == loop[at]:
				return true // the next iteration reads it again
			}
			return n > at || n == at && !elementwise(p, p.Instrs[n], h.to)
		})
		shown := l == nil && slices.ContainsFunc(p.Outputs, func(o runtime.Output) bool { return o.Tensor == h.to })
		if !late && !shown {
			list = append(list, h)
		}
	}
	return list
}

// elementwise says that the kernel of instr may write its output where input in lies: it reads every element before it writes one there.
func elementwise(p *runtime.Program, instr runtime.Instr, in int) bool {
	switch i := instr.(type) {
	case *runtime.Map:
		return true
	case *runtime.Map2:
		return i.B != in || p.Tensors[i.B].Shape == p.Tensors[i.Out].Shape
	}
	return false
}
