package runtime

import "fmt"

// SelfTest runs every self-test of the program and reports the first element that
// differs. It is nil if the program has none.
func (r *Runner) SelfTest() error {
	for n, test := range r.p.SelfTests {
		outs, err := r.RunLevels(r.p.GenerateInputs(test.Seed)...)
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
