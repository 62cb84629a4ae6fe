// Package finetune runs and trains float networks. It lays an [onnx.Graph] on a Gorgonia
// graph whose operations are this package's own, and on top of that calibrates, fine-tunes
// and evaluates networks with few activation levels and few weight values.
//
// An [Executor] computes outputs, [Calibrate] chooses the levels of a [quant.Model],
// [PostTrain] makes up for what levels and clustered weights have cost, from a few samples,
// [Tune] trains it, on data that [Augment] may vary, [Evaluate] measures it. Results depend on seeds and inputs only, not on
// GOMAXPROCS.
//
// Begin with the example below, the whole way from an ONNX file to a program. Data are whatever implements [Data], as a set of package
// dataset does.
package finetune

import (
	"fmt"
	"slices"

	"qconv/onnx"
	"qconv/quant"
)

// ExecOptions steer [NewExecutor]. The zero value is the plain float network.
type ExecOptions struct {
	// Levels rounds inputs and computed values, by value name.
	Levels map[string]quant.Levels
	// OutputsOnly takes less memory, and none of the values inside the network can be asked for.
	OutputsOnly bool
}

// Executor computes the outputs of a network in float32. It is not safe for concurrent use.
type Executor struct {
	graph   *onnx.Graph
	batch   int // samples in one pass over the tape
	most    int // samples in one Run
	builder *builder
	byName  map[string]*onnx.Value
	last    int         // samples of the last Run
	outputs [][]float32 // room for most samples, where one Run takes several passes
}

// NewExecutor prepares a network for up to batch samples at a time. Where the graph's
// inputs have no [onnx.Batch] dimension, its samples are run one after the other.
// Constants are read at every Run, so that they may be changed in between.
func NewExecutor(g *onnx.Graph, batch int, o ExecOptions) (*Executor, error) {
	var p plan
	if o.Levels != nil {
		p = levelPlan(o.Levels)
	}
	p.outputsOnly = o.OutputsOnly
	return newExecutor(g, batch, p)
}

// newExecutor is [NewExecutor] for any plan.
func newExecutor(g *onnx.Graph, batch int, p plan) (*Executor, error) {
	if batch < 1 {
		return nil, fmt.Errorf("finetune: executor: batch is %d, want at least 1", batch)
	}
	e := &Executor{graph: g, batch: batch, most: batch, byName: map[string]*onnx.Value{}}
	if !batched(g) {
		e.batch = 1
	}
	var err error
	if e.builder, err = build(g, e.batch, p, nil); err != nil {
		return nil, err
	}
	for v := range e.builder.nodes {
		e.byName[v.Name] = v
	}
	for v := range e.builder.loops {
		e.byName[v.Name] = v
	}
	e.outputs = make([][]float32, len(g.Outputs))
	return e, nil
}

// batched says whether all inputs of a network have a batch.
func batched(g *onnx.Graph) bool {
	return !slices.ContainsFunc(g.Inputs, func(v *onnx.Value) bool { return len(v.Shape) == 0 || v.Shape[0] != onnx.Batch })
}

// heldValues bounds the values an Executor of [BatchFor] samples holds: half a gigabyte.
const heldValues = 1 << 27

// BatchFor is the largest batch, up to most, whose intermediate values take a bounded amount
// of memory; 1 for a network without a batch.
func BatchFor(g *onnx.Graph, most int) int {
	if !batched(g) {
		return 1
	}
	return max(1, min(most, heldValues/max(valuesOf(g), 1)))
}

// valuesOf counts the elements that all values of a network have for one sample, in all iterations of its loops.
func valuesOf(g *onnx.Graph) int {
	times := iterations(g)
	sum := 0
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			if out != nil {
				sum += out.Shape.Elems() * times(n)
			}
		}
	}
	return sum
}

// NewModelExecutor prepares a model with its levels: every site that has levels is rounded to
// them. Weights are used as they are stored.
func NewModelExecutor(m *quant.Model, batch int) (*Executor, error) {
	return NewExecutor(m.Graph, batch, ExecOptions{Levels: m.Levels})
}

