package finetune

import (
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// move lays an operator of one input that treats every dimension by itself; at says where
// the elements come from, as in [builder.axes].
func (b *builder) move(n *onnx.Node, at func(shape []int) [][]int) (*G.Node, error) {
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	shape := b.shape(n.Inputs[0])
	return b.axes(n.Op.Type(), shape, at(shape), 0, x), nil
}

func buildSlice(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Slice)
	out := b.shape(n.Outputs[0])
	return b.move(n, func(shape []int) [][]int {
		at := make([][]int, len(shape))
		for i, d := range op.Axes {
			at[d] = make([]int, out[d])
			for k := range at[d] {
				at[d][k] = op.Starts[i] + k*op.Steps[i]
			}
		}
		return at
	})
}

// buildSplit lays one move for each part.
func buildSplit(b *builder, n *onnx.Node) ([]*G.Node, error) {
	op := n.Op.(*onnx.Split)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	shape := b.shape(n.Inputs[0])
	positions := counting(shape[op.Axis])
	var parts []*G.Node
	for _, count := range op.Sizes {
		at := make([][]int, len(shape))
		at[op.Axis], positions = positions[:count], positions[count:]
		parts = append(parts, b.axes("Split", shape, at, 0, x))
	}
	return parts, nil
}

// buildGather lays the choice of constant positions along one dimension.
func buildGather(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Gather)
	return b.move(n, func(shape []int) [][]int {
		at := make([][]int, len(shape))
		at[op.Axis] = make([]int, len(op.Indices.Ints))
		for i, k := range op.Indices.Ints {
			at[op.Axis][i] = int(k)
		}
		return at
	})
}

func buildTile(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Tile)
	return b.move(n, func(shape []int) [][]int {
		at := make([][]int, len(shape))
		for d, times := range op.Repeats {
			if times == 1 {
				continue
			}
			for range times {
				at[d] = append(at[d], counting(shape[d])...)
			}
		}
		return at
	})
}

func buildExpand(b *builder, n *onnx.Node) (*G.Node, error) {
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	return b.expand(x, b.shape(n.Inputs[0]), b.shape(n.Outputs[0])), nil
}
