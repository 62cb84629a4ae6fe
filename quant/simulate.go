package quant

import (
	"fmt"
	"math"
	gort "runtime"
	"slices"
	"sync"

	"qconv/runtime"
)

// Simulate computes a program on one sample by its definition: slowly, in plain loops over
// 64-bit integers, with every accumulator checked against int32. It is what the runtime
// must equal. It takes the levels of every input tensor, in its order; the results are the
// elements of every output, level indices or accumulators. Of a program that is a step of a stream it is the first step.
func Simulate(p *runtime.Program, inputs ...[]byte) ([][]int32, error) {
	return NewSimulation(p).Step(inputs...)
}

// simulateAll returns the elements of every tensor of the program, at the first step of a stream.
func simulateAll(p *runtime.Program, inputs [][]byte) ([][]int32, error) {
	return NewSimulation(p).run(inputs)
}

// Simulation is what [Simulate] computes, for the steps of a stream one after the other: between them it holds the states.
type Simulation struct {
	p      *runtime.Program
	states [][]int32 // the elements of every State's To
}

// NewSimulation makes one that is reset.
func NewSimulation(p *runtime.Program) *Simulation {
	s := &Simulation{p: p}
	s.Reset()
	return s
}

// Reset makes the next Step the first one: the states hold their initial levels.
func (s *Simulation) Reset() {
	s.states = nil
	if s.p.Stream == nil {
		return
	}
	for _, state := range s.p.Stream.States {
		levels := make([]int32, s.p.Tensors[state.To].Elems())
		for i := range levels {
			levels[i] = int32(state.Initial[min(i, len(state.Initial)-1)])
		}
		s.states = append(s.states, levels)
	}
}

// SetStates gives every state of the stream the levels that the next Step begins with. They are as many as the states and in range.
func (s *Simulation) SetStates(states ...[]byte) error {
	if len(states) != len(s.states) {
		return fmt.Errorf("quant: simulate: %d states, want %d", len(states), len(s.states))
	}
	all := make([][]int32, len(states))
	for n, indices := range states {
		var err error
		if all[n], err = simulatedLevels(s.p, s.p.Stream.States[n].To, indices); err != nil {
			return fmt.Errorf("quant: simulate: state %d: %w", n, err)
		}
	}
	s.states = all
	return nil
}

// Step computes the next step of the stream. Without one every Step stands for itself.
func (s *Simulation) Step(inputs ...[]byte) ([][]int32, error) {
	tensors, err := s.run(inputs)
	if err != nil {
		return nil, err
	}
	outs := make([][]int32, len(s.p.Outputs))
	for i, o := range s.p.Outputs {
		outs[i] = tensors[o.Tensor]
	}
	return outs, nil
}

// run is Step, and returns the elements of every tensor.
func (s *Simulation) run(inputs [][]byte) ([][]int32, error) {
	p := s.p
	if len(inputs) != len(p.Inputs) {
		return nil, fmt.Errorf("quant: simulate: %d inputs, want %d", len(inputs), len(p.Inputs))
	}
	tensors := make([][]int32, len(p.Tensors))
	for n, indices := range inputs {
		var err error
		if tensors[p.Inputs[n].Tensor], err = simulatedLevels(p, p.Inputs[n].Tensor, indices); err != nil {
			return nil, fmt.Errorf("quant: simulate: input %d: %w", n, err)
		}
	}
	for n := range s.states {
		tensors[p.Stream.States[n].To] = s.states[n]
	}
	at := 0
	for _, l := range p.Loops {
		if err := simulateInstrs(p, tensors, at, l.First, 0); err != nil {
			return nil, err
		}
		at = l.First + l.Length
		for t := range l.Count {
			if err := simulateInstrs(p, tensors, l.First, at, t); err != nil {
				return nil, err
			}
			for _, c := range l.Carries {
				tensors[c.To] = tensors[c.From]
			}
		}
	}
	if err := simulateInstrs(p, tensors, at, len(p.Instrs), 0); err != nil {
		return nil, err
	}
	for n := range s.states {
		s.states[n] = tensors[p.Stream.States[n].From]
	}
	return tensors, nil
}

// simulatedLevels are the elements of a tensor that holds levels, checked.
func simulatedLevels(p *runtime.Program, tensor int, indices []byte) ([]int32, error) {
	t := p.Tensors[tensor]
	if len(indices) != t.Elems() {
		return nil, fmt.Errorf("%d elements, want %d", len(indices), t.Elems())
	}
	levels := make([]int32, len(indices))
	for i, v := range indices {
		if int(v) >= t.Levels {
			return nil, fmt.Errorf("element %d is level %d, want less than %d", i, v, t.Levels)
		}
		levels[i] = int32(v)
	}
	return levels, nil
}

