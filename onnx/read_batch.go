package onnx

import (
	"maps"
	"slices"

	"qconv/onnx/internal/pb"
)

// Inputs of a recurrent network may have the batch as their second dimension, and say so only by the operator that reads them.

// batchPlaces finds the dimension that is the batch of inputs of a file, by name, going back from the operands of recurrent operators
// through nodes that move dimensions or keep them. What a Scan or a Loop takes step by step along dimension 0 has its batch behind that, if it is more
// than steps of channels.
func batchPlaces(p *pb.GraphProto) map[string]int {
	b := batchFinder{at: map[string]int{}, from: map[string]result{}}
	b.collect(p.GetNode())
	for _, n := range b.recurrent {
		at := 1
		for _, a := range n.GetAttribute() {
			if a.GetName() == "layout" && a.GetI() == 1 {
				at = 0
			}
		}
		for _, i := range []int{operandX, operandState, operandState + 1} {
			if i < len(n.GetInput()) {
				b.wish(n.GetInput()[i], at)
			}
		}
	}
	sure := maps.Clone(b.at)
	for _, name := range b.stepped {
		b.wish(name, 1)
	}
	for _, v := range p.GetInput() {
		if _, ok := sure[v.GetName()]; !ok && len(v.GetType().GetTensorType().GetShape().GetDim()) < 3 {
			delete(b.at, v.GetName())
		}
	}
	return b.at
}

type batchFinder struct {
	at        map[string]int
	from      map[string]result
	recurrent []*pb.NodeProto
	stepped   []string // what loops take along dimension 0
}

// result is one of a node; with given it is an input of the body of a Scan, its operand of that place.
type result struct {
	node  *pb.NodeProto
	place int
	given bool
}

// collect looks at nodes, also those of branches.
func (b *batchFinder) collect(nodes []*pb.NodeProto) {
	for _, n := range nodes {
		for i, name := range n.GetOutput() {
			b.from[name] = result{node: n, place: i}
		}
		if cells[n.GetOpType()].gates > 0 && isDefault(n.GetDomain()) {
			b.recurrent = append(b.recurrent, n)
		}
		if n.GetOpType() == "Scan" {
			axes := listAttr(n, "scan_input_axes")
			for i, name := range n.GetInput()[len(n.GetInput())-min(max(sequencesOf(n), 0), len(n.GetInput())):] {
				if i >= len(axes) || axes[i] == 0 {
					b.stepped = append(b.stepped, name)
				}
			}
		}
		for _, g := range branches(n) {
			for i, v := range g.GetInput() {
				b.from[v.GetName()] = result{node: n, place: i, given: true}
			}
			b.collect(g.GetNode())
			if n.GetOpType() == "Loop" {
				b.picked(g)
			}
		}
	}
}

// picked notes what the body of a Loop picks from along dimension 0, at positions that count with its iterations.
func (b *batchFinder) picked(body *pb.GraphProto) {
	for _, n := range body.GetNode() {
		if n.GetOpType() == "Gather" && len(n.GetInput()) == 2 && integerOf(n, "axis") == 0 && b.counts(n.GetInput()[1], maxCount) {
			b.stepped = append(b.stepped, n.GetInput()[0])
		}
	}
}

// maxCount is through how many nodes a position is followed.
const maxCount = 4

// counts says whether an integer is the number of an iteration of a Loop, or a sum or difference with it.
func (b *batchFinder) counts(name string, most int) bool {
	c := b.from[name]
	switch {
	case c.node == nil || most == 0:
		return false
	case c.given:
		return c.node.GetOpType() == "Loop" && c.place == 0
	}
	switch c.node.GetOpType() {
	case "Add", "Sub", "Cast", "Identity":
		return slices.ContainsFunc(c.node.GetInput(), func(in string) bool { return b.counts(in, most-1) })
	}
	return false
}

