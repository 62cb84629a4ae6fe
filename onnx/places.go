package onnx

import (
	"slices"

	"qconv/onnx/internal/pb"
)

// In files of recurrent networks the batch is often not the leading dimension: their sequences are [steps][batch][channels]. In a
// [Graph] it always is. A value of such a file is therefore read as a place: what stands in the graph has the batch
// in front and the other dimensions in their order, so that the elements of a sample are the same in the same order, and
// nodes that only move the batch leave none behind. Readers of operators see the shape that the file means.

// place says how a value of the file stands in the graph: base is it with the batch, which is its dimension at, in front.
type place struct {
	base *Value
	at   int
	// rows are dimensions that the file has joined with the batch: the last of them, with stepsFirst, else the first.
	rows       Shape
	stepsFirst bool
}

// places are the values that are not in the graph as they are in the file. It is nil for networks without recurrences, whose batch has to be
// dimension 0 of all values.
type places map[*Value]place

// hasRecurrence says whether there are recurrent operators or loops among nodes, or in their branches.
func hasRecurrence(nodes []*pb.NodeProto) bool {
	return slices.ContainsFunc(nodes, func(n *pb.NodeProto) bool {
		if isDefault(n.GetDomain()) && (cells[n.GetOpType()].gates > 0 || n.GetOpType() == "Scan" || n.GetOpType() == "Loop") {
			return true
		}
		return slices.ContainsFunc(branches(n), func(g *pb.GraphProto) bool { return hasRecurrence(g.GetNode()) })
	})
}

// reasonPlace is said of operators that are not read where the batch is not dimension 0.
const reasonPlace = "the batch is dimension %d of operand %q %v, which this operator is not read for"

// batchAt is the dimension that is the batch, -1 if none is.
func (s Shape) batchAt() int { return slices.Index(s, Batch) }

// front returns the shape with the batch, dimension at, as dimension 0.
func (s Shape) front(at int) Shape {
	return slices.Insert(slices.Delete(s.clone(), at, at+1), 0, s[at])
}

// back is the opposite of front.
func (s Shape) back(at int) Shape { return slices.Insert(s[1:].clone(), at, s[0]) }

// frontAxis is where a dimension of a tensor whose batch is dimension at is in the tensor that has it in front.
func frontAxis(axis, at int) int {
	switch {
	case axis == at:
		return 0
	case axis < at:
		return axis + 1
	}
	return axis
}

// frontAxes maps axes, none of which is the batch.
func frontAxes(axes []int, at int) []int {
	out := make([]int, len(axes))
	for i, a := range axes {
		out[i] = frontAxis(a, at)
	}
	return out
}

// before counts the axes below at.
func before(axes []int, at int) int {
	n := 0
	for _, a := range axes {
		if a < at {
			n++
		}
	}
	return n
}

// of is where a value stands; a value of the graph is its own base.
func (p places) of(v *Value) place {
	if pl, ok := p[v]; ok {
		return pl
	}
	return place{base: v, at: v.shape().batchAt()}
}

// resolve is v, or if it has the batch in front, what stands in the graph for it.
func (p places) resolve(v *Value) *Value {
	if pl, ok := p[v]; ok && pl.at == 0 && pl.rows == nil {
		return pl.base
	}
	return v
}

// make lets out be base with its batch at a dimension.
func (p places) make(out, base *Value, at int) {
	out.Shape, out.Type = base.Shape.back(at), base.Type
	p[out] = place{base: base, at: at}
}

// placedNode is what became of a node of the file: nodes to stand in the graph, the last of which computes the values outs in place of
// those of the node. With alias there are none, and the result is the value outs[0] at another place.
type placedNode struct {
	nodes []*Node
	at    int // of the batch in the results
	alias bool
}

