package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

// writeFeatures makes a perceptron for features whose ranges run from 1 to 1000, and data for it.
func writeFeatures(t *testing.T) (model, data string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	const features = 7
	constant := func(name string, f func(i int) float64, shape ...int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, onnx.Shape(shape).Elems())}
		for i := range c.Floats {
			c.Floats[i] = float32(f(i) * rng.NormFloat64())
		}
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: shape, Const: c}
	}
	reach := func(i int) float64 { return math.Pow(1000, float64(i%features)/(features-1)) }
	one := func(int) float64 { return 1 }
	value := func(name string, size int) *onnx.Value {
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: onnx.Shape{onnx.Batch, size}}
	}
	x, h, r, y := value("x", features), value("h", 12), value("r", 12), value("y", 3)
	gemm := &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
	g := &onnx.Graph{Name: "features", Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{
		{Name: "first", Op: gemm, Inputs: []*onnx.Value{x, constant("w1", func(i int) float64 { return 1 / reach(i) }, 12, features)}, Outputs: []*onnx.Value{h}},
		{Name: "relu", Op: &onnx.Relu{}, Inputs: []*onnx.Value{h}, Outputs: []*onnx.Value{r}},
		{Name: "second", Op: gemm, Inputs: []*onnx.Value{r, constant("w2", one, 3, 12)}, Outputs: []*onnx.Value{y}},
	}}
	file, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model = filepath.Join(dir, "features.onnx")
	if err := os.WriteFile(model, file, 0o666); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range features {
		fmt.Fprintf(&text, "f%d,", i)
	}
	fmt.Fprintln(&text, "label")
	for range 200 {
		for i := range features {
			fmt.Fprintf(&text, "%g,", reach(i)*rng.Float64())
		}
		fmt.Fprintln(&text, 0)
	}
	data = filepath.Join(dir, "features.csv")
	if err := os.WriteFile(data, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return model, data
}

// TestLosses wants convert to say what is lost, to warn where that is much, and features of very different range
// not to be lost.
func TestLosses(t *testing.T) {
	model, data := writeFeatures(t)
	dir := filepath.Dir(model)
	stored, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.qlut")
	mustCall(t, "import", model, "-o", stored)
	var r convertReport
	mustJSON(t, &r, "convert", stored, "--calib", data, "--levels", "256", "-o", program)
	if len(r.Losses) != 1 || r.Losses[0].Output != "y" || !(r.Losses[0].NRMSE < largeLoss) {
		t.Errorf("got losses %+v, want one of y below %g", r.Losses, largeLoss)
	}
	var e evalReport
	mustJSON(t, &e, "eval", program, "--data", data, "--against", stored)
	if *e.Agreement < 0.97 {
		t.Errorf("the program agrees with the float network on %.0f %% of the samples, want 97 %%", 100**e.Agreement)
	}
	code, _, stderr := call("convert", stored, "--calib", data, "--levels", "2", "-o", program)
	if code != 0 || !strings.Contains(stderr, `warning: output y: signal-to-noise`) || !strings.Contains(stderr, "first lost at first") {
		t.Errorf("2 levels: exit code %d, %q; want a warning that names the output and the first layer", code, stderr)
	}
}

// TestTunedFeatures trains a balanced model, stores it, and wants its program to equal it.
func TestTunedFeatures(t *testing.T) {
	model, data := writeFeatures(t)
	dir := filepath.Dir(model)
	stored, tuned, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "t.q.onnx"), filepath.Join(dir, "t.qlut")
	mustCall(t, "import", model, "-o", stored)
	mustCall(t, "finetune", stored, "--data", data, "--loss", "teacher", "--levels", "256", "--weights", "64", "--steps", "5", "-o", tuned)
	mustCall(t, "convert", tuned, "-o", program)
	var e evalReport
	mustJSON(t, &e, "eval", program, "--data", data, "--against", tuned)
	if *e.Agreement < 0.99 {
		t.Errorf("program and model agree on %.1f %% of the samples, want 99 %%", 100**e.Agreement)
	}
	mustJSON(t, &e, "eval", tuned, "--data", data, "--against", stored)
	for _, l := range e.Against.Layers {
		if l.SNR < 15 {
			t.Errorf("value %q has a signal-to-noise ratio of %.1f dB, want 15", l.Name, l.SNR)
		}
	}
}
