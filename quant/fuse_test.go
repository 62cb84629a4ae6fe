package quant

import (
	"math/rand"
	"slices"
	"testing"

	"qconv/runtime"
)

// TestFuseMaps compares a program with tables behind layers with what remains of it.
func TestFuseMaps(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	table := func(in, out int) []uint8 {
		list := make([]uint8, in)
		for i := range list {
			list[i] = uint8(r.Intn(out))
		}
		return list
	}
	one := [2]int{1, 1}
	layer := func(in, out int, steps ...int) *runtime.Linear {
		weights := make([]uint16, 4)
		for i := range weights {
			weights[i] = uint16(r.Intn(3))
		}
		return &runtime.Linear{Out: out, Bias: []int32{1, -2}, Steps: steps, Terms: []runtime.Term{{
			In: in, Groups: 1, Kernel: one, Stride: one, Dilation: one, Up: one, Weights: runtime.PackWeights(weights, 3),
		}}}
	}
	tensor := func(levels int) runtime.Tensor {
		return runtime.Tensor{Shape: [3]int{2, 1, 3}, Levels: levels, Scale: runtime.ScaleOf(1)}
	}
	p := &runtime.Program{
		Tensors:   []runtime.Tensor{tensor(8), tensor(4), tensor(6), tensor(4), tensor(5), tensor(4), tensor(3)},
		Codebooks: []runtime.Codebook{{Centres: []int32{-3, 1, 2}}},
		Steps: []runtime.Step{
			{Breaks: []int32{-5, 0, 7}, Values: []uint8{0, 1, 2, 3}},
			{Breaks: []int32{-2, 4}, Values: []uint8{3, 0, 2}},
		},
		Inputs:  []runtime.Input{{Tensor: 0}},
		Outputs: []runtime.Output{{Tensor: 4}, {Tensor: 6}, {Tensor: 5}},
		Instrs: []runtime.Instr{
			layer(0, 1, 0),
			&runtime.Map{Out: 2, In: 1, Tables: [][]uint8{table(4, 6), table(4, 6)}},
			layer(2, 3, 0, 1),
			&runtime.Map{Out: 4, In: 3, Tables: [][]uint8{table(4, 5)}},
			layer(2, 5, 1), // is an output: its table stays
			&runtime.Map{Out: 6, In: 5, Tables: [][]uint8{table(4, 3)}},
		},
	}
	inputs := make([][]byte, 20)
	for i := range inputs {
		inputs[i] = table(6, 8)
	}
	run := func() (results [][][]int32) {
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, in := range inputs {
			out, err := Simulate(p, in)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, out)
		}
		return results
	}
	want := run()
	fuseMaps(p)
	if len(p.Instrs) != 4 || len(p.Tensors) != 5 {
		t.Fatalf("%d instructions and %d tensors are left, want 4 and 5", len(p.Instrs), len(p.Tensors))
	}
	same := func(a, b [][]int32) bool { return slices.EqualFunc(a, b, slices.Equal[[]int32]) }
	if got := run(); !slices.EqualFunc(got, want, same) {
		t.Errorf("got %v, want %v", got, want)
	}
}
