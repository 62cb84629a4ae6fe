package runtime

import "time"

// Profile runs the program n times on a generated input and returns, for every
// instruction in the order of [Runner.Layers], the shortest time it took.
func (r *Runner) Profile(n int) []time.Duration {
	in := &r.p.Tensors[r.p.Input.Tensor]
	indices := make([]byte, in.Elems())
	GenerateInput(1, indices, in.Levels)
	times := make([]time.Duration, len(r.ops.list))
	for round := range n {
		copy(r.tensors[r.p.Input.Tensor], indices)
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
