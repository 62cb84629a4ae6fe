package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"qconv/finetune"
	"qconv/finetune/crosscheck"
	"qconv/onnx"
)

// checkSeed draws the inputs of the numeric checks.
const checkSeed = 1

// checkInfo is the outcome of the numeric checks of an import.
type checkInfo struct {
	// Simplified is the largest difference that simplification makes to an output, Largest
	// the largest output.
	Simplified float64 `json:"simplified_difference"`
	Largest    float64 `json:"largest_output"`
	// Compared says that another executor took the file; otherwise Reason says why not.
	// Difference is the largest one between its outputs and ours.
	Compared   bool    `json:"compared"`
	Reason     string  `json:"reason,omitempty"`
	Difference float64 `json:"difference"`
	Agrees     bool    `json:"agrees"`
}

func (k *checkInfo) String() string {
	text := fmt.Sprintf("simplification changes outputs, up to %.3g, by at most %.2g", k.Largest, k.Simplified)
	switch {
	case !k.Compared:
		return text + "; onnx-go does not take the model: " + k.Reason
	case !k.Agrees:
		return text + fmt.Sprintf("; onnx-go DISAGREES, by %.3g", k.Difference)
	}
	return text + fmt.Sprintf("; onnx-go agrees to %.2g", k.Difference)
}

// checkImport compares the simplified network with the one that was read, and the file
// itself with an independent executor. An error means that our own cannot run it.
func checkImport(path string, read, simplified *onnx.Graph) (*checkInfo, error) {
	k := &checkInfo{}
	var err error
	if k.Simplified, k.Largest, err = formsDiffer(read, simplified); err != nil {
		return nil, named(path, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &inputError{err}
	}
	other, err := crosscheck.Run(data, checkSeed)
	if err != nil {
		k.Reason = err.Error()
		return k, nil
	}
	k.Compared, k.Reason, k.Agrees = other.Supported, other.Reason, other.Agrees()
	if other.Operator != "" {
		k.Reason = "it lacks operator " + other.Operator
	}
	k.Difference = finite(other.Difference)
	return k, nil
}

// formsDiffer runs two forms of a network on the same random input. It returns the
// largest difference of an output and the largest output.
func formsDiffer(a, b *onnx.Graph) (difference, largest float64, err error) {
	rng := rand.New(rand.NewPCG(checkSeed, 0))
	var inputs [][]float32
	for _, v := range a.Inputs {
		x := make([]float32, v.Shape.Elems())
		for i := range x {
			x[i] = rng.Float32()
		}
		inputs = append(inputs, x)
	}
	var outs [2][][]float32
	for i, g := range []*onnx.Graph{a, b} {
		exec, err := finetune.NewExecutor(g, 1, finetune.ExecOptions{})
		if err != nil {
			return 0, 0, err
		}
		if outs[i], err = exec.Run(inputs...); err != nil {
			return 0, 0, err
		}
	}
	for i := range outs[0] {
		for k, v := range outs[0][i] {
			largest = math.Max(largest, math.Abs(float64(v)))
			difference = math.Max(difference, math.Abs(float64(v)-float64(outs[1][i][k])))
		}
	}
	return finite(difference), finite(largest), nil
}

// finite replaces what JSON has no number for by the largest number.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return math.MaxFloat64
	}
	return v
}
