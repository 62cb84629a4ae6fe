package onnx

import (
	"fmt"
	"slices"
)

// Layers that know matrices only are applied to sequences by joining the steps with the batch: [N][T][C], or [T][N][C], is reshaped
// to [N*T][C] and back. In the graph such a value keeps its steps apart, [N][T][C], and what is done to its rows is done to these.

// rejoin is a Reshape that joins dimensions with the batch, parts them, or leaves them joined. It stands for one while a file is read only.
type rejoin struct {
	base       Shape // of the result in the graph
	rows       Shape // dimensions that are joined with the batch, nil for none
	stepsFirst bool  // the batch is the last of the dimensions that are joined, else the first
	at         int   // the dimension that is the batch, where none is joined with it
}

func (*rejoin) Type() string { return "Reshape" }

// InferShape is never asked: places know the shape.
func (*rejoin) InferShape([]Shape) ([]Shape, error) { return nil, fmt.Errorf("a Reshape of places") }

// rejoin is the operator of a Reshape of operand 0 to a target that joins the batch with other dimensions, or parts them; nil for any other.
func (r *nodeReader) rejoin(target *ints) Op {
	if r.places == nil || target == nil || len(target.v) == 0 || r.shapes[0].batchAt() < 0 {
		return nil
	}
	pl := r.places.of(r.in[0])
	if pl.rows == nil {
		return r.joined(pl, target.v)
	}
	return r.parted(pl, target.v)
}

// numbers are dimensions of a target that are known, also as copies of the operand's; nil where one is not, or the elements are too many.
func numbers(target []dim, x Shape, from int) Shape {
	out, elems := Shape{}, 1
	for i, d := range target {
		n := d.n
		if n == 0 && from+i < len(x) {
			n = int64(x[from+i])
		}
		if d.batch != 0 || n < 1 || n > int64(maxDim/elems) {
			return nil
		}
		elems *= int(n)
		out = append(out, int(n))
	}
	return out
}

// joined is a Reshape whose first dimension is the batch and others.
func (r *nodeReader) joined(pl place, target []dim) Op {
	x := r.shapes[0]
	rest := r.row(target, x)
	if rest == nil || x.Elems()%max(rest.Elems(), 1) != 0 {
		return nil
	}
	k := x.Elems() / rest.Elems()
	if k == 1 || !r.isRows(target[0], k) && target[0] != (dim{n: -1}) {
		return nil
	}
	m := pl.at + 1
	for m < len(x) && x[:m].Elems() != k {
		m++
	}
	op := &rejoin{stepsFirst: pl.at > 0}
	switch {
	case x[:m].Elems() != k:
		return nil
	case pl.at == 0:
		op.rows = x[1:m].clone()
	case pl.at == m-1:
		op.rows = x[:m-1].clone()
	default:
		return nil
	}
	op.base = slices.Concat(Shape{Batch}, op.rows, rest)
	return op
}

// row are the dimensions of a target behind those that are joined with the batch. One may be left open where the first is not.
func (r *nodeReader) row(target []dim, x Shape) Shape {
	k := int(target[0].batch)
	if r.batch > 0 && target[0].batch == 0 && target[0].n > 0 {
		k = int(target[0].n) / r.batch
	}
	open := slices.Index(target[1:], dim{n: -1})
	if open < 0 || k < 1 || x.Elems()%k != 0 {
		return numbers(target[1:], x, 1)
	}
	filled := slices.Clone(target[1:])
	filled[open].n = 1
	others := numbers(filled, x, 1)
	if others == nil || x.Elems()/k%others.Elems() != 0 {
		return nil
	}
	others[open] = x.Elems() / k / others.Elems()
	return others
}

// isRows says whether a number is k times the batch size.
func (r *nodeReader) isRows(d dim, k int) bool {
	return d == dim{batch: int64(k)} || r.batch > 0 && d == dim{n: int64(r.batch) * int64(k)}
}

