package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// part is how many samples of the bundled digits the tests look at.
const part = "300"

// importDigits imports the bundled classifier into a new folder.
func importDigits(t *testing.T) (dir, model string) {
	t.Helper()
	dir = t.TempDir()
	model = filepath.Join(dir, "digits.q.onnx")
	mustCall(t, "import", bundled(t, "digits.onnx"), "--scale", "1/255", "--mean=0.1", "-o", model, "--std", "0.22")
	return dir, model
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "m.q.onnx")
	var r importReport
	mustJSON(t, &r, "import", bundled(t, "digits.onnx"), "-o", out, "--labels", "0,1,2,3,4,5,6,7,8,9")
	if r.Ops["Conv"] != 2 || r.Ops["BatchNormalization"] != 2 || r.Ops["Gemm"] != 2 {
		t.Errorf("got operators %v, want 2 each of Conv, BatchNormalization, Gemm", r.Ops)
	}
	// conv 5x5 1-8 with bias, BN, conv 5x5 8-16, BN, 784-48-10
	if want := 200 + 8 + 4*8 + 3200 + 4*16 + 784*48 + 48 + 480 + 10; r.Parameters != want {
		t.Errorf("got %d parameters, want %d", r.Parameters, want)
	}
	if want := 200*28*28 + 3200*14*14 + 784*48 + 480; r.MACs != want {
		t.Errorf("got %d MACs, want %d", r.MACs, want)
	}
	macs := 0
	for _, n := range r.Nodes {
		macs += n.MACs
		if n.Op == "BatchNormalization" {
			t.Errorf("node %q was not folded", n.Name)
		}
	}
	if macs != r.MACs || len(r.Changes) < 2 || len(r.Unsupported) != 0 {
		t.Errorf("got %d MACs by node of %d, %d changes, %d unsupported", macs, r.MACs, len(r.Changes), len(r.Unsupported))
	}
	if r.Check.Outcome != agrees || r.Check.Simplified > 1e-4 {
		t.Errorf("got check %+v, want agreement", r.Check)
	}
	var again modelReport
	mustJSON(t, &again, "inspect", out)
	if !again.Imported || len(again.Labels) != 10 || again.Preprocess != nil {
		t.Errorf("got %+v, want an imported model with 10 labels and no preprocessing", again)
	}
	if code, _, stderr := call("import", out); code != exitUsage {
		t.Errorf("importing onto itself: exit %d, stderr %q, want exit %d", code, stderr, exitUsage)
	}
	for _, wrong := range [][]string{{"--mean", "1,2"}, {"--std", "0"}, {"--labels", "a,b"}, {"--resize", "14x14"}} {
		args := append([]string{"import", bundled(t, "digits.onnx"), "-o", filepath.Join(dir, "wrong")}, wrong...)
		if code, _, stderr := call(args...); code != exitUsage {
			t.Errorf("%s: exit %d, stderr %q, want exit %d", wrong, code, stderr, exitUsage)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "wrong")); err == nil {
		t.Error("an import that failed left a file")
	}
}

func TestImportCheckOnly(t *testing.T) {
	model := bundled(t, "digits.onnx")
	t.Chdir(t.TempDir())
	stdout := mustCall(t, "import", model, "--check-only")
	if !strings.Contains(stdout, "total") || strings.Contains(stdout, "written") {
		t.Errorf("got\n%s", stdout)
	}
	if files, _ := os.ReadDir("."); len(files) != 0 {
		t.Errorf("files were written: %v", files)
	}
}

func TestRun(t *testing.T) {
	dir, model := importDigits(t)
	ref := bundled(t, "digits.ref.npz")
	text := mustCall(t, "run", model, "--input", ref+"#x0", "--expect", ref+"#y0")
	if !strings.Contains(text, "as in "+ref+"#y0") || strings.Count(text, "\n") != 9 {
		t.Errorf("got\n%s\nwant eight samples and the comparison", text)
	}
	code, stdout, stderr := call("run", "--json", "--atol", "0", model, "--input", ref+"#x0", "--expect", ref+"#x0")
	if code != exitBadInput {
		t.Errorf("an expectation of another size: exit %d, stderr %q, want %d", code, stderr, exitBadInput)
	}
	out := filepath.Join(dir, "y.npy")
	mustCall(t, "run", model, "--input", ref+"#x0", "-o", out)
	mustCall(t, "run", model, "--input", ref+"#x0", "--expect", out, "--atol", "0")
	code, stdout, stderr = call("run", bundled(t, "digits.onnx"), "--input", filepath.Join(bundled(t, "digits"), "t10k-images-idx3-ubyte.gz")+"#0:8", "--expect", out, "--json")
	if code != exitFailure || !strings.Contains(stderr, "largest difference") || !strings.Contains(stdout, `"ok": false`) {
		t.Errorf("other inputs than expected: exit %d, stderr %q, want exit %d, the difference, and the document", code, stderr, exitFailure)
	}
}

