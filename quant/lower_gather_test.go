package quant

import (
	"slices"
	"testing"

	"qconv/onnx"
)

// TestAxisMaps carries out the pieces of movements and compares with the maps themselves.
func TestAxisMaps(t *testing.T) {
	cases := []struct {
		name   string
		maps   axisMaps
		from   onnx.Shape
		pieces int
	}{
		{"identity", identityMaps(onnx.Shape{2, 3, 4}), onnx.Shape{2, 3, 4}, 1},
		{"slice", axisMaps{{1}, {0, 2}, {3, 2, 1, 0}}, onnx.Shape{2, 3, 4}, 1},
		{"nearest by two", axisMaps{{0, 1}, {0, 0, 1, 1}, {0, 0, 1, 1, 2, 2}}, onnx.Shape{2, 2, 3}, 1},
		{"tile", axisMaps{{0, 1, 0, 1, 0, 1}, {0, 1, 2, 0, 1, 2}}, onnx.Shape{2, 3}, 1},
		{"pad", axisMaps{{0, 1}, padMap("constant", 3, 1, 2)}, onnx.Shape{2, 3}, 1},
		{"crop", axisMaps{{0, 1}, padMap("constant", 5, -1, -2)}, onnx.Shape{2, 5}, 1},
		{"reflect", axisMaps{padMap("reflect", 4, 2, 3), padMap("edge", 3, 2, 1)}, onnx.Shape{4, 3}, 9},
		{"wrap", axisMaps{padMap("wrap", 3, 2, 2)}, onnx.Shape{3}, 3},
		{"irregular", axisMaps{{0, 4, 1, 1, 3}}, onnx.Shape{5}, 3},
	}
	for _, c := range cases {
		to := make(onnx.Shape, len(c.maps))
		for d := range to {
			to[d] = len(c.maps[d])
		}
		pieces, err := c.maps.pieces(0, c.from, to)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(pieces) > c.pieces {
			t.Errorf("%s: %d pieces, want at most %d", c.name, len(pieces), c.pieces)
		}
		in := make([]int32, c.from.Elems())
		for i := range in {
			in[i] = int32(i)
		}
		out := slices.Repeat([]int32{fillIndex}, to.Elems())
		for _, p := range pieces {
			simulatePiece(p, in, out)
		}
		strides, sources := rowMajor(to), rowMajor(c.from)
		for i, got := range out {
			want := int32(0)
			for d := range to {
				at := c.maps[d][i/strides[d]%to[d]]
				if at == fillIndex {
					want = fillIndex
					break
				}
				want += int32(at * sources[d])
			}
			if got != want {
				t.Errorf("%s: element %d comes from %d, want %d", c.name, i, got, want)
				break
			}
		}
	}
}

func TestPadMap(t *testing.T) {
	for _, c := range []struct {
		mode    string
		n, b, a int
		want    []int
	}{
		{"reflect", 4, 2, 2, []int{2, 1, 0, 1, 2, 3, 2, 1}},
		{"edge", 2, 1, 2, []int{0, 0, 1, 1, 1}},
		{"wrap", 3, 1, 1, []int{2, 0, 1, 2, 0}},
		{"constant", 2, 1, 0, []int{fillIndex, 0, 1}},
	} {
		if got := padMap(c.mode, c.n, c.b, c.a); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.mode, got, c.want)
		}
	}
}
