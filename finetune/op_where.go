package finetune

import (
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildWhere lays the choice between two operands; only these have gradients.
func buildWhere(b *builder, n *onnx.Node) (*G.Node, error) {
	in, err := b.operands(n)
	if err != nil {
		return nil, err
	}
	count := in[0].Shape()[0]
	// part is the gradient of the operand that is chosen where the condition is holds.
	part := func(holds bool) adjoint {
		return func(in []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("Where.dx", count, func(out []float32, in [][]float32) {
				for i, c := range in[1] {
					out[i] = 0
					if (c != 0) == holds {
						out[i] = in[0][i]
					}
				}
			}, nil, dy, in[0])
		}
	}
	return b.apply("Where", count, func(out []float32, in [][]float32) {
		for i, c := range in[0] {
			if c != 0 {
				out[i] = in[1][i]
			} else {
				out[i] = in[2][i]
			}
		}
	}, []adjoint{nil, part(true), part(false)}, in...), nil
}
