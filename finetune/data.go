package finetune

import (
	"context"
	"fmt"
	"slices"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
)

// Data is a set of samples. Its methods are safe for concurrent use.
type Data interface {
	// Len is the number of samples.
	Len() int
	// Shapes are the shapes of one sample, without a batch dimension, for each input of the network.
	Shapes() [][]int
	// Input writes the network's inputs for sample i, preprocessed, in row-major order, one after the other.
	Input(i int, dst []float32) error
	// Label is the class of sample i, or -1 when it has none.
	Label(i int) int
}

// Varying is implemented by data whose samples are others in every epoch of [Tune] (augmentation).
// What the teacher says of a sample is then not kept.
type Varying interface {
	Data
	// InputIn is Input for an epoch, counted from 0.
	InputIn(epoch, i int, dst []float32) error
}

// Targeted is implemented by data whose samples may say which numbers the first output should be, as those of regression do.
type Targeted interface {
	// Target is what the output of sample i should be, in row-major order. It is nil for all samples, or for none. It must not be changed.
	Target(i int) []float32
}

// Stepped is implemented by data whose samples may have a class for every step of a sequence, for networks whose first output has scores of classes for each, see [ClassSteps].
type Stepped interface {
	// StepLabel are the classes of the steps of sample i, -1 for a step that has none. It is nil for all samples, or for none. It must not be changed.
	StepLabel(i int) []int
}

// steppedOf are the classes of steps that data have, which has at least one sample, or nil.
func steppedOf(data any) Stepped {
	if s, ok := data.(Stepped); ok && s.StepLabel(0) != nil {
		return s
	}
	return nil
}

// classes are those of every step of the samples, of which each has so many: -1 for all where the data have not as many.
func (b *batch) classes(steps int) []int {
	if len(b.labels) == steps*len(b.indices) {
		return b.labels
	}
	return slices.Repeat([]int{-1}, steps*len(b.indices))
}

// labelsOf are the classes of the steps of sample i, -1 for none. It fails where the data have classes of another number of steps.
func labelsOf(data Labels, i, steps int) ([]int, error) {
	if stepped := steppedOf(data); stepped != nil {
		labels := stepped.StepLabel(i)
		if len(labels) != steps {
			return nil, fmt.Errorf("finetune: data: sample %d has classes of %d steps, the network has outputs for %d, want one class for each", i, len(labels), steps)
		}
		return labels, nil
	}
	label := data.Label(i)
	if steps > 1 && label >= 0 {
		return nil, fmt.Errorf("finetune: data: sample %d has one class, the network has outputs for each of %d steps, want a class for each, or none", i, steps)
	}
	return slices.Repeat([]int{label}, steps), nil
}

// targetsOf are the targets of data, which has at least one sample, or nil.
func targetsOf(data any) Targeted {
	if t, ok := data.(Targeted); ok && t.Target(0) != nil {
		return t
	}
	return nil
}

// visit is one sample in one epoch.
type visit struct{ epoch, sample int }

// batch is some samples, one after the other.
type batch struct {
	visits  []visit
	indices []int       // of the samples
	inputs  [][]float32 // for each input of the network
	samples []float32   // as data write them
	labels  []int       // of the samples; of their steps, one after the other, where the data have these
	targets [][]float32 // of the samples, where the data have some
}

// checkData says why data does not fit the inputs of g.
func checkData(g *onnx.Graph, data Data) error {
	shapes := data.Shapes()
	if len(shapes) != len(g.Inputs) {
		return fmt.Errorf("finetune: data: samples for %d inputs, the network has %d", len(shapes), len(g.Inputs))
	}
	if data.Len() < 1 {
		return fmt.Errorf("finetune: data: no samples")
	}
	for i, in := range g.Inputs {
		if size(shapes[i]) != in.Shape.Elems() {
			return fmt.Errorf("finetune: data: a sample has shape %v, input %q wants %v", onnx.Shape(shapes[i]), in.Name, in.Shape)
		}
	}
	return nil
}

// eachBatch loads the batches that pick names, until it returns none, and calls use on each.
// The next batch is loaded while use works on the present one; use may not keep it.
func eachBatch(ctx context.Context, data Data, pick func(k int) []visit, use func(k int, b *batch) error) error {
	type loaded struct {
		b   *batch
		err error
	}
	var sizes []int // by input
	for _, shape := range data.Shapes() {
		sizes = append(sizes, size(shape))
	}
	ready := make(chan loaded)
	free := make(chan *batch, 2)
	free <- &batch{}
	free <- &batch{}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		defer close(ready)
		for k := 0; ; k++ {
			var b *batch
			select {
			case b = <-free:
			case <-ctx.Done():
				return
			}
			b.visits = append(b.visits[:0], pick(k)...)
			if len(b.visits) == 0 {
				return
			}
			err := b.load(data, sizes)
			select {
			case ready <- loaded{b, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for k := 0; ; k++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l, ok := <-ready:
			if err := ctx.Err(); err != nil || !ok {
				return err
			}
			if l.err != nil {
				return l.err
			}
			if err := use(k, l.b); err != nil {
				return err
			}
			free <- l.b
		}
	}
}

// load fills inputs and labels for the visits; sizes are the elements of a sample by input.
func (b *batch) load(data Data, sizes []int) error {
	elems := 0
	for _, n := range sizes {
		elems += n
	}
	b.samples = room(b.samples, len(b.visits)*elems)
	if len(sizes) == 1 {
		b.inputs = [][]float32{b.samples}
	} else {
		b.inputs = append(b.inputs, make([][]float32, len(sizes)-len(b.inputs))...)
		for i, n := range sizes {
			b.inputs[i] = room(b.inputs[i], len(b.visits)*n)
		}
	}
	errs := make([]error, len(b.visits))
	kernel.Parallel(len(b.visits), func(k int) {
		v, dst := b.visits[k], b.samples[k*elems:][:elems]
		if varying, ok := data.(Varying); ok {
			errs[k] = varying.InputIn(v.epoch, v.sample, dst)
		} else {
			errs[k] = data.Input(v.sample, dst)
		}
		for i, n := range sizes {
			if len(sizes) > 1 {
				copy(b.inputs[i][k*n:][:n], dst)
				dst = dst[n:]
			}
		}
	})
	b.indices, b.labels, b.targets = b.indices[:0], b.labels[:0], b.targets[:0]
	targets, stepped := targetsOf(data), steppedOf(data)
	for k, v := range b.visits {
		if errs[k] != nil {
			return fmt.Errorf("finetune: data: sample %d: %w", v.sample, errs[k])
		}
		b.indices = append(b.indices, v.sample)
		if stepped != nil {
			b.labels = append(b.labels, stepped.StepLabel(v.sample)...)
		} else {
			b.labels = append(b.labels, data.Label(v.sample))
		}
		if targets != nil {
			b.targets = append(b.targets, targets.Target(v.sample))
		}
	}
	return nil
}

// room is a slice of n elements, in the memory of s where it suffices.
func room(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// inOrder picks the given indices in batches of size.
func inOrder(indices []int, size int) func(k int) []visit {
	return func(k int) []visit {
		var out []visit
		for _, i := range indices[min(k*size, len(indices)):min((k+1)*size, len(indices))] {
			out = append(out, visit{sample: i})
		}
		return out
	}
}

// evenly picks at most limit of n indices, evenly spaced; limit 0 means all.
func evenly(n, limit int) []int {
	if limit <= 0 || limit > n {
		limit = n
	}
	out := make([]int, limit)
	for i := range out {
		out[i] = i * n / limit
	}
	return out
}
