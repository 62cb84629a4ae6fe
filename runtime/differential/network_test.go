package differential

import (
	"slices"

	"qconv/runtime"
	"qconv/runtime/internal/kernel"
)

// network draws a program of up to eight instructions and those that prepare their operands.
func (s *source) network() *runtime.Program {
	b := &builder{source: s, p: &runtime.Program{}}
	b.input()
	if s.chance(25) {
		for range s.between(1, 3) {
			b.input()
		}
	}
	for range s.between(2, 8) {
		b.one()
	}
	b.outputs()
	return b.p
}

// one adds an instruction, or a few.
func (b *builder) one() {
	[]func(){b.convolution, b.convolution, b.convolution, b.residual, b.maxPool, b.mapping, b.map2, b.copying, b.argMax, b.matMul}[b.intn(10)]()
}

// outputs makes outputs of all tensors that nothing reads, and of some others.
func (b *builder) outputs() {
	read := make([]bool, len(b.p.Tensors))
	for _, i := range b.p.Instrs {
		for _, t := range i.Srcs() {
			read[t] = true
		}
	}
	for t := range b.p.Tensors {
		if !read[t] || b.chance(20) {
			b.p.Outputs = append(b.p.Outputs, runtime.Output{Name: string(rune('a' + t)), Tensor: t})
		}
	}
}

// input adds an input; several have names.
func (b *builder) input() {
	levels := b.levels()
	t := b.tensor([3]int{b.between(1, 6), min(b.rows(), 16), min(b.columns(), 70)}, levels, b.zero(levels))
	in := runtime.Input{Tensor: t, Interleaved: b.chance(30)}
	for range []int{0, 1, b.p.Tensors[t].Shape[0]}[b.intn(3)] {
		in.Tables = append(in.Tables, b.table(256, levels))
	}
	b.p.Inputs = append(b.p.Inputs, in)
	if len(b.p.Inputs) > 1 {
		for i := range b.p.Inputs {
			b.p.Inputs[i].Name = string(rune('a' + i))
		}
	}
}

// operand draws a tensor that holds levels, mostly one of the latest.
func (b *builder) operand() int {
	n := len(b.p.Tensors)
	for {
		t := b.intn(n)
		if b.chance(60) {
			t = n - 1 - b.intn(min(n, 3))
		}
		if b.p.Tensors[t].Levels > 0 && !slices.Contains(b.together, t) {
			return t
		}
	}
}

// term is a term over tensor t as far as the tensor tells.
func (b *builder) term(t int) kernel.Term {
	from := &b.p.Tensors[t]
	return kernel.Term{Shape: from.Shape, Levels: from.Levels, Zero: from.Zero}
}

// convolution adds a Linear with all terms over tensors that exist.
func (b *builder) convolution() {
	var given []kernel.Term
	var from []int
	for range b.oneOf(1, 1, 1, 2, 2, 3, 4, 5) {
		t := b.operand()
		from, given = append(from, t), append(given, b.term(t))
	}
	l := b.layer(given)
	b.linear(l, from)
}

// residual adds what a block of a residual network is: two convolutions, the second with the input of
// the first as another term.
func (b *builder) residual() {
	t := b.operand()
	one := [2]int{1, 1}
	shape := b.p.Tensors[t].Shape
	for k := range 2 {
		term := b.term(t)
		term.Kernel, term.Stride, term.Dilation, term.Pad, term.Up, term.Groups = [2]int{3, 3}, one, one, one, one, 1
		l := &kernel.Layer{Out: [3]int{b.between(1, 8), shape[1], shape[2]}, Terms: []kernel.Term{term}}
		from := []int{t}
		if k == 1 {
			in := b.p.Instrs[len(b.p.Instrs)-1].Srcs()[0]
			term := b.term(in)
			term.Kernel, term.Stride, term.Dilation, term.Up, term.Groups = one, one, one, one, 1
			l.Terms, from = append(l.Terms, term), append(from, in)
		}
		b.numbers(l)
		if k == 0 {
			for len(l.Steps) == 0 {
				b.steps(l)
			}
		}
		t = b.linear(l, from)
	}
}

