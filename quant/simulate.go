package quant

import (
	"fmt"
	"math"
	gort "runtime"
	"sync"

	"qconv/runtime"
)

// Simulate computes a program on one sample by its definition: slowly, in plain loops over
// 64-bit integers, with every accumulator checked against int32. It is what the runtime
// must equal. It takes the levels of every input tensor, in its order; the results are the
// elements of every output, level indices or accumulators.
func Simulate(p *runtime.Program, inputs ...[]byte) ([][]int32, error) {
	tensors, err := simulateAll(p, inputs)
	if err != nil {
		return nil, err
	}
	outs := make([][]int32, len(p.Outputs))
	for i, o := range p.Outputs {
		outs[i] = tensors[o.Tensor]
	}
	return outs, nil
}

// simulateAll returns the elements of every tensor of the program.
func simulateAll(p *runtime.Program, inputs [][]byte) ([][]int32, error) {
	if len(inputs) != len(p.Inputs) {
		return nil, fmt.Errorf("quant: simulate: %d inputs, want %d", len(inputs), len(p.Inputs))
	}
	tensors := make([][]int32, len(p.Tensors))
	for n, indices := range inputs {
		id := p.Inputs[n].Tensor
		in := p.Tensors[id]
		if len(indices) != in.Elems() {
			return nil, fmt.Errorf("quant: simulate: input %d has %d elements, want %d", n, len(indices), in.Elems())
		}
		tensors[id] = make([]int32, in.Elems())
		for i, v := range indices {
			if int(v) >= in.Levels {
				return nil, fmt.Errorf("quant: simulate: element %d of input %d is level %d, want less than %d", i, n, v, in.Levels)
			}
			tensors[id][i] = int32(v)
		}
	}
	for n, instr := range p.Instrs {
		out := make([]int32, p.Tensors[instr.Dst()].Elems())
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
			for i := range out {
				out[i] = int32(instr.Fill)
			}
			for _, piece := range instr.Pieces {
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
			return nil, fmt.Errorf("quant: simulate: instruction %d: %w", n, err)
		}
		tensors[instr.Dst()] = out
	}
	return tensors, nil
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
