package main

import (
	"path/filepath"
	"strings"
	"testing"

	"qconv/quant"
	qrt "qconv/runtime"
)

// TestSharedModels takes every pretrained model through the whole chain: its outputs must be
// those of its exporter's runtime before and after import, and the program made of it must
// equal the exact simulation on the reference inputs.
func TestSharedModels(t *testing.T) {
	models, err := filepath.Glob(filepath.Join(shared(t, "models"), "*.onnx"))
	if err != nil || len(models) == 0 {
		t.Fatalf("no models (%v)", err)
	}
	for _, model := range models {
		name := strings.TrimSuffix(filepath.Base(model), ".onnx")
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			imported, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.qlut")
			reference := strings.TrimSuffix(model, ".onnx") + ".ref.npz"
			mustCall(t, "import", model, "-o", imported)
			for _, m := range []string{model, imported} {
				mustCall(t, "run", m, "--input", reference+"#x0", "--expect", reference+"#y0", "--atol", "1e-4")
			}
			mustCall(t, "convert", imported, "--calib", reference+"#x0", "--weights", "32", "-o", program)
			p, err := qrt.Open(program)
			if err != nil {
				t.Fatal(err)
			}
			runner, err := qrt.NewRunner(p, qrt.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := runner.SelfTest(); err != nil {
				t.Error(err)
			}
			in := p.Tensors[p.Inputs[0].Tensor]
			indices := make([]byte, in.Elems())
			for seed := uint32(100); seed < 102; seed++ {
				qrt.GenerateInput(seed, indices, in.Levels)
				want, err := quant.Simulate(p, indices)
				if err != nil {
					t.Fatal(err)
				}
				got, err := runner.RunLevels(indices)
				if err != nil {
					t.Fatal(err)
				}
				for i := range want[0] {
					if got[0][i] != want[0][i] {
						t.Fatalf("seed %d: output %d is %d, the simulation has %d", seed, i, got[0][i], want[0][i])
					}
				}
			}
		})
	}
}
