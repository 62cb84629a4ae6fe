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
	if err := r.split(sample); err != nil {
		return nil, err
	}
	return r.Run(r.parts...)
}

// StepSample is [Runner.Step] for a sample as files hold it.
func (r *Runner) StepSample(sample []byte) ([][]int32, error) {
	if err := r.split(sample); err != nil {
		return nil, err
	}
	return r.Step(r.parts...)
}

// split makes parts of the inputs in a sample.
func (r *Runner) split(sample []byte) error {
	want := 0
	for i := range r.p.Inputs {
		want += len(r.tensors[r.p.Inputs[i].Tensor])
	}
	if len(sample) != want {
		return fmt.Errorf("runtime: run: the sample has %d bytes, want %d", len(sample), want)
	}
	for i := range r.p.Inputs {
		n := len(r.tensors[r.p.Inputs[i].Tensor])
		r.parts[i], sample = sample[:n:n], sample[n:]
	}
	return nil
}
