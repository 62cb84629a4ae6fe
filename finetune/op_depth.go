package finetune

import (
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildDepthToSpace reads x [N][C*B*B][H][W] in the order of y [N][C][H*B][W*B].
func buildDepthToSpace(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.DepthToSpace)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	in, out := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	channels, h, w := out[1], in[2], in[3]
	area := h * w
	channel, row := area, op.Block*channels*area // steps of c and of i in x
	if op.CRD {
		channel, row = op.Block*op.Block*area, op.Block*area
	}
	column := row / op.Block
	return b.gather("DepthToSpace", gather{samples: in[0], inSize: size(in[1:]), from: walk(
		[]int{channels, h, op.Block, w, op.Block}, 0,
		[]int{channel, w, row, 1, column},
	)}, x), nil
}

// buildSpaceToDepth reads x [N][C][H*B][W*B] in the order of y [N][B*B*C][H][W].
func buildSpaceToDepth(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.SpaceToDepth)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	in, out := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	width := in[3]
	return b.gather("SpaceToDepth", gather{samples: in[0], inSize: size(in[1:]), from: walk(
		[]int{op.Block, op.Block, in[1], out[2], out[3]}, 0,
		[]int{width, 1, in[2] * width, op.Block * width, op.Block},
	)}, x), nil
}
