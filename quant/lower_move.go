package quant

import (
	"fmt"

	"qconv/onnx"
	"qconv/runtime"
)

// move lowers a node that moves or compares indices and leaves levels as they are.
func (c *compiler) move(n *onnx.Node) (state, error) {
	in, out := c.states[n.Inputs[0]], n.Outputs[0]
	from := imageShape(n.Inputs[0].Shape)
	id := c.tensor(out.Shape, in.levels)
	var instr runtime.Instr
	switch op := n.Op.(type) {
	case *onnx.MaxPool:
		instr = &runtime.MaxPool{
			Out: id, In: c.reshaped(in, from), Kernel: image2(op.Kernel), Stride: image2(op.Strides),
			Dilation: image2(op.Dilations), Pad: beginPads(op.Pads),
		}
	case *onnx.GlobalMaxPool:
		instr = &runtime.MaxPool{
			Out: id, In: c.reshaped(in, from), Kernel: [2]int{from[1], from[2]},
			Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
		}
	case *onnx.Transpose:
		if len(op.Perm) == 0 || op.Perm[0] != 0 {
			return state{}, fmt.Errorf("moves the batch dimension, want it to stay the first")
		}
		piece, err := transposePiece(n.Inputs[0].Shape[1:], op.Perm[1:])
		if err != nil {
			return state{}, err
		}
		instr = c.shuffled(id, in, piece)
	case *onnx.DepthToSpace:
		instr = c.shuffled(id, in, depthToSpace(from, op.Block, op.CRD))
	case *onnx.SpaceToDepth:
		instr = c.shuffled(id, in, spaceToDepth(from, op.Block))
	case *onnx.Reduce:
		window, _ := reduceWindow(op, n.Inputs[0].Shape)
		instr = &runtime.MaxPool{
			Out: id, In: c.reshaped(in, from), Kernel: window, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
		}
	default:
		pieces, err := moved(n, 0, in.tensor)
		if err != nil {
			return state{}, err
		}
		instr = &runtime.Copy{Out: id, Fill: uint8(in.levels.Zero), Pieces: pieces}
	}
	c.prog.Instrs = append(c.prog.Instrs, instr)
	return state{shape: out.Shape, tensor: id, levels: in.levels}, nil
}

// shuffled is a copy of one piece of the tensor of st.
func (c *compiler) shuffled(id int, st state, piece runtime.Piece) *runtime.Copy {
	piece.In = st.tensor
	return &runtime.Copy{Out: id, Fill: uint8(st.levels.Zero), Pieces: []runtime.Piece{piece}}
}

// split lowers every part to a copy of its own.
func (c *compiler) split(n *onnx.Node) error {
	in := c.states[n.Inputs[0]]
	for i, out := range n.Outputs {
		if out == nil {
			continue
		}
		id := c.tensor(out.Shape, in.levels)
		pieces, err := moved(n, i, in.tensor)
		if err != nil {
			return err
		}
		c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{Out: id, Fill: uint8(in.levels.Zero), Pieces: pieces})
		c.states[out] = state{shape: out.Shape, tensor: id, levels: in.levels}
	}
	return nil
}

// concat copies its inputs side by side, each first brought to the levels of the result.
func (c *compiler) concat(n *onnx.Node) (state, error) {
	op, out := n.Op.(*onnx.Concat), n.Outputs[0]
	levels, err := c.levelsOf(out)
	if err != nil {
		return state{}, err
	}
	axis := op.Axis
	if axis < 0 {
		axis += len(out.Shape)
	}
	if axis < 1 {
		return state{}, fmt.Errorf("concatenates along the batch dimension")
	}
	id := c.tensor(out.Shape, levels)
	instr := &runtime.Copy{Out: id, Fill: uint8(levels.Zero)}
	outer := out.Shape[1:axis].Elems()
	row := out.Shape[axis:].Elems()
	at := 0
	for _, v := range n.Inputs {
		in := c.states[v]
		if v.Const != nil {
			return state{}, fmt.Errorf("concatenates the constant %q", v.Name)
		}
		size := v.Shape[axis:].Elems()
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

// mapped is the tensor of st with its functions applied, at other levels.
func (c *compiler) mapped(st state, levels Levels) int {
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

// reshaped is the tensor of st seen with another shape of as many elements.
func (c *compiler) reshaped(st state, shape [3]int) int {
	old := c.prog.Tensors[st.tensor]
	if old.Shape == shape {
		return st.tensor
	}
	elems := old.Elems()
	old.Shape = shape
	c.prog.Tensors = append(c.prog.Tensors, old)
	id := len(c.prog.Tensors) - 1
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Copy{
		Out: id, Pieces: []runtime.Piece{newPiece(st.tensor, 0, 0, []dim{{elems, 1, 1}})},
	})
	return id
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

// transposePiece copies a tensor of the given shape (per sample) so that dimension i of
// the result is dimension perm[i]-1 of the source.
func transposePiece(shape onnx.Shape, perm []int) (runtime.Piece, error) {
	if len(shape) > len(runtime.Piece{}.Dims) {
		return runtime.Piece{}, fmt.Errorf("has %d dimensions, want at most %d", len(shape)+1, len(runtime.Piece{}.Dims)+1)
	}
	strides := rowMajor(shape)
	dims := make([]dim, len(perm))
	stride := 1
	for i := len(perm) - 1; i >= 0; i-- {
		from := perm[i] - 1
		dims[i] = dim{shape[from], stride, strides[from]}
		stride *= shape[from]
	}
	return newPiece(0, 0, 0, dims), nil
}

// rowMajor lists how far apart neighbours along each dimension lie.
func rowMajor(shape onnx.Shape) []int {
	strides := make([]int, len(shape))
	stride := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = stride
		stride *= shape[i]
	}
	return strides
}
