package quant

import (
	"qconv/onnx"
	"qconv/runtime"
)

// pair lowers a function of two tensors of levels to a two-dimensional table. The second
// may be broadcast; where only the first is, they change places, and where both are, the first is copied.
func (c *compiler) pair(n *onnx.Node) (state, error) {
	out := n.Outputs[0]
	levels, err := c.levelsOf(out)
	if err != nil {
		return state{}, err
	}
	f := OfLevels(n.Op.(onnx.Pair))
	if q := c.rounding(out, levels); q != nil {
		exact, round := f, quantizer(q)
		f = func(x, y float64) float64 { return round.at(0, exact(x, y)) }
	}
	a, b := n.Inputs[0], n.Inputs[1]
	if !a.Shape.Equal(out.Shape) {
		g := f
		a, b, f = b, a, func(x, y float64) float64 { return g(y, x) }
	}
	sa, err := c.operand(a, out.Shape)
	if err != nil {
		return state{}, err
	}
	sb, err := c.operand(b, nil)
	if err != nil {
		return state{}, err
	}
	id := c.tensor(out.Shape, levels)
	if !sa.shape.Equal(out.Shape) {
		if sa, err = c.repeated(sa, out.Shape); err != nil {
			return state{}, err
		}
	}
	small, ok := smallShape(sb.shape, out.Shape)
	if !ok {
		if sb, err = c.repeated(sb, out.Shape); err != nil {
			return state{}, err
		}
		small = imageShape(out.Shape)
	}
	table := make([]uint8, 0, sa.levels.Size()*sb.levels.Size())
	for i := range sa.levels.Size() {
		for j := range sb.levels.Size() {
			table = append(table, uint8(levels.Index(f(sa.levels.Value(i), sb.levels.Value(j)))))
		}
	}
	c.prog.Instrs = append(c.prog.Instrs, &runtime.Map2{
		Out: id, A: c.reshaped(sa, c.prog.Tensors[id].Shape), B: c.reshaped(sb, small), Table: table,
	})
	return state{shape: out.Shape, tensor: id, levels: levels}, nil
}

// smallShape is the shape of a tensor that broadcasts to shape to along whole dimensions of the program's
// image; false where it broadcasts along only a part of one.
func smallShape(s, to onnx.Shape) ([3]int, bool) {
	aligned := make(onnx.Shape, len(to)) // s with ones in front
	for d := range to {
		aligned[d] = 1
		if k := d - (len(to) - len(s)); k >= 0 {
			aligned[d] = s[k]
		}
	}
	axis := channelAxis(to)
	if axis > 0 {
		to, aligned = to[1:], aligned[1:]
	}
	image := [3]int{1, 1, 1}
	where := []int{0, 2} // of the image, by dimension
	if len(to) > 2 {
		where = []int{0, 1, 2}
	}
	if len(to) > 3 {
		// All dimensions from the second on are the rows of the image: all or none of them.
		all, none := true, true
		for d := 1; d < len(to); d++ {
			all, none = all && aligned[d] == to[d], none && aligned[d] == 1
		}
		image[0] = aligned[0]
		if all {
			image[1] = to[1:].Elems()
		}
		return image, all || none
	}
	for d := range to {
		image[where[d]] = aligned[d]
	}
	return image, true
}

// repeated is a tensor of levels copied to the shape it broadcasts to.
func (c *compiler) repeated(st state, shape onnx.Shape) (state, error) {
	return c.copied(st, (&onnx.Expand{}).Moves(st.shape.WithBatch(1), []onnx.Shape{shape.WithBatch(1)})[0], shape)
}
