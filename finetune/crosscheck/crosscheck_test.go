package crosscheck

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

func sharedModel(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../shared/models", name+".onnx"))
	if err != nil {
		t.Skipf("shared model %s is not there", name)
	}
	return data
}

func TestRun(t *testing.T) {
	cases := []struct{ model, operator, reason string }{
		{"mnist_mlp", "", ""},
		{"mnist_mlp_tanh", "", ""},
		{"mnist_lenet", "", ""},
		{"mnist_autoencoder", "", ""},
		{"mnist_conv_autoencoder", "ConvTranspose", "not implemented"},
		{"resnet8_cifar10", "Pad", "not implemented"},
		{"ad_autoencoder", "Batchnormalization", "not implemented"},
		{"vww_mobilenetv1_025", "", "conv: "}, // grouped convolution
	}
	for _, c := range cases {
		t.Run(c.model, func(t *testing.T) {
			check, err := Run(sharedModel(t, c.model), 1, onnx.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if c.reason == "" {
				if !check.Agrees() || check.Outputs == 0 || check.Largest == 0 {
					t.Errorf("got %+v, want agreement", check)
				}
				return
			}
			if check.Supported || check.Agrees() || check.Operator != c.operator || !strings.Contains(check.Reason, c.reason) {
				t.Errorf("got %+v, want operator %q and a reason with %q", check, c.operator, c.reason)
			}
		})
	}
}

func TestRunBadFile(t *testing.T) {
	if _, err := Run([]byte("not a model"), 1, onnx.ReadOptions{}); err == nil {
		t.Error("no error for a file that is no model")
	}
}

func TestCompare(t *testing.T) {
	nan := float32(math.NaN())
	cases := []struct {
		name         string
		ours, theirs [][]float32
		agrees       bool
	}{
		{"equal", [][]float32{{1, 2}, {3}}, [][]float32{{1, 2}, {3}}, true},
		{"rounding of large outputs", [][]float32{{1000}}, [][]float32{{1000.5}}, true},
		{"different", [][]float32{{0.5}}, [][]float32{{0.51}}, false},
		{"not a number", [][]float32{{1, 2}}, [][]float32{{nan, 2}}, false},
		{"other size", [][]float32{{1, 2}}, [][]float32{{1}}, false},
	}
	for _, c := range cases {
		if got := compare(c.ours, c.theirs); got.Agrees() != c.agrees {
			t.Errorf("%s: got %+v, want agreement %v", c.name, got, c.agrees)
		}
	}
}