// TestConvert follows a float model to the program and measures it.
func TestConvert(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	program := filepath.Join(dir, "digits.qlut")
	convert := []string{"convert", model, "--calib", data + "#train", "--samples", part, "--weights", "64", "--calib-samples", "100"}
	var c convertReport
	mustJSON(t, &c, append(convert, "--val", data+"#test")...)
	if c.Output != program {
		t.Fatalf("got output %s, want %s", c.Output, program)
	}
	if *c.Float.Accuracy < 0.9 || *c.Program.Accuracy < *c.Float.Accuracy-0.03 || *c.Program.Agreement < 0.95 {
		t.Errorf("accuracy: float %g, program %g, agreement %g", *c.Float.Accuracy, *c.Program.Accuracy, *c.Program.Agreement)
	}

	var i programReport
	mustJSON(t, &i, "inspect", program)
	if size, err := fileSize(program); err != nil || i.FileBytes != size || i.FileBytes != c.FileBytes {
		t.Errorf("got %d bytes, the file has %d (%v), convert said %d", i.FileBytes, size, err, c.FileBytes)
	}
	if want := [3]int{1, 28, 28}; i.Input == nil || *i.Input != want || len(i.Inputs) != 1 || i.Inputs[0].Shape != want || i.Inputs[0].Tables != 1 {
		t.Errorf("got inputs %+v, want one of %v with a table", i.Inputs, want)
	}
	weights, macs := 0, 0
	for _, l := range i.Layers {
		weights += l.Weights
		macs += l.MACs
	}
	if want := 200 + 3200 + 784*48 + 480; i.Weights != want || weights != want {
		t.Errorf("got %d weights, %d by layer, want %d", i.Weights, weights, want)
	}
	if macs != i.MACs || i.UniqueWeights > 64 || i.UniqueWeights < 32 || i.BitsPerWeight < 3 || i.BitsPerWeight > 7 {
		t.Errorf("got %d MACs by layer of %d, %d different weights, %g bits each", macs, i.MACs, i.UniqueWeights, i.BitsPerWeight)
	}
	if i.RAMBytes != i.ArenaBytes+i.ScratchBytes+i.WeightBytes+i.TableBytes || i.ArenaBytes < 28*28 {
		t.Errorf("RAM %d is not arena %d + scratch %d + weights %d + tables %d", i.RAMBytes, i.ArenaBytes, i.ScratchBytes, i.WeightBytes, i.TableBytes)
	}
	if dump := mustCall(t, "inspect", program, "--bytes"); !strings.HasPrefix(dump, "000000-000008: 89 51 4c 54") {
		t.Errorf("the dump begins with %.60q", dump)
	}
	if text := mustCall(t, "inspect", program); !strings.Contains(text, ": input [1 28 28], labels 0, 1,") || !strings.Contains(text, "RAM ") || !strings.Contains(text, "kernel") {
		t.Errorf("inspect prints\n%s", text)
	}

	eval := []string{"eval", "--data", data + "#test", "--samples", part}
	var e evalReport
	mustJSON(t, &e, append(eval, program, "--against", model)...)
	if e.Samples != 300 || *e.Accuracy < 0.9 || *e.Top5 < *e.Accuracy || *e.Agreement < 0.95 || *e.Against.Accuracy < 0.9 {
		t.Errorf("got %+v against %+v", e.metrics, e.Against.metrics)
	}
	for _, gate := range []struct {
		args []string
		code int
	}{
		{[]string{"--min-accuracy", "90%"}, exitOK},
		{[]string{"--min-accuracy", "1"}, exitGate},
		{[]string{"--max-drop", "5%", "--against", model}, exitOK},
		{[]string{"--max-mse", "1"}, exitBadInput}, // a classifier has none
		{[]string{"--scale", "1"}, exitUsage},      // the program has its own
	} {
		if code, _, stderr := call(append(append(eval, program), gate.args...)...); code != gate.code {
			t.Errorf("%s: exit %d, stderr %q, want exit %d", gate.args, code, stderr, gate.code)
		}
	}

	first, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	mustCall(t, convert...)
	if second, _ := os.ReadFile(program); !bytes.Equal(first, second) {
		t.Error("converting twice gives different bytes")
	}

	var b benchReport
	mustJSON(t, &b, "bench", program, "--seconds", "0.01")
	if b.NsPerInference <= 0 || b.MACs != i.MACs || len(b.Layers) != len(i.Layers) {
		t.Errorf("got %+v", b)
	}
	mustJSON(t, &b, "bench", program, "--seconds", "0.01", "--workers", "2")
	if b.BatchNs <= 0 || b.Workers != 2 {
		t.Errorf("with two workers: got %+v", b)
	}
	b = benchReport{}
	mustJSON(t, &b, "bench", model, "--seconds", "0.01")
	if b.NsPerInference <= 0 || b.MACs != i.MACs {
		t.Errorf("of the float model: got %+v", b)
	}
	var r runReport
	mustJSON(t, &r, "run", program, "--input", filepath.Join(data, "t10k-images-idx3-ubyte.gz")+"#0:2", "--top", "1")
	if len(r.Inputs) != 2 || len(r.Inputs[0].Top) != 1 || len(r.Inputs[1].Outputs[0].Integers) != 10 {
		t.Errorf("got %+v, want two samples with ten integers each", r)
	}
}

