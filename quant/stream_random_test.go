package quant_test

import (
	"math/rand/v2"

	"qconv/runtime"
)

// streamNet draws a network over a window: the same one, with the same weights, for every number of frames.
type streamNet struct {
	rng  *rand.Rand
	p    *runtime.Program
	live []layerOut // tensors that go with time
	axis int        // dimension of time of the input
	text []string   // what was drawn
}

// layerOut is a tensor whose positions in time are a dimension of its own.
type layerOut struct {
	id, axis, stride int
	valid            bool // made by a layer without padding
}

func (n *streamNet) tensor(shape [3]int, levels int) int {
	t := runtime.Tensor{Shape: shape, Levels: levels, Scale: runtime.ScaleOf(1)}
	if levels > 0 {
		t.Zero = n.rng.IntN(levels)
	}
	n.p.Tensors = append(n.p.Tensors, t)
	return len(n.p.Tensors) - 1
}

func (n *streamNet) like(id int, shape [3]int) int {
	t := n.p.Tensors[id]
	t.Shape = shape
	n.p.Tensors = append(n.p.Tensors, t)
	return len(n.p.Tensors) - 1
}

func (n *streamNet) shape(id int) [3]int { return n.p.Tensors[id].Shape }

func (n *streamNet) emit(i runtime.Instr) { n.p.Instrs = append(n.p.Instrs, i) }

func (n *streamNet) table(entries, levels int) []uint8 {
	t := make([]uint8, entries)
	for i := range t {
		t[i] = uint8(n.rng.IntN(levels))
	}
	return t
}

// finish completes a Linear: biases and step functions by channel.
func (n *streamNet) finish(l *runtime.Linear) {
	out := n.p.Tensors[l.Out]
	for range out.Shape[0] {
		l.Bias = append(l.Bias, int32(n.rng.IntN(21)-10))
		if out.Levels > 0 {
			s := runtime.Step{Values: []uint8{uint8(n.rng.IntN(out.Levels))}}
			at := int32(-40)
			for range 6 {
				at += int32(1 + n.rng.IntN(14))
				s.Breaks, s.Values = append(s.Breaks, at), append(s.Values, uint8(n.rng.IntN(out.Levels)))
			}
			l.Steps = append(l.Steps, len(n.p.Steps))
			n.p.Steps = append(n.p.Steps, s)
		}
	}
	n.emit(l)
}

func (n *streamNet) weights(count int) runtime.Weights {
	w := make([]uint16, count)
	for i := range w {
		w[i] = uint16(n.rng.IntN(len(n.p.Codebooks[0].Centres)))
	}
	return runtime.PackWeights(w, len(n.p.Codebooks[0].Centres))
}

// identity is a term that adds a tensor as it is, from a position in time on.
func (n *streamNet) identity(id, axis, from int) runtime.Term {
	one := [2]int{1, 1}
	t := runtime.Term{In: id, Codebook: 0, Groups: n.shape(id)[0], Kernel: one, Stride: one, Dilation: one, Up: one}
	t.Pad[axis-1] = -from
	w := make([]uint16, t.Groups)
	for i := range w {
		w[i] = 2
	}
	t.Weights = runtime.PackWeights(w, len(n.p.Codebooks[0].Centres))
	return t
}

var ones = [2]int{1, 1}

// newStreamNet draws a network for so many frames. History says whether results may depend on padding and recurrences.
func newStreamNet(seed uint64, frames int) *streamNet {
	n := &streamNet{rng: rand.New(rand.NewPCG(seed, 17)), p: &runtime.Program{}}
	n.p.Codebooks = []runtime.Codebook{{Centres: []int32{-3, -1, 1, 2, 5}}}
	n.axis = n.rng.IntN(3)
	in := [3]int{1 + n.rng.IntN(3), 1, 1}
	other := 1 + n.rng.IntN(3)
	switch n.axis {
	case 0:
		in = [3]int{frames, 1, in[0]}
	case 1:
		in = [3]int{in[0], frames, other}
	case 2:
		in = [3]int{in[0], other, frames}
	}
	id := n.tensor(in, 2+n.rng.IntN(6))
	n.p.Inputs = []runtime.Input{{Tensor: id}}
	top := layerOut{id: id, axis: n.axis, stride: 1}
	if n.axis == 0 {
		top = n.transposed(top)
	}
	n.live = []layerOut{top}
	strides := 1
	for range 1 + n.rng.IntN(5) {
		top = n.live[len(n.live)-1]
		// All choices are drawn whatever is done with them, so that every number of frames draws the same network.
		kind, stride := n.rng.IntN(13), 1
		if n.rng.IntN(4) == 0 && strides < 4 {
			stride = 2
		}
		var next layerOut
		switch kind {
		case 0, 1, 2, 3:
			next = n.conv(top, stride)
		case 4:
			next = n.pool(top, stride)
		case 5:
			next = n.mapping(top)
		case 6:
			next = n.skip(top)
		case 7:
			next = n.pair(top)
		case 8:
			next = n.transposed(top)
		case 9:
			next = n.padded(top)
		case 10:
			next = n.recurrence(top)
		case 11:
			next = n.joined(top)
		case 12:
			next = n.product(top)
		}
		if next.stride > top.stride {
			strides *= 2
		}
		n.live = append(n.live, next)
	}
	n.head(n.live[len(n.live)-1])
	return n
}

