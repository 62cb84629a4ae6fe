package main

import (
	"fmt"

	qrt "qconv/runtime"
)

// tableEntries counts what a machine has to store that knows nothing but tables and additions: the measure of a network's compactness in
// "Table-Based Neural Units" (arXiv 1906.04798). Layers that draw their weights from one codebook, with inputs of the same levels, share
// products; so do different weights and levels whose products are the same number.
type tableEntries struct {
	Products    int `json:"products"`    // different numbers C*(x-zero) of the weights C and levels x that meet anywhere
	Activations int `json:"activations"` // the most levels that step functions deliver
	Total       int `json:"total"`
	Steps       int `json:"steps"`  // step functions, whose breaks say where a level begins
	Breaks      int `json:"breaks"` // of all of them
}

// countTables counts those of p, whose layers use those centres of its codebooks.
func countTables(p *qrt.Program, used []map[uint16]bool) tableEntries {
	type operand struct{ codebook, levels, zero int }
	products, seen := map[int64]bool{}, map[operand]bool{}
	var t tableEntries
	for _, instr := range p.Instrs {
		l, ok := instr.(*qrt.Linear)
		if !ok {
			continue
		}
		if len(l.Steps) > 0 {
			t.Activations = max(t.Activations, p.Tensors[l.Out].Levels)
		}
		for i := range l.Terms {
			in := &p.Tensors[l.Terms[i].In]
			o := operand{l.Terms[i].Codebook, in.Levels, in.Zero}
			if seen[o] {
				continue
			}
			seen[o] = true
			for w := range used[o.codebook] {
				for x := range o.levels {
					products[int64(p.Codebooks[o.codebook].Centres[w])*int64(x-o.zero)] = true
				}
			}
		}
	}
	t.Products = len(products)
	t.Total = t.Products + t.Activations
	t.Steps = len(p.Steps)
	for i := range p.Steps {
		t.Breaks += len(p.Steps[i].Breaks)
	}
	return t
}

func (t tableEntries) String() string {
	return fmt.Sprintf("%s entries: %s different products, %d levels; %s breaks in %s step functions",
		grouped(t.Total), grouped(t.Products), t.Activations, grouped(t.Breaks), grouped(t.Steps))
}
