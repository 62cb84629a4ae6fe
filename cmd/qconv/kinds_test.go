package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
)

// signals writes a network of signals [3,32] with scores of three classes, "class", and two numbers, "level"; and signals with the classes that it gives
// them.
func signals(t *testing.T, dir string, count int) (model, data string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 0))
	constant := func(name string, shape ...int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, elems(shape))}
		for i := range c.Floats {
			c.Floats[i] = float32(rng.NormFloat64())
		}
		return &onnx.Value{Name: name, Shape: shape, Const: c}
	}
	value := func(name string, shape ...int) *onnx.Value {
		return &onnx.Value{Name: name, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
	}
	x, conv, act, mean, flat, class, level := value("x", 3, 32), value("conv", 6, 32), value("act", 6, 32), value("mean", 6, 1), value("flat", 6), value("class", 3), value("level", 2)
	dense := &onnx.Gemm{Alpha: 1, Beta: 1, TransB: true}
	g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{class, level}, Nodes: []*onnx.Node{
		{Name: "filter", Op: &onnx.Conv{Kernel: []int{5}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{2, 2}, Groups: 1}, Inputs: []*onnx.Value{x, constant("w", 6, 3, 5)}, Outputs: []*onnx.Value{conv}},
		{Name: "relu", Op: &onnx.Relu{}, Inputs: []*onnx.Value{conv}, Outputs: []*onnx.Value{act}},
		{Name: "pool", Op: &onnx.GlobalAveragePool{}, Inputs: []*onnx.Value{act}, Outputs: []*onnx.Value{mean}},
		{Name: "flatten", Op: &onnx.Flatten{Axis: 1}, Inputs: []*onnx.Value{mean}, Outputs: []*onnx.Value{flat}},
		{Name: "classes", Op: dense, Inputs: []*onnx.Value{flat, constant("c", 3, 6), constant("cb", 3)}, Outputs: []*onnx.Value{class}},
		{Name: "levels", Op: dense, Inputs: []*onnx.Value{flat, constant("l", 2, 6)}, Outputs: []*onnx.Value{level}},
	}}
	file, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	model, data = filepath.Join(dir, "signals.onnx"), filepath.Join(dir, "signals.npz")
	if err := os.WriteFile(model, file, 0o644); err != nil {
		t.Fatal(err)
	}
	samples, labels := make([]float32, count*96), make([]float32, count)
	for i := range count {
		for c := range 3 {
			scale := rng.Float64() * 3
			for k := range 32 {
				samples[(i*3+c)*32+k] = float32(rng.NormFloat64() * scale)
			}
		}
	}
	exec, err := finetune.NewExecutor(g, count, finetune.ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	outs, err := exec.Run(samples)
	if err != nil {
		t.Fatal(err)
	}
	for i := range labels {
		labels[i] = float32(finetune.Argmax(outs[0][3*i:][:3]))
	}
	writeArchive(t, data, array{"x", []int{count, 3, 32}, samples}, array{"y", []int{count}, labels})
	return model, data
}

