package runtime

import "math"

// MACs is the number of multiply-accumulates of one inference, counting every tap of
// every Linear, padding included, every product of a MatMul, and every iteration of a loop. It is what a dense evaluation takes; it is at most
// math.MaxInt also where an int has 32 bits.
func (p *Program) MACs() int {
	var n int64
	runs := p.Runs()
	for i, instr := range p.Instrs {
		switch instr := instr.(type) {
		case *Linear:
			n += p.macs(instr) * runs[i]
		case *MatMul:
			n += p.products(instr) * runs[i]
		}
	}
	return int(min(n, math.MaxInt))
}

// MatMulMACs is the number of multiply-accumulates of one instruction of p each time it runs.
func (p *Program) MatMulMACs(i *MatMul) int { return int(min(p.products(i), math.MaxInt)) }

func (p *Program) products(i *MatMul) int64 {
	return int64(p.Tensors[i.Out].Elems()) * int64(p.Tensors[i.A].Shape[2])
}

// LinearMACs is the number of multiply-accumulates of one instruction of p each time it runs.
func (p *Program) LinearMACs(l *Linear) int {
	return int(min(p.macs(l), math.MaxInt))
}

func (p *Program) macs(l *Linear) int64 {
	out := &p.Tensors[l.Out]
	var n int64
	for k := range l.Terms {
		n += int64(l.Terms[k].Weights.Len())
	}
	return n * int64(out.Shape[1]) * int64(out.Shape[2])
}

// Executed lists the instructions of one inference in the order in which they run, those of a loop once for every iteration.
func (p *Program) Executed() []int {
	var list []int
	n := 0
	until := func(end int) {
		for ; n < end; n++ {
			list = append(list, n)
		}
	}
	for _, l := range p.Loops {
		until(l.First)
		for range l.Count {
			n = l.First
			until(l.First + l.Length)
		}
	}
	until(len(p.Instrs))
	return list
}

// Runs is how many times each instruction runs in an inference.
func (p *Program) Runs() []int64 {
	runs := make([]int64, len(p.Instrs))
	for n := range runs {
		runs[n] = 1
	}
	for _, l := range p.Loops {
		for n := range l.Length {
			runs[l.First+n] = int64(l.Count)
		}
	}
	return runs
}
