package c

import (
	"fmt"
	"math/bits"

	"qconv/runtime"
)

func (g *generator) maxPool(i *runtime.MaxPool) {
	in, out := g.p.Tensors[i.In].Shape, g.p.Tensors[i.Out].Shape
	if inside(i, in, out) {
		g.call("maxpool_inside", fields(g.at(i.Out), g.at(i.In)-i.Pad[0]*in[2]-i.Pad[1], out[0], out[1], out[2], in[1]*in[2],
			i.Stride[0]*in[2], i.Stride[1], i.Kernel[0], i.Kernel[1], i.Dilation[0]*in[2], i.Dilation[1]), 48)
		return
	}
	g.call("maxpool", fields(g.at(i.Out), g.at(i.In), out[0], out[1], out[2], in[1], in[2], in[1]*in[2],
		-i.Pad[0], -i.Pad[1], i.Stride[0], i.Stride[1], i.Dilation[0], i.Dilation[1], i.Kernel[0], i.Kernel[1],
		-i.Pad[0]*in[2], i.Stride[0]*in[2], i.Dilation[0]*in[2]), 76)
}

// inside says that no window of i leaves its input.
func inside(i *runtime.MaxPool, in, out [3]int) bool {
	for a := range 2 {
		last := (out[1+a]-1)*i.Stride[a] - i.Pad[a] + (i.Kernel[a]-1)*i.Dilation[a]
		if i.Pad[a] > 0 || last >= in[1+a] {
			return false
		}
	}
	return true
}

// at is where a tensor lies in the arena.
func (g *generator) at(tensor int) int { return g.arena.tensors[tensor] }

func (g *generator) mapping(i *runtime.Map) {
	var all []uint8
	for _, t := range i.Tables {
		all = append(all, t...)
	}
	n := g.p.Tensors[i.In].Elems()
	g.call("map", fields(add(&g.tables, "uint8_t", "table", all), g.at(i.Out), g.at(i.In),
		len(i.Tables), n/len(i.Tables), len(i.Tables[0])), g.o.Target.size(1, 20))
}

func (g *generator) map2(i *runtime.Map2) {
	a, b := g.p.Tensors[i.A], g.p.Tensors[i.B]
	shift := bits.Len(uint(b.Levels - 1))
	table := make([]uint8, a.Levels<<shift)
	for k := range a.Levels {
		copy(table[k<<shift:], i.Table[k*b.Levels:][:b.Levels])
	}
	size, next := together(a.Shape, b.Shape)
	g.call("map2", fields(add(&g.tables, "uint8_t", "table", table), g.at(i.Out), g.at(i.A), g.at(i.B),
		size[0], size[1], size[2], next[0], next[1], next[2], shift), g.o.Target.size(1, 40))
}

// together is how one walks over a and, with steps of 0 along dimensions of size 1, over b: the last dimensions are as large as can be.
func together(a, b [3]int) (size, next [3]int) {
	size, next = [3]int{1, 1, 1}, [3]int{}
	at, step := 2, 1
	for d := 2; d >= 0; d-- {
		s := step
		if step *= b[d]; b[d] == 1 {
			s = 0
		}
		switch {
		case a[d] == 1:
			continue
		case size[at] > 1 && s == size[at]*next[at]:
			size[at] *= a[d]
			continue
		case size[at] > 1:
			at--
		}
		size[at], next[at] = a[d], s
	}
	return size, next
}

func (g *generator) argMax(i *runtime.ArgMax) {
	in := g.p.Tensors[i.In]
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	g.call("argmax", fields(g.at(i.Out), g.at(i.In), in.Elems()/(i.Length*i.Inner), i.Length, i.Inner, i.Length*i.Inner,
		flag(in.Levels == 0), flag(i.Last), flag(i.Least)), 28)
}

// identity says that i copies one tensor as it is.
func (g *generator) identity(i *runtime.Copy) bool {
	n := g.p.Tensors[i.Out].Elems()
	if len(i.Pieces) != 1 || g.p.Tensors[i.Pieces[0].In].Elems() != n || i.Pieces[0].InStart != 0 || i.Pieces[0].OutStart != 0 {
		return false
	}
	q := compact(&i.Pieces[0])
	return len(q) == 0 && n == 1 || len(q) == 1 && q[0] == dimension{n, 1, 1}
}

