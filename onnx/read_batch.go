package onnx

import (
	"slices"

	"qconv/onnx/internal/pb"
)

// Inputs of a recurrent network may have the batch as their second dimension, and say so only by the operator that reads them.

// batchPlaces finds the dimension that is the batch of values of a file, by name, going back from the operands of recurrent operators
// through nodes that move dimensions or keep them.
func batchPlaces(nodes []*pb.NodeProto) map[string]int {
	b := batchFinder{at: map[string]int{}, from: map[string]result{}}
	b.collect(nodes)
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
	return b.at
}

type batchFinder struct {
	at        map[string]int
	from      map[string]result
	recurrent []*pb.NodeProto
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
		for _, g := range branches(n) {
			for i, v := range g.GetInput() {
				b.from[v.GetName()] = result{node: n, place: i, given: true}
			}
			b.collect(g.GetNode())
		}
	}
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
			// A state of a Scan is its operand; a step of a sequence lacks a dimension of it, which is seldom in front.
			if n.GetOpType() != "Scan" || from.place >= len(n.GetInput())-max(sequencesOf(n), 0) {
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
			axis := 0
			for _, a := range n.GetAttribute() {
				if a.GetName() == "axis" {
					axis = clampInt(a.GetI())
				}
			}
			if len(n.GetInput()) < 2 || axis < 0 {
				return
			}
			// An index that is no list removes the axis.
			if c := b.from[n.GetInput()[1]].node; c != nil && c.GetOpType() == "Constant" && axis <= at {
				for _, a := range c.GetAttribute() {
					if len(a.GetT().GetDims()) == 0 {
						at++
					}
				}
			}
		default:
			return
		}
	}
}

// sequencesOf is how many sequences a Scan takes.
func sequencesOf(n *pb.NodeProto) int {
	for _, a := range n.GetAttribute() {
		if a.GetName() == "num_scan_inputs" {
			return clampInt(a.GetI())
		}
	}
	return 0
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

// listAttr is an attribute that is a list of integers.
func listAttr(n *pb.NodeProto, name string) []int64 {
	for _, a := range n.GetAttribute() {
		if a.GetName() == name {
			return a.GetInts()
		}
	}
	return nil
}
