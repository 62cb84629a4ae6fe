package main

import (
	"testing"

	qrt "qconv/runtime"
)

// TestCountTables counts the products of two layers that share a codebook, one of which has fewer levels.
func TestCountTables(t *testing.T) {
	p := &qrt.Program{
		Tensors:   []qrt.Tensor{{Levels: 3, Zero: 1}, {Levels: 2}, {Levels: 2}},
		Codebooks: []qrt.Codebook{{Centres: []int32{-2, 0, 1, 5}}},
		Steps:     []qrt.Step{{Breaks: []int32{4}}, {Breaks: []int32{1}}},
		Instrs: []qrt.Instr{
			&qrt.Linear{Out: 1, Terms: []qrt.Term{{In: 0}}, Steps: []int{0}},
			&qrt.Linear{Out: 2, Terms: []qrt.Term{{In: 1}}, Steps: []int{1}},
		},
	}
	// -2, 0 and 1 times -1, 0, 1 and times 0, 1: the numbers -2, -1, 0, 1 and 2. The centre 5 is not used.
	got := countTables(p, []map[uint16]bool{{0: true, 1: true, 2: true}})
	if want := (tableEntries{Products: 5, Activations: 2, Total: 7, Steps: 2, Breaks: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
