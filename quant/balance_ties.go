package quant

import (
	"math"

	"qconv/onnx"
)

// ties says which channels of which values must have the same gain. Channels that must are of one class;
// a class with a channel that cannot have a gain is pinned.
type ties struct {
	first  map[*onnx.Value]int // number of a value's first channel
	parent []int
	pinned []bool // of classes
}

func newTies() *ties { return &ties{first: map[*onnx.Value]int{}} }

// Channels is how many channels a value has in the program.
func Channels(v *onnx.Value) int { return imageShape(v.Shape)[0] }

// find is the class of a channel.
func (t *ties) find(v *onnx.Value, channel int) int {
	first, ok := t.first[v]
	if !ok {
		first = len(t.parent)
		t.first[v] = first
		for i := range Channels(v) {
			t.parent = append(t.parent, first+i)
			t.pinned = append(t.pinned, false)
		}
	}
	id := first + channel
	for t.parent[id] != id {
		t.parent[id] = t.parent[t.parent[id]]
		id = t.parent[id]
	}
	return id
}

func (t *ties) union(a *onnx.Value, i int, b *onnx.Value, k int) {
	x, y := t.find(a, i), t.find(b, k)
	t.parent[y] = x
	t.pinned[x] = t.pinned[x] || t.pinned[y]
}

// pin keeps all channels of a value as they are.
func (t *ties) pin(v *onnx.Value) {
	for c := range Channels(v) {
		t.pinned[t.find(v, c)] = true
	}
}

func (t *ties) isPinned(v *onnx.Value) bool {
	for c := range Channels(v) {
		if t.pinned[t.find(v, c)] {
			return true
		}
	}
	return false
}

// equal ties the channels of two values one by one; they are pinned where they differ in number.
func (t *ties) equal(a, b *onnx.Value) {
	if Channels(a) != Channels(b) {
		t.pin(a)
		t.pin(b)
		return
	}
	for c := range Channels(a) {
		t.union(a, c, b, c)
	}
}

// part is an operand whose channels are some of a result's: in one class where both can have gains;
// otherwise a scaling between the two makes up for the difference.
type part struct {
	node    *onnx.Node
	operand int
	in, out *onnx.Value
	offset  int // of the channels of in among those of out
}

func (t *ties) join(p part) {
	for c := range Channels(p.in) {
		t.union(p.out, p.offset+c, p.in, c)
	}
}

// tie notes what a node means for gains, and returns the parts that it puts together.
func (b *Balancing) tie(n *onnx.Node) []part {
	t, out := b.ties, n.Outputs[0]
	in := n.Inputs[0]
	if b.inner[n] {
		t.pin(out)
		return nil
	}
	if moves := onnx.MovesOf(n, 1); moves != nil {
		for i, m := range moves {
			b.tieMove(in, n.Outputs[i], m)
		}
		return nil
	}
	if foldable(n, b.consumers) {
		b.linears = append(b.linears, n)
		return nil
	}
	f := b.merged[n]
	switch op := n.Op.(type) {
	case onnx.View:
		per, perOut := in.Shape.WithBatch(1), out.Shape.WithBatch(1)
		size, sizeOut := onnx.Shape(per).Elems()/Channels(in), onnx.Shape(perOut).Elems()/Channels(out)
		for i := range onnx.Shape(per).Elems() {
			if i%size == 0 || i%sizeOut == 0 {
				t.union(out, i/sizeOut, in, i/size)
			}
		}
		return nil
	case *onnx.Relu, *onnx.LeakyRelu, *onnx.Abs, *onnx.Neg, *onnx.MaxPool, *onnx.AveragePool, *onnx.GlobalAveragePool, *onnx.GlobalMaxPool, *onnx.Resize:
		t.equal(in, out)
		return nil
	case *onnx.Reduce:
		switch op.Kind {
		case onnx.ReduceMean, onnx.ReduceSum, onnx.ReduceMax:
			t.equal(in, out)
			for _, axis := range op.Axes {
				if axis <= channelAxis(in.Shape) {
					t.pin(in)
				}
			}
			return nil
		}
	case *onnx.PRelu:
		if n.Inputs[1].Const != nil {
			t.equal(in, out)
			return nil
		}
	case *onnx.Concat:
		return b.tieConcat(n, op)
	case *onnx.Mul:
		if f == nil && b.tieProduct(n) {
			return nil
		}
	case *onnx.Div:
		if f == nil && n.Inputs[1].Const != nil && in.Shape.Equal(out.Shape) {
			t.equal(in, out)
			return nil
		}
	case *onnx.Add, *onnx.Sub, *onnx.Sum, *onnx.Mean:
		if b.plans[n].class != classFinal && len(n.Inputs) == 2 && n.Inputs[0] == n.Inputs[1] && in.Const == nil {
			t.equal(in, out) // twice a value
			return nil
		}
		if f == nil && b.plans[n].class == classLinear && b.computed(n) {
			var parts []part
			for i, v := range n.Inputs {
				parts = append(parts, part{node: n, operand: i, in: v, out: out})
			}
			return parts
		}
	case *onnx.Quantize:
		t.pin(in)
		t.pin(out)
		return nil
	}
	if p := b.plans[n]; p.class == classScalar && p.f.from.Shape.Equal(out.Shape) {
		b.functions = append(b.functions, functionNode{p.f.from, n})
		return nil
	}
	for _, v := range n.Inputs {
		if v != nil && v.Const == nil {
			t.pin(v)
		}
	}
	for _, v := range n.Outputs {
		t.pin(v)
	}
	return nil
}

