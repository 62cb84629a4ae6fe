package runtime

import "fmt"

// SelfTest runs every self-test of the program and reports the first element that
// differs. It is nil if the program has none. The tests of a stream are single steps from states of their own; it is reset behind them.
func (r *Runner) SelfTest() error {
	defer r.Reset()
	for n, test := range r.p.SelfTests {
		outs, err := r.RunGenerated(test.Seed)
		if err != nil {
			return fmt.Errorf("runtime: self-test %d: %w", n, err)
		}
		want := test.Want
		for i, out := range outs {
			if len(want) < len(out) {
				return fmt.Errorf("runtime: self-test %d: %d elements are given, want those of all outputs", n, len(test.Want))
			}
			for j, v := range out {
				if v != want[j] {
					return fmt.Errorf("runtime: self-test %d: output %q: element %d is %d, want %d", n, r.p.Outputs[i].Name, j, v, want[j])
				}
			}
			want = want[len(out):]
		}
	}
	return nil
}

// RunGenerated is [Runner.RunLevels] for what [Program.GenerateStep] makes of seed: of a stream it is a step from states of its own. The
// stream is reset behind it.
func (r *Runner) RunGenerated(seed uint32) ([][]int32, error) {
	inputs, states := r.p.GenerateStep(seed)
	for i, levels := range states {
		copy(r.tensors[r.ops.states[i]], levels)
	}
	outs, err := r.StepLevels(inputs...)
	r.Reset()
	return outs, err
}
