package quant

import (
	"slices"

	"qconv/runtime"
)

// dropDead removes instructions, states, tensors, codebooks and step functions that no output depends on, at this step or a later one. It returns which
// tensors there are still, by their positions before.
func dropDead(p *runtime.Program) map[int]bool {
	live := map[int]bool{}
	for _, o := range p.Outputs {
		live[o.Tensor] = true
	}
	for _, in := range p.Inputs {
		live[in.Tensor] = true
	}
	for before := -1; before != len(live); {
		before = len(live)
		for i := len(p.Instrs) - 1; i >= 0; i-- {
			if live[p.Instrs[i].Dst()] {
				for _, src := range p.Instrs[i].Srcs() {
					live[src] = true
				}
			}
		}
		for _, l := range p.Loops {
			for _, c := range l.Carries {
				if live[c.To] {
					live[c.From] = true
				}
			}
		}
		for _, s := range p.Stream.States {
			if live[s.To] {
				live[s.From] = true
			}
		}
	}
	deleteInstrs(p, func(i int) bool { return !live[p.Instrs[i].Dst()] })
	p.Loops = slices.DeleteFunc(p.Loops, func(l runtime.Loop) bool { return l.Length == 0 })
	for i := range p.Loops {
		p.Loops[i].Carries = slices.DeleteFunc(p.Loops[i].Carries, func(c runtime.Carry) bool { return !live[c.To] })
	}
	p.Stream.States = slices.DeleteFunc(p.Stream.States, func(s runtime.State) bool { return !live[s.To] })
	gone := map[int]bool{}
	for t := range p.Tensors {
		if !live[t] {
			gone[t] = true
		}
	}
	dropTensors(p, gone)
	dropSteps(p)
	return live
}