// dimension is one of a piece.
type dimension struct{ size, out, in int }

// compact lists the dimensions of q that are larger than 1, the largest step of the output first; those that go on where another
// ends are one with it.
func compact(q *runtime.Piece) []dimension {
	var list []dimension
	for d, n := range q.Dims {
		if n == 1 {
			continue
		}
		at := 0
		for at < len(list) && max(list[at].out, -list[at].out) > max(q.OutStride[d], -q.OutStride[d]) {
			at++
		}
		list = append(list[:at:at], append([]dimension{{n, q.OutStride[d], q.InStride[d]}}, list[at:]...)...)
	}
	for i := 0; i+1 < len(list); {
		outer, inner := list[i], list[i+1]
		if outer.out == inner.size*inner.out && outer.in == inner.size*inner.in {
			list[i] = dimension{outer.size * inner.size, inner.out, inner.in}
			list = append(list[:i+1], list[i+2:]...)
			i = max(0, i-1)
			continue
		}
		i++
	}
	return list
}

// copying writes the pieces of a copy. Nothing is done where it stays in place.
func (g *generator) copying(n int, i *runtime.Copy) {
	size := g.p.Tensors[i.Out].Elems()
	moved := g.movingAt(n)
	if g.identity(i) && g.at(i.Out) == g.at(i.Pieces[0].In) {
		g.calls = append(g.calls, "/* Nothing to do: the tensor stays where it is. */")
		return
	}
	var text string
	if !g.identity(i) && !steps(i) {
		left := size
		for k := range i.Pieces {
			left -= pieceElems(&i.Pieces[k])
		}
		if left > 0 || len(i.Pieces) != 1 {
			text = fmt.Sprintf("memset(Q_BYTES(%d), %d, %d); ", g.at(i.Out), i.Fill, size)
		}
	}
	for k := range i.Pieces {
		q := &i.Pieces[k]
		list := compact(q)
		out, in := moved.variable(q.OutStep), moved.variable(q.InStep)
		if len(list) == 0 || len(list) == 1 && list[0].out == 1 && list[0].in == 1 {
			text += fmt.Sprintf("memcpy(Q_BYTES(%s), Q_BYTES(%s), %d); ", plus(g.at(i.Out)+q.OutStart, out), plus(g.at(q.In)+q.InStart, in), pieceElems(q))
			continue
		}
		dims, steps := make([]any, 0, 6), [2][]any{}
		d := make([]dimension, 6-len(list), 6)
		for k := range d {
			d[k].size = 1
		}
		d = append(d, list...)
		gone := [2]int{d[5].size * d[5].out, d[5].size * d[5].in}
		net := make([][2]int, 6)
		net[5] = [2]int{d[5].out, d[5].in}
		for k := 4; k >= 0; k-- {
			net[k] = [2]int{d[k].out - gone[0], d[k].in - gone[1]}
			gone[0] += (d[k].size - 1) * d[k].out
			gone[1] += (d[k].size - 1) * d[k].in
		}
		for k := range d {
			dims = append(dims, d[k].size)
			steps[0], steps[1] = append(steps[0], net[k][0]), append(steps[1], net[k][1])
		}
		g.use("copy")
		name := g.tables.structs("q_piece", "piece", 80, []string{fields(g.at(i.Out)+q.OutStart, g.at(q.In)+q.InStart,
			"{"+fields(dims...)+"}", "{"+fields(steps[0]...)+"}", "{"+fields(steps[1]...)+"}")})
		text += fmt.Sprintf("q_copy(%s, %s, %s); ", name, orZero(out), orZero(in))
	}
	g.calls = append(g.calls, text)
}

// pieceElems is the number of elements that q writes.
func pieceElems(q *runtime.Piece) int {
	n := 1
	for _, d := range q.Dims {
		n *= d
	}
	return n
}
