package runtime

import (
	"unsafe"

	"qconv/runtime/internal/coding"
	"qconv/runtime/internal/kernel"
)

// Bytes is the memory that p takes on this machine, about as much as its file or more.
func (p *Program) Bytes() int64 {
	n := sizeOf(p.Tensors) + sizeOf(p.Codebooks) + sizeOf(p.Steps) + sizeOf(p.Instrs) + sizeOf(p.Inputs) + sizeOf(p.Outputs) + sizeOf(p.Labels) + sizeOf(p.SelfTests)
	for i := range p.Codebooks {
		n += sizeOf(p.Codebooks[i].Centres)
	}
	for i := range p.Steps {
		n += sizeOf(p.Steps[i].Breaks) + sizeOf(p.Steps[i].Values)
	}
	for _, instr := range p.Instrs {
		switch i := instr.(type) {
		case *Linear:
			n += int64(unsafe.Sizeof(*i)) + sizeOf(i.Terms) + sizeOf(i.Bias) + sizeOf(i.Steps) + i.foundBytes(p)
			for k := range i.Terms {
				n += int64(i.Terms[k].Weights.CodedBytes())
			}
		case *MaxPool:
			n += int64(unsafe.Sizeof(*i))
		case *Map:
			n += int64(unsafe.Sizeof(*i)) + tablesOf(i.Tables)
		case *Map2:
			n += int64(unsafe.Sizeof(*i)) + sizeOf(i.Table)
		case *Copy:
			n += int64(unsafe.Sizeof(*i)) + sizeOf(i.Pieces)
		case *ArgMax:
			n += int64(unsafe.Sizeof(*i))
		case *MatMul:
			n += int64(unsafe.Sizeof(*i)) + sizeOf(i.Steps)
		}
	}
	n += sizeOf(p.Loops)
	for i := range p.Loops {
		n += sizeOf(p.Loops[i].Carries)
	}
	if p.Stream != nil {
		n += int64(unsafe.Sizeof(*p.Stream)) + sizeOf(p.Stream.States)
		for i := range p.Stream.States {
			n += sizeOf(p.Stream.States[i].Initial)
		}
	}
	for i := range p.Inputs {
		n += tablesOf(p.Inputs[i].Tables) + int64(len(p.Inputs[i].Name)+len(p.Inputs[i].Shifts))
	}
	for i := range p.Outputs {
		n += int64(len(p.Outputs[i].Name))
	}
	n += sizeOf(p.Normalizations)
	for i := range p.Normalizations {
		n += sizeOf(p.Normalizations[i].Shape)
	}
	for _, s := range p.Labels {
		n += int64(len(s))
	}
	for i := range p.SelfTests {
		n += sizeOf(p.SelfTests[i].Want)
	}
	return n
}

// sizeOf is the memory of the elements of a list.
func sizeOf[T any](list []T) int64 {
	var t T
	return int64(len(list)) * int64(unsafe.Sizeof(t))
}

func tablesOf(tables [][]uint8) int64 {
	n := sizeOf(tables)
	for _, t := range tables {
		n += sizeOf(t)
	}
	return n
}

// outputBytes is the memory of the results of a Runner. Outputs of the same tensor share theirs.
func (p *Program) outputBytes() int {
	n := 0
	seen := map[int]bool{}
	for _, o := range p.Outputs {
		if !seen[o.Tensor] {
			seen[o.Tensor] = true
			if t := &p.Tensors[o.Tensor]; t.Levels > 0 {
				n += resultBytes(t.Elems())
			} else {
				n += 4 * t.Elems()
			}
		}
	}
	return n
}

