package main

import (
	"slices"
	"testing"

	"qconv/runtime"
)

func program(shape [3]int, levels, zero int, step float64) *runtime.Program {
	return &runtime.Program{Inputs: []runtime.Input{{}}, Tensors: []runtime.Tensor{
		{Shape: shape, Levels: levels, Zero: zero, Scale: runtime.ScaleOf(step)},
	}}
}

func TestSampleBytes(t *testing.T) {
	inverse := make([]uint8, 256) // byte b stands for level 255-b
	half := make([]uint8, 256)    // two bytes for one level
	for b := range inverse {
		inverse[b] = uint8(255 - b)
		half[b] = uint8(b / 2)
	}
	tests := map[string]struct {
		p    *runtime.Program
		x    []float32
		want []byte
	}{
		"levels":       {program([3]int{1, 1, 4}, 32, 8, 0.5), []float32{0, 1, -1.2, 0.26}, []byte{8, 10, 6, 9}},
		"out of range": {program([3]int{1, 1, 2}, 32, 8, 0.5), []float32{-100, 100}, []byte{0, 31}},
	}
	tabled := program([3]int{2, 1, 2}, 256, 0, 1)
	tabled.Inputs[0].Tables = [][]uint8{inverse, half}
	tests["tables"] = struct {
		p    *runtime.Program
		x    []float32
		want []byte
	}{tabled, []float32{0, 55, 100, 127}, []byte{255, 200, 200, 254}}
	interleaved := program([3]int{2, 1, 3}, 256, 0, 1)
	interleaved.Inputs[0].Interleaved = true
	tests["interleaved"] = struct {
		p    *runtime.Program
		x    []float32
		want []byte
	}{interleaved, []float32{1, 2, 3, 4, 5, 6}, []byte{1, 4, 2, 5, 3, 6}}

	several := program([3]int{1, 1, 2}, 32, 8, 0.5)
	several.Inputs = append(several.Inputs, runtime.Input{Tensor: 1})
	several.Tensors = append(several.Tensors, runtime.Tensor{Shape: [3]int{1, 1, 3}, Levels: 256, Scale: runtime.ScaleOf(1)})
	tests["two inputs"] = struct {
		p    *runtime.Program
		x    []float32
		want []byte
	}{several, []float32{0, 1, 7, 8, 9}, []byte{8, 10, 7, 8, 9}}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := sampleBytes(test.p, test.x); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
