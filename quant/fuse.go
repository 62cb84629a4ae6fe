package quant

import (
	"fmt"

	"qconv/runtime"
)

// fuseMaps lets a layer write levels that a table would only make of its own, where nothing else reads these: the
// inputs of a concatenation, for example, come at its levels right away. Results stay the same, since the step functions
// pass through the table.
func fuseMaps(p *runtime.Program) {
	readers := countReaders(p)
	loops := loopOf(p)
	layers := map[int]*runtime.Linear{} // by tensor
	places := map[*runtime.Linear]int{}
	for i, instr := range p.Instrs {
		if l, ok := instr.(*runtime.Linear); ok && len(l.Steps) > 0 {
			layers[l.Out], places[l] = l, i
		}
	}
	fuser := stepFuser{p: p, known: map[string]int{}}
	gone := map[int]bool{}
	deleteInstrs(p, func(i int) bool {
		m, ok := p.Instrs[i].(*runtime.Map)
		if !ok {
			return false
		}
		l := layers[m.In]
		if l == nil || readers[m.In] > 1 || loops[places[l]] != loops[i] || p.Tensors[m.In].Shape != p.Tensors[m.Out].Shape {
			return false
		}
		delete(layers, m.In)
		gone[m.In] = true
		l.Out = m.Out
		l.Steps = fuser.steps(l, m)
		layers[l.Out] = l
		return true
	})
	if len(gone) > 0 {
		dropTensors(p, gone)
		dropSteps(p)
	}
}

// countReaders counts what reads each tensor: instructions, outputs, and what carries elements to it or from it.
func countReaders(p *runtime.Program) []int {
	readers := make([]int, len(p.Tensors))
	for _, o := range p.Outputs {
		readers[o.Tensor]++
	}
	for _, instr := range p.Instrs {
		for _, t := range instr.Srcs() {
			readers[t]++
		}
	}
	eachCarried(p, func(t *int) { readers[*t]++ })
	return readers
}

// eachCarried calls of for every tensor that elements are carried from or to, between iterations or between runs.
func eachCarried(p *runtime.Program, of func(tensor *int)) {
	for i := range p.Loops {
		for k := range p.Loops[i].Carries {
			of(&p.Loops[i].Carries[k].From)
			of(&p.Loops[i].Carries[k].To)
		}
	}
	if p.Stream != nil {
		for i := range p.Stream.States {
			of(&p.Stream.States[i].From)
			of(&p.Stream.States[i].To)
		}
	}
}

// loopOf says for every instruction to which loop it belongs, counted from 1; 0 for none.
func loopOf(p *runtime.Program) []int {
	loops := make([]int, len(p.Instrs))
	for i, l := range p.Loops {
		for k := range l.Length {
			loops[l.First+k] = i + 1
		}
	}
	return loops
}

// deleteInstrs removes instructions, which gone is asked about in order. Loops stay around those that are left.
func deleteInstrs(p *runtime.Program, gone func(i int) bool) {
	var kept []runtime.Instr
	place := make([]int, len(p.Instrs)+1)
	for i, instr := range p.Instrs {
		place[i] = len(kept)
		if !gone(i) {
			kept = append(kept, instr)
		}
	}
	place[len(p.Instrs)] = len(kept)
	for i := range p.Loops {
		l := &p.Loops[i]
		l.First, l.Length = place[l.First], place[l.First+l.Length]-place[l.First]
	}
	p.Instrs = kept
}

// fuseBeginnings lets what only a state begins with be written into the state's tensor right away.
func fuseBeginnings(p *runtime.Program) {
	states := map[int]bool{}
	for _, l := range p.Loops {
		for _, c := range l.Carries {
			states[c.To] = true
		}
	}
	if len(states) == 0 {
		return
	}
	readers := countReaders(p)
	writers := map[int]*int{} // what names a tensor as the one it writes
	for i := range p.Inputs {
		writers[p.Inputs[i].Tensor] = &p.Inputs[i].Tensor
	}
	gone := map[int]bool{}
	deleteInstrs(p, func(i int) bool {
		c, ok := p.Instrs[i].(*runtime.Copy)
		if ok && states[c.Out] && isWhole(p, c) && readers[c.Pieces[0].In] == 1 {
			from := c.Pieces[0].In
			if to := writers[from]; to != nil && p.Tensors[from] == p.Tensors[c.Out] {
				*to = c.Out
				gone[from] = true
				return true
			}
		}
		writers[p.Instrs[i].Dst()] = destination(p.Instrs[i])
		return false
	})
	if len(gone) > 0 {
		dropTensors(p, gone)
	}
}

