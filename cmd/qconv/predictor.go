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

// predictor computes the first output of a network for samples of a data set.
type predictor interface {
	// predict writes the outputs of samples from..to-1 to dst, one slice per sample.
	predict(ctx context.Context, from, to int, dst [][]float64) error
	// target writes what the outputs should be if they are to equal the input.
	target(i int, dst []float64) error
	// sizes are the elements of one sample's input and output.
	sizes() (input, output int)
	// data are the samples as the network takes them.
	data() *samples
}

// floatBatch is how many samples the float engine takes at a time.
const floatBatch = 64

// floatNetwork runs an ONNX network in float, with levels where the model has them.
type floatNetwork struct {
	exec    *finetune.Executor
	graph   *onnx.Graph
	levels  map[string]quant.Levels
	balance map[string][]int // see quant.Model
	samples *samples
	in      *sampleBuffer
}

func newFloatNetwork(g *onnx.Graph, levels map[string]quant.Levels, s *samples) (*floatNetwork, error) {
	exec, err := finetune.NewExecutor(g, finetune.BatchFor(g, floatBatch), finetune.ExecOptions{Levels: levels})
	if err != nil {
		return nil, err
	}
	return &floatNetwork{exec: exec, graph: g, levels: levels, samples: s, in: newSampleBuffer(s, floatBatch)}, nil
}

func (n *floatNetwork) data() *samples { return n.samples }

func (n *floatNetwork) sizes() (input, output int) {
	for _, v := range n.graph.Inputs {
		input += v.Shape.Elems()
	}
	return input, n.graph.Outputs[0].Shape.Elems()
}

func (n *floatNetwork) predict(ctx context.Context, from, to int, dst [][]float64) error {
	for at := from; at < to; at += n.exec.Batch() {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(n.exec.Batch(), to-at)
		inputs, err := n.in.load(count, func(k int) int { return at + k })
		if err != nil {
			return err
		}
		outs, err := n.exec.Run(inputs...)
		if err != nil {
			return err
		}
		per := len(outs[0]) / count
		for k := range count {
			for i, v := range outs[0][k*per:][:per] {
				dst[at-from+k][i] = float64(v)
			}
		}
	}
	return nil
}

func (n *floatNetwork) target(i int, dst []float64) error {
	x := make([]float32, len(dst))
	if err := n.samples.Input(i, x); err != nil {
		return err
	}
	for k, v := range x {
		dst[k] = float64(v)
	}
	return nil
}

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
	for i, part := range s.parts {
		if part.lookup != nil && p.Inputs[i].Tables == nil {
			return nil, inputf("%s: samples are pixels, but the program has no table for pixels: convert it from a model with preprocessing", printable.Name(s.set.Spec))
		}
		pixels = append(pixels, part.lookup != nil)
	}
	r, err := qrt.NewRunner(p, qrt.Options{Limits: limits})
	if err != nil {
		return nil, err
	}
	n := &integerNetwork{program: p, samples: s}
	for range runtime.GOMAXPROCS(0) {
		w := &integerWorker{entrance: newEntrance(p, r.Clone(), pixels)}
		for _, part := range s.parts {
			w.values = append(w.values, make([]float32, part.set.Elems()))
		}
		n.workers = append(n.workers, w)
	}
	return n, nil
}

func (n *integerNetwork) data() *samples { return n.samples }

func (n *integerNetwork) sizes() (input, output int) {
	p := n.program
	return p.SampleBytes(), p.Tensors[p.Outputs[0].Tensor].Elems()
}

func (n *integerNetwork) predict(ctx context.Context, from, to int, dst [][]float64) error {
	errs := make([]error, len(n.workers))
	var wg sync.WaitGroup
	for k, w := range n.workers {
		wg.Go(func() {
			for i := from + k; i < to && errs[k] == nil; i += len(n.workers) {
				if errs[k] = ctx.Err(); errs[k] == nil {
					errs[k] = n.one(w, i, dst[i-from])
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
	realValues(dst, outs[0], out)
	if norm := n.program.Normalization(0); norm != nil {
		norm.Apply(dst)
	}
	return nil
}

func (n *integerNetwork) run(w *integerWorker, i int) ([][]int32, error) {
	for k, part := range n.samples.parts {
		if w.pixels[k] {
			if err := part.set.Pixels(i, w.room(k)); err != nil {
				return nil, err
			}
			continue
		}
		if err := part.set.Floats(i, w.values[k]); err != nil {
			return nil, err
		}
		w.numbers(k, w.values[k])
	}
	return w.entrance.run()
}

// target is the inputs as the program sees them, in real values.
func (n *integerNetwork) target(i int, dst []float64) error {
	p := n.program
	for k, part := range n.samples.parts {
		size := part.set.Elems()
		values := dst[:size]
		dst = dst[size:]
		if part.lookup == nil {
			floats := make([]float32, size)
			if err := part.set.Floats(i, floats); err != nil {
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
		if err := part.set.Pixels(i, pixels); err != nil {
			return err
		}
		enterPixels(levels, pixels, in)
		channel := size / t.Shape[0]
		for e, v := range levels {
			values[e] = math.Ldexp(t.Scale.Float(), inputShift(in, e/channel)) * float64(int(v)-t.Zero)
		}
	}
	return nil
}

// realValues turns the integers of an output into the numbers they stand for.
func realValues(dst []float64, values []int32, t *qrt.Tensor) {
	step, zero := t.Scale.Float(), int32(0)
	if t.Levels > 0 {
		zero = int32(t.Zero)
	}
	for i, v := range values {
		dst[i] = step * float64(v-zero)
	}
}
