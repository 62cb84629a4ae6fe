package main

import (
	"archive/zip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
	qrt "qconv/runtime"
)

// twoInputs writes a network of a picture [1,4,4], called "image", and two numbers, "state", with scores of three
// classes: a convolution, rectified, and the numbers go through one layer.
func twoInputs(t *testing.T, path string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 0))
	constant := func(name string, shape ...int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, elems(shape))}
		for i := range c.Floats {
			c.Floats[i] = float32(rng.NormFloat64() / 2)
		}
		return &onnx.Value{Name: name, Shape: shape, Const: c}
	}
	value := func(name string, shape ...int) *onnx.Value {
		return &onnx.Value{Name: name, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
	}
	image, state := value("image", 1, 4, 4), value("state", 2)
	conv, act, flat := value("conv", 3, 4, 4), value("act", 3, 4, 4), value("flat", 48)
	both, scores := value("both", 50), value("scores", 3)
	g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{image, state}, Outputs: []*onnx.Value{scores}, Nodes: []*onnx.Node{
		{Name: "conv", Op: &onnx.Conv{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1}, Groups: 1},
			Inputs: []*onnx.Value{image, constant("w", 3, 1, 3, 3)}, Outputs: []*onnx.Value{conv}},
		{Name: "relu", Op: &onnx.Relu{}, Inputs: []*onnx.Value{conv}, Outputs: []*onnx.Value{act}},
		{Name: "flatten", Op: &onnx.Flatten{Axis: 1}, Inputs: []*onnx.Value{act}, Outputs: []*onnx.Value{flat}},
		{Name: "concat", Op: &onnx.Concat{Axis: 1}, Inputs: []*onnx.Value{flat, state}, Outputs: []*onnx.Value{both}},
		{Name: "gemm", Op: &onnx.Gemm{Alpha: 1, Beta: 1, TransB: true}, Inputs: []*onnx.Value{both, constant("v", 3, 50), constant("b", 3)}, Outputs: []*onnx.Value{scores}},
	}}
	data, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// array is one array of an .npz.
type array struct {
	name   string
	shape  []int
	values []float32
}

// writeArchive writes an .npz of arrays of float32.
func writeArchive(t *testing.T, path string, arrays ...array) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z := zip.NewWriter(file)
	for _, a := range arrays {
		w, err := z.Create(a.name + ".npy")
		if err == nil {
			_, err = w.Write(encodeTensor(".npy", a.shape, a.values))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSeveralInputs takes a network of two inputs of very different range through the chain.
func TestSeveralInputs(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	twoInputs(t, at("two.onnx"))
	rng := rand.New(rand.NewPCG(6, 0))
	draw := func(n int, scale float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64() * scale)
		}
		return x
	}
	if err := os.Mkdir(at("train"), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, n int) {
		image, state := draw(16*n, 1), draw(2*n, 40)
		writeArchive(t, at(name), array{"image", []int{n, 1, 4, 4}, image}, array{"state", []int{n, 2}, state})
	}
	write("train/a.npz", 70)
	write("train/b.npz", 60)
	write("test.npz", 40)
	mustCall(t, "import", at("two.onnx"), "-o", at("two.q.onnx"))
	mustCall(t, "convert", at("two.q.onnx"), "--fast", "--calib", at("train"), "--levels", "256", "-o", at("two.qlut"))
	p, err := qrt.Open(at("two.qlut"))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Inputs) != 2 || p.Inputs[0].Name != "image" || p.Inputs[1].Name != "state" {
		t.Fatalf("inputs %+v", p.Inputs)
	}
	if a, b := p.Tensors[p.Inputs[0].Tensor].Scale.Float(), p.Tensors[p.Inputs[1].Tensor].Scale.Float(); b < 10*a {
		t.Errorf("steps of %g and %g, want one grid for each input", a, b)
	}
	want, err := outputsOf(at("two.q.onnx"), at("test.npz"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := outputsOf(at("two.qlut"), "image="+at("test.npz")+"#image", "state="+at("test.npz")+"#state")
	if err != nil {
		t.Fatal(err)
	}
	if err := compareOutputs(got, want, closely); err != nil {
		t.Error(err)
	}
	out := mustCall(t, "eval", at("two.qlut"), "--data", at("test.npz"), "--against", at("two.q.onnx"))
	if !strings.Contains(out, "agreement") {
		t.Errorf("eval says %s", out)
	}
	mustCall(t, "finetune", at("two.q.onnx"), "--data", at("train"), "--steps", "20", "--batch", "10", "--weights", "8", "-o", at("tuned.q.onnx"))
	mustCall(t, "convert", at("tuned.q.onnx"), "-o", at("tuned.qlut"))
	if got, err = outputsOf(at("tuned.qlut"), at("test.npz")); err != nil || len(got) != 1 || len(got[0].rows) != 40 {
		t.Errorf("%d outputs, %v", len(got), err)
	}
}

// TestSeveralInputsRefused gives data that do not fit the inputs of a network.
func TestSeveralInputsRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	twoInputs(t, at("two.onnx"))
	one := func(name string, n, size int) array { return array{name, []int{n, size}, make([]float32, n*size)} }
	writeArchive(t, at("lacks.npz"), one("image", 3, 16))
	writeArchive(t, at("counts.npz"), one("image", 3, 16), one("state", 2, 2))
	writeArchive(t, at("shape.npz"), one("image", 3, 16), one("state", 3, 5))
	if err := os.Mkdir(at("empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("x.npy"), encodeTensor("x.npy", []int{2, 16}, make([]float32, 32)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ data, want string }{
		{"lacks.npz", "no array state, want one for each of the inputs image, state, there are: image; --state state makes a state zeros"},
		{"counts.npz", "array state holds 2 samples, want 3 as in image"},
		{"shape.npz", "samples have shape [5], the network's input wants [2]"},
		{"empty", "holds no .npz file"},
		{"x.npy", "want an .npz file with the arrays image, state"},
		{"missing.npz", "no file or folder"},
	} {
		code, _, stderr := call("convert", at("two.onnx"), "--fast", "--calib", at(c.data), "-o", at("out.qlut"))
		if code != exitBadInput || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, %s; want %d and %q", c.data, code, stderr, exitBadInput, c.want)
		}
	}
	if list, err := filepath.Glob(at("out*")); err != nil || len(list) > 0 {
		t.Error(fmt.Errorf("left behind: %v (%w)", list, err))
	}
}