func (n *streamNet) say(s string) { n.text = append(n.text, s) }

// conv is a convolution along time: padded on the left, on both sides and cut, or without padding.
func (n *streamNet) conv(top layerOut, stride int) layerOut {
	in := n.shape(top.id)
	d := top.axis - 1
	kernel, dilation, mode := 1+n.rng.IntN(3), 1+n.rng.IntN(2), n.rng.IntN(4)
	t := runtime.Term{In: top.id, Groups: 1, Kernel: ones, Stride: ones, Dilation: ones, Up: ones}
	t.Kernel[d], t.Dilation[d], t.Stride[d] = kernel, dilation, stride
	channels := in[0]
	if n.rng.IntN(2) == 0 {
		t.Groups = in[0]
	} else {
		channels = 1 + n.rng.IntN(3)
	}
	reach := (kernel - 1) * dilation
	out := in
	out[0] = channels
	length := in[top.axis]
	cut := 0
	valid := false
	switch {
	case mode == 0 && length > reach+3:
		out[top.axis] = (length-reach-1)/stride + 1
		valid = reach > 0
		n.say("valid")
	case mode == 1 && stride == 1:
		t.Pad[d], cut = reach, reach
		out[top.axis] = length + reach
		n.say("chomped")
	default:
		t.Pad[d] = reach
		out[top.axis] = (length-1)/stride + 1
		n.say("causal")
	}
	if across := 2 - d; n.rng.IntN(2) == 0 && in[across] > 1 { // the other dimension: padded on both sides
		t.Kernel[across-1], t.Pad[across-1] = 3, 1
	}
	t.Weights = n.weights(channels * in[0] / t.Groups * t.Kernel[0] * t.Kernel[1])
	id := n.tensor(out, 2+n.rng.IntN(6))
	n.finish(&runtime.Linear{Out: id, Terms: []runtime.Term{t}})
	next := layerOut{id, top.axis, top.stride * stride, valid}
	if cut > 0 {
		next.id = n.slice(next, 0, length)
	}
	return next
}

// slice takes positions from..from+length of a tensor.
func (n *streamNet) slice(of layerOut, from, length int) int {
	in := n.shape(of.id)
	shape := in
	shape[of.axis] = length
	id := n.like(of.id, shape)
	start := from
	for _, size := range in[of.axis+1:] {
		start *= size
	}
	n.emit(&runtime.Copy{Out: id, Pieces: []runtime.Piece{piece(of.id, 0, start, shape, [3]int{shape[1] * shape[2], shape[2], 1}, [3]int{in[1] * in[2], in[2], 1})}})
	return id
}

func piece(in, to, from int, dims, out, strides [3]int) runtime.Piece {
	p := runtime.Piece{In: in, OutStart: to, InStart: from}
	for d := range p.Dims {
		p.Dims[d] = 1
		if d < 3 {
			p.Dims[d], p.OutStride[d], p.InStride[d] = dims[d], out[d], strides[d]
		}
	}
	return p
}

func (n *streamNet) pool(top layerOut, stride int) layerOut {
	in, d := n.shape(top.id), top.axis-1
	kernel, causal := 1+n.rng.IntN(3), n.rng.IntN(2) == 0
	m := &runtime.MaxPool{In: top.id, Kernel: ones, Stride: ones, Dilation: ones}
	m.Kernel[d], m.Stride[d] = kernel, stride
	out := in
	if causal || in[top.axis] < kernel+3 {
		m.Pad[d] = kernel - 1
		out[top.axis] = (in[top.axis]-1)/stride + 1
		n.say("causal pool")
	} else {
		out[top.axis] = (in[top.axis]-kernel)/stride + 1
		n.say("pool")
	}
	m.Out = n.like(top.id, out)
	n.emit(m)
	return layerOut{m.Out, top.axis, top.stride * stride, false}
}