// wish notes where a value has its batch, and what computes it. The first wish counts.
func (b *batchFinder) wish(name string, at int) {
	for name != "" && at >= 0 {
		if _, known := b.at[name]; known {
			return
		}
		b.at[name] = at
		from := b.from[name]
		n := from.node
		switch {
		case n == nil || len(n.GetInput()) == 0:
			return
		case from.given:
			// A state of a loop is its operand; a step of a sequence lacks a dimension of it, which is seldom in front.
			switch n.GetOpType() {
			case "Loop":
			case "Scan":
				if from.place >= len(n.GetInput())-max(sequencesOf(n), 0) {
					return
				}
			default:
				return
			}
			if from.place >= len(n.GetInput()) {
				return
			}
			name = n.GetInput()[from.place]
			continue
		}
		if n.GetOpType() == "If" {
			for _, g := range branches(n) {
				if from.place < len(g.GetOutput()) {
					b.wish(g.GetOutput()[from.place].GetName(), at)
				}
			}
			return
		}
		name = n.GetInput()[0]
		switch n.GetOpType() {
		case "Transpose":
			perm := listAttr(n, "perm")
			if at >= len(perm) {
				return
			}
			at = clampInt(perm[at])
		case "Slice", "Split", "Cast", "Identity", "Dropout", "Relu", "Tanh", "Sigmoid":
		case "Squeeze", "Unsqueeze":
			axes := listAttr(n, "axes")
			if axes == nil && len(n.GetInput()) > 1 {
				axes = b.list(n.GetInput()[1])
			}
			if axes == nil {
				return
			}
			at = throughAxes(n.GetOpType() == "Squeeze", clampInts(axes), at)
		case "Gather":
			axis := clampInt(integerOf(n, "axis"))
			if len(n.GetInput()) < 2 || axis < 0 {
				return
			}
			if axis <= at && b.oneIndex(n.GetInput()[1]) {
				at++
			}
		default:
			return
		}
	}
}

// oneIndex says whether an index is a number and no list, with which a Gather removes the axis: a constant, or the number of an iteration.
func (b *batchFinder) oneIndex(name string) bool {
	c := b.from[name]
	switch {
	case c.node == nil:
		return false
	case b.counts(name, maxCount):
		return true
	}
	return c.node.GetOpType() == "Constant" && slices.ContainsFunc(c.node.GetAttribute(), func(a *pb.AttributeProto) bool { return len(a.GetT().GetDims()) == 0 })
}

// sequencesOf is how many sequences a Scan takes.
func sequencesOf(n *pb.NodeProto) int {
	return clampInt(integerOf(n, "num_scan_inputs"))
}

// throughAxes is the dimension of the operand of a Squeeze or Unsqueeze that becomes dimension at; -1 where that is not known.
func throughAxes(squeeze bool, axes []int, at int) int {
	slices.Sort(axes)
	for _, a := range axes {
		switch {
		case a < 0:
			return -1
		case squeeze && a <= at:
			at++
		case !squeeze && a == at:
			return -1
		}
	}
	if squeeze {
		return at
	}
	return at - before(axes, at)
}

// list is a constant that a node Constant makes.
func (b *batchFinder) list(name string) []int64 {
	n := b.from[name].node
	if n == nil || n.GetOpType() != "Constant" {
		return nil
	}
	for _, a := range n.GetAttribute() {
		if len(a.GetT().GetDims()) == 1 && a.GetT().GetDims()[0] <= maxRank {
			d := &decoder{kinds: map[*Tensor]pb.TensorProto_DataType{}}
			if t, err := d.tensor(a.GetT()); err == nil {
				return t.Ints
			}
		}
		if a.GetInts() != nil {
			return a.GetInts()
		}
	}
	return nil
}

// integerOf is an attribute that is one integer, 0 if it is not there.
func integerOf(n *pb.NodeProto, name string) int64 {
	for _, a := range n.GetAttribute() {
		if a.GetName() == name {
			return a.GetI()
		}
	}
	return 0
}

// listAttr is an attribute that is a list of integers.
func listAttr(n *pb.NodeProto, name string) []int64 {
	for _, a := range n.GetAttribute() {
		if a.GetName() == name {
			return a.GetInts()
		}
	}
	return nil
}
