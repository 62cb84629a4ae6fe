package differential

import (
	"slices"

	"qconv/runtime"
	"qconv/runtime/internal/kernel"
)

// single is a layer with inputs of its own.
type single struct {
	*kernel.Layer
	from []int  // by term: the number of its input; terms may share one
	skew []int  // by input: how its elements are distributed
	seed uint32 // of the sample
}

func (s *source) single() *single {
	l := &single{}
	if s.chance(20) { // terms that share inputs
		var pool, given []kernel.Term
		for range s.between(1, 2) {
			t := kernel.Term{Shape: [3]int{s.between(1, 6), s.rows(), min(s.columns(), 100)}, Levels: s.levels()}
			t.Zero = s.zero(t.Levels)
			pool = append(pool, t)
		}
		for range s.between(2, 5) {
			k := s.intn(len(pool))
			given, l.from = append(given, pool[k]), append(l.from, k)
		}
		l.skew = make([]int, len(pool))
		l.Layer = s.layer(given)
		l.renumber()
	} else {
		l.Layer = s.layer(nil)
		for i := range l.Terms {
			l.from, l.skew = append(l.from, i), append(l.skew, 0)
		}
	}
	for i := range l.skew {
		l.skew[i] = s.oneOf(0, 0, 0, 0, 0, 0, 1, 2, 3)
	}
	l.seed = s.r.Uint32()
	return l
}

// inputs are the terms that stand for the inputs of l, one each.
func (l *single) inputs() []*kernel.Term {
	list := make([]*kernel.Term, len(l.skew))
	for i, k := range l.from {
		list[k] = &l.Terms[i]
	}
	return list
}

// program is l as a program with a self-test. Where inputs are several or skewed, each is copied from a
// part of one input and mapped to its levels. The first output is that of l, the others are the inputs.
func (l *single) program() *runtime.Program {
	b := &builder{p: &runtime.Program{Inputs: []runtime.Input{{}}}}
	ins := l.inputs()
	var tensors []int
	if len(ins) == 1 && l.skew[0] == 0 {
		tensors = []int{b.tensor(ins[0].Shape, ins[0].Levels, ins[0].Zero)}
	} else {
		all := 0
		for _, t := range ins {
			all += elems(t.Shape)
		}
		b.tensor([3]int{1, 1, all}, 256, 0)
		at := 0
		for k, t := range ins {
			n := elems(t.Shape)
			part := b.tensor(t.Shape, 256, 0)
			b.add(&runtime.Copy{Out: part, Pieces: []runtime.Piece{{
				Dims: [6]int{n, 1, 1, 1, 1, 1}, InStart: at, OutStride: [6]int{1}, InStride: [6]int{1},
			}}})
			at += n
			tensors = append(tensors, b.tensor(t.Shape, t.Levels, t.Zero))
			b.add(&runtime.Map{Out: tensors[k], In: part, Tables: [][]uint8{skewed(t, l.skew[k])}})
		}
	}
	var from []int
	for _, k := range l.from {
		from = append(from, tensors[k])
	}
	b.p.Outputs = []runtime.Output{{Name: "y", Tensor: b.linear(l.Layer, from)}}
	for _, t := range tensors {
		b.p.Outputs = append(b.p.Outputs, runtime.Output{Name: "x", Tensor: t})
	}
	return b.p
}

// skewed maps 256 levels to those of t: evenly, to the highest, to the one worth zero, or to that mostly.
func skewed(t *kernel.Term, skew int) []uint8 {
	table := make([]uint8, 256)
	for i := range table {
		switch {
		case skew == 1:
			table[i] = uint8(t.Levels - 1)
		case skew == 2, skew == 3 && i < 200:
			table[i] = uint8(t.Zero)
		default:
			table[i] = uint8(i * t.Levels >> 8)
		}
	}
	return table
}

func elems(shape [3]int) int { return shape[0] * shape[1] * shape[2] }

// sample is the self-test input of seed for p, one input after the other.
func sample(p *runtime.Program, seed uint32) []byte { return slices.Concat(p.GenerateInputs(seed)...) }

// inputs cuts a sample of p.
func inputs(p *runtime.Program, sample []byte) (parts [][]byte) {
	for _, in := range p.Inputs {
		n := p.Tensors[in.Tensor].Elems()
		parts, sample = append(parts, sample[:n]), sample[n:]
	}
	return parts
}

// addSelfTest adds the self-test of seed to p, whose results are want.
func addSelfTest(p *runtime.Program, seed uint32, want [][]int32) {
	p.SelfTests = append(p.SelfTests, runtime.SelfTest{Seed: seed, Want: slices.Concat(want...)})
}

// builder makes a program.
type builder struct {
	*source
	p        *runtime.Program
	together []int // tensors that all iterations of the present loop write together
}

func (b *builder) tensor(shape [3]int, levels, zero int) int {
	b.p.Tensors = append(b.p.Tensors, runtime.Tensor{Shape: shape, Levels: levels, Zero: zero, Scale: runtime.ScaleOf(1)})
	return len(b.p.Tensors) - 1
}

func (b *builder) add(i runtime.Instr) int {
	b.p.Instrs = append(b.p.Instrs, i)
	return i.Dst()
}

// linear adds l over the given tensors, one per term, and returns its output.
func (b *builder) linear(l *kernel.Layer, from []int) int {
	p := b.p
	i := &runtime.Linear{Bias: l.Bias}
	for k := range l.Terms {
		t := &l.Terms[k]
		i.Terms = append(i.Terms, runtime.Term{
			In: from[k], Codebook: len(p.Codebooks), Groups: t.Groups, Kernel: t.Kernel, Stride: t.Stride,
			Dilation: t.Dilation, Pad: t.Pad, Up: t.Up, Weights: runtime.PackWeights(t.Weights, len(t.Centres)),
		})
		p.Codebooks = append(p.Codebooks, runtime.Codebook{Centres: t.Centres})
	}
	levels := 0
	for _, s := range l.Steps {
		i.Steps = append(i.Steps, len(p.Steps))
		p.Steps = append(p.Steps, runtime.Step{Breaks: s.Breaks, Values: s.Values})
		levels = max(levels, 2, int(slices.Max(s.Values))+1)
	}
	zero := 0
	if levels > 0 && b.source != nil {
		zero = b.zero(levels)
	}
	i.Out = b.tensor(l.Out, levels, zero)
	return b.add(i)
}
