package runtime

import (
	"fmt"
	"slices"
)

// evaluate runs p on level indices by the definitions in program.go, slowly, and returns
// the elements of every output. Of a stream it is the first step.
func evaluate(p *Program, inputs ...[]byte) [][]int32 { return newEvaluation(p).step(inputs...) }

// evaluation holds the states of a stream between steps.
type evaluation struct {
	p      *Program
	states [][]int32
}

func newEvaluation(p *Program) *evaluation {
	e := &evaluation{p: p}
	if p.Stream != nil {
		for _, s := range p.Stream.States {
			values := make([]int32, p.Tensors[s.To].Elems())
			for i := range values {
				values[i] = int32(s.Initial[i%len(s.Initial)])
			}
			e.states = append(e.states, values)
		}
	}
	return e
}

// set gives the states the levels of a self-test.
func (e *evaluation) set(states [][]byte) {
	for n := range states {
		for i, v := range states[n] {
			e.states[n][i] = int32(v)
		}
	}
}

func (e *evaluation) step(inputs ...[]byte) [][]int32 {
	p := e.p
	values := make([][]int32, len(p.Tensors))
	for i := range values {
		values[i] = make([]int32, p.Tensors[i].Elems())
	}
	for n, input := range inputs {
		for i, v := range input {
			values[p.Inputs[n].Tensor][i] = int32(v)
		}
	}
	for n := range e.states {
		copy(values[p.Stream.States[n].To], e.states[n])
	}
	// counts is how often each instruction has run.
	counts := make([]int, len(p.Instrs))
	run := func(n int) {
		instr, t := p.Instrs[n], counts[n]
		counts[n]++
		out := values[instr.Dst()]
		switch i := instr.(type) {
		case *Linear:
			evaluateLinear(p, i, values)
		case *MaxPool:
			evaluateMaxPool(p, i, values)
		case *Map:
			plane := p.Tensors[i.In].Shape[1] * p.Tensors[i.In].Shape[2]
			for k, v := range values[i.In] {
				out[k] = int32(i.Tables[k/plane%len(i.Tables)][v])
			}
		case *Map2:
			a, b := p.Tensors[i.A].Shape, p.Tensors[i.B].Shape
			for k, v := range values[i.A] {
				at := [3]int{k / (a[1] * a[2]), k / a[2] % a[1], k % a[2]}
				other := values[i.B][(at[0]%b[0]*b[1]+at[1]%b[1])*b[2]+at[2]%b[2]]
				out[k] = int32(i.Table[int(v)*p.Tensors[i.B].Levels+int(other)])
			}
		case *Copy:
			for k := range out {
				if t == 0 || !steps(i) {
					out[k] = int32(i.Fill)
				}
			}
			for _, q := range i.Pieces {
				evaluatePiece(&q, 0, q.OutStart+t*q.OutStep, q.InStart+t*q.InStep, out, values[q.In])
			}
		case *ArgMax:
			for k := range out {
				line := k/i.Inner*i.Length*i.Inner + k%i.Inner
				for n := range i.Length {
					v, best := values[i.In][line+n*i.Inner], values[i.In][line+int(out[k])*i.Inner]
					if i.Least && v < best || !i.Least && v > best || i.Last && v == best {
						out[k] = int32(n)
					}
				}
			}
		case *MatMul:
			a, b, shape := &p.Tensors[i.A], &p.Tensors[i.B], p.Tensors[i.Out].Shape
			for c := range shape[0] {
				for y := range shape[1] {
					for x := range shape[2] {
						acc := int32(0)
						for k := range a.Shape[2] {
							left := values[i.A][(c*a.Shape[1]+y)*a.Shape[2]+k] - int32(a.Zero)
							acc += left * (values[i.B][(c*b.Shape[1]+k)*b.Shape[2]+x] - int32(b.Zero))
						}
						at := (c*shape[1]+y)*shape[2] + x
						if out[at] = acc; len(i.Steps) > 0 {
							out[at] = int32(p.Steps[i.Steps[c%len(i.Steps)]].Level(acc))
						}
					}
				}
			}
		default:
			panic(fmt.Sprintf("BUG: instruction %T", instr))
		}
	}
	for n := 0; n < len(p.Instrs); {
		at := slices.IndexFunc(p.Loops, func(l Loop) bool { return l.First == n })
		if at < 0 {
			run(n)
			n++
			continue
		}
		l := &p.Loops[at]
		for range l.Count {
			for k := range l.Length {
				run(n + k)
			}
			for _, c := range l.Carries {
				copy(values[c.To], values[c.From])
			}
		}
		n += l.Length
	}
	var results [][]int32
	for _, o := range p.Outputs {
		results = append(results, values[o.Tensor])
	}
	for n := range e.states {
		e.states[n] = values[p.Stream.States[n].From]
	}
	return results
}