// TestFloatInput gives a program float values instead of pixels.
func TestFloatInput(t *testing.T) {
	dir, model := importDigits(t)
	program := filepath.Join(dir, "p.qlut")
	mustCall(t, "convert", model, "--fast", "--calib", bundled(t, "digits")+"#test", "--samples", "100", "-o", program)
	ref := bundled(t, "digits.ref.npz")
	mustCall(t, "run", program, "--input", ref+"#x0", "--expect", ref+"#y0", "--atol", "1")
	var e evalReport
	mustJSON(t, &e, "eval", program, "--data", ref+"#x0", "--against", model)
	if e.Samples != 8 || e.Accuracy != nil || *e.Agreement != 1 {
		t.Errorf("got %+v, want agreement on 8 samples and no accuracy", e.metrics)
	}
	if code, _, stderr := call("eval", program, "--data", ref+"#x0"); code != exitBadInput || !strings.Contains(stderr, "no labels") {
		t.Errorf("nothing to measure: exit %d, stderr %q, want exit %d", code, stderr, exitBadInput)
	}
}

func TestAutoEncoder(t *testing.T) {
	dir := t.TempDir()
	model, program := filepath.Join(dir, "ae.q.onnx"), filepath.Join(dir, "ae.qlut")
	data := bundled(t, "digits") + "#test"
	mustCall(t, "import", bundled(t, "digits_ae.onnx"), "-o", model, "--scale=1/255")
	mustCall(t, "convert", model, "--calib", data, "--samples", part)
	var float, integer evalReport
	mustJSON(t, &float, "eval", model, "--data", data, "--samples", part)
	mustJSON(t, &integer, "eval", program, "--data", data, "--samples", part)
	if float.Accuracy != nil || *float.MSE <= 0 || *integer.MSE > 1.5**float.MSE {
		t.Errorf("MSE: float %v, program %v", *float.MSE, *integer.MSE)
	}
	for gate, want := range map[string]int{"1": exitOK, "0": exitGate} {
		if code, _, stderr := call("eval", program, "--data", data, "--samples", part, "--max-mse", gate); code != want {
			t.Errorf("--max-mse %s: exit %d, stderr %q, want %d", gate, code, stderr, want)
		}
	}
	text := mustCall(t, "run", program, "--input", bundled(t, "digits_ae.ref.npz")+"#x0")
	if !strings.Contains(text, "more (--output or --json for all)") {
		t.Errorf("an auto-encoder's output is printed as\n%s", text)
	}
}

func TestFinetune(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	args := []string{"finetune", model, "--data", data + "#train", "--samples", part, "--steps", "6", "--batch", "16",
		"--levels", "16", "--weights", "16", "--calib-samples", "50"}
	var r tuneReport
	mustJSON(t, &r, args...)
	tuned := filepath.Join(dir, "digits.tuned.q.onnx")
	if r.Output != tuned || r.Steps != 6 || r.Samples != 240 || r.Tuned.Samples != 30 || *r.Tuned.Agreement < 0.8 {
		t.Errorf("got %+v, tuned %+v", r, r.Tuned)
	}
	var m modelReport
	mustJSON(t, &m, "inspect", tuned)
	for _, w := range m.Weights {
		if w.Unique > 16 {
			t.Errorf("weights %q take %d values, want at most 16", w.Name, w.Unique)
		}
	}
	hidden := 0
	for _, s := range m.Sites {
		if s.Levels == 16 {
			hidden++
		}
	}
	if hidden != 3 || len(m.Labels) != 10 {
		t.Errorf("got %d values with 16 levels and labels %q, want 3 and the ten digits: %+v", hidden, m.Labels, m.Sites)
	}
	var c convertReport
	mustJSON(t, &c, "convert", tuned, "--val", data+"#test", "--samples", part)
	if *c.Program.Agreement < 0.97 || c.UniqueWeights > 16 {
		t.Errorf("the program agrees with its model on %g and has %d weight values", *c.Program.Agreement, c.UniqueWeights)
	}
	if code, _, stderr := call("convert", tuned, "--levels", "8"); code != exitUsage {
		t.Errorf("levels of a tuned model: exit %d, stderr %q, want %d", code, stderr, exitUsage)
	}
	if code, _, stderr := call(append(args, "--min-accuracy", "1", "--max-drop", "0", "--val", data+"#test")...); code != exitGate {
		t.Errorf("a gate nobody can pass: exit %d, stderr %q, want %d", code, stderr, exitGate)
	}
	if code, _, stderr := call("finetune", model, "--data", bundled(t, "digits.ref.npz")+"#x0", "--loss", "labels"); code != exitBadInput || !strings.Contains(stderr, "no labels") {
		t.Errorf("labels to learn from are missing: exit %d, stderr %q, want %d", code, stderr, exitBadInput)
	}
	var e evalReport
	mustJSON(t, &e, "eval", tuned, "--data", data+"#test", "--samples", part, "--against", model)
	if len(e.Against.Layers) != 5 {
		t.Errorf("got the noise of %d values, want 4 with levels and the output: %+v", len(e.Against.Layers), e.Against.Layers)
	}
}

