package main

import (
	"context"
	"math"
	"runtime"
	"sync"

	"qconv/finetune"
	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/picture"
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
	in      []float32
}

func newFloatNetwork(g *onnx.Graph, levels map[string]quant.Levels, s *samples) (*floatNetwork, error) {
	exec, err := finetune.NewExecutor(g, finetune.BatchFor(g, floatBatch), finetune.ExecOptions{Levels: levels})
	if err != nil {
		return nil, err
	}
	return &floatNetwork{exec: exec, graph: g, levels: levels, samples: s, in: make([]float32, floatBatch*s.set.Elems())}, nil
}

func (n *floatNetwork) data() *samples { return n.samples }

func (n *floatNetwork) sizes() (input, output int) {
	return n.graph.Inputs[0].Shape.Elems(), n.graph.Outputs[0].Shape.Elems()
}

func (n *floatNetwork) predict(ctx context.Context, from, to int, dst [][]float64) error {
	size := n.samples.set.Elems()
	for at := from; at < to; at += n.exec.Batch() {
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(n.exec.Batch(), to-at)
		for k := range count {
			if err := n.samples.Input(at+k, n.in[k*size:][:size]); err != nil {
				return err
			}
		}
		outs, err := n.exec.Run(n.in[:count*size])
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
	runner *qrt.Runner
	input  []byte
	planar []byte
	values []float32
}

func newIntegerNetwork(p *qrt.Program, s *samples, limits qrt.Limits) (*integerNetwork, error) {
	if s.set.Kind == dataset.Pixels && p.Inputs[0].Tables == nil {
		return nil, inputf("%s: samples are pixels, but the program has no table for pixels: convert it from a model with preprocessing", printable.Name(s.set.Spec))
	}
	r, err := qrt.NewRunner(p, qrt.Options{Limits: limits})
	if err != nil {
		return nil, err
	}
	n := &integerNetwork{program: p, samples: s}
	size := s.set.Elems()
	for range runtime.GOMAXPROCS(0) {
		n.workers = append(n.workers, &integerWorker{r.Clone(), make([]byte, size), make([]byte, size), make([]float32, size)})
	}
	return n, nil
}

func (n *integerNetwork) data() *samples { return n.samples }

func (n *integerNetwork) sizes() (input, output int) {
	p := n.program
	return p.Tensors[p.Inputs[0].Tensor].Elems(), p.Tensors[p.Outputs[0].Tensor].Elems()
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
	p := n.program
	if n.samples.set.Kind == dataset.Pixels {
		if err := n.samples.set.Pixels(i, w.planar); err != nil {
			return nil, err
		}
		return w.runner.Run(fileOrder(p, w.planar, w.input))
	}
	if err := n.samples.set.Floats(i, w.values); err != nil {
		return nil, err
	}
	toLevels(w.input, w.values, p)
	return w.runner.RunLevels(w.input)
}

// target is the input as the program sees it, in real values.
func (n *integerNetwork) target(i int, dst []float64) error {
	p := n.program
	in := &p.Tensors[p.Inputs[0].Tensor]
	if n.samples.set.Kind != dataset.Pixels {
		values := make([]float32, len(dst))
		err := n.samples.set.Floats(i, values)
		for k, v := range values {
			dst[k] = float64(v)
		}
		return err
	}
	pixels := make([]byte, len(dst))
	if err := n.samples.set.Pixels(i, pixels); err != nil {
		return err
	}
	plane := len(pixels) / len(p.Inputs[0].Tables)
	channel := len(pixels) / in.Shape[0]
	for k, v := range pixels {
		step := math.Ldexp(in.Scale.Float(), inputShift(p, k/channel))
		dst[k] = step * float64(int(p.Inputs[0].Tables[k/plane][v])-in.Zero)
	}
	return nil
}

// programShape is the shape of one sample as data sets know it: [C,H,W], or [features]
// for a plain vector.
func programShape(p *qrt.Program) []int {
	s := p.Tensors[p.Inputs[0].Tensor].Shape
	if s[1] == 1 && s[2] == 1 {
		return []int{s[0]}
	}
	return s[:]
}

// fileOrder puts pixels [C][H][W] into the order the program takes them in; buffer has
// room for them.
func fileOrder(p *qrt.Program, pixels, buffer []byte) []byte {
	if !p.Inputs[0].Interleaved {
		return pixels
	}
	picture.Interleave(buffer, pixels, p.Tensors[p.Inputs[0].Tensor].Shape[0])
	return buffer
}

// toLevels rounds real values to the levels of a program's input.
func toLevels(dst []byte, values []float32, p *qrt.Program) {
	t := &p.Tensors[p.Inputs[0].Tensor]
	levels := quant.Levels{Count: t.Levels, Step: t.Scale.Float(), Zero: t.Zero, Stride: 1}
	plane := t.Elems() / t.Shape[0]
	for i, v := range values {
		dst[i] = byte(levels.Index(math.Ldexp(float64(v), -inputShift(p, i/plane))))
	}
}

// inputShift is the power of two by which a step of the input is larger in a channel.
func inputShift(p *qrt.Program, channel int) int {
	if p.Inputs[0].Shifts == nil {
		return 0
	}
	return int(p.Inputs[0].Shifts[channel])
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