// parted is a Reshape of a value whose batch is joined with others.
func (r *nodeReader) parted(pl place, target []dim) Op {
	x := r.shapes[0]
	k, row := pl.rows.Elems(), x.Elems()
	if rest := r.row(target, append(Shape{k}, x[1:]...)); rest != nil && rest.Elems() == row && (r.isRows(target[0], k) || target[0] == dim{n: -1} || target[0] == dim{}) {
		return &rejoin{base: slices.Concat(Shape{Batch}, pl.rows, rest), rows: pl.rows, stepsFirst: pl.stepsFirst}
	}
	for q, d := range target {
		if !r.isBatch(d) && d != (dim{n: -1}) {
			continue
		}
		rest := slices.Concat(target[:q], target[q+1:])
		if i := slices.Index(rest, dim{n: -1}); i >= 0 {
			// The batch is named, and one other dimension is what is left.
			others := numbers(slices.Concat(rest[:i], rest[i+1:]), nil, 0)
			if others == nil || others.Elems() > k*row || k*row%others.Elems() != 0 {
				continue
			}
			rest[i] = dim{n: int64(k * row / others.Elems())}
		}
		dims := numbers(rest, nil, 0)
		inFront := 1
		if pl.stepsFirst {
			inFront = k
		}
		if dims != nil && dims.Elems() == k*row && dims[:q].Elems() == inFront {
			return &rejoin{base: append(Shape{Batch}, dims...), at: q}
		}
	}
	return nil
}

// join lets out be base with dimensions joined with the batch.
func (p places) join(out, base *Value, rows Shape, stepsFirst bool) {
	out.Shape = append(Shape{Batch}, base.Shape[1+len(rows):]...)
	out.Type = base.Type
	p[out] = place{base: base, rows: rows, stepsFirst: stepsFirst}
}

// rowwise rewrites a node whose operands have dimensions joined with the batch.
func (p places) rowwise(n *Node) ([]*Node, error) {
	var pl place
	for _, v := range n.Inputs {
		if at := p.of(v); at.rows != nil {
			pl = at
		}
	}
	if op, ok := n.Op.(*rejoin); ok {
		node := &Node{Name: n.Name, Op: &Reshape{Dims: reshapeDims(op.base)}, Inputs: []*Value{p.of(n.Inputs[0]).base}, Outputs: []*Value{{Name: n.Outputs[0].Name}}}
		if op.rows == nil && op.at == 0 {
			node.Outputs = n.Outputs
		}
		if err := node.infer(); err != nil {
			return nil, err
		}
		switch {
		case op.rows != nil:
			p.join(n.Outputs[0], node.Outputs[0], op.rows, op.stepsFirst)
		case op.at > 0:
			p.make(n.Outputs[0], node.Outputs[0], op.at)
		}
		return []*Node{node}, nil
	}
	if err := p.check(n); err != nil {
		return nil, err
	}
	in := make([]*Value, len(n.Inputs))
	for i, v := range n.Inputs {
		at := p.of(v)
		switch {
		case at.rows != nil && at.rows.Equal(pl.rows) && at.stepsFirst == pl.stepsFirst:
			in[i] = at.base
		case v != nil && at.at < 0 && (v.Const != nil || v.Shape.Elems() == 1):
			in[i] = v
		default:
			return nil, p.refuseRows(n)
		}
	}
	nodes := rowNodes(n, in, len(pl.rows))
	if nodes == nil {
		return nil, p.refuseRows(n)
	}
	last := nodes[len(nodes)-1]
	for _, out := range n.Outputs {
		last.Outputs = append(last.Outputs, &Value{Name: out.Name})
	}
	for _, m := range nodes {
		if err := m.infer(); err != nil {
			return nil, err
		}
	}
	for i, out := range n.Outputs {
		if s := last.Outputs[i].Shape; len(s) <= len(pl.rows) || !s[1:1+len(pl.rows)].Equal(pl.rows) {
			return nil, p.refuseRows(n)
		}
		p.join(out, last.Outputs[i], pl.rows, pl.stepsFirst)
	}
	return nodes, nil
}

func (p places) refuseRows(n *Node) error {
	return refusef("its operand has other dimensions joined with the batch, which this operator is not read for")
}