// cancelWriter cancels a context when a text is written to it.
type cancelWriter struct {
	text   string
	cancel func()
}

func (w cancelWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.text) {
		w.cancel()
	}
	return len(p), nil
}

// TestResume interrupts a run and compares its continuation with a run of one piece.
func TestResume(t *testing.T) {
	defer func(d time.Duration) { plainEvery = d }(plainEvery)
	plainEvery = 0
	dir, model := importDigits(t)
	whole, broken := filepath.Join(dir, "whole.q.onnx"), filepath.Join(dir, "broken.q.onnx")
	args := []string{"finetune", model, "--data", bundled(t, "digits") + "#train", "--samples", part, "--steps", "8", "--batch", "16", "--calib-samples", "50"}
	mustCall(t, append(args, "-o", whole)...)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stderr := cancelWriter{"finetune: 3/8", cancel}
	_, err := dispatch(ctx, newApp(nil, io.Discard, stderr), slices.Concat([]string{"qconv"}, args, []string{"-o", broken}))
	if exitCode(err) != exitFailure || !is[*interruptedError](err) {
		t.Fatalf("got %v, want an interruption", err)
	}
	if _, err := os.Stat(broken); err == nil {
		t.Error("an interrupted run left a result")
	}
	if code, _, stderr := call(append(args, "-o", broken, "--resume", "--rate", "0.1")...); code != exitBadInput {
		t.Errorf("resuming with other flags: exit %d, stderr %q, want %d", code, stderr, exitBadInput)
	}
	mustCall(t, append(args, "-o", broken, "--resume")...)
	a, errA := os.ReadFile(whole)
	b, errB := os.ReadFile(broken)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("the resumed run ends in another file (%v, %v)", errA, errB)
	}
	if _, err := os.Stat(broken + ".checkpoint"); err == nil {
		t.Error("the checkpoint was not removed")
	}
	if code, _, stderr := call(append(args, "-o", broken, "--resume")...); code != exitBadInput {
		t.Errorf("nothing to resume: exit %d, stderr %q, want %d", code, stderr, exitBadInput)
	}
}

func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("the demo trains for some seconds")
	}
	var r demoReport
	mustJSON(t, &r, "demo", "-o", t.TempDir())
	if r.FloatAccuracy < 0.95 || r.LUTAccuracy < r.FloatAccuracy-0.02 || r.BytesAfter*5 > r.BytesBefore || r.RAMBytes == 0 {
		t.Errorf("got %+v", r)
	}
}

// TestConvertReconstructs wants a conversion to few weights to be closer to the float network than a fast one, and the same twice.
func TestConvertReconstructs(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	agreement := map[string]float64{}
	var files [][]byte
	for i, flags := range [][]string{{"--fast"}, nil, nil} {
		program := filepath.Join(dir, fmt.Sprint(i, ".qlut"))
		args := append([]string{"convert", model, "--calib", data + "#train", "--samples", "300", "--weights", "4", "--codebook", "integer", "-o", program}, flags...)
		code, _, stderr := call(args...)
		if code != exitOK {
			t.Fatalf("exit %d, stderr %q", code, stderr)
		}
		if said := strings.Contains(stderr, "samples held out: clustered "); said != (flags == nil) {
			t.Errorf("%v: stderr %q", flags, stderr)
		}
		var e evalReport
		mustJSON(t, &e, "eval", program, "--data", data+"#test", "--against", model)
		agreement[fmt.Sprint(flags)] = *e.Agreement
		file, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if fast, whole := agreement["[--fast]"], agreement["[]"]; !(1-whole < (1-fast)/2) {
		t.Errorf("agreement %g, and %g with --fast: want at most half as many differences", whole, fast)
	}
	if bytes.Equal(files[0], files[1]) || !bytes.Equal(files[1], files[2]) {
		t.Error("want other bytes with --fast, and the same twice without")
	}
}