// place rewrites a node of values of the file to one of values of the graph, infers shapes, and returns the nodes to add.
// Outputs of the node that have the batch elsewhere become places, and other values of the same name stand for them in the graph.
func (p places) place(n *Node) ([]*Node, error) {
	if p == nil {
		return []*Node{n}, n.infer()
	}
	placed, moves := false, false
	_, rows := n.Op.(*rejoin)
	for _, v := range n.Inputs {
		pl, is := p[v]
		placed = placed || is
		rows = rows || pl.rows != nil
	}
	if rows {
		return p.rowwise(n)
	}
	switch op := n.Op.(type) {
	case *Transpose:
		moves = n.Inputs[0].shape().batched() && len(op.Perm) == len(n.Inputs[0].Shape) && len(op.Perm) > 0 && op.Perm[0] != 0
	case *Unsqueeze:
		moves = n.Inputs[0].shape().batched() && len(op.Axes) > 0 && op.Axes[0] == 0
	case *LoopPut:
		moves = n.Inputs[0].shape().batched() && op.Axis == 0
	case *Expand:
		moves = n.Inputs[0].shape().batched() && len(op.Dims) > len(n.Inputs[0].Shape)
	case Pair, *Where:
		moves = slices.ContainsFunc(n.Inputs, func(v *Value) bool {
			return v.shape().batched() && slices.ContainsFunc(n.Inputs, func(w *Value) bool { return len(w.shape()) > len(v.Shape) })
		})
	}
	if !placed && !moves {
		return []*Node{n}, n.infer()
	}
	if moves && !placed {
		switch n.Op.(type) {
		case Pair, *Where:
			// Where broadcasting keeps the batch in front, nothing is to be done.
			if err := n.infer(); err == nil {
				return []*Node{n}, nil
			}
		}
	}
	for _, v := range n.Inputs {
		if v == nil {
			return nil, p.refuse(n)
		}
	}
	// What is wrong in the file is found in its own shapes, with a batch of one.
	if err := p.check(n); err != nil {
		return nil, err
	}
	var r placedNode
	var err error
	switch op := n.Op.(type) {
	case *Transpose:
		r, err = p.transpose(n, op)
	case *Unsqueeze:
		r, err = p.unsqueeze(n, op)
	case *Squeeze:
		r, err = p.squeeze(n, op)
	case *Reshape:
		r, err = p.reshape(n, op)
	case *Expand:
		r, err = p.expand(n, op)
	case *Gather:
		r, err = p.gather(n, op)
	case *LoopTake:
		r, err = p.take(n, op)
	case *LoopPut:
		r, err = p.put(n, op)
	case *MatMul:
		r, err = p.matMul(n)
	case *Tile:
		r, err = p.tile(n, op)
	case Pair, *Where:
		r, err = p.stretch(n)
	default:
		r, err = p.permuted(n)
	}
	if err != nil {
		return nil, err
	}
	if r.alias {
		out := n.Outputs[0]
		p.make(out, n.Inputs[0], r.at)
		return nil, nil
	}
	last := r.nodes[len(r.nodes)-1]
	last.Outputs = slices.Clone(n.Outputs)
	if r.at > 0 {
		for i, out := range n.Outputs {
			last.Outputs[i] = &Value{Name: out.Name}
		}
	}
	for _, m := range r.nodes {
		if err := m.infer(); err != nil {
			return nil, err
		}
	}
	if r.at > 0 {
		for i, out := range n.Outputs {
			if !last.Outputs[i].Shape.batched() {
				return nil, p.refuse(n)
			}
			p.make(out, last.Outputs[i], r.at)
		}
	}
	return r.nodes, nil
}

// check infers the shapes of a node of the file, whose batch is 1.
func (p places) check(n *Node) error {
	in := make([]Shape, len(n.Inputs))
	for i, v := range n.Inputs {
		in[i] = v.shape()
		if at := in[i].batchAt(); at >= 0 {
			in[i] = in[i].clone()
			in[i][at] = 1
		}
	}
	_, err := n.Op.InferShape(in)
	return err
}

// refuse says that an operator is not read where the batch is.
func (p places) refuse(n *Node) error {
	for _, v := range n.Inputs {
		if v != nil && p.of(v).at > 0 {
			return refusef(reasonPlace, p.of(v).at, v.Name, v.Shape)
		}
	}
	return refusef("the batch would not be dimension 0 of its result")
}

// one makes n itself, with another operator, the node of values of the graph.
func (p places) one(n *Node, op Op, at int) placedNode {
	in := make([]*Value, len(n.Inputs))
	for i, v := range n.Inputs {
		in[i] = p.of(v).base
	}
	return placedNode{nodes: []*Node{{Name: n.Name, Op: op, Inputs: in}}, at: at}
}

// aliasOf says that the result of a node is its operand with the batch at another dimension.
func (p places) aliasOf(n *Node, at int) placedNode {
	n.Inputs = []*Value{p.of(n.Inputs[0]).base}
	return placedNode{alias: true, at: at}
}