// TestSignals takes a network of one dimension and two outputs through the chain: what finetune takes, eval, run and convert take too.
func TestSignals(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	model, data := signals(t, dir, 600)
	mustCall(t, "import", model, "-o", at("s.q.onnx"))
	mustCall(t, "finetune", at("s.q.onnx"), "--data", data, "--steps", "20", "--levels", "32", "--weights", "32", "-o", at("s.tuned.q.onnx"))
	mustCall(t, "convert", at("s.tuned.q.onnx"), "--val", data, "-o", at("s.qlut"))
	mustCall(t, "convert", at("s.q.onnx"), "--calib", data, "--fast", "-o", at("fast.qlut"))
	for _, net := range []string{"s.qlut", "s.tuned.q.onnx", "fast.qlut"} {
		var e evalReport
		mustJSON(t, &e, "eval", at(net), "--data", data, "--against", at("s.q.onnx"), "--predictions", at("p.csv"), "--html", at("p.html"))
		if e.Accuracy == nil || *e.Accuracy < 0.9 || *e.Against.Accuracy < 0.99 {
			t.Fatalf("%s: %+v", net, e.metrics)
		}
		var names []string
		for _, l := range e.Against.Layers {
			if names = append(names, l.Name); l.SNR < 10 {
				t.Errorf("%s: %s has %.1f dB", net, l.Name, l.SNR)
			}
		}
		if got := strings.Join(names, " "); got != "x act mean class level" {
			t.Errorf("%s: layers %s", net, got)
		}
		checkDetail(t, at("p.csv"), &e)
	}
	one := strings.TrimSpace(mustCall(t, "run", at("s.qlut"), "--input", data+"#x", "--top", "1"))
	lines := strings.Split(one, "\n")
	if len(lines) != 2*600 || !strings.HasPrefix(lines[0], "signals.npz#0: ") || !strings.Contains(lines[1], "level [2 1 1]") {
		t.Errorf("run prints %d lines, the first of which are\n%s\n%s", len(lines), lines[0], lines[1])
	}
	if text := mustCall(t, "run", at("s.q.onnx"), "--task", "values", "--input", data+"#x"); !strings.HasPrefix(text, "signals.npz#0: class [3]:") {
		t.Errorf("run --task values prints %.80q", text)
	}
	mustCall(t, "eval", at("s.qlut"), "--data", data, "--no-labels", "--task", "values", "--against", at("s.q.onnx"), "--html", at("values.html"), "--predictions", at("v.csv"))
	if text, err := os.ReadFile(at("v.csv")); err != nil || !strings.HasPrefix(string(text), "sample,mse,output_0,against_0,output_1,against_1,output_2,against_2\nx[0],") {
		t.Errorf("the list of numbers begins with %.100q (%v)", text, err)
	}
	b := newBrowser(t)
	b.checkPage(t, at("p.html"), 2)
	b.checkPage(t, at("values.html"), 2)
}

// checkDetail holds the classes, the confusion and the list of predictions of an evaluation against its accuracy.
func checkDetail(t *testing.T, list string, e *evalReport) {
	t.Helper()
	right, total := 0, 0
	for label, line := range e.Confusion {
		for answer, n := range line {
			if total += n; label == answer {
				right += n
			}
		}
	}
	if total != e.Samples || fmt.Sprintf("%.6f", *e.Accuracy) != fmt.Sprintf("%.6f", float64(right)/float64(total)) {
		t.Errorf("the confusion has %d of %d right, the accuracy is %g of %d", right, total, *e.Accuracy, e.Samples)
	}
	for _, k := range e.Classes {
		if k.Samples > 0 && (*k.Accuracy < k.Accuracy95[0]-1e-9 || *k.Accuracy > k.Accuracy95[1]+1e-9) {
			t.Errorf("class %d has an accuracy of %g in %v", k.Class, *k.Accuracy, *k.Accuracy95)
		}
	}
	f, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != e.Samples+1 || strings.Join(rows[0], ",") != "sample,label,prediction,score,against_prediction,against_score" {
		t.Fatalf("%d rows (%v), the first %q", len(rows), err, rows[0])
	}
	correct, same := 0, 0
	wrong := map[string]bool{}
	for _, r := range rows[1:] {
		if r[1] == r[2] {
			correct++
		} else {
			wrong[r[0]] = true
		}
		if r[2] == r[4] {
			same++
		}
	}
	if correct != right || same != int(*e.Agreement*float64(e.Samples)+0.5) {
		t.Errorf("the list has %d right and %d the same, want %d and %g", correct, same, right, *e.Agreement*float64(e.Samples))
	}
	last := 0.0
	for i, w := range e.Worst {
		if !wrong[w.Sample] || i > 0 && w.Off > last {
			t.Errorf("%d of the worst is %+v", i, w)
		}
		last = w.Off
	}
	if len(e.Worst) != min(len(wrong), worstSamples) {
		t.Errorf("%d of %d wrong samples are told", len(e.Worst), len(wrong))
	}
}
