package runtime

import "math"

// MACs is the number of multiply-accumulates of one inference, counting every tap of
// every Linear, padding included, and every product of a MatMul. It is what a dense evaluation takes; it is at most
// math.MaxInt also where an int has 32 bits.
func (p *Program) MACs() int {
	var n int64
	for _, l := range p.linears() {
		n += p.macs(l)
	}
	for _, instr := range p.Instrs {
		if i, ok := instr.(*MatMul); ok {
			n += p.products(i)
		}
	}
	return int(min(n, math.MaxInt))
}

// MatMulMACs is the number of multiply-accumulates of one instruction of p.
func (p *Program) MatMulMACs(i *MatMul) int { return int(min(p.products(i), math.MaxInt)) }

func (p *Program) products(i *MatMul) int64 {
	return int64(p.Tensors[i.Out].Elems()) * int64(p.Tensors[i.A].Shape[2])
}

// LinearMACs is the number of multiply-accumulates of one instruction of p.
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
