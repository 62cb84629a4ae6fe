package finetune

import (
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"

	"github.com/sbinet/npyio/npz"
)

// sequenceModels are recurrent and other networks over sequences, of several exporters.
var sequenceModels = []string{
	"DTLN__model_1", "DTLN__model_2", "NIDS__model", "attention", "frames_dense", "gru_2layers", "gru_bi", "gru_last", "gru_state", "gru_steps", "gtcrn__gtcrn_simple",
	"kws_conv_gru", "lstm_autoencoder", "lstm_bi_steps", "lstm_last", "lstm_state", "rnn_tanh", "tcn_causal",
}

// TestSequenceModels holds networks against ONNX Runtime, as they are read and simplified.
func TestSequenceModels(t *testing.T) {
	for _, name := range sequenceModels {
		for _, simplify := range []bool{false, true} {
			what := name
			if simplify {
				what += "/simplified"
			}
			t.Run(what, func(t *testing.T) {
				path := sharedFile(t, filepath.Join("sequences", name+".onnx"))
				g, err := onnx.Read(path)
				if err != nil {
					t.Fatal(err)
				}
				if simplify {
					if _, err := onnx.Simplify(g); err != nil {
						t.Fatal(err)
					}
				}
				f, err := npz.Open(strings.TrimSuffix(path, ".onnx") + ".ref.npz")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				inputs := make([][]float32, len(g.Inputs))
				for i, v := range g.Inputs {
					if err := f.Read("in."+v.Name+".npy", &inputs[i]); err != nil {
						t.Fatal(err)
					}
				}
				exec, err := NewExecutor(g, 2, ExecOptions{})
				if err != nil {
					t.Fatal(err)
				}
				got, err := exec.Run(inputs...)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range g.Outputs {
					var want []float32
					if err := f.Read("out."+v.Name+".npy", &want); err != nil {
						t.Fatal(err)
					}
					if d := largestDifference(got[i], want); !(d < 1e-4) || len(got[i]) != len(want) {
						t.Errorf("output %q: largest difference %g over %d of %d values", v.Name, d, len(got[i]), len(want))
					}
				}
			})
		}
	}
}
