package runtime

import "time"

// Watch is [Runner.Run] that calls after when the inputs are in place, for 0, and behind every instruction, for how many
// of [Runner.Layers] are done.
func (r *Runner) Watch(after func(done int), inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, false); err != nil {
		return nil, err
	}
	r.enter(inputs)
	after(0)
	for i, o := range r.ops.list {
		r.execute(o)
		after(i + 1)
	}
	return r.leave(), nil
}

// Profile runs the program n times on generated inputs and returns, for every
// instruction in the order of [Runner.Layers], the shortest time it took.
func (r *Runner) Profile(n int) []time.Duration {
	inputs := r.p.GenerateInputs(1)
	times := make([]time.Duration, len(r.ops.list))
	for round := range n {
		for i, indices := range inputs {
			copy(r.tensors[r.p.Inputs[i].Tensor], indices)
		}
		for i, o := range r.ops.list {
			start := time.Now()
			r.execute(o)
			if d := time.Since(start); round == 0 || d < times[i] {
				times[i] = d
			}
		}
	}
	return times
}
