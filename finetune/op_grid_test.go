package finetune

import (
	"math"
	"testing"

	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// TestGridGradient checks the straight-through rule and the gradient of each channel's unit: the outermost integers of the values
// outside plus, inside, the rounding errors in units.
func TestGridGradient(t *testing.T) {
	x := []float32{-5, -1.5, 0.25, 1, 3.5, 9, -8, 0.5}
	y := []float32{-3, -1, 1, 1, 3, 6, -6, 2}
	dx := []float32{0, 1, 1, 1, 1, 0, 1, 1}
	want := []float64{-3 + 0.5 + 0.75 + 0 - 0.5, 3 + 1 + 0.75}
	channel := func(i int) int { return i / 5 }
	tp := newTape(0)
	xs, unit := tp.trained("x", x), tp.trained("unit", []float32{1, 2})
	out := gridNode(tp, quant.EvenlySpaced([]int32{-3, -1, 1, 3}), channel, unit, xs)
	grads, err := tp.gradients(sumNode(tp, out), []*G.Node{xs, unit})
	if err != nil {
		t.Fatal(err)
	}
	if !tp.compile(nil) {
		t.Fatal("two nodes share a hash")
	}
	if err := tp.run(); err != nil {
		t.Fatal(err)
	}
	for i := range x {
		if got := floats(out.Value())[i]; got != y[i] {
			t.Errorf("%g is rounded to %g, want %g", x[i], got, y[i])
		}
		if got := floats(grads[0].Value())[i]; got != dx[i] {
			t.Errorf("gradient at %g is %g, want %g", x[i], got, dx[i])
		}
	}
	for ch, w := range want {
		if got := float64(floats(grads[1].Value())[ch]); math.Abs(got-w) > 1e-5 {
			t.Errorf("gradient of unit %d is %g, want %g", ch, got, w)
		}
	}
}
