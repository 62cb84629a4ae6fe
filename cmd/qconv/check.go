package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"

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
	// Outcome of the comparison with another executor: agrees, disagrees, not compared or not run. Where it was compared,
	// Difference is the largest one between its outputs and ours; otherwise Reason says why not.
	Outcome    checkOutcome `json:"outcome"`
	Reason     string       `json:"reason,omitempty"`
	Difference *float64     `json:"difference,omitempty"`
}

// checkOutcome is the outcome of running a file elsewhere.
type checkOutcome string

const (
	agrees      checkOutcome = "agrees"
	disagrees   checkOutcome = "disagrees"
	notCompared checkOutcome = "not compared"
	notRun      checkOutcome = "not run"
)

func (k *checkInfo) String() string {
	text := fmt.Sprintf("simplification changes outputs, up to %.3g, by at most %.2g", k.Largest, k.Simplified)
	switch k.Outcome {
	case notRun:
		return "not run: " + k.Reason
	case notCompared:
		return text + "; not compared with onnx-go: " + k.Reason
	case disagrees:
		return text + fmt.Sprintf("; onnx-go DISAGREES, by %.3g", *k.Difference)
	}
	return text + fmt.Sprintf("; onnx-go agrees to %.2g", *k.Difference)
}

// A network is run to be checked if that takes no more multiply-accumulates than any file may ask for, and
// so many more for a byte of its file.
const (
	maxChecked     = 1 << 32
	checkedPerByte = 1 << 15
)

// maxCompared is the size of the largest file, in bytes, that is read again to be compared.
const maxCompared = 32 << 20

// probe is what a network answers to a random input before it is simplified.
type probe struct {
	inputs, outputs [][]float32
	work            int64 // of the network, where it is too much to run it
}

// newProbe asks the network of a file of some bytes.
func newProbe(g *onnx.Graph, size int64) (*probe, error) {
	p := &probe{}
	if work := onnx.Work(g); work > maxChecked+checkedPerByte*size {
		p.work = work
		return p, nil
	}
	rng := rand.New(rand.NewPCG(checkSeed, 0))
	for _, v := range g.Inputs {
		x := make([]float32, v.Shape.Elems())
		for i := range x {
			x[i] = rng.Float32()
		}
		p.inputs = append(p.inputs, x)
	}
	outputs, err := p.ask(g)
	for _, out := range outputs {
		p.outputs = append(p.outputs, slices.Clone(out))
	}
	return p, err
}

// ask runs a network on the inputs.
func (p *probe) ask(g *onnx.Graph) ([][]float32, error) {
	exec, err := finetune.NewExecutor(g, 1, finetune.ExecOptions{OutputsOnly: true})
	if err != nil {
		return nil, err
	}
	return exec.Run(p.inputs...)
}

// check compares the simplified network with what it answered before, and the file itself, read with the same
// options, with an independent executor. An error means that our own cannot run it.
func (p *probe) check(path string, o onnx.ReadOptions, simplified *onnx.Graph) (*checkInfo, error) {
	if p.work > 0 {
		return &checkInfo{Outcome: notRun, Reason: fmt.Sprintf("one run takes the time of %.2g multiply-accumulates: check some with qconv run --expect", float64(p.work))}, nil
	}
	k := &checkInfo{Outcome: notCompared}
	outputs, err := p.ask(simplified)
	if err != nil {
		return nil, named(path, err)
	}
	difference, largest := 0.0, 0.0
	for i, out := range outputs {
		for j, v := range out {
			largest = math.Max(largest, math.Abs(float64(v)))
			difference = math.Max(difference, math.Abs(float64(v)-float64(p.outputs[i][j])))
		}
	}
	k.Simplified, k.Largest = finite(difference), finite(largest)
	if info, err := os.Stat(path); err == nil && info.Size() > maxCompared {
		k.Reason = fmt.Sprintf("the file has more than %d MB", maxCompared>>20)
		return k, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &inputError{err}
	}
	other, err := crosscheck.Run(data, checkSeed, o)
	if err != nil {
		k.Reason = err.Error()
		return k, nil
	}
	switch {
	case other.Operator != "":
		k.Reason = "it lacks operator " + other.Operator
	case !other.Supported:
		k.Reason = other.Reason
	default:
		difference := finite(other.Difference)
		k.Difference, k.Outcome = &difference, disagrees
		if other.Agrees() {
			k.Outcome = agrees
		}
	}
	return k, nil
}

// finite replaces what JSON has no number for by the largest number.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return math.MaxFloat64
	}
	return v
}
