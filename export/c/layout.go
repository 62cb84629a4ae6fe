package c

import "qconv/runtime"

// form is a kernel for a linear layer with its tables.
type form interface {
	// work is the memory that the kernel works on besides tensors, in bytes.
	work(g *generator, l *runtime.Linear) int
	// placed makes what depends on the plan of the arena. It is false where the form does not suit the plan.
	placed(g *generator, l *runtime.Linear) (bool, error)
	// write writes the tables and the call of instruction n.
	write(g *generator, n int, l *runtime.Linear) error
}

// choose takes the form of a layer.
func (g *generator) choose(l *runtime.Linear) (form, error) {
	if g.o.Target == AVR { // adds bytes as fast as words
		return lookupForm{}, nil
	}
	if s := g.p.Tensors[l.Out].Shape; s[1]*s[2] >= 4 {
		if f := g.newTaps(l); f != nil {
			return f, g.code(f, l)
		}
	}
	f, err := g.newDense(l)
	if f != nil || err != nil {
		return f, err
	}
	if g.o.Optimize == Size {
		if f := g.newTaps(l); f != nil {
			if err := g.code(f, l); f.codes != nil || err != nil {
				return f, err
			}
		}
	}
	return lookupForm{}, nil
}

// code takes codes for the weights of f where flash is scarce and they take less.
func (g *generator) code(f *tapsForm, l *runtime.Linear) (err error) {
	if g.o.Optimize == Size {
		f.codes, err = g.newCodes(f, l)
		if f.codes != nil {
			g.vars["CODES"] = true
		}
	}
	return err
}

// layOut chooses the kernels and plans the arena.
func (g *generator) layOut() error {
	p := g.p
	g.taken = make([]form, len(p.Instrs))
	inPlace, work := make([]bool, len(p.Instrs)), make([]int, len(p.Instrs))
	for n, instr := range p.Instrs {
		switch i := instr.(type) {
		case *runtime.Linear:
			var err error
			if g.taken[n], err = g.choose(i); err != nil {
				return err
			}
		case *runtime.Map:
			inPlace[n] = true
		case *runtime.Copy:
			inPlace[n] = g.identity(i)
		}
	}
	tensors := planArena(p, inPlace, make([]int, len(work)))
	most := tensors.bytes + tensors.bytes/8 // where more room makes layers faster
	for scale := 8; ; scale-- {
		for n, f := range g.taken {
			if f == nil {
				continue
			}
			l := p.Instrs[n].(*runtime.Linear)
			if f, ok := f.(*tapsForm); ok {
				f.setHeight(max(0, most-tensors.live[n])*scale/8, g.resultBytes(l))
			}
			work[n] = f.work(g, l)
		}
		g.arena = planArena(p, inPlace, work)
		if g.arena.bytes <= most || scale == 0 {
			break
		}
	}
	for again := true; again; { // offsets of rows depend on the plan
		again = false
		for n, f := range g.taken {
			if f == nil {
				continue
			}
			l := p.Instrs[n].(*runtime.Linear)
			ok, err := f.placed(g, l)
			if err != nil {
				return err
			}
			if !ok {
				g.taken[n], again = lookupForm{}, true
				work[n] = g.taken[n].work(g, l)
			}
		}
		if again {
			g.arena = planArena(p, inPlace, work)
		}
	}
	return nil
}

// resultBytes is the size of a result of l.
func (g *generator) resultBytes(l *runtime.Linear) int {
	if g.p.Tensors[l.Out].Levels == 0 {
		return 4
	}
	return 1
}

// setHeight takes the most rows of a tile for which so much memory is enough, and one at least.
func (f *tapsForm) setHeight(memory, size int) {
	f.height = 1
	for f.height < f.out[1] && !f.direct && f.workBytes(f.height+1, size) <= memory && f.tileBytes(f.height+1) <= maxRows {
		f.height++
	}
	tiles := (f.out[1] + f.height - 1) / f.height
	f.height = (f.out[1] + tiles - 1) / tiles
}
