package runtime

import "fmt"

// SampleBytes is the size of a sample, one byte for each element of every input.
func (p *Program) SampleBytes() int {
	n := 0
	for i := range p.Inputs {
		n += p.Tensors[p.Inputs[i].Tensor].Elems()
	}
	return n
}

// RunSample is [Runner.Run] for a sample as files hold it: the inputs one after the other,
// [Program.SampleBytes] bytes.
func (r *Runner) RunSample(sample []byte) ([][]int32, error) {
	want := 0
	for i := range r.p.Inputs {
		want += len(r.tensors[r.p.Inputs[i].Tensor])
	}
	if len(sample) != want {
		return nil, fmt.Errorf("runtime: run: the sample has %d bytes, want %d", len(sample), want)
	}
	for i := range r.p.Inputs {
		n := len(r.tensors[r.p.Inputs[i].Tensor])
		r.parts[i], sample = sample[:n:n], sample[n:]
	}
	return r.Run(r.parts...)
}
