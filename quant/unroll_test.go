package quant

import (
	"fmt"
	"slices"

	"qconv/onnx"
)

// unroll is a graph without loops that computes the same: every iteration has copies of the body's nodes, whose values have names that end in @ and the number of the
// iteration. A Concat of one operand stands for
// what loops mean for levels: values are brought to those of a state before it, and what an iteration leaves has levels.
func unroll(g *onnx.Graph) *onnx.Graph {
	out := *g
	out.Nodes = nil
	values := map[*onnx.Value]*onnx.Value{} // behind loops
	add := func(op onnx.Op, name string, in ...*onnx.Value) *onnx.Value {
		shapes := make([]onnx.Shape, len(in))
		for i, v := range in {
			shapes[i] = v.Shape
		}
		shape, err := op.InferShape(shapes)
		if err != nil {
			panic(err)
		}
		v := &onnx.Value{Name: name, Shape: shape[0], Type: in[0].Type}
		out.Nodes = append(out.Nodes, &onnx.Node{Name: "node " + name, Op: op, Inputs: in, Outputs: []*onnx.Value{v}})
		return v
	}
	of := func(now map[*onnx.Value]*onnx.Value, v *onnx.Value) *onnx.Value {
		for _, m := range []map[*onnx.Value]*onnx.Value{now, values} {
			if w := m[v]; w != nil {
				return w
			}
		}
		return v
	}
	loops, err := g.Bodies()
	if err != nil {
		panic(err)
	}
	type unit struct {
		loop  *onnx.Loop
		nodes []*onnx.Node
	}
	var units []unit
	for i, n := range g.Nodes {
		if l := loops[n]; l == nil || i == 0 || loops[g.Nodes[i-1]] != l {
			units = append(units, unit{loop: l})
		}
		u := &units[len(units)-1]
		u.nodes = append(u.nodes, n)
	}
	for _, u := range units {
		if u.loop == nil {
			n := *u.nodes[0]
			n.Inputs = slices.Clone(n.Inputs)
			for i, v := range n.Inputs {
				n.Inputs[i] = of(nil, v)
			}
			out.Nodes = append(out.Nodes, &n)
			continue
		}
		states := map[*onnx.LoopState]*onnx.Value{}
		steps := map[*onnx.LoopPut][]*onnx.Value{}
		for _, n := range u.nodes {
			if op, ok := n.Op.(*onnx.LoopState); ok {
				from := of(nil, n.Inputs[0])
				from = &onnx.Value{Name: from.Name, Shape: n.Outputs[0].Shape, Const: from.Const}
				if from.Const == nil {
					from = of(nil, n.Inputs[0])
				}
				states[op] = add(&onnx.Concat{Axis: len(from.Shape) - 1}, n.Outputs[0].Name+"@begin", from)
			}
		}
		for t := range u.loop.Steps {
			now := map[*onnx.Value]*onnx.Value{}
			next := map[*onnx.LoopState]*onnx.Value{}
			at := func(reverse bool) int {
				if reverse {
					return u.loop.Steps - 1 - t
				}
				return t
			}
			for _, n := range u.nodes {
				name := fmt.Sprintf("%s@%d", n.Outputs[0].Name, t)
				in := of(now, n.Inputs[0])
				switch op := n.Op.(type) {
				case *onnx.LoopTake:
					i := at(op.Reverse)
					sliced := add(&onnx.Slice{Axes: []int{op.Axis}, Starts: []int{i}, Ends: []int{i + 1}, Steps: []int{1}}, name+"/slice", in)
					now[n.Outputs[0]] = add(&onnx.Squeeze{Axes: []int{op.Axis}}, name, sliced)
				case *onnx.LoopState:
					now[n.Outputs[0]] = states[op]
				case *onnx.LoopNext:
					in = add(&onnx.Concat{Axis: len(in.Shape) - 1}, name, in)
					next[op.State] = in
					values[n.Outputs[0]] = in
				case *onnx.LoopPut:
					step := add(&onnx.Unsqueeze{Axes: []int{op.Axis}}, name, in)
					if op.Reverse {
						steps[op] = slices.Insert(steps[op], 0, step)
					} else {
						steps[op] = append(steps[op], step)
					}
				default:
					c := &onnx.Node{Name: fmt.Sprintf("%s@%d", n.Name, t), Op: n.Op}
					for _, v := range n.Inputs {
						c.Inputs = append(c.Inputs, of(now, v))
					}
					for _, v := range n.Outputs {
						w := &onnx.Value{Name: fmt.Sprintf("%s@%d", v.Name, t), Shape: v.Shape, Type: v.Type}
						now[v] = w
						c.Outputs = append(c.Outputs, w)
					}
					out.Nodes = append(out.Nodes, c)
				}
			}
			states = next
		}
		for _, n := range u.nodes {
			if op, ok := n.Op.(*onnx.LoopPut); ok {
				values[n.Outputs[0]] = add(&onnx.Concat{Axis: op.Axis}, n.Outputs[0].Name, steps[op]...)
			}
		}
	}
	out.Outputs = nil
	for _, v := range g.Outputs {
		out.Outputs = append(out.Outputs, of(nil, v))
	}
	return &out
}
