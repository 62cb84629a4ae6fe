package quant

import (
	"slices"

	"qconv/runtime"
)

// cropped is a program that does not compute rows and columns at the end of tensors that nothing reads, such as what a padding on both sides adds and a slice takes
// away again. It shares what does not change with p.
func cropped(p *runtime.Program) *runtime.Program {
	need := neededExtents(p)
	q := *p
	q.Tensors = slices.Clone(p.Tensors)
	changed := false
	for t := range q.Tensors {
		for d := 1; d < 3; d++ {
			if need[t][d] < q.Tensors[t].Shape[d] {
				q.Tensors[t].Shape[d] = need[t][d]
				changed = true
			}
		}
	}
	if !changed {
		return p
	}
	q.Instrs = slices.Clone(p.Instrs)
	same := func(t int) bool { return p.Tensors[t].Shape == q.Tensors[t].Shape }
	for i, instr := range q.Instrs {
		c, ok := instr.(*runtime.Copy)
		if !ok || same(c.Out) && !slices.ContainsFunc(c.Srcs(), func(t int) bool { return !same(t) }) {
			continue
		}
		m := elementMapOf(p, c)
		var elements []moved
		for e, in := range m.tensor {
			to, inside := recount(e, p.Tensors[c.Out].Shape, q.Tensors[c.Out].Shape)
			if in < 0 || !inside {
				continue
			}
			at, _ := recount(int(m.at[e]), p.Tensors[in].Shape, q.Tensors[in].Shape)
			elements = append(elements, moved{to, int(in), at})
		}
		q.Instrs[i] = &runtime.Copy{Out: c.Out, Fill: c.Fill, Pieces: piecesFor(elements)}
	}
	return &q
}

// recount is the position of an element in a smaller shape; false outside of it.
func recount(e int, old, shape [3]int) (int, bool) {
	c, y, x := e/(old[1]*old[2]), e/old[2]%old[1], e%old[2]
	return (c*shape[1]+y)*shape[2] + x, y < shape[1] && x < shape[2]
}

// neededExtents is how many rows [1] and columns [2] of every tensor are read, counted from the first.
func neededExtents(p *runtime.Program) [][3]int {
	need := make([][3]int, len(p.Tensors))
	all := func(t int) { need[t] = p.Tensors[t].Shape }
	for _, in := range p.Inputs {
		all(in.Tensor)
	}
	for _, o := range p.Outputs {
		all(o.Tensor)
	}
	for _, l := range p.Loops {
		for _, c := range l.Carries {
			all(c.From)
			all(c.To)
		}
		for _, instr := range p.Instrs[l.First : l.First+l.Length] {
			all(instr.Dst())
			for _, src := range instr.Srcs() {
				all(src)
			}
		}
	}
	grow := func(t int, rows, columns int) {
		for d, n := range [3]int{0, rows, columns} {
			need[t][d] = max(need[t][d], 1, min(n, p.Tensors[t].Shape[d]))
		}
	}
	for before := []([3]int)(nil); !slices.Equal(before, need); {
		before = slices.Clone(need)
		for i := len(p.Instrs) - 1; i >= 0; i-- {
			readExtents(p, p.Instrs[i], need, all, grow)
		}
	}
	return need
}

// readExtents takes into account what an instruction reads for what is needed of its output.
func readExtents(p *runtime.Program, instr runtime.Instr, need [][3]int, all func(t int), grow func(t, rows, columns int)) {
	out := instr.Dst()
	windows := func(in, out int, kernel, stride, dilation, pad, up [2]int) {
		var last [2]int
		for d := range last {
			last[d] = ((need[out][d+1]-1)*stride[d]-pad[d]+(kernel[d]-1)*dilation[d])/up[d] + 1
		}
		grow(in, last[0], last[1])
	}
	switch instr.(type) {
	case *runtime.ArgMax, *runtime.MatMul:
		all(out)
	}
	if need[out] == [3]int{} {
		all(out) // read by nothing
	}
	switch instr := instr.(type) {
	case *runtime.Linear:
		for _, t := range instr.Terms {
			windows(t.In, out, t.Kernel, t.Stride, t.Dilation, t.Pad, t.Up)
		}
	case *runtime.MaxPool:
		windows(instr.In, out, instr.Kernel, instr.Stride, instr.Dilation, instr.Pad, [2]int{1, 1})
	case *runtime.Map:
		// Both have one shape.
		grow(out, need[instr.In][1], need[instr.In][2])
		grow(instr.In, need[out][1], need[out][2])
	case *runtime.Map2:
		for _, t := range [...]int{instr.A, instr.B} {
			for d := 1; d < 3; d++ {
				if p.Tensors[t].Shape[d] > 1 {
					need[out][d] = max(need[out][d], need[t][d])
				}
			}
		}
		grow(instr.A, need[out][1], need[out][2])
		grow(instr.B, need[out][1], need[out][2])
	case *runtime.ArgMax:
		all(instr.In)
	case *runtime.MatMul:
		all(instr.A)
		all(instr.B)
	case *runtime.Copy:
		shape := p.Tensors[out].Shape
		for _, piece := range instr.Pieces {
			in := p.Tensors[piece.In].Shape
			eachElement(piece, func(to, at int) {
				if to/shape[2]%shape[1] < need[out][1] && to%shape[2] < need[out][2] {
					grow(piece.In, at/in[2]%in[1]+1, at%in[2]+1)
				}
			})
		}
	}
}