// simulateInstrs runs the instructions from..to-1 in iteration t of the loop that they are part of, or 0 outside of loops. Each makes
// new elements of its tensor, unless those of all iterations belong together.
func simulateInstrs(p *runtime.Program, tensors [][]int32, from, to, t int) error {
	for n := from; n < to; n++ {
		instr := p.Instrs[n]
		var out []int32
		if _, ok := instr.(*runtime.Copy); !ok {
			out = make([]int32, p.Tensors[instr.Dst()].Elems())
		}
		var err error
		switch instr := instr.(type) {
		case *runtime.Linear:
			err = simulateLinear(p, instr, tensors, out)
		case *runtime.MaxPool:
			simulateMaxPool(p, instr, tensors[instr.In], out)
		case *runtime.Map:
			plane := len(out) / len(instr.Tables)
			for i, v := range tensors[instr.In] {
				out[i] = int32(instr.Tables[i/plane][v])
			}
		case *runtime.Map2:
			simulateMap2(p, instr, tensors[instr.A], tensors[instr.B], out)
		case *runtime.Copy:
			if t > 0 && puts(instr) {
				out = tensors[instr.Out]
			} else {
				out = slices.Repeat([]int32{int32(instr.Fill)}, p.Tensors[instr.Out].Elems())
			}
			for _, piece := range instr.Pieces {
				piece.OutStart += t * piece.OutStep
				piece.InStart += t * piece.InStep
				simulatePiece(piece, tensors[piece.In], out)
			}
		case *runtime.ArgMax:
			simulateArgMax(instr, tensors[instr.In], out)
		case *runtime.MatMul:
			err = simulateMatMul(p, instr, tensors[instr.A], tensors[instr.B], out)
		default:
			err = fmt.Errorf("unknown instruction %T", instr)
		}
		if err != nil {
			return fmt.Errorf("quant: simulate: instruction %d: %w", n, err)
		}
		tensors[instr.Dst()] = out
	}
	return nil
}

func simulateLinear(p *runtime.Program, l *runtime.Linear, tensors [][]int32, out []int32) error {
	shape := p.Tensors[l.Out].Shape
	acc := make([]int64, len(out))
	for i := range acc {
		acc[i] = int64(l.Bias[i/(shape[1]*shape[2])])
	}
	for _, t := range l.Terms {
		weights := make([]uint16, t.Weights.Len())
		if err := t.Weights.Decode(weights); err != nil {
			return err
		}
		simulateTerm(p, t, weights, tensors[t.In], shape, acc)
	}
	return requantized(p, l.Steps, shape, acc, out)
}

// requantized applies the step functions of an instruction that writes a tensor of that shape to its accumulators.
func requantized(p *runtime.Program, steps []int, shape [3]int, acc []int64, out []int32) error {
	for i, a := range acc {
		if a < math.MinInt32 || a > math.MaxInt32 {
			return fmt.Errorf("accumulator %d is %d, which is no int32", i, a)
		}
		switch len(steps) {
		case 0:
			out[i] = int32(a)
		case 1:
			out[i] = int32(p.Steps[steps[0]].Level(int32(a)))
		default:
			out[i] = int32(p.Steps[steps[i/(shape[1]*shape[2])]].Level(int32(a)))
		}
	}
	return nil
}

func simulateMatMul(p *runtime.Program, m *runtime.MatMul, a, b, out []int32) error {
	shape, inner := p.Tensors[m.Out].Shape, p.Tensors[m.A].Shape[2]
	zeroA, zeroB := int64(p.Tensors[m.A].Zero), int64(p.Tensors[m.B].Zero)
	acc := make([]int64, len(out))
	for i := range acc {
		row, x := i/shape[2], i%shape[2]
		channel := row / shape[1]
		for k := range inner {
			acc[i] += (int64(a[row*inner+k]) - zeroA) * (int64(b[(channel*inner+k)*shape[2]+x]) - zeroB)
		}
	}
	return requantized(p, m.Steps, shape, acc, out)
}