func (p places) transpose(n *Node, op *Transpose) (placedNode, error) {
	at := p.of(n.Inputs[0]).at
	perm, to := []int{0}, 0
	for i, d := range op.Perm {
		if d == at {
			to = i
		} else {
			perm = append(perm, frontAxis(d, at))
		}
	}
	if slices.IsSorted(perm) {
		return p.aliasOf(n, to), nil
	}
	return p.one(n, &Transpose{Perm: perm}, to), nil
}

func (p places) unsqueeze(n *Node, op *Unsqueeze) (placedNode, error) {
	at := p.of(n.Inputs[0]).at
	to := -1 // dimensions of the operand fill the places between the axes
	for left := at; left >= 0; {
		if to++; !slices.Contains(op.Axes, to) {
			left--
		}
	}
	return p.one(n, &Unsqueeze{Axes: frontAxes(op.Axes, to)}, to), nil
}

func (p places) squeeze(n *Node, op *Squeeze) (placedNode, error) {
	x := n.Inputs[0]
	at := p.of(x).at
	if slices.Contains(op.Axes, at) {
		return placedNode{}, refusef("axes %v would remove the batch of input %v", op.Axes, x.Shape)
	}
	return p.one(n, &Squeeze{Axes: frontAxes(op.Axes, at)}, at-before(op.Axes, at)), nil
}

// reshape keeps the batch where its dimension of the target is 0 and as many elements stand in front of it as before.
func (p places) reshape(n *Node, op *Reshape) (placedNode, error) {
	x := n.Inputs[0]
	at := p.of(x).at
	one := x.Shape.clone()
	one[at] = 1
	full, err := op.InferShape([]Shape{one})
	if err != nil {
		return placedNode{}, refusef("target %v would mix samples of the batch of input %v", op.Dims, x.Shape)
	}
	out := full[0]
	to := -1
	for i := range out {
		// Of several dimensions that it could be, it is the one where it was.
		if out[i] == 1 && product(out[:i]) == product(x.Shape[:at]) && (to < 0 || i <= at) {
			to = i
		}
	}
	if to < 0 {
		return placedNode{}, refusef("target %v would mix samples of the batch of input %v", op.Dims, x.Shape)
	}
	dims := []int(out.front(to))
	dims[0] = 0
	return p.one(n, &Reshape{Dims: dims}, to), nil
}

// expand puts dimensions in front of those of the operand, and repeats it.
func (p places) expand(n *Node, op *Expand) (placedNode, error) {
	x := n.Inputs[0]
	at := p.of(x).at
	dims := Shape(op.Dims).clone()
	for len(dims) < len(x.Shape) {
		dims = slices.Insert(dims, 0, 1)
	}
	more := len(dims) - len(x.Shape)
	to := at + more
	if dims[to] != 1 {
		return placedNode{}, refusef("target %v fixes the batch of input %v", op.Dims, x.Shape)
	}
	base, nodes := p.widen(n, x, more)
	return placedNode{nodes: append(nodes, &Node{Name: n.Name, Op: &Expand{Dims: dims.front(to)}, Inputs: []*Value{base}}), at: to}, nil
}

// widen gives an operand of n more dimensions of size 1 in front, behind the batch in the graph.
func (p places) widen(n *Node, x *Value, more int) (*Value, []*Node) {
	base := p.of(x).base
	if more == 0 {
		return base, nil
	}
	axes := make([]int, more)
	for i := range axes {
		axes[i] = 1 + i
	}
	out := &Value{}
	return out, []*Node{{Op: &Unsqueeze{Axes: axes}, Inputs: []*Value{base}, Outputs: []*Value{out}}}
}

func (p places) gather(n *Node, op *Gather) (placedNode, error) {
	x := n.Inputs[0]
	at := p.of(x).at
	if op.Axis == at {
		return placedNode{}, refusef("it would pick samples of the batch of input %v", x.Shape)
	}
	to := at
	if op.Axis < at {
		to += len(op.Indices.Shape) - 1
	}
	return p.one(n, &Gather{Axis: frontAxis(op.Axis, at), Indices: op.Indices}, to), nil
}

