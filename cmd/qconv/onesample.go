package main

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"qconv/finetune"
	"qconv/onnx"
)

// Exporters swap the batch with the positions of a sequence, or join both for a while. Such a network is read for one sample,
// whose leading dimension is 1: a program runs one at a time in any case. Whether the open dimension was a batch at all,
// and not a sequence or a set that the network looks at as a whole, is tried with two.

// readOneSample reads a network so; nil if it cannot be, which the error may tell, or if two samples come out otherwise than each alone.
func readOneSample(path string, o onnx.ReadOptions) (*onnx.Graph, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var read [2]*onnx.Graph
	for i := range read {
		o.Samples = i + 1
		if read[i], err = onnx.ReadWith(path, o); err != nil || onnx.Work(read[i]) > maxChecked+checkedPerByte*info.Size() {
			return nil, err
		}
	}
	one, two := read[0], read[1]
	if !independent(one, two) {
		return nil, nil
	}
	one.Warnings = append(one.Warnings, "its nodes move, cut or join the batch: it is read for one sample, of leading dimension 1, after two at a time were found to come out the same")
	return one, nil
}

// independent says whether a network of two samples computes of each what that of one does.
func independent(one, two *onnx.Graph) bool {
	if !doubled(one.Inputs, two.Inputs) || !doubled(one.Outputs, two.Outputs) {
		return false
	}
	rng := rand.New(rand.NewPCG(checkSeed, 1))
	var both [][]float32
	for _, v := range two.Inputs {
		x := make([]float32, v.Shape.Elems())
		for i := range x {
			if x[i] = float32(rng.NormFloat64()); v.Type != onnx.Float {
				x[i] = float32(rng.IntN(2))
			}
		}
		both = append(both, x)
	}
	got, err := answers(two, both)
	if err != nil {
		return false
	}
	for sample := range 2 {
		part := func(x []float32) []float32 { n := len(x) / 2; return x[sample*n:][:n] }
		var alone [][]float32
		for _, x := range both {
			alone = append(alone, part(x))
		}
		want, err := answers(one, alone)
		if err != nil {
			return false
		}
		for i, w := range want {
			if !alike(part(got[i]), w) {
				return false
			}
		}
	}
	return true
}

// doubled says whether the second values are the first ones twice, one behind the other.
func doubled(one, two []*onnx.Value) bool {
	return slices.EqualFunc(one, two, func(a, b *onnx.Value) bool {
		return len(a.Shape) > 0 && len(a.Shape) == len(b.Shape) && b.Shape[0] == 2*a.Shape[0] && slices.Equal(a.Shape[1:], b.Shape[1:])
	})
}

func answers(g *onnx.Graph, inputs [][]float32) ([][]float32, error) {
	exec, err := finetune.NewExecutor(g, 1, finetune.ExecOptions{OutputsOnly: true})
	if err != nil {
		return nil, err
	}
	return exec.Run(inputs...)
}

// alike says whether numbers are the same but for rounding.
func alike(got, want []float32) bool {
	largest := 0.0
	for _, v := range want {
		largest = math.Max(largest, math.Abs(float64(v)))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - float64(v)); !(d <= 1e-4*largest) && got[i] != v {
			return false
		}
	}
	return true
}
