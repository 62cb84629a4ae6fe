package onnx

import (
	"fmt"
	"strings"
	"testing"

	"qconv/internal/testtool"
	"qconv/onnx/internal/pb"
)

// TestTopKOfConstants compares the sorted elements of constants, and their positions, with ONNX Runtime's.
func TestTopKOfConstants(t *testing.T) {
	ort := testtool.NewORT(t)
	c := tensorProto("c", &Tensor{Type: Float, Shape: Shape{3, 4}, Floats: []float32{1, 5, -2, 5, 0, 0, 7, 3, 4, 4, 4, 9}})
	for _, k := range []int{1, 2, 3} {
		for _, axis := range []int{0, 1, -1} {
			for _, largest := range []int{0, 1} {
				t.Run(fmt.Sprint(k, axis, largest), func(t *testing.T) {
					m := file(13, in("x", "N", 1), c, integers("k", k), out("v"), out("i"), call("TopK", "c k", "values at", attr("axis", axis), attr("largest", largest)),
						integers("flat", 1, -1), call("Reshape", "values flat", "row"), call("Cast", "at", "numbers", attr("to", 1)), call("Reshape", "numbers flat", "places"),
						call("Add", "x row", "v"), call("Add", "x places", "i"))
					agree(t, ort, marshal(t, m), ReadOptions{}, 2)
				})
			}
		}
	}
}

// TestBoundLengths reads sequences that are put in the order of their lengths, as PyTorch packs them, when these are bound.
func TestBoundLengths(t *testing.T) {
	m := file(13, in("x", "N", 7, 5), kindOf("n", pb.TensorProto_INT64, "N"), out("y"), call("Shape", "n", "k"), call("TopK", "n k", "sorted order", attr("axis", 0)),
		call("Gather", "x order", "y"))
	_, err := Decode(marshal(t, m))
	if err == nil || !strings.Contains(err.Error(), `if input "n" is always the same, as lengths of sequences may be, --bind n=VALUE makes it one`) {
		t.Errorf("got %v, want what to bind", err)
	}
	for _, samples := range []int{1, 2} {
		g, err := DecodeWith(marshal(t, m), ReadOptions{Numbers: map[string]float64{"n": 7}, Samples: samples})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Outputs[0].Shape; !got.Equal(Shape{samples, 7, 5}) {
			t.Errorf("%d samples: got shape %v", samples, got)
		}
	}
}