// rowNodes are the nodes that do to every row of operands, which have more dimensions behind the batch, what n does to the samples of a batch;
// nil where that is not known.
func rowNodes(n *Node, in []*Value, more int) []*Node {
	one := func(op Op) []*Node { return []*Node{{Name: n.Name, Op: op, Inputs: in}} }
	shift := func(axes []int) []int {
		out := make([]int, len(axes))
		for i, a := range axes {
			if a == 0 {
				return nil
			}
			out[i] = a + more
		}
		return out
	}
	axis := func(a int) int { return a + more }
	switch op := n.Op.(type) {
	case *Gemm:
		return rowGemm(n, op, in)
	case *MatMul:
		if in[1].Const != nil && len(in[1].Shape) == 2 && in[0].Const == nil {
			return one(op)
		}
	case *Identity, *Dropout, *Cast, Scalar:
		return one(op)
	case Pair, *Where:
		rank := len(n.Inputs[0].Shape)
		for _, v := range n.Inputs {
			rank = max(rank, len(v.Shape))
		}
		for _, v := range n.Inputs {
			// A dimension of a constant that meets the rows must not tell them from each other, and all operands have rows or none.
			if v.Const != nil && len(v.Shape) == rank && v.Shape[0] != 1 || v.Const == nil && v.Shape.batched() && len(v.Shape) != rank {
				return nil
			}
		}
		return one(op)
	case *Softmax:
		if op.Axis > 0 {
			return one(&Softmax{Axis: axis(op.Axis)})
		}
	case *LogSoftmax:
		if op.Axis > 0 {
			return one(&LogSoftmax{Axis: axis(op.Axis)})
		}
	case *Split:
		if op.Axis > 0 {
			return one(&Split{Axis: axis(op.Axis), Sizes: op.Sizes})
		}
	case *Concat:
		if op.Axis > 0 && !slices.ContainsFunc(n.Inputs, func(v *Value) bool { return v.Const != nil }) {
			return one(&Concat{Axis: axis(op.Axis)})
		}
	case *Slice:
		if axes := shift(op.Axes); axes != nil {
			return one(&Slice{Axes: axes, Starts: op.Starts, Ends: op.Ends, Steps: op.Steps})
		}
	case *Gather:
		if op.Axis > 0 {
			return one(&Gather{Axis: axis(op.Axis), Indices: op.Indices})
		}
	case *Reduce:
		if axes := shift(op.Axes); axes != nil {
			return one(&Reduce{Kind: op.Kind, Axes: axes, KeepDims: op.KeepDims})
		}
	case *Unsqueeze:
		if axes := shift(op.Axes); axes != nil {
			return one(&Unsqueeze{Axes: axes})
		}
	case *Squeeze:
		if axes := shift(op.Axes); axes != nil {
			return one(&Squeeze{Axes: axes})
		}
	}
	return nil
}

// rowGemm is a product with constant weights, and a sum with a constant bias.
func rowGemm(n *Node, op *Gemm, in []*Value) []*Node {
	w := in[1].Const
	if op.TransA || w == nil || w.Type != Float || in[0].Const != nil {
		return nil
	}
	if op.TransB {
		w = &Tensor{Type: Float, Shape: Shape{w.Shape[1], w.Shape[0]}, Floats: transpose(w.Floats, w.Shape, []int{1, 0})}
	}
	if op.Alpha != 1 {
		w = w.scaled(op.Alpha)
	}
	weights := &Value{}
	weights.setConst(w)
	product := &Node{Op: &MatMul{}, Inputs: []*Value{in[0], weights}}
	if len(in) < 3 || in[2] == nil {
		product.Name = n.Name
		return []*Node{product}
	}
	c := in[2].Const
	if c == nil || c.Type != Float || len(c.Shape) == 2 && c.Shape[0] != 1 {
		return nil
	}
	bias := &Value{}
	bias.setConst(c.scaled(op.Beta))
	product.Outputs = []*Value{{}}
	return []*Node{product, {Name: n.Name, Op: &Add{}, Inputs: []*Value{product.Outputs[0], bias}}}
}

// inFile is the shape of a value as the file has it.
func (pl place) inFile(v *Value) string {
	if pl.rows == nil {
		return v.Shape.String()
	}
	return fmt.Sprintf("[%d*N%s", pl.rows.Elems(), v.Shape.String()[2:])
}
