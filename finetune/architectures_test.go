package finetune

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"

	"github.com/sbinet/npyio/npz"
)

// TestArchitectures compares whole networks with PyTorch. The exports are made by
// testdata/architectures.py in a folder that QCONV_ARCHITECTURES names.
func TestArchitectures(t *testing.T) {
	folder := os.Getenv("QCONV_ARCHITECTURES")
	if folder == "" {
		t.Skip("QCONV_ARCHITECTURES names no folder with the exports of testdata/architectures.py")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("folder %q holds no .onnx files (%v)", folder, err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(file, ".onnx")
		t.Run(filepath.Base(base), func(t *testing.T) {
			if _, err := os.Stat(base + ".ref.npz"); os.IsNotExist(err) {
				t.Skip("the reference beside the export is not there")
			}
			var x, y []float32
			f, err := npz.Open(base + ".ref.npz")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := f.Read("x0.npy", &x); err != nil {
				t.Fatal(err)
			}
			if err := f.Read("y0.npy", &y); err != nil {
				t.Fatal(err)
			}
			g, err := onnx.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := onnx.Simplify(g); err != nil {
				t.Fatal(err)
			}
			e, err := NewExecutor(g, len(x)/inputElems(g), ExecOptions{})
			if err != nil {
				t.Fatal(err)
			}
			compareNetwork(t, e, x, y)
		})
	}
}

// TestLightNetworks compares the ImageNet networks of the ONNX project whose weights are
// all alike. Their input is 0, 1, ..., n-1 over n, as in that project's runner.
func TestLightNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("networks with up to 61 million weights")
	}
	for _, name := range []string{"bvlc_alexnet", "resnet50", "squeezenet"} {
		t.Run(name, func(t *testing.T) {
			base := "models/light/light_" + name
			data, err := os.ReadFile(sharedFile(t, base+"_output_0.pb"))
			if err != nil {
				t.Fatal(err)
			}
			want, err := onnx.DecodeTensor(data)
			if err != nil {
				t.Fatal(err)
			}
			g, err := onnx.Read(sharedFile(t, base+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := onnx.Simplify(g); err != nil {
				t.Fatal(err)
			}
			e, err := NewExecutor(g, 1, ExecOptions{})
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, inputElems(g))
			for i := range x {
				x[i] = float32(float64(i) / float64(len(x)))
			}
			compareNetwork(t, e, x, want.Floats)
		})
	}
}

// compareNetwork runs a network on one batch and allows differences of 1e-4 of the largest
// output.
func compareNetwork(t *testing.T, e *Executor, x, y []float32) {
	t.Helper()
	got, err := e.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got[0]) != len(y) {
		t.Fatalf("got %d outputs of %d values, want 1 of %d", len(got), len(got[0]), len(y))
	}
	top, worst := 0.0, 0.0
	for i, w := range y {
		top = math.Max(top, math.Abs(float64(w)))
		d := math.Abs(float64(got[0][i]) - float64(w))
		if !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= 1e-4*top) {
		t.Errorf("largest difference %g, want at most 1e-4 of the largest output %g", worst, top)
	}
}