func (n *streamNet) mapping(top layerOut) layerOut {
	m := &runtime.Map{In: top.id, Out: n.tensor(n.shape(top.id), 2+n.rng.IntN(6))}
	for range n.shape(top.id)[0] {
		m.Tables = append(m.Tables, n.table(n.p.Tensors[m.In].Levels, n.p.Tensors[m.Out].Levels))
	}
	n.emit(m)
	n.say("map")
	return layerOut{m.Out, top.axis, top.stride, false}
}

// partner is an earlier tensor with as many channels and rows, and at least as many positions; top itself if there is none.
func (n *streamNet) partner(top layerOut) layerOut {
	choice := n.rng.IntN(8)
	var fit []layerOut
	for _, l := range n.live {
		a, b := n.shape(l.id), n.shape(top.id)
		long := a[top.axis] >= b[top.axis]
		a[top.axis], b[top.axis] = 0, 0
		if l.axis == top.axis && l.stride == top.stride && a == b && long {
			fit = append(fit, l)
		}
	}
	if len(fit) == 0 {
		return top
	}
	return fit[choice%len(fit)]
}

// skip adds an earlier tensor, whose newest positions stand beside those of top.
func (n *streamNet) skip(top layerOut) layerOut {
	o := n.partner(top)
	delay := n.rng.IntN(2)
	way := n.shape(o.id)[top.axis] - n.shape(top.id)[top.axis]
	out := n.tensor(n.shape(top.id), 2+n.rng.IntN(6))
	n.finish(&runtime.Linear{Out: out, Terms: []runtime.Term{n.identity(top.id, top.axis, 0), n.identity(o.id, top.axis, way-min(way, delay))}})
	n.say("skip")
	return layerOut{out, top.axis, top.stride, top.valid}
}

// pair combines top with an earlier tensor, or with its first rows.
func (n *streamNet) pair(top layerOut) layerOut {
	o := n.partner(top)
	way := n.shape(o.id)[top.axis] - n.shape(top.id)[top.axis]
	b := o.id
	if way > 0 {
		b = n.slice(o, way, n.shape(top.id)[top.axis])
	}
	if across := 3 - top.axis; n.rng.IntN(2) == 0 && n.shape(b)[across] > 1 { // broadcast over the other dimension
		in := n.shape(b)
		shape := in
		shape[across] = 1
		id := n.like(b, shape)
		n.emit(&runtime.Copy{Out: id, Pieces: []runtime.Piece{piece(b, 0, 0, shape, [3]int{shape[1] * shape[2], shape[2], 1}, [3]int{in[1] * in[2], in[2], 1})}})
		b = id
	}
	out := n.tensor(n.shape(top.id), 2+n.rng.IntN(6))
	n.emit(&runtime.Map2{Out: out, A: top.id, B: b, Table: n.table(n.p.Tensors[top.id].Levels*n.p.Tensors[b].Levels, n.p.Tensors[out].Levels)})
	n.say("pair")
	return layerOut{out, top.axis, top.stride, top.valid}
}

// transposed moves time to another dimension: from channels to columns, or between rows and columns.
func (n *streamNet) transposed(top layerOut) layerOut {
	in := n.shape(top.id)
	strides := [3]int{in[1] * in[2], in[2], 1}
	perm := [3]int{0, 2, 1}
	if top.axis == 0 {
		perm = [3]int{2, 1, 0}
	}
	var shape, from [3]int
	axis := 0
	for d, p := range perm {
		shape[d], from[d] = in[p], strides[p]
		if p == top.axis {
			axis = d
		}
	}
	id := n.like(top.id, shape)
	n.emit(&runtime.Copy{Out: id, Pieces: []runtime.Piece{piece(top.id, 0, 0, shape, [3]int{shape[1] * shape[2], shape[2], 1}, from)}})
	n.say("transpose")
	return layerOut{id, axis, top.stride, top.valid}
}

// padded puts positions of some level before the first, and a valid convolution behind it.
func (n *streamNet) padded(top layerOut) layerOut {
	in, pad := n.shape(top.id), 1+n.rng.IntN(2)
	fill := uint8(n.rng.IntN(n.p.Tensors[top.id].Levels))
	shape := in
	shape[top.axis] += pad
	id := n.like(top.id, shape)
	start := pad
	for _, size := range shape[top.axis+1:] {
		start *= size
	}
	n.emit(&runtime.Copy{Out: id, Fill: fill, Pieces: []runtime.Piece{piece(top.id, start, 0, in, [3]int{shape[1] * shape[2], shape[2], 1}, [3]int{in[1] * in[2], in[2], 1})}})
	t := runtime.Term{In: id, Groups: 1, Kernel: ones, Stride: ones, Dilation: ones, Up: ones}
	t.Kernel[top.axis-1] = pad + 1
	out := in
	out[0] = 1 + n.rng.IntN(3)
	t.Weights = n.weights(out[0] * in[0] * (pad + 1))
	l := &runtime.Linear{Out: n.tensor(out, 2+n.rng.IntN(6)), Terms: []runtime.Term{t}}
	n.finish(l)
	n.say("pad")
	return layerOut{l.Out, top.axis, top.stride, false}
}

