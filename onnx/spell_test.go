package onnx

import "testing"

// TestSpell checks that every operator that is shorthand is spelled as nodes whose result has its shape.
func TestSpell(t *testing.T) {
	channels := counting(4)
	for _, c := range []opCase{
		{&LRN{Size: 4, Alpha: 0.125, Beta: 0.75, Bias: 2}, []any{image}, image},
		{&InstanceNormalization{Epsilon: 0.25}, []any{image, channels, channels}, image},
		{&GroupNormalization{Groups: 2, Epsilon: 0.25}, []any{image, channels, channels}, image},
		{&GroupNormalization{Groups: 2, PerGroup: true}, []any{image, counting(2), counting(2)}, image},
		{&LayerNormalization{Axis: 2, Epsilon: 0.25}, []any{image, counting(8), counting(9, 1)}, image},
		{&LayerNormalization{Axis: 1, RootMean: true}, []any{row, counting(6)}, row},
		{&LpNormalization{Axis: 1, P: 1}, []any{image}, image},
		{&LpNormalization{Axis: 3, P: 2}, []any{image}, image},
		{&Softmax{Axis: 1}, []any{image}, image},
		{&LogSoftmax{Axis: 3}, []any{image}, image},
		{&Where{}, []any{bools(row), row, counting()}, row},
		{&MatMul{}, []any{Shape{Batch, 2, 5, 6}, Shape{Batch, 2, 6, 3}}, Shape{Batch, 2, 5, 3}},
		{&Reduce{Kind: ReduceL1, Axes: []int{1}}, []any{image}, Shape{Batch, 9, 8}},
		{&Reduce{Kind: ReduceL2, Axes: []int{1}, KeepDims: true}, []any{image}, Shape{Batch, 1, 9, 8}},
		{&Reduce{Kind: ReduceLogSum, Axes: []int{2, 3}}, []any{image}, Shape{Batch, 4}},
		{&Reduce{Kind: ReduceLogSumExp, Axes: []int{2}}, []any{image}, Shape{Batch, 4, 8}},
		{&Reduce{Kind: ReduceMin, Axes: []int{3}}, []any{image}, Shape{Batch, 4, 9}},
		{&Reduce{Kind: ReduceSumSquare, Axes: []int{1}}, []any{image}, Shape{Batch, 9, 8}},
	} {
		g := c.graph()
		if err := g.InferShapes(); err != nil {
			t.Fatal(err)
		}
		found, err := SpellOut(g, func(*Node) bool { return true })
		if err != nil || !found {
			t.Errorf("%s%+v: %v, %v", c.op.Type(), c.op, found, err)
			continue
		}
		if got := g.Outputs[0].Shape; !got.Equal(c.want) {
			t.Errorf("%s%+v: the result has shape %v, want %v", c.op.Type(), c.op, got, c.want)
		}
		if len(g.Nodes) < 2 || g.Nodes[len(g.Nodes)-1].Outputs[0] != g.Outputs[0] {
			t.Errorf("%s%+v: spelled as %d nodes", c.op.Type(), c.op, len(g.Nodes))
		}
	}
}
