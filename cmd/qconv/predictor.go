package main

import (
	"context"
	"math"
	"runtime"
	"sync"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// network is a network on the samples that it is measured on.
type network interface {
	finetune.Network
	data() *samples
}

// floatBatch is how many samples the float engine takes at a time.
const floatBatch = 64

// floatNetwork runs an ONNX network in float, with levels where the model has them.
type floatNetwork struct {
	finetune.Network
	exec    *finetune.Executor
	graph   *onnx.Graph
	levels  map[string]quant.Levels
	balance map[string][]int // see quant.Model
	model   *quant.Model     // what carries levels; nil where that is not asked for, or where there is no integer form
	samples *samples
}

func newFloatNetwork(g *onnx.Graph, levels map[string]quant.Levels, s *samples) (*floatNetwork, error) {
	exec, err := finetune.NewExecutor(g, finetune.BatchFor(g, floatBatch), finetune.ExecOptions{Levels: levels})
	if err != nil {
		return nil, err
	}
	return &floatNetwork{Network: exec.On(s), exec: exec, graph: g, levels: levels, samples: s}, nil
}

func (n *floatNetwork) data() *samples { return n.samples }

// integerNetwork runs a program. Pixels enter through its tables; float values are
// rounded to the levels of its input first.
type integerNetwork struct {
	program *qrt.Program
	samples *samples
	workers []*integerWorker
}

// integerWorker is what one goroutine needs.
type integerWorker struct {
	*entrance
	values [][]float32 // by input
}

func newIntegerNetwork(p *qrt.Program, s *samples, limits qrt.Limits) (*integerNetwork, error) {
	var pixels []bool
	for i, in := range s.set.Inputs() {
		if in.Values != nil && p.Inputs[i].Tables == nil {
			return nil, inputf("%s: samples are pixels, but the program has no table for pixels: convert it from a model with preprocessing", printable.Name(s.set.Spec))
		}
		pixels = append(pixels, in.Values != nil)
	}
	r, err := qrt.NewRunner(p, qrt.Options{Limits: limits})
	if err != nil {
		return nil, err
	}
	n := &integerNetwork{program: p, samples: s}
	for range runtime.GOMAXPROCS(0) {
		w := &integerWorker{entrance: newEntrance(p, r.Clone(), pixels)}
		for _, in := range s.set.Inputs() {
			w.values = append(w.values, make([]float32, in.Elems()))
		}
		n.workers = append(n.workers, w)
	}
	return n, nil
}

func (n *integerNetwork) data() *samples { return n.samples }

// Sizes are the elements of one sample: of the only input, 0 where there are several, and of the first output.
func (n *integerNetwork) Sizes() (input, output int) {
	p := n.program
	if len(p.Inputs) == 1 {
		input = p.SampleBytes()
	}
	return input, p.Tensors[p.Outputs[0].Tensor].Elems()
}

// Predict shares the samples among the workers.
func (n *integerNetwork) Predict(ctx context.Context, samples []int, dst [][]float64) error {
	errs := make([]error, len(n.workers))
	var wg sync.WaitGroup
	for k, w := range n.workers {
		wg.Go(func() {
			for i := k; i < len(samples) && errs[k] == nil; i += len(n.workers) {
				if errs[k] = ctx.Err(); errs[k] == nil {
					errs[k] = n.one(w, samples[i], dst[i])
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// one runs sample i and writes the real values of its first output to dst, after the normalization that the
// program leaves to its reader.
func (n *integerNetwork) one(w *integerWorker, i int, dst []float64) error {
	outs, err := n.run(w, i)
	if err != nil {
		return err
	}
	out := &n.program.Tensors[n.program.Outputs[0].Tensor]
	out.Real(dst, outs[0])
	if norm := n.program.Normalization(0); norm != nil {
		norm.Apply(dst)
	}
	return nil
}

func (n *integerNetwork) run(w *integerWorker, i int) ([][]int32, error) {
	if err := n.enter(w, i); err != nil {
		return nil, err
	}
	return w.entrance.run()
}

// enter brings sample i in.
func (n *integerNetwork) enter(w *integerWorker, i int) error {
	for k, set := range n.samples.set.Inputs() {
		if w.pixels[k] {
			if err := set.Pixels(i, w.room(k)); err != nil {
				return err
			}
			continue
		}
		if err := set.Floats(i, w.values[k]); err != nil {
			return err
		}
		w.numbers(k, w.values[k])
	}
	return nil
}

// Target is the inputs as the program sees them, in real values.
func (n *integerNetwork) Target(i int, dst []float64) error {
	p := n.program
	for k, set := range n.samples.set.Inputs() {
		size := set.Elems()
		values := dst[:size]
		dst = dst[size:]
		if set.Values == nil {
			floats := make([]float32, size)
			if err := set.Floats(i, floats); err != nil {
				return err
			}
			for e, v := range floats {
				values[e] = float64(v)
			}
			continue
		}
		in := &p.Inputs[k]
		t := &p.Tensors[in.Tensor]
		pixels, levels := make([]byte, size), make([]byte, size)
		if err := set.Pixels(i, pixels); err != nil {
			return err
		}
		p.PixelLevels(levels, k, pixels)
		channel := size / t.Shape[0]
		for e, v := range levels {
			values[e] = math.Ldexp(t.Scale.Float(), inputShift(in, e/channel)) * float64(int(v)-t.Zero)
		}
	}
	return nil
}