// maxPool adds a pooling, often of windows of 2x2 side by side.
func (b *builder) maxPool() {
	in := b.operand()
	from := b.p.Tensors[in]
	i := &runtime.MaxPool{In: in, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}}
	if b.chance(60) || from.Shape[1] < 2 || from.Shape[2] < 2 {
		i.Kernel = pair(func() int { return b.between(1, 5) })
		i.Stride = pair(func() int { return b.between(1, 8) })
		i.Dilation = pair(func() int { return b.between(1, 3) })
		i.Pad = pair(func() int { return b.between(-2, 6) })
	}
	shape := from.Shape
	for a := range 2 {
		meets := func(y int) bool {
			for k := range i.Kernel[a] {
				if v := y*i.Stride[a] - i.Pad[a] + k*i.Dilation[a]; v >= 0 && v < from.Shape[1+a] {
					return true
				}
			}
			return false
		}
		if !meets(0) {
			i.Pad[a] = 0
		}
		n := 1
		for n < 80 && meets(n) {
			n++
		}
		shape[1+a] = n - min(n-1, b.oneOf(0, 0, 1))
	}
	i.Out = b.tensor(shape, from.Levels, from.Zero)
	b.add(i)
}

// argMax adds an ArgMax along a dimension of any tensor, or along all.
func (b *builder) argMax() {
	in := b.intn(len(b.p.Tensors))
	for slices.Contains(b.together, in) {
		in = b.intn(len(b.p.Tensors))
	}
	shape := b.p.Tensors[in].Shape
	i := &runtime.ArgMax{In: in, Length: elems(shape), Inner: 1, Last: b.chance(50), Least: b.chance(30)}
	if axis := b.intn(4); axis == 3 {
		shape = [3]int{1, 1, 1}
	} else {
		i.Length = shape[axis]
		for _, n := range shape[axis+1:] {
			i.Inner *= n
		}
		shape[axis] = 1
	}
	i.Out = b.tensor(shape, 0, 0)
	b.add(i)
}

