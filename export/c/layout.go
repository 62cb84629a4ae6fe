package c

import (
	"qconv/runtime"
)

// layOut chooses the kernels and plans the arena.
func (g *generator) layOut() error {
	p := g.p
	g.forms = make([]*tapsForm, len(p.Instrs))
	inPlace, work := make([]bool, len(p.Instrs)), make([]int, len(p.Instrs))
	for n, instr := range p.Instrs {
		switch i := instr.(type) {
		case *runtime.Linear:
			if s := p.Tensors[i.Out].Shape; g.o.Target != AVR && s[1]*s[2] >= 4 {
				g.forms[n] = g.newTaps(i)
			}
			work[n] = g.lookupWork(i)
		case *runtime.Map:
			inPlace[n] = true
		case *runtime.Copy:
			inPlace[n] = g.identity(i)
		}
	}
	tensors := planArena(p, inPlace, make([]int, len(work)))
	most := tensors.bytes + tensors.bytes/8 // where more room makes layers faster
	for scale := 8; ; scale-- {
		for n, f := range g.forms {
			if f != nil {
				f.setHeight(max(0, most-tensors.live[n])*scale/8, resultBytes(p, n))
				work[n] = f.work(f.height, resultBytes(p, n))
			}
		}
		g.arena = planArena(p, inPlace, work)
		if g.arena.bytes <= most || scale == 0 {
			break
		}
	}
	for again := true; again; { // offsets of rows depend on the plan
		again = false
		for n, f := range g.forms {
			if f == nil {
				continue
			}
			l := p.Instrs[n].(*runtime.Linear)
			ok, err := g.program(f, l)
			if err != nil {
				return err
			}
			if !ok {
				g.forms[n], again = nil, true
				work[n] = g.lookupWork(l)
			}
		}
		if again {
			g.arena = planArena(p, inPlace, work)
		}
	}
	return nil
}

// resultBytes is the size of a result of instruction n.
func resultBytes(p *runtime.Program, n int) int {
	if p.Tensors[p.Instrs[n].Dst()].Levels == 0 {
		return 4
	}
	return 1
}

// setHeight takes the most rows of a tile for which so much memory is enough, and one at least.
func (f *tapsForm) setHeight(memory, size int) {
	f.height = 1
	for f.height < f.out[1] && !f.direct && f.work(f.height+1, size) <= memory && f.tileBytes(f.height+1) <= maxRows {
		f.height++
	}
	tiles := (f.out[1] + f.height - 1) / f.height
	f.height = (f.out[1] + tiles - 1) / tiles
}
