package quant

import (
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// loop lowers the nodes of a loop to instructions that run once for each of its steps. What they make of values from outside alone is the same
// in every iteration: it is made before the loop, and what is known of it holds behind the loop as well.
func (c *compiler) loop(of *onnx.Loop, nodes []*onnx.Node) error {
	for _, n := range nodes {
		if _, ok := n.Op.(*onnx.LoopState); ok {
			if err := c.lower(n); err != nil {
				return err
			}
		}
	}
	first := len(c.prog.Instrs)
	loop := runtime.Loop{Count: of.Steps}
	var results []*onnx.Value // of the LoopNext of each Carry
	for _, n := range nodes {
		if _, ok := n.Op.(*onnx.LoopState); ok {
			continue
		}
		if err := c.lower(n); err != nil {
			return err
		}
		if op, ok := n.Op.(*onnx.LoopNext); ok {
			begun := c.states[c.analysis.begun[op.State].Outputs[0]]
			loop.Carries = append(loop.Carries, runtime.Carry{From: c.states[n.Outputs[0]].tensor, To: begun.tensor})
			results = append(results, n.Outputs[0])
		}
	}
	if of.Steps == 1 {
		return nil // the loop is around the program
	}
	before, body := hoist(c.prog.Instrs[first:], loop.Carries)
	for i, from := range handedOn(body, loop.Carries) {
		if from {
			continue
		}
		carry, st := &loop.Carries[i], c.states[results[i]]
		c.prog.Tensors = append(c.prog.Tensors, c.prog.Tensors[carry.From])
		own := len(c.prog.Tensors) - 1
		body = append(body, &runtime.Copy{Out: own, Pieces: []runtime.Piece{c.whole(carry.From)}})
		carry.From, st.tensor = own, own
		c.states[results[i]] = st
	}
	loop.First, loop.Length = first+len(before), len(body)
	c.prog.Instrs = slices.Concat(c.prog.Instrs[:first], before, body)
	c.prog.Loops = append(c.prog.Loops, loop)
	return nil
}

// hoist takes the instructions out of a loop's body whose results no step and no state has a part in. Their order stays.
func hoist(instrs []runtime.Instr, carries []runtime.Carry) (before, body []runtime.Instr) {
	varying := map[int]bool{}
	for _, c := range carries {
		varying[c.To] = true
	}
	for _, instr := range instrs {
		if takes(instr) || puts(instr) || slices.ContainsFunc(instr.Srcs(), func(t int) bool { return varying[t] }) {
			varying[instr.Dst()] = true
			body = append(body, instr)
		} else {
			before = append(before, instr)
		}
	}
	return before, body
}

// handedOn says of every carry whether an instruction of the body writes what it hands on. A state may hand on another state, or the same value always.
func handedOn(body []runtime.Instr, carries []runtime.Carry) []bool {
	written := map[int]bool{}
	for _, instr := range body {
		written[instr.Dst()] = true
	}
	list := make([]bool, len(carries))
	for i, c := range carries {
		list[i] = written[c.From]
	}
	return list
}

// loopEnd lowers a node that leads into a loop or out of it.
func (c *compiler) loopEnd(n *onnx.Node) (state, error) {
	in, out := n.Inputs[0], n.Outputs[0]
	switch op := n.Op.(type) {
	case *onnx.LoopState:
		levels, err := c.levelsOf(c.analysis.gridOf(out))
		if err != nil {
			return state{}, err
		}
		st, err := c.onLevels(in, out.Shape, levels)
		if err != nil {
			return state{}, err
		}
		if op.Loop.Steps > 1 { // iterations write over it
			st.tensor = c.duplicate(st, imageShape(out.Shape))
		}
		return st, nil
	case *onnx.LoopNext:
		begun := c.states[c.analysis.begun[op.State].Outputs[0]]
		st, err := c.onLevels(in, out.Shape, begun.levels)
		if err != nil {
			return state{}, err
		}
		if op.Loop.Steps > 1 { // it is copied to what the next iteration begins with
			st.tensor = c.reshaped(st, c.prog.Tensors[begun.tensor].Shape)
		}
		return st, nil
	case *onnx.LoopTake:
		st, err := c.operand(in, nil)
		if err != nil {
			return state{}, err
		}
		whole := in.Shape.WithBatch(1)
		p := alongAxis(whole, op.Axis, op.Reverse, func(p *runtime.Piece) (start, step, stride *int) { return &p.InStart, &p.InStep, &p.InStride[0] })
		p.In = st.tensor
		return c.moved(st, out, p), nil
	default:
		put := op.(*onnx.LoopPut)
		st, err := c.operand(in, nil)
		if err != nil {
			return state{}, err
		}
		p := alongAxis(out.Shape.WithBatch(1), put.Axis, put.Reverse, func(p *runtime.Piece) (start, step, stride *int) { return &p.OutStart, &p.OutStep, &p.OutStride[0] })
		p.In = st.tensor
		return c.moved(st, out, p), nil
	}
}

// alongAxis is a piece between a whole value of a shape and its position along an axis in each iteration. Side tells the start, the step and the stride of the
// whole apart from those of the position.
func alongAxis(whole onnx.Shape, axis int, reverse bool, side func(p *runtime.Piece) (start, step, stride *int)) runtime.Piece {
	outer, steps, inner := whole[:axis].Elems(), whole[axis], whole[axis+1:].Elems()
	p := newPiece(0, 0, 0, []dim{{outer, inner, inner}, {inner, 1, 1}})
	start, step, stride := side(&p)
	*stride = steps * inner
	switch {
	case steps == 1:
	case reverse:
		*start, *step = (steps-1)*inner, -inner
	default:
		*step = inner
	}
	return p
}

// moved adds a copy of one piece whose result is the state of a value.
func (c *compiler) moved(st state, out *onnx.Value, p runtime.Piece) state {
	id := c.tensor(out.Shape, st.levels)
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: id, Pieces: []runtime.Piece{p}})
	return state{shape: out.Shape, tensor: id, levels: st.levels}
}

// onLevels is a value as a tensor of given levels. Constants are rounded to these.
func (c *compiler) onLevels(v *onnx.Value, shape onnx.Shape, levels Levels) (state, error) {
	if v.Const != nil {
		return state{shape: shape, tensor: c.constant(stretched(v.Const, shape), shape, levels), levels: levels}, nil
	}
	st := c.states[v]
	st.tensor, st.levels = c.relevel(st, levels), levels
	st.shape = shape
	return st, nil
}

// takes says that a Copy reads what is further on in every iteration of a loop.
func takes(i runtime.Instr) bool {
	c, ok := i.(*runtime.Copy)
	return ok && slices.ContainsFunc(c.Pieces, func(p runtime.Piece) bool { return p.InStep != 0 })
}

// puts says that a Copy writes further on in every iteration of a loop.
func puts(i runtime.Instr) bool {
	c, ok := i.(*runtime.Copy)
	return ok && slices.ContainsFunc(c.Pieces, func(p runtime.Piece) bool { return p.OutStep != 0 })
}