// computed says whether no operand of a node is constant.
func (b *Balancing) computed(n *onnx.Node) bool {
	for _, v := range n.Inputs {
		if v.Const != nil {
			return false
		}
	}
	return true
}

// tieMove ties every element to where it comes from. Zero, and what is lower than all values, stay so
// whatever the gain.
func (b *Balancing) tieMove(in, out *onnx.Value, m onnx.Move) {
	t := b.ties
	size, sizeOut := onnx.Shape(in.Shape.WithBatch(1)).Elems()/Channels(in), onnx.Shape(out.Shape.WithBatch(1)).Elems()/Channels(out)
	i, last := 0, [2]int{-1, -1}
	m.Each(func(from int) {
		switch pair := [2]int{i / sizeOut, from / size}; {
		case from == onnx.Fill:
			if m.FillValue != 0 && math.Abs(m.FillValue) < 1e30 {
				t.pinned[t.find(out, i/sizeOut)] = true
			}
		case pair != last:
			t.union(out, pair[0], in, pair[1])
			last = pair
		}
		i++
	})
}

// tieConcat lists the parts of a concatenation.
func (b *Balancing) tieConcat(n *onnx.Node, op *onnx.Concat) []part {
	out := n.Outputs[0]
	axis := channelAxis(out.Shape)
	at := 0
	var parts []part
	for i, v := range n.Inputs {
		p := part{node: n, operand: i, in: v, out: out}
		switch {
		case v.Const != nil:
			b.ties.pin(out)
		case op.Axis < axis, channelAxis(v.Shape) != axis: // it has other channels than its part of the result
			b.ties.pin(out)
			b.ties.pin(v)
		case op.Axis == axis:
			p.offset = at
			parts = append(parts, p)
		default:
			parts = append(parts, p)
		}
		at += partChannels(v, op.Axis)
	}
	return parts
}

// partChannels is how many channels a part has in a concatenation along a dimension. One row, which alone would be a
// batch of one, is one.
func partChannels(v *onnx.Value, axis int) int {
	if channelAxis(v.Shape) == axis {
		return Channels(v)
	}
	return v.Shape[axis]
}

// tieProduct ties a product with a constant, or with a value that says how much of each element, or of each
// channel, passes. It fails for others.
func (b *Balancing) tieProduct(n *onnx.Node) bool {
	out := n.Outputs[0]
	for i, v := range n.Inputs {
		other := n.Inputs[1-i]
		if v.Const != nil || !v.Shape.Equal(out.Shape) || other == v {
			continue
		}
		if other.Const == nil {
			if other.Shape.Equal(out.Shape) {
				return false
			}
			b.ties.pin(other)
		}
		b.ties.equal(v, out)
		return true
	}
	return false
}

// foldable says whether gains of a node's input and output can go into its weights: constants that
// nobody else reads.
func foldable(n *onnx.Node, consumers map[*onnx.Value][]*onnx.Node) bool {
	switch op := n.Op.(type) {
	case *onnx.Conv, *onnx.ConvTranspose:
	case *onnx.Gemm:
		if op.TransA {
			return false
		}
	default:
		return false
	}
	own := func(v *onnx.Value) bool {
		return v.Const != nil && v.Const.Type == onnx.Float && len(consumers[v]) == 1
	}
	if n.Inputs[0].Const != nil || channelAxis(n.Inputs[0].Shape) != 1 || !own(n.Inputs[1]) {
		return false
	}
	if len(n.Inputs) < 3 || n.Inputs[2] == nil {
		return true
	}
	return own(n.Inputs[2]) && n.Inputs[2].Const.Shape.Elems() == Channels(n.Outputs[0])
}

// eachWeight calls f with the position of every weight of a linear node, and the output and the input
// channel that it connects.
func eachWeight(n *onnx.Node, f func(i, out, in int)) {
	w := n.Inputs[1].Const
	switch op := n.Op.(type) {
	case *onnx.Gemm:
		columns := w.Shape[1]
		for i := range w.Floats {
			if op.TransB {
				f(i, i/columns, i%columns)
			} else {
				f(i, i%columns, i/columns)
			}
		}
	case *onnx.Conv: // [O][C/groups][kernel...]
		eachGrouped(w, op.Groups, f)
	case *onnx.ConvTranspose: // [C][O/groups][kernel...]
		eachGrouped(w, op.Groups, func(i, in, out int) { f(i, out, in) })
	}
}

// eachGrouped walks over weights [A][B/groups][kernel...].
func eachGrouped(w *onnx.Tensor, groups int, f func(i, a, b int)) {
	per := w.Shape[1]
	kernel := w.Shape[2:].Elems()
	rows := w.Shape[0] / groups
	for i := range w.Floats {
		a := i / kernel / per
		f(i, a, a/rows*per+i/kernel%per)
	}
}
