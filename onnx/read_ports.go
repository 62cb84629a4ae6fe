package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// What a reader asks for instead of the inputs and outputs that a file names.

// pickOutputs puts the outputs that were asked for in the place of those of the file.
func (d *decoder) pickOutputs(p *pb.GraphProto, nodes []*node) error {
	if len(d.options.Outputs) == 0 {
		return nil
	}
	declared := map[string]*pb.ValueInfoProto{}
	var names []string
	for _, v := range p.GetOutput() {
		declared[v.GetName()] = v
		names = append(names, v.GetName())
	}
	computed := map[string]bool{}
	for _, n := range nodes {
		for _, name := range n.GetOutput() {
			computed[name] = name != ""
		}
	}
	var picked []*pb.ValueInfoProto
	for i, name := range d.options.Outputs {
		switch {
		case slices.Contains(d.options.Outputs[:i], name):
			return fmt.Errorf("onnx: read: output %q is asked for twice", name)
		case declared[name] != nil:
			picked = append(picked, declared[name])
		case computed[name]:
			picked = append(picked, &pb.ValueInfoProto{Name: proto.String(name)})
		default:
			return fmt.Errorf("onnx: read: no node computes %q to be an output; those of the file are %s", name, quoted(names))
		}
	}
	p.Output = picked
	return nil
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(list, ", ")
}

// unusedInputs are the graph inputs that no node reads which leads to an output; none if all are.
func (d *decoder) unusedInputs(p *pb.GraphProto, constant map[string]bool) map[string]bool {
	unused, all := map[string]bool{}, true
	for _, v := range p.GetInput() {
		name := v.GetName()
		_, filled := d.options.Numbers[name]
		switch {
		case constant[name], filled, d.options.Constants[name] != nil:
		case d.used[name]:
			all = false
		default:
			unused[name] = true
		}
	}
	if all {
		return nil
	}
	return unused
}

// filledInput is a constant of the shape and element type of an input that is x everywhere. An open leading dimension is samples long, if that is not 0.
func filledInput(info *pb.ValueInfoProto, x float64, dims map[string]int, samples int, bound map[string]bool) *Tensor {
	shape := Shape{}
	for i, dim := range info.GetType().GetTensorType().GetShape().GetDim() {
		size := max(1, clampInt(dim.GetDimValue()))
		if i == 0 && dim.GetDimValue() == 0 {
			size = max(1, samples)
		}
		for _, key := range []string{dim.GetDimParam(), fmt.Sprintf("%s:%d", info.GetName(), i)} {
			if n, ok := dims[key]; ok && key != "" {
				bound[key] = true
				size = n
			}
		}
		shape = append(shape, size)
	}
	if shape.check() != nil || shape.Elems() > maxFold {
		shape = Shape{} // a single number broadcasts, where the size does not matter
	}
	return &Tensor{Type: Float, Shape: shape, Floats: slices.Repeat([]float32{float32(x)}, shape.Elems())}
}

// boundInput is a constant as an input wants it: of its element type, and with the leading dimension that it lacks. Integers are whole numbers.
func boundInput(info *pb.ValueInfoProto, c *Tensor) (*Tensor, error) {
	t := info.GetType().GetTensorType()
	out := &Tensor{Type: c.Type, Shape: slices.Clone(c.Shape), Floats: c.Floats, Ints: c.Ints}
	if len(out.Shape) == len(t.GetShape().GetDim())-1 {
		out.Shape = slices.Insert(out.Shape, 0, 1)
	}
	kind := pb.TensorProto_DataType(t.GetElemType())
	if _, known := elemBits[kind]; !known {
		return out, nil
	}
	switch want := dataType(kind); {
	case want == Float && out.Type != Float:
		out.Type, out.Ints = Float, nil
		for _, v := range c.Ints {
			out.Floats = append(out.Floats, float32(v))
		}
	case want != Float && out.Type == Float:
		out.Floats = nil
		for _, v := range c.Floats {
			if float64(v) != math.Trunc(float64(v)) {
				return nil, fmt.Errorf("it holds %g, want whole numbers", v)
			}
			out.Ints = append(out.Ints, int64(v))
		}
		out.Type = want
	default:
		out.Type = want
	}
	return out, nil
}
