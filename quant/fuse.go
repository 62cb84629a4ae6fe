package quant

import (
	"fmt"
	"slices"

	"qconv/runtime"
)

// fuseMaps lets a layer write levels that a table would only make of its own, where nothing else reads these: the
// inputs of a concatenation, for example, come at its levels right away. Results stay the same, since the step functions
// pass through the table.
func fuseMaps(p *runtime.Program) {
	readers := make([]int, len(p.Tensors))
	for _, o := range p.Outputs {
		readers[o.Tensor]++
	}
	layers := map[int]*runtime.Linear{} // by tensor
	for _, instr := range p.Instrs {
		for _, t := range instr.Srcs() {
			readers[t]++
		}
		if l, ok := instr.(*runtime.Linear); ok && len(l.Steps) > 0 {
			layers[l.Out] = l
		}
	}
	fuser := stepFuser{p: p, known: map[string]int{}}
	gone := map[int]bool{}
	p.Instrs = slices.DeleteFunc(p.Instrs, func(instr runtime.Instr) bool {
		m, ok := instr.(*runtime.Map)
		if !ok {
			return false
		}
		l := layers[m.In]
		if l == nil || readers[m.In] > 1 || p.Tensors[m.In].Shape != p.Tensors[m.Out].Shape {
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
	for _, instr := range p.Instrs {
		switch i := instr.(type) {
		case *runtime.Linear:
			move(&i.Out)
			for k := range i.Terms {
				move(&i.Terms[k].In)
			}
		case *runtime.MaxPool:
			move(&i.Out, &i.In)
		case *runtime.Map:
			move(&i.Out, &i.In)
		case *runtime.Map2:
			move(&i.Out, &i.A, &i.B)
		case *runtime.Copy:
			move(&i.Out)
			for k := range i.Pieces {
				move(&i.Pieces[k].In)
			}
		case *runtime.ArgMax:
			move(&i.Out, &i.In)
		case *runtime.MatMul:
			move(&i.Out, &i.A, &i.B)
		default:
			panic(fmt.Sprintf("BUG: quant: fuse: %T", instr))
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
