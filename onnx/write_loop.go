package onnx

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// loop writes the nodes of a loop, which rest begins with, as a Scan, and returns the nodes behind them. A Scan lists
// states before sequences.
func (e *encoder) loop(l *Loop, rest []*Node) []*Node {
	var states, takes, nexts, puts, inner []*Node
	ofLoop := map[*Value]bool{} // values that change in the loop
	for len(rest) > 0 {
		n := rest[0]
		own := loopOf(n.Op)
		inside := own == l
		for _, v := range n.Inputs {
			inside = inside || own == nil && ofLoop[v]
		}
		if !inside {
			break
		}
		rest = rest[1:]
		switch n.Op.(type) {
		case *LoopState:
			states = append(states, n)
		case *LoopTake:
			takes = append(takes, n)
		case *LoopNext:
			nexts = append(nexts, n)
			continue
		case *LoopPut:
			puts = append(puts, n)
			continue
		default:
			inner = append(inner, n)
		}
		for _, v := range n.Outputs {
			ofLoop[v] = true
		}
	}
	scan := &pb.NodeProto{Name: proto.String(l.Name), OpType: proto.String("Scan")}
	w := &nodeWriter{p: scan, e: e}
	body := &pb.GraphProto{Name: proto.String(l.Name)}
	next := map[*LoopState]*Node{}
	for _, n := range nexts {
		next[n.Op.(*LoopNext).State] = n
	}
	given := map[string]bool{} // names of the body that it has given out
	enters := map[*Value]bool{}
	for _, n := range slices.Concat(states, takes) {
		enters[n.Outputs[0]] = true
	}
	give := func(v *Value) {
		e.constant(v)
		result := *v
		if given[v.Name] || v.Const != nil || !ofLoop[v] || enters[v] {
			// A result of a body is one value of it that its nodes compute, once: ONNX Runtime computes nonsense where it is an input of the body.
			result.Name = w.fresh("result")
			body.Node = append(body.Node, &pb.NodeProto{Name: proto.String(result.Name), OpType: proto.String("Identity"), Input: []string{v.Name}, Output: []string{result.Name}})
		}
		given[result.Name] = true
		body.Output = append(body.Output, e.valueInfo(&result))
	}
	e.body = body
	for _, n := range inner {
		e.node(n)
	}
	e.body = nil
	for _, n := range states {
		e.constant(n.Inputs[0])
		begin := n.Inputs[0].Name
		if n.Op.(*LoopState).Batched {
			begin = e.repeated(w, n, slices.Concat(takes, inner, states), ofLoop)
		}
		scan.Input = append(scan.Input, begin)
		body.Input = append(body.Input, e.valueInfo(n.Outputs[0]))
		last := next[n.Op.(*LoopState)]
		scan.Output = append(scan.Output, last.Outputs[0].Name)
		give(last.Inputs[0])
	}
	axes, directions := []int{}, []int{}
	for _, n := range takes {
		op := n.Op.(*LoopTake)
		e.constant(n.Inputs[0])
		scan.Input = append(scan.Input, n.Inputs[0].Name)
		body.Input = append(body.Input, e.valueInfo(n.Outputs[0]))
		axes, directions = append(axes, op.Axis), append(directions, oneIf(op.Reverse))
	}
	if len(takes) == 0 {
		// A Scan must take a sequence; this one says how often it runs.
		v, step := &Value{Name: w.fresh("steps")}, &Value{Name: w.fresh("step"), Shape: Shape{}}
		v.setConst(&Tensor{Shape: Shape{l.Steps}, Floats: make([]float32, l.Steps)})
		e.constant(v)
		scan.Input = append(scan.Input, v.Name)
		body.Input = append(body.Input, e.valueInfo(step))
		axes, directions = append(axes, 0), append(directions, 0)
	}
	w.int("num_scan_inputs", len(axes))
	w.ints("scan_input_axes", axes)
	w.ints("scan_input_directions", directions)
	axes, directions = []int{}, []int{}
	for _, n := range puts {
		op := n.Op.(*LoopPut)
		scan.Output = append(scan.Output, n.Outputs[0].Name)
		give(n.Inputs[0])
		axes, directions = append(axes, op.Axis), append(directions, oneIf(op.Reverse))
	}
	if len(puts) > 0 {
		w.ints("scan_output_axes", axes)
		w.ints("scan_output_directions", directions)
	}
	w.attr("body", pb.AttributeProto_GRAPH).G = body
	e.graph.Node = append(e.graph.Node, scan)
	return rest
}

// repeated writes nodes that repeat the state of n for every sample, and returns what they compute. The batch size is that of the first value from outside, what
// changes in the loop left out, that nodes of it read.
func (e *encoder) repeated(w *nodeWriter, n *Node, readers []*Node, changes map[*Value]bool) string {
	var of *Value
	for _, r := range readers {
		for _, v := range r.Inputs {
			if of == nil && v != nil && v.Shape.batched() && !changes[v] {
				of = v
			}
		}
	}
	for _, v := range e.inputs {
		if of == nil && v.Shape.batched() {
			of = v
		}
	}
	if of == nil {
		e.failf("node %q (LoopState): nothing that loop %q reads has the batch that the state is repeated for", n.Name, w.p.GetName())
		return ""
	}
	out := w.fresh("begin")
	shape := &nodeWriter{e: e, p: &pb.NodeProto{Name: proto.String(out), OpType: proto.String("Expand"), Input: []string{of.Name}, Output: []string{out}}}
	shape.operandBatched("shape", n.Inputs[0].Shape[1:])
	shape.p.Input[0] = n.Inputs[0].Name
	e.append(shape.p)
	return out
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}