// joined puts top and an earlier tensor side by side as channels.
func (n *streamNet) joined(top layerOut) layerOut {
	o := n.partner(top)
	if way := n.shape(o.id)[top.axis] - n.shape(top.id)[top.axis]; way > 0 {
		o.id = n.slice(o, way, n.shape(top.id)[top.axis])
	}
	a, b := n.shape(top.id), n.shape(o.id)
	out := a
	out[0] += b[0]
	id := n.tensor(out, max(n.p.Tensors[top.id].Levels, n.p.Tensors[o.id].Levels))
	rows := func(s [3]int) [3]int { return [3]int{s[1] * s[2], s[2], 1} }
	n.emit(&runtime.Copy{Out: id, Pieces: []runtime.Piece{piece(top.id, 0, 0, a, rows(a), rows(a)), piece(o.id, a[0]*a[1]*a[2], 0, b, rows(b), rows(b))}})
	n.say("join")
	return layerOut{id, top.axis, top.stride, top.valid}
}

// recurrence is a loop over time: a state of some channels that a layer makes of itself and of the position.
func (n *streamNet) recurrence(top layerOut) layerOut {
	in := n.shape(top.id)
	one := in
	one[top.axis] = 1
	states := 1 + n.rng.IntN(3)
	initial := n.tensor([3]int{states, 1, 1}, 2+n.rng.IntN(6))
	begin := n.rng.IntN(n.p.Tensors[initial].Levels)
	n.emit(&runtime.Copy{Out: initial, Fill: uint8(begin)})
	first := len(n.p.Instrs)
	take := n.like(top.id, one)
	inner := 1
	for _, size := range in[top.axis+1:] {
		inner *= size
	}
	rows := func(s [3]int) [3]int { return [3]int{s[1] * s[2], s[2], 1} }
	p := piece(top.id, 0, 0, one, rows(one), rows(in))
	p.InStep = inner
	n.emit(&runtime.Copy{Out: take, Pieces: []runtime.Piece{p}})
	next := n.like(initial, [3]int{states, 1, 1})
	x := runtime.Term{In: take, Groups: 1, Kernel: [2]int{one[1], one[2]}, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(states * one[0] * one[1] * one[2])}
	h := runtime.Term{In: initial, Groups: 1, Kernel: ones, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(states * states)}
	n.finish(&runtime.Linear{Out: next, Terms: []runtime.Term{x, h}})
	length := in[top.axis]
	shape := [3]int{states, 1, length}
	if top.axis == 1 {
		shape = [3]int{states, length, 1}
	}
	put := n.like(initial, shape)
	q := piece(next, 0, 0, [3]int{states, 1, 1}, [3]int{length, 1, 1}, ones3)
	q.OutStep = 1
	n.emit(&runtime.Copy{Out: put, Pieces: []runtime.Piece{q}})
	n.p.Loops = append(n.p.Loops, runtime.Loop{First: first, Length: len(n.p.Instrs) - first, Count: length, Carries: []runtime.Carry{{From: next, To: initial}}})
	n.say("recurrence")
	return layerOut{put, top.axis, top.stride, false}
}

var ones3 = [3]int{1, 1, 1}