// isWhole says whether a copy leaves all elements in their order.
func isWhole(p *runtime.Program, c *runtime.Copy) bool {
	if len(c.Pieces) != 1 {
		return false
	}
	in := c.Pieces[0].In
	elems := p.Tensors[in].Elems()
	return elems == p.Tensors[c.Out].Elems() && c.Pieces[0] == newPiece(in, 0, 0, []dim{{elems, 1, 1}})
}

// destination is where an instruction names the tensor it writes.
func destination(instr runtime.Instr) *int {
	switch i := instr.(type) {
	case *runtime.Linear:
		return &i.Out
	case *runtime.MaxPool:
		return &i.Out
	case *runtime.Map:
		return &i.Out
	case *runtime.Map2:
		return &i.Out
	case *runtime.Copy:
		return &i.Out
	case *runtime.ArgMax:
		return &i.Out
	case *runtime.MatMul:
		return &i.Out
	}
	panic(fmt.Sprintf("BUG: quant: fuse: %T", instr))
}

// stepFuser adds step functions to a program.
type stepFuser struct {
	p     *runtime.Program
	known map[string]int // step functions by step and table
}

// steps are those of l with the tables of m applied.
func (f *stepFuser) steps(l *runtime.Linear, m *runtime.Map) []int {
	channels := max(len(l.Steps), len(m.Tables))
	list := make([]int, channels)
	for c := range list {
		step, table := l.Steps[min(c, len(l.Steps)-1)], m.Tables[min(c, len(m.Tables)-1)]
		key := fmt.Sprint(step, ":", string(table))
		id, ok := f.known[key]
		if !ok {
			id = len(f.p.Steps)
			f.p.Steps = append(f.p.Steps, throughTable(f.p.Steps[step], table))
			f.known[key] = id
		}
		list[c] = id
	}
	return list
}

// throughTable is s with its values replaced by those of the table, without breaks between equal ones.
func throughTable(s runtime.Step, table []uint8) runtime.Step {
	out := runtime.Step{Values: []uint8{table[s.Values[0]]}}
	for i, b := range s.Breaks {
		if v := table[s.Values[i+1]]; v != out.Values[len(out.Values)-1] {
			out.Breaks = append(out.Breaks, b)
			out.Values = append(out.Values, v)
		}
	}
	return out
}

// dropTensors removes tensors that nothing refers to.
func dropTensors(p *runtime.Program, gone map[int]bool) {
	place := make([]int, len(p.Tensors))
	var kept []runtime.Tensor
	for t := range p.Tensors {
		place[t] = len(kept)
		if !gone[t] {
			kept = append(kept, p.Tensors[t])
		}
	}
	p.Tensors = kept
	move := func(tensors ...*int) {
		for _, t := range tensors {
			*t = place[*t]
		}
	}
	for i := range p.Inputs {
		move(&p.Inputs[i].Tensor)
	}
	for i := range p.Outputs {
		move(&p.Outputs[i].Tensor)
	}
	eachCarried(p, func(t *int) { move(t) })
	for _, instr := range p.Instrs {
		move(destination(instr))
		switch i := instr.(type) {
		case *runtime.Linear:
			for k := range i.Terms {
				move(&i.Terms[k].In)
			}
		case *runtime.MaxPool:
			move(&i.In)
		case *runtime.Map:
			move(&i.In)
		case *runtime.Map2:
			move(&i.A, &i.B)
		case *runtime.Copy:
			for k := range i.Pieces {
				move(&i.Pieces[k].In)
			}
		case *runtime.ArgMax:
			move(&i.In)
		case *runtime.MatMul:
			move(&i.A, &i.B)
		}
	}
}

// dropSteps removes step functions that no instruction uses.
func dropSteps(p *runtime.Program) {
	place := map[int]int{}
	var kept []runtime.Step
	for _, instr := range p.Instrs {
		var steps []int
		switch i := instr.(type) {
		case *runtime.Linear:
			steps = i.Steps
		case *runtime.MatMul:
			steps = i.Steps
		}
		for k, s := range steps {
			if _, ok := place[s]; !ok {
				place[s] = len(kept)
				kept = append(kept, p.Steps[s])
			}
			steps[k] = place[s]
		}
	}
	p.Steps = kept
}