func evaluatePiece(q *Piece, d, to, from int, out, in []int32) {
	if d == len(q.Dims) {
		out[to] = in[from]
		return
	}
	for i := range q.Dims[d] {
		evaluatePiece(q, d+1, to+i*q.OutStride[d], from+i*q.InStride[d], out, in)
	}
}

func evaluateLinear(p *Program, l *Linear, values [][]int32) {
	shape := p.Tensors[l.Out].Shape
	weights := make([][]uint16, len(l.Terms))
	for k := range l.Terms {
		weights[k] = make([]uint16, l.Terms[k].Weights.Len())
		if err := l.Terms[k].Weights.Decode(weights[k]); err != nil {
			panic(err)
		}
	}
	for e := range values[l.Out] {
		o, y, x := e/(shape[1]*shape[2]), e/shape[2]%shape[1], e%shape[2]
		acc := l.Bias[o]
		for k := range l.Terms {
			acc += evaluateTerm(p, &l.Terms[k], weights[k], values[l.Terms[k].In], shape[0], o, y, x)
		}
		switch len(l.Steps) {
		case 0:
			values[l.Out][e] = acc
		case 1:
			values[l.Out][e] = int32(p.Steps[l.Steps[0]].Level(acc))
		default:
			values[l.Out][e] = int32(p.Steps[l.Steps[o]].Level(acc))
		}
	}
}

func evaluateTerm(p *Program, t *Term, w []uint16, in []int32, channels, o, y, x int) int32 {
	shape := p.Tensors[t.In].Shape
	cg := shape[0] / t.Groups
	g := o / (channels / t.Groups)
	var sum int32
	for c := range cg {
		for ky := range t.Kernel[0] {
			for kx := range t.Kernel[1] {
				v := y*t.Stride[0] - t.Pad[0] + ky*t.Dilation[0]
				u := x*t.Stride[1] - t.Pad[1] + kx*t.Dilation[1]
				if v < 0 || u < 0 || v%t.Up[0] != 0 || u%t.Up[1] != 0 {
					continue
				}
				v, u = v/t.Up[0], u/t.Up[1]
				if v >= shape[1] || u >= shape[2] {
					continue
				}
				centre := p.Codebooks[t.Codebook].Centres[w[((o*cg+c)*t.Kernel[0]+ky)*t.Kernel[1]+kx]]
				sum += centre * (in[((g*cg+c)*shape[1]+v)*shape[2]+u] - int32(p.Tensors[t.In].Zero))
			}
		}
	}
	return sum
}

func evaluateMaxPool(p *Program, m *MaxPool, values [][]int32) {
	shape, from := p.Tensors[m.Out].Shape, p.Tensors[m.In].Shape
	for e := range values[m.Out] {
		c, y, x := e/(shape[1]*shape[2]), e/shape[2]%shape[1], e%shape[2]
		top := int32(-1)
		for ky := range m.Kernel[0] {
			for kx := range m.Kernel[1] {
				v := y*m.Stride[0] - m.Pad[0] + ky*m.Dilation[0]
				u := x*m.Stride[1] - m.Pad[1] + kx*m.Dilation[1]
				if v >= 0 && v < from[1] && u >= 0 && u < from[2] {
					top = max(top, values[m.In][(c*from[1]+v)*from[2]+u])
				}
			}
		}
		values[m.Out][e] = top
	}
}
