package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"qconv/quant"
	qrt "qconv/runtime"
)

// insides are the values inside a network that have levels in the program made of it, and what the program delivers.
type insides interface {
	values() []insideValue
	// run computes some samples.
	run(samples []int) error
	// read writes value i of the k-th of these samples to dst, in real numbers as the network that was imported has them.
	read(i, k int, dst []float64)
	// levels are the levels of value i of the k-th of these samples, and how many there are; nil where it has none.
	levels(i, k int) ([]byte, int)
}

// insideValue describes one of them. Elements come by channel. One in the body of a loop is that of the last iteration.
type insideValue struct {
	name            string
	layer           string // the node, or the instruction of a program, that makes it; empty where that has no name
	elems, channels int
	output          int // the output that it is, or -1
}

// eachInside runs count of all samples, evenly spread, through networks, some at a time, and calls look for every n of them.
func eachInside(ctx context.Context, nets []insides, count, all int, look func(n int)) error {
	batch := insideBatch
	for _, net := range nets {
		elems := 0
		for _, v := range net.values() {
			elems += v.elems
		}
		batch = max(1, min(batch, heldElems/max(elems, 1)))
	}
	for from := 0; from < count; from += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		var samples []int
		for k := from; k < min(from+batch, count); k++ {
			samples = append(samples, k*all/count)
		}
		for _, net := range nets {
			if err := net.run(samples); err != nil {
				return err
			}
		}
		look(len(samples))
	}
	return nil
}

// At most insideBatch samples are computed at a time, and at most heldElems values held of them where that is more than one sample.
const (
	insideBatch = 16
	heldElems   = 1 << 24
)

// insidesOf are those of a network; nil where it has no integer form.
func insidesOf(net network) (insides, error) {
	switch n := net.(type) {
	case *floatNetwork:
		if n.model == nil {
			return nil, nil
		}
		return newFloatInsides(n), nil
	case *integerNetwork:
		return newProgramInsides(n), nil
	}
	return nil, fmt.Errorf("BUG: insides of a %T", net)
}

// floatInsides are those of an ONNX network: its sites, and the outputs that are none.
type floatInsides struct {
	net    *floatNetwork
	list   []insideValue
	names  []string // of the values in the graph
	buffer *sampleBuffer
	batch  int
	held   [][]float32 // by value, of the latest samples, as the network has them
	count  int         // of these samples
}

func newFloatInsides(n *floatNetwork) *floatInsides {
	f := &floatInsides{net: n, batch: min(n.exec.Batch(), insideBatch)}
	f.buffer = newSampleBuffer(n.samples, f.batch)
	layers := map[string]string{}
	for _, l := range n.model.Layers() {
		if l.Site != nil {
			layers[l.Site.Name] = l.Name
		}
	}
	for _, s := range n.model.Sites {
		f.names = append(f.names, s.Value.Name)
		f.list = append(f.list, insideValue{name: s.Imported(), layer: layers[s.Value.Name], elems: s.Value.Shape.Elems(), channels: quant.Channels(s.Value), output: -1})
	}
	for k, v := range quant.Delivered(n.graph) {
		if i := slices.Index(f.names, v.Name); i >= 0 {
			f.list[i].output = k
			continue
		}
		f.names = append(f.names, v.Name)
		f.list = append(f.list, insideValue{name: v.Name, elems: v.Shape.Elems(), channels: quant.Channels(v), output: k})
	}
	f.held = make([][]float32, len(f.list))
	return f
}

func (f *floatInsides) values() []insideValue { return f.list }

func (f *floatInsides) run(samples []int) error {
	f.count = len(samples)
	for i := range f.held {
		f.held[i] = f.held[i][:0]
	}
	for part := range slices.Chunk(samples, f.batch) {
		inputs, err := f.buffer.load(len(part), func(k int) int { return part[k] })
		if err != nil {
			return err
		}
		if _, err := f.net.exec.Run(inputs...); err != nil {
			return err
		}
		for i, name := range f.names {
			f.held[i] = append(f.held[i], f.net.exec.Value(name)...)
		}
	}
	return nil
}

func (f *floatInsides) read(i, k int, dst []float64) {
	for e := range dst {
		dst[e] = math.NaN() // a value that the executor does not hold
	}
	gains := f.net.balance[f.names[i]]
	for e, v := range f.of(i, k) {
		dst[e] = float64(v)
		if len(gains) > 0 {
			dst[e] = math.Ldexp(dst[e], -gains[e/(len(dst)/len(gains))])
		}
	}
}