// Batch is the largest number of samples that Run takes.
func (e *Executor) Batch() int { return e.most }

// Samples is how many samples [Executor.Value] has values of.
func (e *Executor) Samples() int { return e.last }

// Run computes all outputs for some samples, at most Batch. There is one slice for each of
// the graph's inputs, holding the samples one after the other; all hold the same number of
// samples. The outputs are laid out alike and stay valid until the next Run.
func (e *Executor) Run(inputs ...[]float32) ([][]float32, error) {
	samples, err := e.samples(inputs)
	if err != nil {
		return nil, err
	}
	if samples <= e.batch {
		return e.pass(inputs, samples)
	}
	for i, v := range e.graph.Outputs {
		if n := samples * v.Shape.Elems(); len(e.outputs[i]) < n {
			e.outputs[i] = make([]float32, n)
		}
	}
	result := make([][]float32, len(e.outputs))
	part := make([][]float32, len(inputs))
	for s := range samples {
		for i, v := range e.graph.Inputs {
			n := v.Shape.Elems()
			part[i] = inputs[i][s*n:][:n]
		}
		out, err := e.pass(part, 1)
		if err != nil {
			return nil, err
		}
		for i, o := range out {
			copy(e.outputs[i][s*len(o):], o)
			result[i] = e.outputs[i][:samples*len(o)]
		}
	}
	return result, nil
}

// samples checks the inputs and says how many samples they hold.
func (e *Executor) samples(inputs [][]float32) (int, error) {
	if len(inputs) != len(e.graph.Inputs) {
		return 0, fmt.Errorf("finetune: executor: got %d inputs, want %d", len(inputs), len(e.graph.Inputs))
	}
	if len(inputs) == 0 {
		return 1, nil
	}
	samples := -1
	for i, v := range e.graph.Inputs {
		per := v.Shape.Elems()
		n := len(inputs[i]) / max(per, 1)
		if n*per != len(inputs[i]) || n < 1 || n > e.most {
			return 0, fmt.Errorf("finetune: executor: input %q has %d elements, want 1 to %d samples of %d", v.Name, len(inputs[i]), e.most, per)
		}
		if samples >= 0 && n != samples {
			return 0, fmt.Errorf("finetune: executor: input %q has %d samples, want %d as in %q", v.Name, n, samples, e.graph.Inputs[0].Name)
		}
		samples = n
	}
	return samples, nil
}

// pass runs the tape once. Room for samples that are not there is filled with zeros.
func (e *Executor) pass(inputs [][]float32, samples int) ([][]float32, error) {
	for i, in := range inputs {
		clear(e.builder.inputs[i][copy(e.builder.inputs[i], in):])
	}
	if err := e.builder.run(); err != nil {
		return nil, fmt.Errorf("finetune: executor: %w", err)
	}
	e.last = samples
	out := make([][]float32, len(e.graph.Outputs))
	for i, v := range e.graph.Outputs {
		out[i] = e.part(v, floats(e.builder.nodes[v].Value()))
	}
	return out, nil
}

// part is what a node holds of the samples that were there. What all samples share, such as a constant, is
// repeated.
func (e *Executor) part(v *onnx.Value, data []float32) []float32 {
	if len(v.Shape) > 0 && v.Shape[0] == onnx.Batch {
		return data[:len(data)/e.batch*e.last]
	}
	return slices.Repeat(data, e.last)
}

// Value is the value of that name in the last pass, as its consumers saw it; nil where the
// graph has none, before the first Run, and with OutputsOnly. It stays valid until the next Run.
//
// A value in the body of a loop has those of all iterations: for every sample, one after the other, those of iteration 0, 1 and so on, of the value's shape each.
// They are kept from the first time on that they are asked for, which runs the loop once more.
func (e *Executor) Value(name string) []float32 {
	v := e.byName[name]
	if v == nil || e.last == 0 || e.builder.plan.outputsOnly {
		return nil
	}
	if loop := e.builder.loops[v]; loop != nil {
		return e.part(v, loop.values(v, e.batch))
	}
	return e.part(v, floats(e.builder.nodes[v].Value()))
}
