package c_test

import (
	"math/rand/v2"
	"testing"

	"qconv/export/c"
	"qconv/export/c/ctest"
	"qconv/internal/testtool"
	"qconv/runtime"
)

// little is a network for 2 KB RAM: a convolution of 8x8 pixels, a pooling, a table, and ten outputs.
func little() *runtime.Program {
	r := rand.New(rand.NewPCG(1, 2))
	one := [2]int{1, 1}
	pack := func(n, size int) runtime.Weights {
		w := make([]uint16, n)
		for i := range w {
			w[i] = uint16(r.IntN(size))
		}
		return runtime.PackWeights(w, size)
	}
	scale := runtime.ScaleOf(1)
	p := &runtime.Program{
		Tensors: []runtime.Tensor{
			{Shape: [3]int{1, 8, 8}, Levels: 16, Scale: scale}, {Shape: [3]int{4, 6, 6}, Levels: 8, Zero: 2, Scale: scale},
			{Shape: [3]int{4, 3, 3}, Levels: 8, Zero: 2, Scale: scale}, {Shape: [3]int{4, 3, 3}, Levels: 8, Zero: 3, Scale: scale},
			{Shape: [3]int{10, 1, 1}, Scale: scale},
		},
		Codebooks: []runtime.Codebook{{Centres: []int32{-8, -3, -1, 0, 1, 2, 5, 7}}},
		Steps:     []runtime.Step{{Breaks: []int32{-200, -90, -20, 30, 100, 150, 300}, Values: []uint8{0, 1, 2, 3, 4, 5, 6, 7}}},
		Inputs:    []runtime.Input{{Tensor: 0, Tables: [][]uint8{make([]uint8, 256)}}},
		Outputs:   []runtime.Output{{Name: "y", Tensor: 4}},
		Labels:    []string{"a", "b"},
	}
	for i := range p.Inputs[0].Tables[0] {
		p.Inputs[0].Tables[0][i] = uint8(i >> 4)
	}
	p.Instrs = []runtime.Instr{
		&runtime.Linear{Out: 1, Bias: []int32{1, -20, 30, 4}, Steps: []int{0}, Terms: []runtime.Term{{In: 0, Groups: 1,
			Kernel: [2]int{3, 3}, Stride: one, Dilation: one, Up: one, Weights: pack(4*9, 8)}}},
		&runtime.MaxPool{Out: 2, In: 1, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: one},
		&runtime.Map{Out: 3, In: 2, Tables: [][]uint8{{0, 0, 1, 3, 4, 6, 7, 7}}},
		&runtime.Linear{Out: 4, Bias: []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, Terms: []runtime.Term{{In: 3, Groups: 1,
			Kernel: [2]int{3, 3}, Stride: one, Dilation: one, Up: one, Weights: pack(10*36, 8)}}},
	}
	return p
}

// TestAVR demands the integers of the runtime from a machine of 8 bits. Its processor multiplies; what a run reaches does not.
func TestAVR(t *testing.T) {
	b := &ctest.Arduino
	for tool, install := range b.Tools {
		testtool.Path(t, tool, install)
	}
	for _, goal := range goals {
		k, err := ctest.FromRuntime(c.Options{Name: "little", Target: c.AVR, Optimize: goal}, little(), 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		files, err := ctest.Write(dir, []ctest.Case{k})
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"-O2", "-Os"} {
			program, err := b.Build(dir, "check", files, flag)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Check(program); err != nil {
				t.Errorf("for %s with %s: %v", goal, flag, err)
			}
			noMultiplications(t, "avr-objdump", program, "little_run")
		}
	}
}