// of is value i of the k-th sample, empty where the executor does not hold it.
func (f *floatInsides) of(i, k int) []float32 {
	n := f.list[i].elems
	all := len(f.held[i]) / max(f.count, 1) // of a sample, in all iterations
	if all < n {
		return nil
	}
	return f.held[i][(k+1)*all-n:][:n]
}

func (f *floatInsides) levels(i, k int) ([]byte, int) {
	l, ok := f.net.levels[f.names[i]]
	if !ok {
		return nil, 0
	}
	values := f.of(i, k)
	indices := make([]byte, len(values))
	for e, v := range values {
		indices[e] = byte(l.Index(float64(v)) / l.Stride)
	}
	return indices, l.Count
}

// programInsides are those of a program: its inputs, what instructions write, and outputs of accumulators.
type programInsides struct {
	net     *integerNetwork
	worker  *integerWorker
	list    []insideValue
	tensors []int
	held    [][][]byte  // levels by sample and value; nil for accumulators
	accs    [][][]int32 // by sample and output
}

func newProgramInsides(n *integerNetwork) *programInsides {
	p := n.program
	r := &programInsides{net: n, worker: n.workers[0]}
	outputs := map[int]int{}
	for k, o := range p.Outputs {
		if _, ok := outputs[o.Tensor]; !ok {
			outputs[o.Tensor] = k
		}
	}
	add := func(tensor int, name string) {
		t := &p.Tensors[tensor]
		v := insideValue{name: name, layer: name, elems: t.Elems(), channels: t.Shape[0], output: -1}
		if k, ok := outputs[tensor]; ok {
			v.output = k
		} else if t.Levels == 0 {
			return // read by an ArgMax
		}
		r.list, r.tensors = append(r.list, v), append(r.tensors, tensor)
	}
	for i := range p.Inputs {
		name := p.Inputs[i].Name
		if name == "" {
			name = "input"
		}
		add(p.Inputs[i].Tensor, name)
	}
	for i, l := range n.workers[0].runner.Layers() {
		add(p.Instrs[i].Dst(), l.Name)
	}
	return r
}

func (r *programInsides) values() []insideValue { return r.list }

func (r *programInsides) run(samples []int) error {
	p := r.net.program
	r.held, r.accs = make([][][]byte, len(samples)), make([][][]int32, len(samples))
	written := map[int]int{} // value by tensor
	for i, t := range r.tensors {
		written[t] = i
	}
	for k, sample := range samples {
		held := make([][]byte, len(r.tensors))
		if err := r.net.enter(r.worker, sample); err != nil {
			return err
		}
		keep := func(tensor int) {
			if i, ok := written[tensor]; ok && p.Tensors[tensor].Levels > 0 {
				held[i] = slices.Clone(r.worker.runner.Levels(tensor))
			}
		}
		outs, err := r.worker.watch(func(done int) {
			if done > 0 {
				keep(p.Instrs[done-1].Dst())
				return
			}
			for i := range p.Inputs {
				keep(p.Inputs[i].Tensor)
			}
		})
		if err != nil {
			return err
		}
		for _, out := range outs {
			r.accs[k] = append(r.accs[k], slices.Clone(out))
		}
		r.held[k] = held
	}
	return nil
}

func (r *programInsides) read(i, k int, dst []float64) {
	p, v := r.net.program, r.list[i]
	t := &p.Tensors[r.tensors[i]]
	if t.Levels == 0 {
		t.Real(dst, r.accs[k][v.output])
		return
	}
	in := inputOf(p, r.tensors[i])
	plane := v.elems / v.channels
	for e, level := range r.held[k][i] {
		dst[e] = t.Scale.Float() * float64(int(level)-t.Zero)
		if in != nil {
			dst[e] = math.Ldexp(dst[e], inputShift(in, e/plane))
		}
	}
}

func (r *programInsides) levels(i, k int) ([]byte, int) {
	return r.held[k][i], r.net.program.Tensors[r.tensors[i]].Levels
}

// inputOf is the input that a tensor is, or nil.
func inputOf(p *qrt.Program, tensor int) *qrt.Input {
	for i := range p.Inputs {
		if p.Inputs[i].Tensor == tensor {
			return &p.Inputs[i]
		}
	}
	return nil
}
