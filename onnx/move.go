package onnx

// Fill in a [Move] stands for the fill value instead of a position of the input.
const Fill = -1

// Move says where the elements of a moved tensor come from. Its result has the elements of a box
// whose sides are those of Axes, in row-major order, which is the result's shape, possibly with
// dimensions split or joined:
//
//	result[i, j, ...] = input[Axes[0][i] + Axes[1][j] + ...]
//
// Positions count elements of the whole input. Where any entry is [Fill], the element is FillValue.
type Move struct {
	Axes      [][]int
	FillValue float64
}

// Mover is an operator that copies, drops and repeats elements of its only input and does nothing else
// with them. Folding, float execution, gradients and lowering know it by its moves alone.
type Mover interface {
	Op
	// Moves returns one move for every output. The shapes have a bound batch. The result is
	// nil where the operator's attributes ask for more than a movement.
	Moves(in Shape, out []Shape) []Move
}

// MovesOf are the moves of a node whose batch has the given size, nil if it does anything but
// move elements.
func MovesOf(n *Node, batch int) []Move {
	op, ok := n.Op.(Mover)
	if !ok {
		return nil
	}
	out := make([]Shape, len(n.Outputs))
	for i, v := range n.Outputs {
		out[i] = v.Shape.WithBatch(batch)
	}
	return op.Moves(n.Inputs[0].Shape.WithBatch(batch), out)
}

// Each calls f with the position in the input, or [Fill], of every element of the result, in order.
func (m Move) Each(f func(from int)) {
	if len(m.Axes) == 0 {
		f(0)
		return
	}
	m.each(0, 0, f)
}

func (m Move) each(d, base int, f func(from int)) {
	last := d == len(m.Axes)-1
	for _, step := range m.Axes[d] {
		from := Fill
		if base != Fill && step != Fill {
			from = base + step
		}
		if last {
			f(from)
		} else {
			m.each(d+1, from, f)
		}
	}
}

// apply moves data; fill stands where nothing comes from the input. Nil stays nil.
func apply[T any](m Move, data []T, fill T) []T {
	if data == nil {
		return nil
	}
	size := 1
	for _, axis := range m.Axes {
		size *= len(axis)
	}
	out := make([]T, 0, size)
	m.Each(func(from int) {
		if from == Fill {
			out = append(out, fill)
		} else {
			out = append(out, data[from])
		}
	})
	return out
}

// strides are the distances of neighbours along every dimension.
func (s Shape) strides() []int {
	out := make([]int, len(s))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		out[i] = step
		step *= s[i]
	}
	return out
}

// span is 0, step, 2*step, ..., n entries.
func span(n, step int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i * step
	}
	return out
}

// moveAxes is the move that leaves every dimension of the input in its place and takes positions
// at[d] of dimension d, all of them where at[d] is nil.
func moveAxes(in Shape, at [][]int) Move {
	m := Move{Axes: make([][]int, len(in))}
	for d, step := range in.strides() {
		if at[d] == nil {
			m.Axes[d] = span(in[d], step)
			continue
		}
		m.Axes[d] = make([]int, len(at[d]))
		for i, p := range at[d] {
			if p == Fill {
				m.Axes[d][i] = Fill
			} else {
				m.Axes[d][i] = p * step
			}
		}
	}
	return m
}

// Moves permutes dimensions.
func (op *Transpose) Moves(in Shape, _ []Shape) []Move {
	m := Move{Axes: make([][]int, len(in))}
	step := in.strides()
	for i, p := range op.Perm {
		m.Axes[i] = span(in[p], step[p])
	}
	return []Move{m}
}

// Moves takes every Steps[i]-th position from Starts[i] on.
func (op *Slice) Moves(in Shape, out []Shape) []Move {
	at := make([][]int, len(in))
	for i, axis := range op.Axes {
		at[axis] = make([]int, out[0][axis])
		for k := range at[axis] {
			at[axis][k] = op.Starts[i] + k*op.Steps[i]
		}
	}
	return []Move{moveAxes(in, at)}
}

// Moves takes one stretch of Axis for each part.
func (op *Split) Moves(in Shape, _ []Shape) []Move {
	var moves []Move
	start := 0
	for _, size := range op.Sizes {
		at := make([][]int, len(in))
		at[op.Axis] = make([]int, size)
		for k := range size {
			at[op.Axis][k] = start + k
		}
		moves = append(moves, moveAxes(in, at))
		start += size
	}
	return moves
}