// simulateTerm adds one linear map to the accumulators, by the equation of [runtime.Term]: weight
// after weight, each at all positions. Output channels are computed at the same time.
func simulateTerm(p *runtime.Program, t runtime.Term, weights []uint16, in []int32, shape [3]int, acc []int64) {
	source := p.Tensors[t.In]
	centres := p.Codebooks[t.Codebook].Centres
	perGroup := source.Shape[0] / t.Groups // input channels of a group
	outPerGroup := shape[0] / t.Groups
	area := t.Kernel[0] * t.Kernel[1]
	rows, columns := meetings(t, 0, shape[1], source.Shape[1]), meetings(t, 1, shape[2], source.Shape[2])
	plane := shape[1] * shape[2]
	var wait sync.WaitGroup
	defer wait.Wait()
	channels := make(chan int, shape[0])
	for o := range shape[0] {
		channels <- o
	}
	close(channels)
	for range gort.GOMAXPROCS(0) {
		wait.Go(func() {
			for o := range channels {
				out := acc[o*plane:][:plane]
				for w, index := range weights[o*perGroup*area:][:perGroup*area] {
					centre := int64(centres[index])
					channel := o/outPerGroup*perGroup + w/area
					picture := in[channel*source.Shape[1]*source.Shape[2]:]
					for _, r := range rows[w%area/t.Kernel[1]] {
						line, from := out[r.out*shape[2]:], picture[r.in*source.Shape[2]:]
						for _, c := range columns[w%t.Kernel[1]] {
							line[c.out] += centre * int64(from[c.in]-int32(source.Zero))
						}
					}
				}
			}
		})
	}
}

// meeting says that an output row (or column) meets an input row through a kernel element.
type meeting struct{ out, in int }

// meetings lists the meetings of every kernel element along axis d.
func meetings(t runtime.Term, d, outputs, inputs int) [][]meeting {
	list := make([][]meeting, t.Kernel[d])
	for k := range list {
		for y := range outputs {
			if v, ok := tap(y, k, t, d, inputs); ok {
				list[k] = append(list[k], meeting{y, v})
			}
		}
	}
	return list
}

// tap is the input row (d = 0) or column (d = 1) that kernel element k meets at output
// position y, and whether there is one.
func tap(y, k int, t runtime.Term, d, size int) (int, bool) {
	v := y*t.Stride[d] - t.Pad[d] + k*t.Dilation[d]
	return v / t.Up[d], v >= 0 && v%t.Up[d] == 0 && v/t.Up[d] < size
}

func simulateMaxPool(p *runtime.Program, m *runtime.MaxPool, in, out []int32) {
	from, to := p.Tensors[m.In].Shape, p.Tensors[m.Out].Shape
	n := 0
	for c := range to[0] {
		for y := range to[1] {
			for x := range to[2] {
				largest := int32(0)
				for ky := range m.Kernel[0] {
					for kx := range m.Kernel[1] {
						v := y*m.Stride[0] - m.Pad[0] + ky*m.Dilation[0]
						u := x*m.Stride[1] - m.Pad[1] + kx*m.Dilation[1]
						if v >= 0 && v < from[1] && u >= 0 && u < from[2] {
							largest = max(largest, in[(c*from[1]+v)*from[2]+u])
						}
					}
				}
				out[n] = largest
				n++
			}
		}
	}
}

func simulateArgMax(a *runtime.ArgMax, in, out []int32) {
	for n := range out {
		first := n/a.Inner*a.Length*a.Inner + n%a.Inner
		best := in[first]
		for k := range a.Length {
			v := in[first+k*a.Inner]
			if better := v > best && !a.Least || v < best && a.Least; better || v == best && a.Last {
				best, out[n] = v, int32(k)
			}
		}
	}
}

func simulateMap2(p *runtime.Program, m *runtime.Map2, a, b, out []int32) {
	shape, small := p.Tensors[m.Out].Shape, p.Tensors[m.B].Shape
	levels := int32(p.Tensors[m.B].Levels)
	n := 0
	for c := range shape[0] {
		for y := range shape[1] {
			for x := range shape[2] {
				cb, yb, xb := min(c, small[0]-1), min(y, small[1]-1), min(x, small[2]-1)
				v := b[(cb*small[1]+yb)*small[2]+xb]
				out[n] = int32(m.Table[a[n]*levels+v])
				n++
			}
		}
	}
}

func simulatePiece(p runtime.Piece, in, out []int32) {
	eachElement(p, func(to, from int) { out[to] = in[from] })
}

// eachElement calls of for every element that a piece copies, with its position in the output and in the input.
func eachElement(p runtime.Piece, of func(to, from int)) {
	var walk func(d, to, from int)
	walk = func(d, to, from int) {
		if d == len(p.Dims) {
			of(to, from)
			return
		}
		for i := range p.Dims[d] {
			walk(d+1, to+i*p.OutStride[d], from+i*p.InStride[d])
		}
	}
	walk(0, p.OutStart, p.InStart)
}
