package kernel

import (
	"math"
	"math/rand"
	"testing"
)

// TestProducts demands that layers with few positions suit, whatever their terms are, and that all kernels agree on them.
func TestProducts(t *testing.T) {
	r := rand.New(rand.NewSource(61))
	each := func(n int) Term { return depthwise(term([3]int{n, 1, 1}, 1, 1, 0, 256, 127)) }
	full := func(n, levels, zero int) Term { return term([3]int{n, 1, 1}, 1, 1, 0, levels, zero) }
	for _, c := range []struct {
		name   string
		out    [3]int
		terms  []Term
		linked int
	}{
		{"one output", [3]int{1, 1, 1}, []Term{full(9, 32, 0)}, 1},
		{"a part of a group", [3]int{7, 1, 1}, []Term{full(9, 32, 0)}, 0},
		{"groups and a part", [3]int{17, 1, 1}, []Term{full(5, 256, 200), full(3, 2, 1)}, 0},
		{"a gate", [3]int{12, 1, 1}, []Term{full(5, 256, 0), each(12)}, 1},
		{"a sum", [3]int{12, 1, 1}, []Term{each(12), each(12)}, 2},
		{"groups of channels", [3]int{8, 1, 1}, []Term{{Shape: [3]int{6, 1, 1}, Levels: 16, Zero: 3, Groups: 2, Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1}}}, 1},
		{"channels with padding", [3]int{6, 3, 3}, []Term{depthwise(term([3]int{6, 3, 3}, 3, 1, 1, 32, 5))}, 1},
		{"channels with nothing but padding at some positions", [3]int{3, 1, 3}, []Term{alongRow(depthwise(term([3]int{3, 1, 1}, 2, 1, 2, 32, 5)), 1)}, 1},
		{"dilated channels", [3]int{5, 1, 2}, []Term{alongRow(depthwise(term([3]int{5, 1, 8}, 3, 1, 0, 32, 5)), 3)}, 1},
		{"padding", [3]int{8, 1, 1}, []Term{term([3]int{3, 2, 2}, 3, 2, 1, 32, 5)}, 0},
		{"positions", [3]int{14, 2, 3}, []Term{term([3]int{2, 5, 7}, 3, 2, 0, 32, 5)}, 0},
		{"positions of one output", [3]int{1, 3, 4}, []Term{term([3]int{1, 3, 4}, 1, 1, 0, 256, 1), term([3]int{1, 3, 4}, 1, 1, 0, 32, 0)}, 2},
	} {
		for _, book := range [][]int32{smallInts(), {-9}, arbitrary(r, 17, 12), multiples(256, 127)} {
			for _, steps := range []string{"", "one", "channel", "wild"} {
				l, src := spec{out: c.out, terms: c.terms, book: book, steps: steps, bias: 1000, levels: 32}.make(r)
				k, err := NewProducts(l, math.MaxInt, Portable)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				if len(k.linked) != c.linked {
					t.Errorf("%s: %d linked terms, want %d", c.name, len(k.linked), c.linked)
				}
				checkLayer(t, l, src, c.name)
			}
		}
	}
}

// TestProductsRefused demands that layers are refused that would take too much memory or time, or whose taps leave the input.
func TestProductsRefused(t *testing.T) {
	r := rand.New(rand.NewSource(62))
	for name, s := range map[string]spec{
		"padding at some positions": {out: [3]int{8, 4, 4}, terms: []Term{term([3]int{3, 4, 4}, 3, 1, 1, 32, 5)}},
		"many positions":            {out: [3]int{8, 20, 20}, terms: []Term{term([3]int{3, 20, 20}, 1, 1, 0, 32, 5)}},
		"many links":                {out: [3]int{256, 9, 9}, terms: []Term{depthwise(term([3]int{256, 9, 9}, 1, 1, 0, 32, 0))}},
	} {
		s.book, s.steps, s.levels = smallInts(), "one", 32
		l, _ := s.make(r)
		if _, err := PlanProducts(l, math.MaxInt, Portable); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	l, _ := spec{out: [3]int{64, 1, 1}, terms: []Term{term([3]int{64, 1, 1}, 1, 1, 0, 32, 5)}, book: smallInts(), steps: "one", levels: 32}.make(r)
	k, err := PlanProducts(l, math.MaxInt, ARM)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := PlanProducts(l, k.Cost()-1, ARM); err == nil {
		t.Error("a limit below the cost: taken")
	}
	if k, err := PlanProducts(l, k.Cost(), ARM); err != nil || PlanLinear(l, ARM).Name() != NameProducts && k.Cost() < int(PlanLinear(l, ARM).Cost()) {
		t.Errorf("the limit is the cost: %v, chosen %s", err, PlanLinear(l, ARM).Name())
	}
}