// Moves takes the positions Indices of Axis: a matrix of indices makes two dimensions of it and a
// single index none, in the same order.
func (op *Gather) Moves(in Shape, _ []Shape) []Move {
	at := make([][]int, len(in))
	at[op.Axis] = make([]int, len(op.Indices.Ints))
	for i, k := range op.Indices.Ints {
		at[op.Axis][i] = int(k)
	}
	return []Move{moveAxes(in, at)}
}

// Moves repeats all positions of every dimension.
func (op *Tile) Moves(in Shape, out []Shape) []Move {
	at := make([][]int, len(in))
	for d, n := range in {
		if op.Repeats[d] == 1 {
			continue
		}
		at[d] = make([]int, out[0][d])
		for i := range at[d] {
			at[d][i] = i % n
		}
	}
	return []Move{moveAxes(in, at)}
}

// Moves repeats the only position of dimensions that are stretched.
func (op *Expand) Moves(in Shape, out []Shape) []Move { return []Move{stretch(in, out[0])} }

// stretch is the move of a tensor that broadcasts to shape to.
func stretch(in, to Shape) Move {
	m := Move{Axes: make([][]int, len(to))}
	step := in.strides()
	for d, n := range to {
		m.Axes[d] = make([]int, n)
		if k := d - (len(to) - len(in)); k >= 0 && in[k] != 1 {
			m.Axes[d] = span(n, step[k])
		}
	}
	return m
}

// Moves spreads blocks of channels over rows and columns: the result is read as
// [N][C][H][Block][W][Block].
func (op *DepthToSpace) Moves(in Shape, _ []Shape) []Move {
	b := op.Block
	channels, h, w := in[1]/(b*b), in[2], in[3]
	plane := h * w
	channel, row, column := plane, b*channels*plane, channels*plane
	if op.CRD {
		channel, row, column = b*b*plane, b*plane, plane
	}
	return []Move{{Axes: [][]int{
		span(in[0], in[1]*plane), span(channels, channel), span(h, w), span(b, row), span(w, 1), span(b, column),
	}}}
}

// Moves gathers blocks of rows and columns as channels: the result is read as
// [N][Block][Block][C][H][W].
func (op *SpaceToDepth) Moves(in Shape, _ []Shape) []Move {
	b := op.Block
	width := in[3]
	plane := in[2] * width
	return []Move{{Axes: [][]int{
		span(in[0], in[1]*plane), span(b, width), span(b, 1), span(in[1], plane), span(in[2]/b, b*width), span(width/b, b),
	}}}
}

// Moves puts the fill value, or elements of the border, around the input.
func (op *Pad) Moves(in Shape, out []Shape) []Move {
	at := make([][]int, len(in))
	for d, n := range in {
		if op.Pads[d] == 0 && out[0][d] == n {
			continue
		}
		at[d] = make([]int, out[0][d])
		for i := range at[d] {
			at[d][i] = op.Mode.source(i-op.Pads[d], n)
			if op.Mode == PadWrap {
				// What negative pads remove is gone before the rest is repeated.
				first := max(0, -op.Pads[d])
				left := n - first - max(0, -op.Pads[len(in)+d])
				at[d][i] = first + op.Mode.source(i-op.Pads[d]-first, left)
			}
		}
	}
	m := moveAxes(in, at)
	m.FillValue = op.Value
	return []Move{m}
}

// source is the position, of n, of the element that stands at position k of a padded dimension.
func (mode PadMode) source(k, n int) int {
	if k >= 0 && k < n {
		return k
	}
	switch mode {
	case PadEdge:
		return min(max(k, 0), n-1)
	case PadReflect:
		if period := 2 * (n - 1); period > 0 {
			k = (k%period + period) % period
			return min(k, period-k)
		}
		return 0
	case PadWrap:
		return (k%n + n) % n
	}
	return Fill
}

// Moves takes the nearest elements; interpolations are more than a movement.
func (op *Resize) Moves(in Shape, out []Shape) []Move {
	if op.Mode != ResizeNearest {
		return nil
	}
	at := make([][]int, len(in))
	for d, n := range in {
		taps := op.Taps(d, n, out[0][d])
		if taps == nil {
			continue
		}
		at[d] = make([]int, len(taps))
		for i, t := range taps {
			at[d][i] = Fill
			if t.From != nil {
				at[d][i] = t.From[0]
			}
		}
	}
	m := moveAxes(in, at)
	m.FillValue = op.Extrapolation
	return []Move{m}
}

// transpose permutes the dimensions of row-major data; nil stays nil.
func transpose[T any](data []T, shape Shape, perm []int) []T {
	var none T
	return apply((&Transpose{Perm: perm}).Moves(shape, nil)[0], data, none)
}
