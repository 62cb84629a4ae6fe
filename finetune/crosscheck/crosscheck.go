// Package crosscheck runs a model in an executor that shares no code with ours and compares
// the results: onnx-go with its Gorgonia backend, whose operators are Gorgonia's own.
package crosscheck

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"qconv/finetune"
	"qconv/onnx"

	onnxgo "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	"gorgonia.org/tensor"
)

// Check is what a comparison found.
type Check struct {
	// Supported says that the other executor took the model; otherwise Reason says why not,
	// and Operator names the operator it stopped at, where that is known.
	Supported bool
	Reason    string
	Operator  string
	// Outputs is how many numbers were compared. Difference is the largest difference of
	// two, and Largest the largest magnitude among ours.
	Outputs             int
	Difference, Largest float64
}

// Tolerance is the difference, relative to the largest output or to 1, that float32
// arithmetic in another order explains.
const Tolerance = 1e-3

// Agrees says whether the outputs are the same but for rounding.
func (c Check) Agrees() bool {
	return c.Supported && c.Difference <= Tolerance*math.Max(1, c.Largest)
}

// Run compares all outputs of the ONNX file in data, for one sample of uniform random numbers
// in [0, 1). The file is read with the options that it was read with before. An error means that our own
// executor cannot run the model; whatever goes wrong in the other one is reported in the Check.
func Run(data []byte, seed uint64, o onnx.ReadOptions) (Check, error) {
	g, err := onnx.DecodeWith(data, o)
	if err != nil {
		return Check{}, err
	}
	if why := refusal(len(data), o.MaxMemory, g); why != "" {
		return Check{Reason: why}, nil
	}
	exec, err := finetune.NewExecutor(g, 1, finetune.ExecOptions{OutputsOnly: true})
	if err != nil {
		return Check{}, err
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	inputs := make([][]float32, len(g.Inputs))
	for i, v := range g.Inputs {
		inputs[i] = make([]float32, v.Shape.Elems())
		for k := range inputs[i] {
			inputs[i][k] = rng.Float32()
		}
	}
	ours, err := exec.Run(inputs...)
	if err != nil {
		return Check{}, err
	}
	theirs, err := runOther(data, g, inputs)
	if err != nil {
		var missing *onnxgo.ErrNotImplemented
		if errors.As(err, &missing) {
			if missing == nil { // it returns errors that are nil pointers, which cannot say anything
				return Check{Reason: "it cannot read the file"}, nil
			}
			return Check{Reason: err.Error(), Operator: missing.Operator}, nil
		}
		return Check{Reason: strings.TrimPrefix(err.Error(), "<nil>: ")}, nil
	}
	// The other one leaves zeros where an output is an operand of nodes too.
	readers := g.Consumers()
	for i, v := range g.Outputs {
		if len(readers[v]) > 0 {
			theirs[i] = ours[i]
		}
	}
	if !slices.ContainsFunc(g.Outputs, func(v *onnx.Value) bool { return len(readers[v]) == 0 }) {
		return Check{Reason: "its outputs are operands too, which it does not deliver"}, nil
	}
	return compare(ours, theirs), nil
}

// compare measures how far two sets of outputs are apart.
func compare(ours, theirs [][]float32) Check {
	c := Check{Supported: true}
	for i, want := range ours {
		if len(theirs[i]) != len(want) {
			return Check{Reason: fmt.Sprintf("output %d has %d elements there, %d here", i, len(theirs[i]), len(want))}
		}
		for k, w := range want {
			c.Largest = math.Max(c.Largest, math.Abs(float64(w)))
			if d := math.Abs(float64(theirs[i][k] - w)); d > c.Difference || math.IsNaN(d) {
				c.Difference = d
			}
		}
		c.Outputs += len(want)
	}
	return c
}

// Limits of what the other executor is given: it holds all values and unfolds the windows of convolutions,
// and its graph takes time that grows with the square of the nodes.
const (
	maxFile  = 32 << 20 // bytes
	maxNodes = 800
	maxBytes = 256 << 20 // of values, and of the windows of one convolution
	maxWork  = 1 << 32   // multiply-accumulates
)

// refusal is why the other executor is not given a model of some bytes; empty if it is. It may take maxMemory
// bytes, if that is not 0.
func refusal(size int, maxMemory int64, g *onnx.Graph) string {
	values, windows := 0.0, 0.0
	cost := onnx.Costs(g)
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			values += float64(v.Shape.Elems())
		}
		if _, macs := cost(n); len(n.Outputs[0].Shape) > 2 {
			windows = math.Max(windows, float64(macs)/float64(n.Outputs[0].Shape[1]))
		}
	}
	switch {
	case size > maxFile:
		return fmt.Sprintf("the file has more than %d MB", maxFile>>20)
	case g.Read > maxNodes:
		return fmt.Sprintf("the network has more than %d nodes", maxNodes)
	case g.Unused > 0:
		return fmt.Sprintf("the file has %d nodes without use, which it would run too", g.Unused)
	case 4*(values+windows) > maxBytes+4*float64(size), maxMemory > 0 && 4*(values+windows)+float64(size) > float64(maxMemory):
		return "it would take too much memory"
	case onnx.Work(g) > maxWork:
		return "it would take too long"
	}
	return ""
}

// runOther runs the model in onnx-go. What panics there becomes an error.
func runOther(data []byte, g *onnx.Graph, inputs [][]float32) (outputs [][]float32, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	backend := gorgonnx.NewGraph()
	model := onnxgo.NewModel(backend)
	if err := model.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	for i, v := range g.Inputs {
		node, ok := model.GetNodeByName(v.Name)
		if !ok {
			return nil, fmt.Errorf("it has no input %q", v.Name)
		}
		carrier, ok := node.(onnxgo.DataCarrier)
		if !ok {
			return nil, fmt.Errorf("its input %q takes no data", v.Name)
		}
		shape := v.Shape.WithBatch(1)
		if err := carrier.SetTensor(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(inputs[i]))); err != nil {
			return nil, err
		}
	}
	if err := evaluate(backend); err != nil {
		return nil, err
	}
	tensors, err := model.GetOutputTensors()
	if err != nil {
		return nil, err
	}
	if len(tensors) != len(g.Outputs) {
		return nil, fmt.Errorf("it has %d outputs, want %d", len(tensors), len(g.Outputs))
	}
	for i, t := range tensors {
		values, ok := t.Data().([]float32)
		if !ok {
			return nil, fmt.Errorf("its output %q is not float32", g.Outputs[i].Name)
		}
		outputs = append(outputs, values)
	}
	return outputs, nil
}