// head ends the network.
func (n *streamNet) head(top layerOut) {
	in := n.shape(top.id)
	out := top.id
	whole := runtime.Term{In: top.id, Groups: 1, Kernel: [2]int{in[1], in[2]}, Stride: ones, Dilation: ones, Up: ones}
	switch kind := n.rng.IntN(7); kind {
	case 0: // a dense layer over the window
		n.say("dense")
		// Weights are drawn by position, so that they do not depend on what is drawn before.
		out = n.tensor([3]int{2, 1, 1}, 0)
		whole.Weights = n.weights(2 * in[0] * in[1] * in[2])
		n.finish(&runtime.Linear{Out: out, Terms: []runtime.Term{whole}})
	case 1: // the mean
		n.say("mean")
		whole.Groups = in[0]
		w := make([]uint16, in[0]*in[1]*in[2])
		whole.Weights = runtime.PackWeights(w, len(n.p.Codebooks[0].Centres))
		out = n.tensor([3]int{in[0], 1, 1}, 0)
		n.finish(&runtime.Linear{Out: out, Terms: []runtime.Term{whole}})
	case 2: // the largest
		n.say("max")
		out = n.like(top.id, [3]int{in[0], 1, 1})
		n.emit(&runtime.MaxPool{Out: out, In: top.id, Kernel: whole.Kernel, Stride: ones, Dilation: ones})
	case 3: // the last position
		n.say("last")
		last := n.slice(top, in[top.axis]-1, 1)
		out = n.tensor([3]int{3, 1, 1}, 0)
		t := runtime.Term{In: last, Groups: 1, Kernel: [2]int{n.shape(last)[1], n.shape(last)[2]}, Stride: ones, Dilation: ones, Up: ones}
		t.Weights = n.weights(3 * in[0] * n.shape(last)[1] * n.shape(last)[2])
		n.finish(&runtime.Linear{Out: out, Terms: []runtime.Term{t}})
	case 4: // where the largest channel is, at every position
		n.say("argmax")
		shape := in
		shape[0] = 1
		out = n.tensor(shape, 0)
		n.emit(&runtime.ArgMax{Out: out, In: top.id, Length: in[0], Inner: in[1] * in[2]})
	case 5: // a recurrence over the other dimension, or over channels where that has one element
		n.say("across")
		out = n.across(top)
	default:
		n.say("sequence")
	}
	n.p.Outputs = []runtime.Output{{Name: "y", Tensor: out}}
}

// across is a loop over channels, each of which it sees with all of the window.
func (n *streamNet) across(top layerOut) int {
	in := n.shape(top.id)
	initial := n.tensor([3]int{2, 1, 1}, 4)
	n.emit(&runtime.Copy{Out: initial, Fill: 1})
	first := len(n.p.Instrs)
	take := n.like(top.id, [3]int{1, in[1], in[2]})
	p := piece(top.id, 0, 0, [3]int{1, in[1], in[2]}, [3]int{in[1] * in[2], in[2], 1}, [3]int{in[1] * in[2], in[2], 1})
	p.InStep = in[1] * in[2]
	n.emit(&runtime.Copy{Out: take, Pieces: []runtime.Piece{p}})
	next := n.like(initial, [3]int{2, 1, 1})
	x := runtime.Term{In: take, Groups: 1, Kernel: [2]int{in[1], in[2]}, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(2 * in[1] * in[2])}
	h := runtime.Term{In: initial, Groups: 1, Kernel: ones, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(4)}
	n.finish(&runtime.Linear{Out: next, Terms: []runtime.Term{x, h}})
	n.p.Loops = append(n.p.Loops, runtime.Loop{First: first, Length: 2, Count: in[0], Carries: []runtime.Carry{{From: next, To: initial}}})
	out := n.tensor([3]int{2, 1, 1}, 0)
	n.finish(&runtime.Linear{Out: out, Terms: []runtime.Term{{In: initial, Groups: 1, Kernel: ones, Stride: ones, Dilation: ones, Up: ones, Weights: n.weights(4)}}})
	return out
}

// product multiplies matrices of every position: those of top, moved to the channels, with their transposes.
func (n *streamNet) product(top layerOut) layerOut {
	in := n.shape(top.id)
	other := 3 - top.axis
	strides := [3]int{in[1] * in[2], in[2], 1}
	positions, size, channels := in[top.axis], in[other], in[0]
	view := func(rows, columns, rowStride, columnStride int) int {
		shape := [3]int{positions, rows, columns}
		id := n.like(top.id, shape)
		n.emit(&runtime.Copy{Out: id, Pieces: []runtime.Piece{piece(top.id, 0, 0, shape, [3]int{rows * columns, columns, 1}, [3]int{strides[top.axis], rowStride, columnStride})}})
		return id
	}
	a, b := view(size, channels, strides[other], strides[0]), view(channels, size, strides[0], strides[other])
	m := &runtime.MatMul{A: a, B: b, Out: n.tensor([3]int{positions, size, size}, 2+n.rng.IntN(6))}
	s := runtime.Step{Values: []uint8{0, 1}, Breaks: []int32{int32(n.rng.IntN(9) - 4)}}
	m.Steps = []int{len(n.p.Steps)}
	n.p.Steps = append(n.p.Steps, s)
	n.emit(m)
	n.say("product")
	return n.transposed(layerOut{m.Out, 0, top.stride, false})
}
