package onnx

import (
	"slices"

	"qconv/onnx/internal/pb"
)

// stack is a list of tensors that are the positions of a dimension of one: what the iterations of a loop have put one beside the other, or
// a SplitToSequence has cut. The list is made when it is read as one.
type stack struct {
	all  string // the name of the value
	axis int
}

// stackOf is the stack that a node cuts a value into.
func (d *decoder) stackOf(p *node, r *nodeReader) (stack, bool) {
	if p.GetOpType() != "SplitToSequence" || !isDefault(p.GetDomain()) || d.listing || len(r.in) != 1 || len(p.GetOutput()) != 1 || p.GetOutput()[0] == "" || d.unknown[r.in[0]] || d.sequences[r.in[0]] != nil {
		return stack{}, false
	}
	axis, ok := resolveAxis(clampInt(integerOf(p.NodeProto, "axis")), len(r.shapes[0]))
	keeps := slices.ContainsFunc(p.GetAttribute(), func(a *pb.AttributeProto) bool { return a.GetName() == "keepdims" && a.GetI() == 0 })
	return stack{p.GetInput()[0], axis}, ok && keeps && r.shapes[0][axis] != Batch
}

// unstack reads a node that makes or takes a stack. To join the tensors is to move a dimension; for other operators the list is made. It says whether the
// node has been read.
func (d *decoder) unstack(p *node, r *nodeReader) (bool, error) {
	if s, ok := d.stackOf(p, r); ok {
		v := &Value{Name: p.GetOutput()[0]}
		d.values[v.Name], d.stacked[v] = v, s
		return true, nil
	}
	for _, v := range r.in {
		s, ok := d.stacked[v]
		if !ok || d.sequences[v] != nil {
			continue
		}
		if isDefault(p.GetDomain()) && len(r.in) == 1 && len(p.GetOutput()) == 1 {
			switch p.GetOpType() {
			case "Identity":
				d.values[p.GetOutput()[0]] = v
				return true, nil
			case "ConcatFromSequence":
				if g := d.joinStacked(p, s); g != nil {
					return true, d.innerNodes(p, g, p.name+"/")
				}
			}
		}
		list := d.newName(v.Name)
		split := nodeOf("SplitToSequence", list, []string{s.all}, integerAttr("axis", int64(s.axis)), integerAttr("keepdims", 0))
		d.listing = true
		err := d.innerNodes(p, &pb.GraphProto{Node: []*pb.NodeProto{split}}, p.name+"/")
		d.listing = false
		if err != nil {
			return false, err
		}
		if d.sequences[v] = d.sequences[d.values[list]]; d.sequences[v] == nil {
			d.unknown[v] = true
		}
	}
	return false, nil
}

// joinStacked are nodes that join the tensors, nil where there are none.
func (d *decoder) joinStacked(p *node, s stack) *pb.GraphProto {
	shape := d.places.resolve(d.values[s.all]).Shape
	fresh := integerOf(p.NodeProto, "new_axis") == 1
	rank := len(shape)
	if !fresh {
		rank--
	}
	axis, ok := resolveAxis(clampInt(integerOf(p.NodeProto, "axis")), rank)
	if !ok {
		return nil
	}
	var perm []int64
	for i := range shape {
		if i != s.axis {
			perm = append(perm, int64(i))
		}
	}
	joined := perm[min(axis, len(perm)-1)] // what a tensor has there
	perm = slices.Insert(perm, axis, int64(s.axis))
	out := p.GetOutput()[0]
	transpose := nodeOf("Transpose", out, []string{s.all}, integersAttr("perm", perm...))
	if fresh {
		return &pb.GraphProto{Node: []*pb.NodeProto{transpose}}
	}
	var target []int64
	for i, n := range perm {
		switch dim := shape[n]; {
		case i == axis:
		case n == joined && dim != Batch:
			target = append(target, int64(shape[s.axis]*dim))
		case n != joined && dim != Batch:
			target = append(target, int64(dim))
		case n == joined || i > axis:
			return nil // a Reshape copies dimensions of the same place only
		default:
			target = append(target, 0)
		}
	}
	moved := d.newName(out + ".moved")
	transpose.Output = []string{moved}
	return &pb.GraphProto{Node: []*pb.NodeProto{transpose, d.operandNode(p, 5, "Reshape", moved, out, []string{"shape"}, target)}}
}

// isList says whether a value is a list of tensors.
func (d *decoder) isList(v *Value) bool {
	_, stacked := d.stacked[v]
	return stacked || d.sequences[v] != nil
}
