package quant

import (
	"fmt"
	"slices"
	"testing"

	"qconv/onnx"
)

// TestPieces carries out the pieces of movements and compares with the movements themselves.
func TestPieces(t *testing.T) {
	pad := func(mode onnx.PadMode, pads ...int) onnx.Mover { return &onnx.Pad{Mode: mode, Pads: pads} }
	twice := &onnx.Resize{
		Mode: onnx.ResizeNearest, CoordMode: onnx.Asymmetric, NearestMode: onnx.RoundFloor,
		Scales: []float64{1, 2, 2}, Sizes: []int{2, 4, 6},
	}
	picks := &onnx.Tensor{Type: onnx.Int, Shape: onnx.Shape{5}, Ints: []int64{0, 4, 1, 1, 3}}
	for _, c := range []struct {
		op     onnx.Mover
		from   onnx.Shape
		pieces int
	}{
		{&onnx.Transpose{Perm: []int{2, 0, 1}}, onnx.Shape{2, 3, 4}, 1},
		{&onnx.Slice{Starts: []int{1, 0, 3}, Ends: []int{2, 3, -1}, Axes: []int{0, 1, 2}, Steps: []int{1, 2, -1}}, onnx.Shape{2, 3, 4}, 1},
		{twice, onnx.Shape{2, 2, 3}, 1},
		{&onnx.Tile{Repeats: []int{3, 2}}, onnx.Shape{2, 3}, 1},
		{&onnx.Expand{Dims: []int{4, 2, 3}}, onnx.Shape{2, 1}, 1},
		{pad(onnx.PadConstant, 0, 1, 0, 2), onnx.Shape{2, 3}, 1},
		{pad(onnx.PadConstant, 0, -1, 0, -2), onnx.Shape{2, 5}, 1},
		{pad(onnx.PadReflect, 2, 0, 3, 0), onnx.Shape{4, 3}, 3},
		{pad(onnx.PadEdge, 2, 2, 3, 1), onnx.Shape{4, 3}, 9},
		{pad(onnx.PadWrap, 2, 2), onnx.Shape{3}, 3},
		{&onnx.Gather{Axis: 0, Indices: picks}, onnx.Shape{5}, 3},
		{&onnx.DepthToSpace{Block: 2}, onnx.Shape{1, 8, 3, 2}, 1},
		{&onnx.DepthToSpace{Block: 2, CRD: true}, onnx.Shape{1, 8, 3, 2}, 1},
		{&onnx.SpaceToDepth{Block: 3}, onnx.Shape{1, 2, 6, 3}, 1},
	} {
		name := fmt.Sprintf("%s%+v", c.op.Type(), c.op)
		shapes, err := c.op.InferShape([]onnx.Shape{c.from})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m := c.op.Moves(c.from, shapes)[0]
		pieces, err := pieces(m, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(pieces) > c.pieces {
			t.Errorf("%s: %d pieces, want at most %d", name, len(pieces), c.pieces)
		}
		in := make([]int32, c.from.Elems())
		for i := range in {
			in[i] = int32(i)
		}
		out := slices.Repeat([]int32{onnx.Fill}, shapes[0].Elems())
		for _, p := range pieces {
			simulatePiece(p, in, out)
		}
		var want []int32
		m.Each(func(from int) { want = append(want, int32(from)) })
		if !slices.Equal(out, want) {
			t.Errorf("%s: elements come from %v, want %v", name, out, want)
		}
	}
}
