package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"qconv/internal/testtool"
	qrt "qconv/runtime"
)

// TestBenchAgainst measures networks of one and of two inputs in turns with ONNX Runtime.
func TestBenchAgainst(t *testing.T) {
	testtool.ONNXRuntime(t)
	two := filepath.Join(t.TempDir(), "two.onnx")
	twoInputs(t, two)
	for model, against := range map[string]string{
		filepath.Join("..", "..", "runtime", "testdata", "digits.qlut"): bundled(t, "digits.onnx"),
		two: two,
	} {
		var r benchReport
		mustJSON(t, &r, "bench", model, "--against", against, "--seconds", "0.05")
		a := r.Against
		if a == nil {
			t.Fatalf("%s: nothing of the network it is compared with", model)
		}
		if a.Model != against || a.Version == "" || a.Runs < turns || a.NsPerInference < 0 || a.CallNs <= 0 {
			t.Errorf("%s: got %+v", model, *a)
		}
		if r.Runs < turns || a.Ratio != float64(a.NsPerInference)/float64(r.NsPerInference) {
			t.Errorf("%s: %d runs of %d ns, ratio %g of %d ns", model, r.Runs, r.NsPerInference, a.Ratio, a.NsPerInference)
		}
	}
	text := mustCall(t, "bench", two, "--against", two, "--seconds", "0.01")
	if !strings.Contains(text, "with ONNX Runtime") || !strings.Contains(text, "times as long") {
		t.Errorf("bench prints\n%s", text)
	}
	junk := filepath.Join(t.TempDir(), "junk.onnx")
	if err := os.WriteFile(junk, []byte("junk"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call("bench", two, "--against", junk); code != exitBadInput || !strings.Contains(stderr, "ONNX Runtime: ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, stderr %q, want %d and one line", code, stderr, exitBadInput)
	}
}

// TestBenchAgainstOther asks for a network that takes other inputs than the program.
func TestBenchAgainstOther(t *testing.T) {
	testtool.ONNXRuntime(t)
	two := filepath.Join(t.TempDir(), "two.onnx")
	twoInputs(t, two)
	code, _, stderr := call("bench", bundled(t, "digits.onnx"), "--against", two, "--seconds", "0.01")
	if code != exitBadInput || !strings.Contains(stderr, "two.onnx: ONNX Runtime: the model has 2 inputs, want 1") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestLevelInputs(t *testing.T) {
	p := &qrt.Program{
		Inputs: []qrt.Input{{Tensor: 0}, {Tensor: 1, Shifts: []int8{1, -1}}},
		Tensors: []qrt.Tensor{
			{Shape: [3]int{1, 1, 2}, Levels: 8, Zero: 2, Scale: qrt.ScaleOf(0.5)},
			{Shape: [3]int{2, 1, 1}, Levels: 8, Scale: qrt.ScaleOf(1)},
		},
	}
	want := []rivalInput{newRivalInput([]int{1, 1, 2}, []float32{-1, 0.5}), newRivalInput([]int{2, 1, 1}, []float32{10, 3})}
	if got := levelInputs(p, [][]byte{{0, 3}, {5, 6}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStopwatch(t *testing.T) {
	var s stopwatch
	const n = 3 * stopwatchTimes
	for i := range n {
		s.add(time.Duration(n - i))
	}
	if s.calls != n || len(s.times) >= stopwatchTimes {
		t.Fatalf("%d calls, %d times, want %d and less than %d", s.calls, len(s.times), n, stopwatchTimes)
	}
	if m := s.median(); m < n/2-n/100 || m > n/2+n/100 {
		t.Errorf("the median of 1 to %d is %d", n, m)
	}
}

// TestBenchAgainstNothing says what is missing, in one line.
func TestBenchAgainstNothing(t *testing.T) {
	digits, program := bundled(t, "digits.onnx"), filepath.Join("..", "..", "runtime", "testdata", "digits.qlut")
	bench := func(against string) (int, string) {
		code, stdout, stderr := call("bench", program, "--against", against, "--seconds", "0.01")
		if stdout != "" || strings.Count(stderr, "\n") > 2 {
			t.Errorf("stdout %q, stderr %q", stdout, stderr)
		}
		return code, stderr
	}
	if code, stderr := bench(program); code != exitUsage || !strings.Contains(stderr, "is a .qlut, want an ONNX file") {
		t.Errorf("against a program: exit %d, %q", code, stderr)
	}
	if code, stderr := bench("nothing.onnx"); code != exitBadInput || !strings.Contains(stderr, "nothing.onnx") {
		t.Errorf("against no file: exit %d, %q", code, stderr)
	}
	t.Run("no package", func(t *testing.T) {
		testtool.Path(t, "node", "install Node.js")
		t.Setenv("QCONV_ONNXRUNTIME", t.TempDir())
		t.Setenv("NODE_PATH", "")
		if code, stderr := bench(digits); code != exitFailure || !strings.Contains(stderr, "npm install onnxruntime-node there") {
			t.Errorf("exit %d, %q", code, stderr)
		}
	})
	t.Run("no node", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if code, stderr := bench(digits); code != exitFailure || !strings.Contains(stderr, "there is no node on the path: install Node.js") {
			t.Errorf("exit %d, %q", code, stderr)
		}
	})
}
