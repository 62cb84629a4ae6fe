package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

// TestOneSample imports networks whose nodes move an open batch: those that treat samples by themselves are taken for one,
// the others are refused as before.
func TestOneSample(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(m *modelText)
		taken bool
	}{
		{"positions first, and back", func(m *modelText) {
			m.floats("w", 0.25, 4, 5)
			m.node("Transpose", "x", "a", "perm=1,0,2")
			m.node("MatMul", "a w", "b")
			m.node("Softmax", "b", "c", "axis=-1")
			m.node("Transpose", "c", "y", "perm=1,0,2")
		}, true},
		{"joined with positions", func(m *modelText) {
			m.node("Shape", "x", "s")
			m.integers("flat", -1, 4)
			m.node("Reshape", "x flat", "a")
			m.node("Transpose", "a", "b", "perm=1,0")
			m.node("Relu", "b", "c")
			m.node("Transpose", "c", "d", "perm=1,0")
			m.node("Reshape", "d s", "y")
		}, true},
		{"joined with zeros of as many samples", func(m *modelText) {
			m.node("Shape", "x", "s")
			m.node("ConstantOfShape", "s", "z")
			m.node("Concat", "x z", "a", "axis=2")
			m.node("Relu", "a", "y")
		}, true},
		{"attention between samples", func(m *modelText) {
			m.node("Transpose", "x", "a", "perm=1,0,2")
			m.node("Softmax", "a", "b", "axis=1")
			m.node("Transpose", "b", "y", "perm=1,0,2")
		}, false},
		{"less the mean of the samples", func(m *modelText) {
			m.node("ReduceMean", "x", "a", "axes=0,")
			m.node("Sub", "x a", "y")
		}, false},
		{"samples are gone", func(m *modelText) { m.node("Transpose", "x", "y", "perm=1,0,2") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &modelText{input: "7,3,4"}
			c.build(m)
			m.output("y")
			text := strings.Replace(m.String(), "dim{dim_value:7}", "dim{dim_param:'N'}", 1)
			dir := t.TempDir()
			in, out := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "m.q.onnx")
			if err := os.WriteFile(in, modelFile(t, modelMessage(t, text)), 0o644); err != nil {
				t.Fatal(err)
			}
			var said, errs strings.Builder
			code := run([]string{"qconv", "import", in, "-o", out}, strings.NewReader(""), &said, &errs)
			if !c.taken {
				if code != exitUnsupported || !strings.Contains(errs.String(), "batch") {
					t.Fatalf("exit code %d, %s; want %d and what happens to the batch", code, errs.String(), exitUnsupported)
				}
				return
			}
			if code != exitOK || !strings.Contains(errs.String(), "for one sample") {
				t.Fatalf("exit code %d, %s; want %d and a warning", code, errs.String(), exitOK)
			}
			g, err := onnx.Read(out)
			if err != nil || !g.Inputs[0].Shape.Equal(onnx.Shape{onnx.Batch, 3, 4}) && !g.Inputs[0].Shape.Equal(onnx.Shape{1, 3, 4}) {
				t.Fatalf("%v, %+v", err, g)
			}
		})
	}
}
