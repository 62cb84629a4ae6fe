package quant

import (
	"fmt"
	"slices"

	"qconv/onnx"
)

// OverWindow makes a network of one step, whose states are inputs and outputs, one over a window of steps, in place: its other inputs [N,...] become
// [N,steps,...], and so do the outputs that are no states, or all where all are. States begin with zeros. So it can be trained through time, and its ranges are
// those that states come to; [Stream] makes a step of it again. The graph is a simplified one. OverWindow fails with a [*StatesError] where the pairs are not those
// of states, and where the network has loops.
func OverWindow(g *onnx.Graph, pairs []StatePair, steps int) error {
	if err := checkStates(g, pairs); err != nil {
		return err
	}
	if steps < 1 {
		return &StatesError{fmt.Sprintf("a window of %d steps, want at least 1", steps)}
	}
	flattenSingleSteps(g)
	bodies, err := g.Bodies()
	if err != nil {
		return err
	}
	if len(bodies) > 0 {
		first := slices.IndexFunc(g.Nodes, func(n *onnx.Node) bool { return bodies[n] != nil })
		return &StatesError{fmt.Sprintf("a step of the network has a loop of its own, at %q: over a window there would be loops in loops; use convert --calib with --state, and arrays of states as they occur", g.Nodes[first].Name)}
	}
	w := windowMaker{g: g, from: g.Producers(), names: map[string]bool{}}
	for _, n := range g.Nodes {
		for _, v := range slices.Concat(n.Inputs, n.Outputs) {
			if v != nil {
				w.names[v.Name] = true
			}
		}
		w.names[n.Name] = true
	}
	for _, v := range slices.Concat(g.Inputs, g.Outputs) {
		w.names[v.Name] = true
	}
	w.loop = &onnx.Loop{Name: w.fresh("window"), Steps: steps}
	carried, left := map[*onnx.Value]bool{}, map[*onnx.Value]bool{}
	for _, p := range pairs {
		in, out := valueCalled(g.Inputs, p.Input), valueCalled(g.Outputs, p.Output)
		carried[in], left[out] = true, true
		if err := w.carry(in, out); err != nil {
			return err
		}
	}
	var inputs, outputs []*onnx.Value
	for _, v := range g.Inputs {
		if !carried[v] {
			inputs = append(inputs, w.longer(v))
			w.put(&w.begin, &onnx.LoopTake{Loop: w.loop, Axis: 1}, inputs[len(inputs)-1], v)
		}
	}
	allStates := !slices.ContainsFunc(g.Outputs, func(v *onnx.Value) bool { return !left[v] })
	for _, v := range g.Outputs {
		if left[v] && !allStates {
			continue
		}
		if w.from[v] == nil {
			return &StatesError{fmt.Sprintf("output %q is an input, want one that nodes compute", v.Name)}
		}
		outputs = append(outputs, w.longer(v))
		w.put(&w.end, &onnx.LoopPut{Loop: w.loop, Axis: 1}, v, outputs[len(outputs)-1])
	}
	g.Nodes = slices.Concat(w.begin, g.Nodes, w.end)
	g.Inputs, g.Outputs = inputs, outputs
	if err := g.InferShapes(); err != nil {
		return err
	}
	return g.OrderLoops()
}

// flattenSingleSteps makes ordinary nodes of loops of one step: recurrent layers of networks that take one. A state that is one for all samples
// stays that, and what is computed with it has the batch of the others.
func flattenSingleSteps(g *onnx.Graph) {
	single := func(l *onnx.Loop) bool { return l.Steps == 1 }
	for _, n := range g.Nodes {
		switch op := n.Op.(type) {
		case *onnx.LoopTake:
			if single(op.Loop) {
				n.Op = &onnx.Squeeze{Axes: []int{op.Axis}}
			}
		case *onnx.LoopPut:
			if single(op.Loop) {
				n.Op = &onnx.Unsqueeze{Axes: []int{op.Axis}}
			}
		case *onnx.LoopState:
			if single(op.Loop) {
				n.Op = &onnx.Identity{}
			}
		case *onnx.LoopNext:
			if single(op.Loop) {
				n.Op = &onnx.Identity{}
			}
		}
	}
}

// windowMaker puts the nodes of a graph into a loop.
type windowMaker struct {
	g          *onnx.Graph
	from       map[*onnx.Value]*onnx.Node
	names      map[string]bool
	loop       *onnx.Loop
	begin, end []*onnx.Node // before the nodes and behind them
}

// fresh is a name that nothing has.
func (w *windowMaker) fresh(name string) string {
	for w.names[name] {
		name += "_"
	}
	w.names[name] = true
	return name
}

func (w *windowMaker) put(list *[]*onnx.Node, op onnx.Op, in, out *onnx.Value) {
	*list = append(*list, &onnx.Node{Name: w.fresh(out.Name + ".node"), Op: op, Inputs: []*onnx.Value{in}, Outputs: []*onnx.Value{out}})
}

// longer is a value of all steps of v, under the name of that.
func (w *windowMaker) longer(v *onnx.Value) *onnx.Value {
	all := &onnx.Value{Name: v.Name, Shape: slices.Insert(slices.Clone(v.Shape), min(1, len(v.Shape)), w.loop.Steps), Type: v.Type}
	v.Name = w.fresh(v.Name + ".step")
	return all
}

// carry makes in a state that becomes out.
func (w *windowMaker) carry(in, out *onnx.Value) error {
	if w.from[out] == nil || in.Type != onnx.Float || out.Type != onnx.Float {
		return &StatesError{fmt.Sprintf("state %q becomes output %q: want floating-point numbers that nodes compute", in.Name, out.Name)}
	}
	op := &onnx.LoopState{Loop: w.loop}
	shape := slices.Clone(in.Shape)
	if len(shape) > 0 && shape[0] == onnx.Batch {
		op.Batched, shape[0] = true, 1
	}
	zeros := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, shape.Elems())}
	w.put(&w.begin, op, &onnx.Value{Name: w.fresh(in.Name + ".begin"), Shape: shape, Const: zeros}, in)
	if !in.Shape.Equal(out.Shape) {
		dims := slices.Clone(in.Shape)
		if op.Batched {
			dims[0] = 0
		}
		as := &onnx.Value{Name: w.fresh(out.Name + ".state")}
		w.put(&w.end, &onnx.Reshape{Dims: dims}, out, as)
		out = as
	}
	w.put(&w.end, &onnx.LoopNext{Loop: w.loop, State: op}, out, &onnx.Value{Name: w.fresh(in.Name + ".last")})
	return nil
}
