package onnx

import (
	"slices"
	"testing"
)

func TestPadMoves(t *testing.T) {
	for _, c := range []struct {
		mode    PadMode
		n, b, a int
		want    []int
	}{
		{PadReflect, 4, 2, 2, []int{2, 1, 0, 1, 2, 3, 2, 1}},
		{PadEdge, 2, 1, 2, []int{0, 0, 1, 1, 1}},
		{PadWrap, 3, 1, 1, []int{2, 0, 1, 2, 0}},
		{PadConstant, 2, 1, 0, []int{Fill, 0, 1}},
		{PadConstant, 4, -1, -1, []int{1, 2}},
	} {
		op := &Pad{Mode: c.mode, Pads: []int{c.b, c.a}}
		var got []int
		op.Moves(Shape{c.n}, []Shape{{c.n + c.b + c.a}})[0].Each(func(from int) { got = append(got, from) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.mode, got, c.want)
		}
	}
}