// leastBytes bounds the memory of everything that p and a Runner take when all weights stay coded: the Program and its
// file, what is prepared, what preparing takes for a while, and the working memory of one Runner and its clones.
func (p *Program) leastBytes(arena int, o Options) int64 {
	const (
		base      = 64 << 10
		perTensor = 400 // its places in lists, and the plan of the arena
		perInstr  = 800 // a prepared instruction, its name and what it is listed in
		perTerm   = 300
		perPiece  = 200
		perLoop   = 200
		perCarry  = 100 // and for a state
	)
	var kept, once int64 // for good; the largest that is needed for a while
	var coded int64      // weights, which the Program shares with the file
	var need kernel.Need
	for _, instr := range p.Instrs {
		kept += perInstr
		switch i := instr.(type) {
		case *Linear:
			shape := p.Tensors[i.Out].Shape
			weights := int64(0)
			now := kernel.Need{States: make([]int, len(i.Terms))}
			if len(i.Steps) > 0 {
				now.Acc = shape[1] * shape[2]
			}
			for k := range i.Terms {
				t := &i.Terms[k]
				w := t.Weights
				kept += perTerm + 8*int64(shape[0]) + 16*int64(t.Kernel[0]+t.Kernel[1])
				weights += int64(w.Len())
				coded += int64(w.CodedBytes())
				states, symbols := coding.Room(w.kind, w.data, w.size)
				now.States[k] = states
				now.Symbols = max(now.Symbols, symbols)
				now.Weights = max(now.Weights, w.Len()/shape[0])
			}
			need = need.Max(now)
			kept += p.stepBytes(i.Steps)
			// The decoded weights, the step functions as kernels take them, and the ranges of accumulators.
			once = max(once, 2*weights+64*int64(len(i.Steps))+int64(len(i.Terms))*perTerm+16*int64(shape[0]))
		case *MaxPool:
			in, out := &p.Tensors[i.In], &p.Tensors[i.Out]
			kept += 8 * int64(max(out.Shape[1], out.Shape[2], kernel.PoolRows))
			need = need.Max(kernel.PoolNeed(in.Shape, o.vector()))
		case *Map:
			kept += 280 * int64(len(i.Tables))
		case *Map2:
			kept += 2 * int64(len(i.Table)) * 2
		case *MatMul:
			kept += kernel.MatMulTables + p.stepBytes(i.Steps)
			need = need.Max(kernel.Need{Acc: p.Tensors[i.Out].Shape[2]})
			once = max(once, 64*int64(len(i.Steps))+16*int64(p.Tensors[i.Out].Shape[0]))
		case *Copy:
			kept += perPiece * int64(len(i.Pieces))
			once = max(once, int64(p.Tensors[i.Out].Elems())/8+1)
		}
	}
	for i := range p.Inputs {
		kept += 280 * int64(len(p.Inputs[i].Tables)+1)
	}
	kept += perTensor * int64(len(p.Tensors))
	for i := range p.Loops {
		kept += perLoop + perCarry*int64(len(p.Loops[i].Carries))
	}
	if p.Stream != nil {
		kept += perCarry * int64(len(p.Stream.States))
	}
	each := int64(arena+2*kernel.Margin) + int64(p.outputBytes()) + 64*int64(len(p.Tensors)) + int64(need.Bytes(o.vector())) + 200*int64(len(need.States))
	// A sample, as it is read and as it enters; the wanted results are part of the Program.
	each += 2 * int64(p.SampleBytes())
	return base + 2*p.Bytes() - coded + kept + once + each*int64(1+o.clones)
}

// stepBytes is what the step functions of an instruction take at least, prepared.
func (p *Program) stepBytes(steps []int) int64 {
	const (
		maxTable = 2048*2 + 512 // a Requantizer for one step function
		perStep  = 8
	)
	n := perStep * int64(len(steps))
	for _, s := range steps[:min(1, len(steps))] {
		n += maxTable + 5*int64(len(p.Steps[s].Values))
	}
	return n
}

// Fast forms of layers may take fastBytes and fastWeightBytes for each weight, whatever the limit: far more than
// those of networks that are of use. Programs whose tables would be much larger than they are themselves stay small.
const (
	fastBytes       = 64 << 20
	fastWeightBytes = 16
)

// Least is the least of [Limits] that admit p with these options.
func (p *Program) Least(o Options) Limits {
	c := newChecker(p)
	if c.validate() != nil {
		return Limits{}
	}
	_, arena := p.planArena()
	return Limits{Memory: p.leastBytes(arena, o), MACs: c.work}
}

// allot checks that p fits the limit at least with its weights coded, and finds out what remains for fast forms.
func (s *ops) allot(p *Program, o Options) error {
	least := p.leastBytes(s.arena, o)
	if least > o.Limits.Memory {
		return o.Limits.tooMuchMemory(least)
	}
	s.room = min(o.Limits.Memory-least, fastBytes+fastWeightBytes*p.weightCount())
	s.spare = s.room
	if o.LowMemory {
		s.spare = min(s.spare, max(0, p.lowMemory()-p.codedBytes()))
	}
	return nil
}

// lowMemory is a third of what the weights take as float32.
func (p *Program) lowMemory() int64 { return p.weightCount() * 4 / 3 }

// codedBytes is the size of all weights in coded form.
func (p *Program) codedBytes() int64 {
	n := int64(0)
	for _, l := range p.linears() {
		for k := range l.Terms {
			n += int64(l.Terms[k].Weights.CodedBytes())
		}
	}
	return n
}