// matMul adds a MatMul of a tensor and elements of another, which a Copy brings to a shape that fits.
func (b *builder) matMul() {
	first, second := b.operand(), b.operand()
	a, from := b.p.Tensors[first].Shape, b.p.Tensors[second]
	if b.chance(20) && a[1] > 1 { // its first row
		one := &runtime.Copy{Pieces: []runtime.Piece{{In: first, Dims: [6]int{a[2], a[0], 1, 1, 1, 1}, OutStride: [6]int{1, a[2]}, InStride: [6]int{1, a[1] * a[2]}}}}
		a[1] = 1
		one.Out = b.tensor(a, b.p.Tensors[first].Levels, b.p.Tensors[first].Zero)
		first = b.add(one)
	}
	shape := [3]int{a[0], a[2], b.oneOf(1, b.between(1, 8), b.between(9, 40))}
	move := &runtime.Copy{Fill: uint8(b.intn(from.Levels))}
	move.Out = b.tensor(shape, from.Levels, from.Zero)
	n := min(elems(shape), elems(from.Shape))
	move.Pieces = []runtime.Piece{{In: second, Dims: [6]int{n, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}
	i := &runtime.MatMul{A: first, B: b.add(move)}
	l := &kernel.Layer{Out: [3]int{a[0], a[1], shape[2]}} // with accumulators in the same range
	lo, hi := b.p.MatMulRange(i)
	one := [2]int{1, 1}
	l.Terms = []kernel.Term{{Shape: [3]int{1, 1, 1}, Levels: 2, Groups: 1, Kernel: one, Centres: []int32{int32(hi - lo)}, Weights: make([]uint16, a[0])}}
	for range a[0] {
		l.Bias = append(l.Bias, int32(lo))
	}
	b.steps(l)
	levels := 0
	for _, s := range l.Steps {
		for _, v := range s.Values {
			levels = max(levels, int(v)+1, 2)
		}
		i.Steps = append(i.Steps, len(b.p.Steps))
		b.p.Steps = append(b.p.Steps, runtime.Step{Breaks: s.Breaks, Values: s.Values})
	}
	zero := 0
	if levels > 0 {
		zero = b.zero(levels)
	}
	i.Out = b.tensor(l.Out, levels, zero)
	b.add(i)
}

// mapping adds a Map with one table or one per channel.
func (b *builder) mapping() {
	in := b.operand()
	from, levels := b.p.Tensors[in], b.levels()
	i := &runtime.Map{In: in}
	for range b.oneOf(1, from.Shape[0]) {
		i.Tables = append(i.Tables, b.table(from.Levels, levels))
	}
	i.Out = b.tensor(from.Shape, levels, b.zero(levels))
	b.add(i)
}

// map2 adds a Map2 of a tensor and a part of another that is repeated along some dimensions.
func (b *builder) map2() {
	first, second := b.operand(), b.operand()
	a, from := b.p.Tensors[first], b.p.Tensors[second]
	if b.chance(70) || a.Shape != from.Shape {
		shape := a.Shape
		for d := range shape {
			if b.chance(40) {
				shape[d] = 1
			}
		}
		i := &runtime.Copy{Fill: uint8(b.intn(from.Levels))}
		i.Out = b.tensor(shape, from.Levels, from.Zero)
		n := min(elems(shape), elems(from.Shape))
		i.Pieces = []runtime.Piece{{In: second, Dims: [6]int{n, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}}}
		second = b.add(i)
	}
	levels := b.levels()
	i := &runtime.Map2{A: first, B: second, Table: b.table(a.Levels*from.Levels, levels)}
	i.Out = b.tensor(a.Shape, levels, b.zero(levels))
	b.add(i)
}

// copying adds a Copy of strided blocks of one tensor or several.
func (b *builder) copying() {
	var pieces []runtime.Piece
	levels, most := 2, 0
	for range b.between(1, 4) {
		in := b.operand()
		levels = max(levels, b.p.Tensors[in].Levels)
		most = max(most, b.p.Tensors[in].Elems())
		pieces = append(pieces, runtime.Piece{In: in})
	}
	shape := [3]int{b.between(1, 8), b.between(1, 12), b.between(1, 40)}
	if b.chance(50) {
		shape = b.p.Tensors[pieces[0].In].Shape
	}
	i := &runtime.Copy{Fill: uint8(b.intn(levels))}
	left := elems(shape)
	for _, q := range pieces {
		b.block(&q, elems(shape), b.p.Tensors[q.In].Elems(), left)
		n := 1
		for _, d := range q.Dims {
			n *= d
		}
		if left -= n; left < 0 {
			break
		}
		i.Pieces = append(i.Pieces, q)
	}
	i.Out = b.tensor(shape, levels, b.zero(levels))
	b.add(i)
}

// block draws the dimensions of q, of at most most elements, so that none is written twice: the
// strides of the output are those of a box in some order, with gaps and of any sign.
func (b *builder) block(q *runtime.Piece, outElems, inElems, most int) {
	room := outElems // of the strides
	step := 1
	reach := 0 // of the input, from its lowest element
	size := 1
	order := b.r.Perm(6)
	for _, d := range order[:b.between(1, 6)] {
		step *= b.oneOf(1, 1, 1, 2)
		n := b.between(1, b.oneOf(2, 3, 8, 40, 500))
		n = max(1, min(n, room/max(step, 1), max(1, most/size)))
		in := b.oneOf(step, 1, 0, b.between(0, 30))
		if n > 1 {
			n = min(n, 1+(inElems-1-reach)/max(in, 1))
		}
		if n < 2 || (n-1)*step >= outElems-q.OutStart {
			continue
		}
		q.Dims[d], q.OutStride[d], q.InStride[d] = n, step, in
		size *= n
		reach += (n - 1) * in
		q.OutStart += (n - 1) * step // the end, for now
		step *= n
		room = outElems
	}
	end := q.OutStart
	q.OutStart, q.InStart = b.between(0, outElems-1-end), b.between(0, inElems-1-reach)
	for d := range q.Dims {
		if q.Dims[d] == 0 {
			q.Dims[d] = 1
		}
		if n := q.Dims[d] - 1; b.chance(25) {
			q.OutStart, q.OutStride[d] = q.OutStart+n*q.OutStride[d], -q.OutStride[d]
		}
		if n := q.Dims[d] - 1; b.chance(25) {
			q.InStart, q.InStride[d] = q.InStart+n*q.InStride[d], -q.InStride[d]
		}
	}
}
