package runtime

import (
	"slices"
	"strings"
	"testing"

	"qconv/runtime/internal/kernel"
)

func TestKernelEnvironment(t *testing.T) {
	p := allProgram()
	in := make([]byte, p.Tensors[p.Inputs[0].Tensor].Elems())
	GenerateInput(3, in, p.Tensors[p.Inputs[0].Tensor].Levels)
	var want [][]int32
	for _, c := range []struct{ environment, option string }{
		{kernelGeneric, ""}, {"", kernelGeneric}, {kernelPortable, ""}, {"", kernelPortable}, {"", ""}, {"unknown", kernelPortable},
	} {
		t.Setenv(environment, c.environment)
		r := mustRunner(t, p, Options{Kernel: c.option})
		got, err := r.RunLevels(in)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			for _, out := range got {
				want = append(want, slices.Clone(out))
			}
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%+v: output %d differs", c, i)
			}
		}
		generic := c.environment == kernelGeneric || c.option == kernelGeneric
		for i, l := range r.Layers() {
			if _, linear := p.Instrs[i].(*Linear); linear && generic && l.Kernel != kernel.NameLookup {
				t.Errorf("%+v: %s runs on %s, want %s", c, l.Name, l.Kernel, kernel.NameLookup)
			}
		}
	}
	t.Setenv(environment, "fast")
	if _, err := NewRunner(p, Options{}); err == nil || !strings.Contains(err.Error(), environment) {
		t.Errorf("unknown kernel in the environment: got error %v", err)
	}
}
