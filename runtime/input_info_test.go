package runtime

import (
	"slices"
	"testing"
)

// TestInputInfos describes inputs with and without name, scale, shifts and tables.
func TestInputInfos(t *testing.T) {
	table, other := make([]uint8, 256), make([]uint8, 256)
	table[0], table[255], other[255] = 1, 3, 2
	p := &Program{
		Tensors: []Tensor{
			{Shape: [3]int{1, 28, 28}, Levels: 256, Scale: ScaleOf(0.25)},
			{Shape: [3]int{3, 1, 1}, Levels: 32, Zero: 16, Scale: ScaleOf(1. / 64)},
			{Shape: [3]int{9, 1, 2}, Levels: 2},
			{Shape: [3]int{2, 1, 2}, Levels: 4, Scale: ScaleOf(1)},
		},
		Inputs: []Input{
			{Tensor: 0, Tables: [][]uint8{table}},
			{Tensor: 1, Name: "of state", Shifts: []int8{0, -1, 5}},
			{Tensor: 2, Name: "mask", Shifts: []int8{0, 0, 0, 0, 0, 0, 0, 3, -2}},
			{Tensor: 3, Name: "rgb", Tables: [][]uint8{table, other}, Interleaved: true, Shifts: []int8{0, 0}},
		},
	}
	want := []string{
		`[1 28 28]: 256 levels, scale 0.25, zero 0, bytes go through a table, 0..255 standing for 0.25..0.75`,
		`"of state" [3 1 1]: 32 levels, scale 0.015625 times 2^[0 -1 5] by channel, zero 16, bytes are levels`,
		`mask [9 1 2]: 2 levels, scale unknown times 2^-2..2^3 by channel, zero 0, bytes are levels`,
		`rgb [2 1 2]: 4 levels, scale 1, zero 0, bytes go through a table for each channel, 0..255 standing for 1..3, 0..2, interleaved`,
	}
	var got []string
	for _, i := range p.InputInfos() {
		got = append(got, i.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
