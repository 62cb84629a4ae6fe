package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	tab := table{left: 1}
	tab.add("layer", "MACs")
	tab.add("conv1", grouped(1234567))
	tab.add("é", grouped(-12))
	var b bytes.Buffer
	tab.print(&b)
	want := "layer       MACs\nconv1  1,234,567\né            -12\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestOutputName(t *testing.T) {
	for _, tt := range [][3]string{
		{"dir/m.onnx", ".q.onnx", "dir/m.q.onnx"},
		{"m.q.onnx", ".qlut", "m.qlut"},
		{"m.tuned.q.onnx", ".qlut", "m.tuned.qlut"},
		{"model", ".q.onnx", "model.q.onnx"},
	} {
		if got := outputName(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%s with %s: got %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

func TestCheckOutput(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.onnx")
	if err := os.WriteFile(in, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		code       int
	}{
		{"new file", filepath.Join(dir, "new"), exitOK},
		{"directory", dir, exitFailure},
		{"no such directory", filepath.Join(dir, "no", "new"), exitFailure},
		{"file as directory", filepath.Join(in, "new"), exitFailure},
		{"the input", in, exitUsage},
	}
	for _, tt := range tests {
		if err := checkOutput(tt.path, in); exitCode(err) != tt.code {
			t.Errorf("%s: got %v (exit %d), want exit %d", tt.name, err, exitCode(err), tt.code)
		}
	}
}

func TestCheckedWriter(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer f.Close()
	w := &checkedWriter{w: f}
	for range 2 {
		if _, err := w.Write([]byte("x")); err == nil {
			t.Fatal("writing to a full disk gives no error")
		}
	}
	var pathErr *fs.PathError
	if !errors.As(w.err, &pathErr) {
		t.Fatalf("got %v, want the error of the file", w.err)
	}
}

func TestProgressLine(t *testing.T) {
	p := newProgress(nil, "finetune", "steps", 300)
	p.first = 100
	got := p.line(160, 30*time.Second, []string{"loss 0.41"})
	want := "finetune: 160/300 steps, 2 steps/s, loss 0.41, ETA 1m10s"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := p.line(100, 0, nil); got != "finetune: 100/300 steps" {
		t.Errorf("without any rate: got %q", got)
	}
}
