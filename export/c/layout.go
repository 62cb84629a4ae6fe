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
	// flash is about what the tables of the layer take, in bytes, besides those of step functions.
	flash(g *generator, l *runtime.Linear) int
	// kernels names the code that the form takes.
	kernels() []string
	// cost counts what the kernel does.
	cost(g *generator, l *runtime.Linear) tally
}

// forms lists what suits a layer: look-ups, which always do, lists and codes of windows, rows with a byte for each weight and with half of one.
func (g *generator) forms(l *runtime.Linear) ([]form, error) {
	list := []form{lookupForm{}}
	if g.o.Target == AVR { // adds bytes as fast as words
		return list, nil
	}
	f, err := g.newTaps(l)
	if err != nil {
		return nil, err
	}
	if f != nil {
		coded := *f
		codes, err := g.newCodes(f, l)
		if err != nil {
			return nil, err
		}
		if list = append(list, f); codes != nil {
			coded.codes = codes
			list = append(list, &coded)
		}
	}
	for _, nibbles := range []bool{false, true} {
		f, err := g.newDense(l, nibbles)
		if err != nil {
			return nil, err
		}
		if f != nil && f.nibbles == nibbles {
			list = append(list, f)
		}
	}
	return list, nil
}

// layOut chooses the kernels and plans the arena.
func (g *generator) layOut() error {
	p := g.p
	g.taken = make([]form, len(p.Instrs))
	forms := make([][]form, len(p.Instrs))
	inPlace, work := make([]bool, len(p.Instrs)), make([]int, len(p.Instrs))
	for n, instr := range p.Instrs {
		switch i := instr.(type) {
		case *runtime.Linear:
			f, err := g.forms(i)
			if err != nil {
				return err
			}
			forms[n] = f
		case *runtime.MatMul:
			work[n] = matMulWork(p, i)
		case *runtime.Map:
			inPlace[n] = true
		case *runtime.Copy:
			inPlace[n] = g.identity(i)
		}
	}
	tensors := planArena(p, inPlace, make([]int, len(work)))
	g.tensors = tensors.bytes
	most := tensors.bytes + tensors.bytes*g.slack/16 // where more room makes layers faster
	for n := range forms {
		for _, f := range forms[n] {
			if f, ok := f.(*tapsForm); ok {
				l := p.Instrs[n].(*runtime.Linear)
				f.setHeight(max(0, most-tensors.live[n]), g.resultBytes(l))
			}
		}
	}
	g.choose(forms)
	for _, f := range g.taken {
		if t, ok := f.(*tapsForm); ok && t.codes != nil {
			g.vars["CODES"] = true
		}
	}
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
