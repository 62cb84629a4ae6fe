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

// regression is a perceptron of 5 numbers and as many outputs as wanted, and what it delivers with some noise.
type regression struct {
	model   string
	samples [][]float32
	targets [][]float32
}

func newRegression(t *testing.T, outputs, count int) *regression {
	t.Helper()
	const in, hidden = 5, 16
	rng := rand.New(rand.NewPCG(11, uint64(outputs)))
	tensor := func(name string, size float64, shape ...int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, onnx.Shape(shape).Elems())}
		for i := range c.Floats {
			c.Floats[i] = float32(rng.NormFloat64() * size)
		}
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: shape, Const: c}
	}
	value := func(name string, n int) *onnx.Value {
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: onnx.Shape{onnx.Batch, n}}
	}
	w1, b1, w2, b2 := tensor("w1", 0.5, hidden, in), tensor("b1", 0.3, hidden), tensor("w2", 0.5, outputs, hidden), tensor("b2", 1, outputs)
	x, h, a, y := value("x", in), value("h", hidden), value("a", hidden), value("y", outputs)
	gemm := &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
	file, err := onnx.Encode(&onnx.Graph{Name: "regression", Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{
		{Name: "first", Op: gemm, Inputs: []*onnx.Value{x, w1, b1}, Outputs: []*onnx.Value{h}},
		{Name: "relu", Op: &onnx.Relu{}, Inputs: []*onnx.Value{h}, Outputs: []*onnx.Value{a}},
		{Name: "second", Op: gemm, Inputs: []*onnx.Value{a, w2, b2}, Outputs: []*onnx.Value{y}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := &regression{model: filepath.Join(t.TempDir(), "regression.onnx")}
	if err := os.WriteFile(r.model, file, 0o666); err != nil {
		t.Fatal(err)
	}
	for range count {
		sample, target := make([]float32, in), make([]float32, outputs)
		for i := range sample {
			sample[i] = float32(rng.NormFloat64())
		}
		copy(target, b2.Const.Floats)
		for k := range hidden {
			z := b1.Const.Floats[k]
			for i, v := range sample {
				z += w1.Const.Floats[k*in+i] * v
			}
			for o := range target {
				target[o] += w2.Const.Floats[o*hidden+k] * max(z, 0)
			}
		}
		for o := range target {
			target[o] += float32(0.02 * rng.NormFloat64())
		}
		r.samples, r.targets = append(r.samples, sample), append(r.targets, target)
	}
	return r
}

// csv writes the samples with their targets at the end of a row, and returns the file.
func (r *regression) csv(t *testing.T, header bool) string {
	t.Helper()
	var text strings.Builder
	if header {
		for i := range r.samples[0] {
			fmt.Fprintf(&text, "f%d,", i)
		}
		for o := range r.targets[0] {
			fmt.Fprintf(&text, "t%d", o)
			if o+1 < len(r.targets[0]) {
				text.WriteString(",")
			}
		}
		text.WriteString("\n")
	}
	for i, sample := range r.samples {
		row := strings.Fields(strings.Trim(fmt.Sprint(append(append([]float32{}, sample...), r.targets[i]...)), "[]"))
		text.WriteString(strings.Join(row, ",") + "\n")
	}
	return writeFile(t, "data.csv", text.String())
}

func (r *regression) npz(t *testing.T) string {
	var x, y []float32
	for i := range r.samples {
		x, y = append(x, r.samples[i]...), append(y, r.targets[i]...)
	}
	path := filepath.Join(t.TempDir(), "data.npz")
	writeArchive(t, path, array{"x", []int{len(r.samples), len(r.samples[0])}, x}, array{"y", []int{len(r.targets), len(r.targets[0])}, y})
	return path
}

// TestRegression takes networks of one and of three numbers through the chain, with targets of all formats: R2 and mean squared error are
// what is measured, and agreement on classes, of which there are none, is never.
func TestRegression(t *testing.T) {
	for _, outputs := range []int{1, 3} {
		r := newRegression(t, outputs, 600)
		csv := r.csv(t, true)
		dir := filepath.Dir(r.model)
		program, tuned := filepath.Join(dir, "p.qlut"), filepath.Join(dir, "t.q.onnx")
		wanted := func(what string, m *metrics, r2 float64, compared bool) {
			t.Helper()
			if m == nil || m.R2 == nil || m.MSE == nil || *m.R2 < r2 || *m.R2 > 1 || *m.MSE <= 0 || m.MSE95 == nil || m.MSE95[0] > *m.MSE || m.MSE95[1] < *m.MSE {
				t.Errorf("%d outputs, %s: got %+v, want R2 of %g and a mean squared error", outputs, what, m, r2)
			}
			if m != nil && (m.Agreement != nil || m.Accuracy != nil || (m.SNR != nil) != compared || (m.Difference != nil) != compared) {
				t.Errorf("%d outputs, %s: got %+v, want no classes, and signal to noise if compared", outputs, what, m)
			}
		}
		var c convertReport
		mustJSON(t, &c, "convert", r.model, "--calib", csv, "--calib-samples", "100", "--weights", "64", "--levels", "128", "-o", program)
		wanted("float", c.Float, 0.99, false)
		wanted("program", c.Program, 0.9, true)
		if c.Measured.Calibration || c.Measured.Samples != 500 || len(c.Losses) != 1 || c.Losses[0].MSE <= 0 || c.Losses[0].SNR < 10 {
			t.Errorf("%d outputs: measured on %+v, losses %+v", outputs, c.Measured, c.Losses)
		}
		if math.Abs(*c.Program.Difference-c.Losses[0].MSE) > 1e-6 {
			t.Errorf("%d outputs: the difference is %g, the loss %g", outputs, *c.Program.Difference, c.Losses[0].MSE)
		}
		var f tuneReport
		mustJSON(t, &f, "finetune", r.model, "--data", csv, "--steps", "40", "--batch", "16", "--loss", "both", "--calib-samples", "100", "--weights", "32", "-o", tuned)
		wanted("teacher", f.Float, 0.99, false)
		wanted("tuned", f.Tuned, 0.8, true)
		if f.Best.Metric != "MSE" {
			t.Errorf("%d outputs: the network was chosen by %s", outputs, f.Best.Metric)
		}
		for _, data := range []string{r.csv(t, false), r.npz(t)} {
			var e evalReport
			mustJSON(t, &e, "eval", program, "--data", data)
			wanted("eval of "+filepath.Base(data), &e.metrics, 0.9, false)
			mustJSON(t, &e, "eval", program, "--data", data, "--against", r.model)
			wanted("eval against the network", &e.metrics, 0.9, true)
			mse := 0.0
			for _, x := range e.Targets {
				if x.R2 == nil || *x.R2 < 0.8 || x.AgainstR2 == nil || *x.AgainstR2 < 0.99 || *x.AgainstMSE > *x.MSE {
					t.Errorf("%d outputs: target %+v", outputs, x)
				}
				mse += *x.MSE / float64(outputs)
			}
			if len(e.Targets) != outputs || math.Abs(mse-*e.MSE) > 1e-6**e.MSE || len(e.Worst) != worstSamples {
				t.Errorf("%d outputs: %d targets of %g, all of %g; %d of the worst samples", outputs, len(e.Targets), mse, *e.MSE, len(e.Worst))
			}
		}
		if text := mustCall(t, "eval", r.model, "--data", csv); !strings.Contains(text, "R2") || strings.Contains(text, "agreement") {
			t.Errorf("eval prints\n%s", text)
		}
	}
}

// TestRegressionWithoutTargets compares numbers, not the place of the largest of them, where the user says so or there is one.
func TestRegressionWithoutTargets(t *testing.T) {
	for _, outputs := range []int{1, 3} {
		r := newRegression(t, outputs, 300)
		program := filepath.Join(filepath.Dir(r.model), "p.qlut")
		args := []string{"--no-labels"}
		if outputs > 1 {
			args = append(args, "--task", "values")
		}
		var c convertReport
		data := r.csv(t, true)
		if outputs == 1 {
			data += "#t0"
		}
		mustJSON(t, &c, append([]string{"convert", r.model, "--calib", data, "-o", program}, args...)...)
		if c.Program.Agreement != nil || c.Program.MSE != nil || c.Program.SNR == nil || *c.Program.Difference <= 0 {
			t.Errorf("%d outputs: got %+v", outputs, c.Program)
		}
		code, _, stderr := call(append([]string{"convert", r.model, "--calib", data, "--min-agreement", "0.5", "-o", program}, args...)...)
		if code != exitBadInput || !strings.Contains(stderr, "--min-agreement: the agreement is not known, as the outputs are no classes") {
			t.Errorf("%d outputs: exit %d, stderr %q", outputs, code, stderr)
		}
	}
	if code, _, stderr := call("eval", newRegression(t, 1, 5).model, "--data", "x.csv", "--task", "numbers"); code != exitUsage || !strings.Contains(stderr, `flag --task: got "numbers", want classes or values`) {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}

// TestTargetWidth gives targets that are not as many as the outputs: one line that says where and what to do.
func TestTargetWidth(t *testing.T) {
	r := newRegression(t, 3, 30)
	csv := r.csv(t, true)
	one := newRegression(t, 1, 30)
	for _, c := range []struct {
		data string
		want []string
	}{
		{csv + "#t0,t1", []string{"line 1: 2 columns chosen as targets, the network has 3 outputs", "#a,b,c"}},
		{one.csv(t, true), []string{`line 2: label "`, "is not a class", "3 columns of targets with #a,b,c"}},
		{one.npz(t), []string{"y: entry 0 is", "or give 3 targets for each sample"}},
	} {
		for _, command := range [][]string{{"eval", r.model, "--data"}, {"convert", r.model, "-o", filepath.Join(t.TempDir(), "o"), "--calib"}, {"finetune", r.model, "-o", filepath.Join(t.TempDir(), "o"), "--data"}} {
			code, stdout, stderr := call(append(command, c.data)...)
			if code != exitBadInput || stdout != "" || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s %s: exit %d, stdout %q, stderr %q, want one line", command[0], c.data, code, stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%s %s: stderr %q lacks %q", command[0], c.data, stderr, want)
				}
			}
		}
	}
}

// TestSequence measures a program whose input is rows of numbers, [C,W], and whose output is one number, on samples of that shape.
func TestSequence(t *testing.T) {
	const channels, length, count = 4, 9, 60
	rng := rand.New(rand.NewPCG(2, 0))
	numbers := func(n int, size float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64() * size)
		}
		return v
	}
	constant := func(name string, size float64, shape ...int) *onnx.Value {
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: shape, Const: &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: numbers(onnx.Shape(shape).Elems(), size)}}
	}
	value := func(name string, shape ...int) *onnx.Value {
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
	}
	x, h, r, f, y := value("x", channels, length), value("h", 6, length), value("r", 6, length), value("f", 6*length), value("y", 1)
	conv := &onnx.Conv{Kernel: []int{3}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{1, 1}, Groups: 1}
	file, err := onnx.Encode(&onnx.Graph{Name: "sequence", Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{
		{Name: "conv", Op: conv, Inputs: []*onnx.Value{x, constant("w1", 0.4, 6, channels, 3), constant("b1", 0.3, 6)}, Outputs: []*onnx.Value{h}},
		{Name: "relu", Op: &onnx.Relu{}, Inputs: []*onnx.Value{h}, Outputs: []*onnx.Value{r}},
		{Name: "flat", Op: &onnx.Flatten{Axis: 1}, Inputs: []*onnx.Value{r}, Outputs: []*onnx.Value{f}},
		{Name: "fc", Op: &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, Inputs: []*onnx.Value{f, constant("w2", 0.2, 1, 6*length), constant("b2", 1, 1)}, Outputs: []*onnx.Value{y}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	model, program, data := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "p.qlut"), filepath.Join(dir, "d.npz")
	if err := os.WriteFile(model, file, 0o666); err != nil {
		t.Fatal(err)
	}
	writeArchive(t, data, array{"x", []int{count, channels, length}, numbers(count*channels*length, 1)}, array{"y", []int{count}, numbers(count, 1)})
	mustCall(t, "convert", model, "--calib", data, "-o", program)
	var e evalReport
	mustJSON(t, &e, "eval", program, "--data", data, "--against", model)
	if e.Samples != count || e.R2 == nil || e.MSE == nil || e.Agreement != nil || *e.SNR < 20 || math.Abs(*e.R2-*e.Against.R2) > 0.5 {
		t.Errorf("got %+v against %+v, want the error of numbers", e.metrics, e.Against.metrics)
	}
	for r2, want := range map[float64]int{*e.R2 - 0.01: exitOK, math.Min(*e.R2+0.01, 1): exitGate} {
		if code, _, stderr := call("eval", program, "--data", data, "--min-r2", fmt.Sprint(r2)); code != want {
			t.Errorf("R2 is %g, want %g: exit %d, %q, want exit %d", *e.R2, r2, code, stderr, want)
		}
	}
	if code, _, stderr := call("convert", model, "--fast", "--calib", data, "-o", program, "--min-r2", "2"); code != exitUsage {
		t.Errorf("R2 of 2: exit %d, %q", code, stderr)
	}
}
