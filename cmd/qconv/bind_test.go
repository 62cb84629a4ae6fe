package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

// TestBindAndPick imports a network of two inputs and two outputs with one of each.
func TestBindAndPick(t *testing.T) {
	shape := onnx.Shape{onnx.Batch, 3}
	x, gain := &onnx.Value{Name: "x", Shape: shape}, &onnx.Value{Name: "gain", Shape: shape}
	y, z := &onnx.Value{Name: "y", Shape: shape}, &onnx.Value{Name: "z", Shape: shape}
	g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x, gain}, Outputs: []*onnx.Value{y, z}, Nodes: []*onnx.Node{
		{Name: "mul", Op: &onnx.Mul{}, Inputs: []*onnx.Value{x, gain}, Outputs: []*onnx.Value{y}},
		{Name: "act", Op: &onnx.Sigmoid{}, Inputs: []*onnx.Value{y}, Outputs: []*onnx.Value{z}},
	}}
	data, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model := filepath.Join(dir, "two.onnx")
	if err := os.WriteFile(model, data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--bind gain=1/2 --output z -o m.q.onnx", exitOK, "m.q.onnx"},
		{"--bind gain=1/2 --output z --output n.q.onnx", exitOK, "n.q.onnx"},
		{"--bind gain=1/2 --output a.onnx -o b.onnx", exitUsage, "two files"},
		{"--bind gain", exitUsage, "NAME=NUMBER"},
		{"--bind gain=1 --bind gain=2", exitUsage, "bound twice"},
		{"--bind gain=missing.npy", exitBadInput, "missing.npy"},
		{"--bind volume=1", exitFailure, "no graph input"},
		{"--output w", exitFailure, `those of the file are "y", "z"`},
	} {
		args := append([]string{"qconv", "import", model}, strings.Fields(strings.NewReplacer(
			"m.q", filepath.Join(dir, "m.q"), "n.q", filepath.Join(dir, "n.q")).Replace(c.args))...)
		var out, errs strings.Builder
		if code := run(args, strings.NewReader(""), &out, &errs); code != c.code || !strings.Contains(out.String()+errs.String(), c.want) {
			t.Errorf("%s: exit code %d, %s%s; want %d and %q", c.args, code, out.String(), errs.String(), c.code, c.want)
		}
	}
	for _, name := range []string{"m.q.onnx", "n.q.onnx"} {
		g, err := onnx.Read(filepath.Join(dir, name))
		if err != nil || len(g.Inputs) != 1 || g.Inputs[0].Name != "x" || len(g.Outputs) != 1 || g.Outputs[0].Name != "z" {
			t.Errorf("%s: %v, %+v", name, err, g)
		}
	}
}

// TestRunSeveralInputs runs a network of two inputs of different shapes on named files and on one archive.
func TestRunSeveralInputs(t *testing.T) {
	x, b := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 3}}, &onnx.Value{Name: "b", Shape: onnx.Shape{onnx.Batch, 1}}
	y := &onnx.Value{Name: "y", Shape: x.Shape}
	g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x, b}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{
		{Name: "sub", Op: &onnx.Sub{}, Inputs: []*onnx.Value{x, b}, Outputs: []*onnx.Value{y}},
	}}
	data, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	model := file("two.onnx", data)
	xs := encodeTensor("x.npy", []int{2, 3}, []float32{0.5, 1.5, 2.5, 3.5, 4.5, 5.5})
	bs := encodeTensor("b.npy", []int{2, 1}, []float32{0.25, 10.25})
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for name, data := range map[string][]byte{"x.npy": xs, "b.npy": bs} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	xFile, bFile, both := file("x.npy", xs), file("b.npy", bs), file("both.npz", archive.Bytes())
	one := file("one.npy", encodeTensor("one.npy", []int{1, 1}, []float32{0.25}))
	three := file("three.npy", encodeTensor("three.npy", []int{3, 1}, make([]float32, 3)))
	for _, c := range []struct {
		inputs []string
		code   int
		want   string
	}{
		{[]string{"b=" + bFile, "x=" + xFile}, exitOK, "-6.75"},
		{[]string{both}, exitOK, "-6.75"},
		{[]string{"x=" + xFile}, exitUsage, `no file for input "b"`},
		{[]string{xFile}, exitUsage, "NAME=FILE"},
		{[]string{"x=" + xFile, "x=" + xFile}, exitUsage, "given twice"},
		{[]string{"x=" + xFile, "b=" + one}, exitOK, "5.25"}, // one for both
		{[]string{"x=" + xFile, "b=" + three}, exitBadInput, "holds 2 samples for input x, want 3"},
		{nil, exitUsage, "is required"},
	} {
		args := []string{"qconv", "run", model, "--json"}
		for _, in := range c.inputs {
			args = append(args, "--input", in)
		}
		var out, errs strings.Builder
		if code := run(args, strings.NewReader(""), &out, &errs); code != c.code || !strings.Contains(out.String()+errs.String(), c.want) {
			t.Errorf("%v: exit code %d, %s%s; want %d and %q", c.inputs, code, out.String(), errs.String(), c.code, c.want)
		}
	}
}
