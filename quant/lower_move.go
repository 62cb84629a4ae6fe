package quant

import (
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// move lowers a node that moves elements, one copy for each output; levels stay as they are.
func (c *compiler) move(n *onnx.Node) error {
	in, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return err
	}
	for i, m := range onnx.MovesOf(n, 1) {
		out := n.Outputs[i]
		if c.states[out], err = c.copied(in, m, out.Shape); err != nil {
			return err
		}
	}
	return nil
}

// copied is the tensor of st with its elements moved. A fill value beyond the levels becomes the
// outermost one.
func (c *compiler) copied(st state, m onnx.Move, shape onnx.Shape) (state, error) {
	pieces, err := pieces(m, st.tensor)
	if err != nil {
		return state{}, err
	}
	fill := st.levels.Zero
	if m.FillValue != 0 {
		fill = st.levels.Index(m.FillValue)
	}
	id := c.tensor(shape, st.levels)
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: id, Fill: uint8(fill), Pieces: pieces})
	return state{shape: shape, tensor: id, levels: st.levels}, nil
}

// filled lowers a movement that adds a value of its own: everything is brought to the levels of the
// result first.
func (c *compiler) filled(n *onnx.Node) (state, error) {
	out := n.Outputs[0]
	st, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return state{}, err
	}
	levels, err := c.levelsOf(out)
	if err != nil {
		return state{}, err
	}
	st.tensor, st.levels = c.relevel(st, levels), levels
	return c.copied(st, onnx.MovesOf(n, 1)[0], out.Shape)
}

// pool lowers a node that compares elements of windows; levels stay as they are.
func (c *compiler) pool(n *onnx.Node) (state, error) {
	in, err := c.operand(n.Inputs[0], nil)
	if err != nil {
		return state{}, err
	}
	out := n.Outputs[0]
	image := imageShape(n.Inputs[0].Shape)
	instr := &runtime.MaxPool{Kernel: [2]int{image[1], image[2]}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	result := imageShape(out.Shape)
	switch op := n.Op.(type) {
	case *onnx.MaxPool:
		instr.Kernel, instr.Stride = image2(op.Kernel), image2(op.Strides)
		instr.Dilation, instr.Pad = image2(op.Dilations), beginPads(op.Pads)
	case *onnx.Reduce:
		if in, image, err = c.lines(n, op); err != nil {
			return state{}, err
		}
		instr.Kernel = [2]int{image[1], 1}
		result = [3]int{image[0], 1, image[2]}
	}
	instr.In = c.reshaped(in, image)
	instr.Out = c.tensor(out.Shape, in.levels)
	c.prog.Tensors[instr.Out].Shape = result
	c.prog.Instrs = append(c.prog.Instrs, instr)
	return state{shape: out.Shape, tensor: instr.Out, levels: in.levels}, nil
}

// concat copies its inputs side by side, each first brought to the levels of the result.
func (c *compiler) concat(n *onnx.Node) (state, error) {
	op, out := n.Op.(*onnx.Concat), n.Outputs[0]
	levels, err := c.levelsOf(out)
	if err != nil {
		return state{}, err
	}
	id := c.tensor(out.Shape, levels)
	instr := &runtime.Copy{Out: id, Fill: uint8(levels.Zero)}
	outer := out.Shape[:op.Axis].Elems()
	row := out.Shape[op.Axis:].Elems()
	at := 0
	for _, v := range n.Inputs {
		in, err := c.operand(v, nil)
		if err != nil {
			return state{}, err
		}
		if q := c.rounding(out, levels); q != nil && in.levels != levels {
			in.funcs = append(slices.Clone(in.funcs), quantizer(q))
		}
		size := v.Shape[op.Axis:].Elems()
		instr.Pieces = append(instr.Pieces, newPiece(c.relevel(in, levels), at, 0, []dim{{outer, row, size}, {size, 1, 1}}))
		at += size
	}
	c.prog.Instrs = append(c.prog.Instrs, instr)
	return state{shape: out.Shape, tensor: id, levels: levels}, nil
}

// relevel is the tensor of st brought to other levels.
func (c *compiler) relevel(st state, levels Levels) int {
	if st.levels == levels {
		return st.tensor
	}
	return c.mapped(st, levels)
}

// mapped is the tensor of st with its functions applied, at other levels. Where that changes nothing it is the same tensor.
func (c *compiler) mapped(st state, levels Levels) int {
	if st.levels == levels && !byChannel(st.funcs) && isIdentity(lookup(st.funcs, 0, levels, levels)) {
		return st.tensor
	}
	id := c.tensor(st.shape, levels)
	channels := 1
	if byChannel(st.funcs) {
		channels = c.prog.Tensors[id].Shape[0]
		st.tensor = c.reshaped(st, c.prog.Tensors[id].Shape)
	} else {
		c.prog.Tensors[id].Shape = c.prog.Tensors[st.tensor].Shape
	}
	instr := &runtime.Map{Out: id, In: st.tensor}
	for ch := range channels {
		instr.Tables = append(instr.Tables, lookup(st.funcs, ch, st.levels, levels))
	}
	c.prog.Instrs = append(c.prog.Instrs, instr)
	return id
}

// isIdentity says whether a table leaves all indices as they are.
func isIdentity(table []uint8) bool {
	for i, v := range table {
		if int(v) != i {
			return false
		}
	}
	return true
}

// reshaped is the tensor of st seen with another shape of as many elements.
func (c *compiler) reshaped(st state, shape [3]int) int {
	if c.prog.Tensors[st.tensor].Shape == shape {
		return st.tensor
	}
	return c.duplicate(st, shape)
}

// duplicate is a copy of the tensor of st, seen with a shape of as many elements.
func (c *compiler) duplicate(st state, shape [3]int) int {
	t := c.prog.Tensors[st.tensor]
	t.Shape = shape
	c.prog.Tensors = append(c.prog.Tensors, t)
	id := len(c.prog.Tensors) - 1
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: id, Pieces: []runtime.Piece{c.whole(st.tensor)}})
	return id
}

// whole is the piece that copies a tensor as it is.
func (c *compiler) whole(tensor int) runtime.Piece {
	return newPiece(tensor, 0, 0, []dim{{c.prog.Tensors[tensor].Elems(), 1, 1}})
}

// dim is one loop of a piece: how many steps, and how far each goes.
type dim struct{ size, out, in int }

// newPiece copies from in by nested loops, outermost first.
func newPiece(in, outStart, inStart int, dims []dim) runtime.Piece {
	p := runtime.Piece{In: in, OutStart: outStart, InStart: inStart}
	for i := range p.Dims {
		p.Dims[i] = 1
	}
	for i, d := range dims {
		p.Dims[i], p.OutStride[i], p.InStride[i] = d.size, d.out, d.in
	}
	return p
}