func (p places) take(n *Node, op *LoopTake) (placedNode, error) {
	at := p.of(n.Inputs[0]).at
	if op.Axis == at {
		return placedNode{}, refusef("the steps of the sequence %v are the batch", n.Inputs[0].Shape)
	}
	return p.one(n, &LoopTake{Loop: op.Loop, Axis: frontAxis(op.Axis, at), Reverse: op.Reverse}, at-before([]int{op.Axis}, at)), nil
}

func (p places) put(n *Node, op *LoopPut) (placedNode, error) {
	to := p.of(n.Inputs[0]).at
	if op.Axis <= to {
		to++
	}
	return p.one(n, &LoopPut{Loop: op.Loop, Axis: frontAxis(op.Axis, to), Reverse: op.Reverse}, to), nil
}

// matMul is that with a constant matrix on the right, for each row of the operand.
func (p places) matMul(n *Node) (placedNode, error) {
	x, w := n.Inputs[0], n.Inputs[1]
	at := p.of(x).at
	if w.Const == nil || len(w.Shape) != 2 || at < 0 || at >= len(x.Shape)-1 {
		return placedNode{}, p.refuse(n)
	}
	return p.one(n, n.Op, at), nil
}

func (p places) tile(n *Node, op *Tile) (placedNode, error) {
	x := n.Inputs[0]
	at := p.of(x).at
	return p.one(n, &Tile{Repeats: Shape(op.Repeats).front(at)}, at), nil
}

// stretch is an operator of operands that broadcast: all that have a batch must have it at the same dimension of the
// result, and the others 1 there.
func (p places) stretch(n *Node) (placedNode, error) {
	rank := 0
	for _, v := range n.Inputs {
		rank = max(rank, len(v.Shape))
	}
	to := -1
	for _, v := range n.Inputs {
		if at := p.of(v).at; at >= 0 {
			if at += rank - len(v.Shape); to >= 0 && at != to {
				return placedNode{}, refusef("the batch is at different dimensions of its operands")
			}
			to = p.of(v).at + rank - len(v.Shape)
		}
	}
	r := placedNode{at: to}
	var in []*Value
	for _, v := range n.Inputs {
		more := rank - len(v.Shape)
		switch {
		case p.of(v).at >= 0:
			base, nodes := p.widen(n, v, more)
			r.nodes = append(r.nodes, nodes...)
			in = append(in, base)
		case v.Shape.Elems() == 1:
			in = append(in, v)
		case v.Const != nil:
			c := v.Const.frontOne(rank, to)
			if c == nil {
				return placedNode{}, refusef("a constant %v tells samples of the batch from each other", v.Shape)
			}
			w := &Value{Name: v.Name + ".front"}
			w.setConst(c)
			in = append(in, w)
		default:
			return placedNode{}, p.refuse(n)
		}
	}
	r.nodes = append(r.nodes, &Node{Name: n.Name, Op: n.Op, Inputs: in})
	return r, nil
}

// frontOne is a constant that broadcasts to a rank with dimension at, of size 1, in front; nil if it has another size there.
func (t *Tensor) frontOne(rank, at int) *Tensor {
	shape := append(Shape(slices.Repeat([]int{1}, rank-len(t.Shape))), t.Shape...)
	if shape[at] != 1 {
		return nil
	}
	return t.as(shape.front(at)...)
}

// permuted is any operator that a permutation of its operands passes.
func (p places) permuted(n *Node) (placedNode, error) {
	at := p.of(n.Inputs[0]).at
	rank := len(n.Inputs[0].Shape)
	if op, ok := n.Op.(*LayerNormalization); ok && at >= 0 && op.Axis > at {
		return p.one(n, op, at), nil // its parameters belong to the dimensions from the axis on
	}
	for _, v := range n.Inputs {
		if p.of(v).at != at || len(v.Shape) != rank {
			return placedNode{}, p.refuse(n)
		}
	}
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = frontAxis(i, at)
	}
	switch op := n.Op.(type) {
	case *Identity, *Dropout, *Cast, *LoopState, *LoopNext:
		return p.one(n, op, at), nil
	case *Reduce:
		if slices.Contains(op.Axes, at) {
			return placedNode{}, p.refuse(n)
		}
	}
	op, after := permuted(n, perm)
	if op == nil {
		return placedNode{}, p.refuse(n)
	}
	// What is left of the permutation says where the batch is.
	return p.one(n, op, slices.Index(after, 0)), nil
}
