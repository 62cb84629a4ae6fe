package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/runtime"
)

// testProgram is a classifier of pictures of 2x2 grey pixels: "left", "right" and "dark"
// have the scores left column - right column, its negative, and 500 - sum.
func testProgram(t *testing.T) *runtime.Program {
	t.Helper()
	identity := make([]uint8, 256)
	for i := range identity {
		identity[i] = uint8(i)
	}
	p := &runtime.Program{
		Tensors: []runtime.Tensor{
			{Shape: [3]int{1, 2, 2}, Levels: 256, Scale: runtime.ScaleOf(1)},
			{Shape: [3]int{3, 1, 1}, Scale: runtime.ScaleOf(1)},
		},
		Codebooks: []runtime.Codebook{{Centres: []int32{-1, 1}}},
		Instrs: []runtime.Instr{&runtime.Linear{
			Out: 1, Bias: []int32{0, 0, 500},
			Terms: []runtime.Term{{
				In: 0, Groups: 1, Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1},
				Weights: runtime.PackWeights([]uint16{1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0}, 2),
			}},
		}},
		Inputs:    []runtime.Input{{Tables: [][]uint8{identity}}},
		Outputs:   []runtime.Output{{Name: "scores", Tensor: 1}},
		Labels:    []string{"left", "right", "dark"},
		SelfTests: []runtime.SelfTest{selfTestFor(1)},
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

// selfTestFor computes the expected outputs from the definition of testProgram.
func selfTestFor(seed uint32) runtime.SelfTest {
	x := make([]byte, 4)
	runtime.GenerateInput(seed, x, 256)
	left, right := int32(x[0])+int32(x[2]), int32(x[1])+int32(x[3])
	return runtime.SelfTest{Seed: seed, Want: []int32{left - right, right - left, 500 - left - right}}
}

// fixture writes the program, one with a wrong self-test, and two raw inputs to a folder.
func fixture(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	p := testProgram(t)
	write := func(name string, p *runtime.Program) {
		data, err := runtime.Encode(p)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("ok.qlut", p)
	p.SelfTests[0].Want[0]++
	write("wrong.qlut", p)
	for name, data := range map[string][]byte{
		"left.raw": {200, 1, 200, 2}, "dark.raw": {3, 2, 1, 0}, "short.raw": {1}, "broken.qlut": []byte("QLUT, but no"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// call runs the program with arguments split at spaces.
func call(args string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"qrun"}, strings.Fields(args)...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestClassify(t *testing.T) {
	fixture(t)
	const want = "left.raw: left  (left 397, dark 97)\ndark.raw: dark  (dark 494, left 2)\n"
	for _, args := range []string{
		"ok.qlut left.raw dark.raw --top 2",
		"--top=2 ok.qlut left.raw dark.raw",
		"ok.qlut -top 2 left.raw -- dark.raw",
		"ok.qlut left.raw dark.raw --top 2 --kernel generic",
	} {
		code, stdout, stderr := call(args)
		if code != 0 || stdout != want || stderr != "" {
			t.Errorf("%s: exit %d, stderr %q, stdout\n%swant\n%s", args, code, stderr, stdout, want)
		}
	}
}

func TestJSON(t *testing.T) {
	fixture(t)
	const want = `{
  "model": "ok.qlut",
  "inputs": [
    {
      "input": "left.raw",
      "top": [
        {
          "index": 0,
          "label": "left",
          "score": 397
        }
      ],
      "outputs": [
        {
          "name": "scores",
          "shape": [
            3,
            1,
            1
          ],
          "levels": 0,
          "zero": 0,
          "scale_mant": 2147483648,
          "scale_exp": -31,
          "values": [
            397,
            -397,
            97
          ]
        }
      ]
    }
  ]
}
`
	code, stdout, stderr := call("--json ok.qlut left.raw --top 1")
	if code != 0 || stdout != want {
		t.Errorf("exit %d, stderr %q, stdout\n%s\nwant\n%s", code, stderr, stdout, want)
	}
}

func TestModes(t *testing.T) {
	fixture(t)
	tests := []struct {
		args   string
		stdout []string // parts
	}{
		{"--selftest ok.qlut", []string{"self-test ok: 1 of 1"}},
		{"--selftest --json ok.qlut", []string{`"tests": 1`, `"ok": true`}},
		{"--info ok.qlut", []string{"RAM", "arena", "MACs", "12", "left, right, dark"}},
		{"--info --json ok.qlut", []string{`"ram_bytes"`, `"macs": 12`, `"file_bytes"`, `"kernel"`}},
		{"--bench --bench-time 0.01 ok.qlut", []string{"ns per inference, the median of ", "12 MACs"}},
		{"--bench --bench-time 0.01 --json ok.qlut", []string{`"ns_per_inference"`, `"macs": 12`, `"rest_ns"`}},
		{"--bench --bench-time 0.01 --workers 2 ok.qlut", []string{"ns per inference in a batch of 2 workers"}},
		{"--bench --bench-time 0.01 --workers=2 --json ok.qlut", []string{`"batch_ns_per_inference"`, `"workers": 2`}},
		{"--info --low-memory ok.qlut", []string{"packed"}},
		{"--selftest --low-memory ok.qlut", []string{"self-test ok: 1 of 1"}},
		{"--help", []string{"qrun [FLAGS] MODEL.qlut FILE..."}},
	}
	for _, tt := range tests {
		code, stdout, stderr := call(tt.args)
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit %d, stderr %q", tt.args, code, stderr)
		}
		for _, part := range tt.stdout {
			if !strings.Contains(stdout, part) {
				t.Errorf("%s: stdout lacks %q:\n%s", tt.args, part, stdout)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	dir := fixture(t)
	tests := []struct {
		args    string
		code    int
		message string
	}{
		{"", exitUsage, "no MODEL.qlut given"},
		{"ok.qlut", exitUsage, "no input file given"},
		{"ok.qlut left.raw --fast", exitUsage, "unknown flag --fast"},
		{"ok.qlut left.raw --top", exitUsage, "--top needs a value"},
		{"ok.qlut left.raw --top 0", exitUsage, "positive whole number"},
		{"ok.qlut left.raw --json=yes", exitUsage, "takes no value"},
		{"ok.qlut left.raw --kernel asm", exitUsage, "want portable or generic"},
		{"--bench ok.qlut --workers 0", exitUsage, `flag --workers: "0" is not a positive whole number`},
		{"--bench ok.qlut --workers 300", exitUsage, "flag --workers: got 300, want at most 256"},
		{"--selftest ok.qlut left.raw", exitUsage, "no input files"},
		{"--bench --bench-time -1 ok.qlut", exitUsage, "seconds"},
		{"none.qlut left.raw", exitBadInput, "none.qlut"},
		{"broken.qlut left.raw", exitBadInput, "broken.qlut"},
		{dir + " left.raw", exitBadInput, "is a directory"},
		{"--info --max-memory 1000 ok.qlut", exitBadInput, "--max-memory "},
		{"--info --max-macs 11 ok.qlut", exitBadInput, "the limit is 11; --max-macs 12 allows it"},
		{"--info --max-memory none ok.qlut", exitUsage, "want such as 64MB"},
		{"--info --max-macs 0 ok.qlut", exitUsage, "positive whole number"},
		{"ok.qlut none.raw", exitBadInput, "none.raw"},
		{"ok.qlut short.raw", exitBadInput, "short.raw"},
		{"ok.qlut " + dir, exitBadInput, dir},
		{"--selftest wrong.qlut", exitFailure, "self-test failed"},
	}
	for _, tt := range tests {
		code, stdout, stderr := call(tt.args)
		if code != tt.code || !strings.Contains(stderr, tt.message) || stdout != "" {
			t.Errorf("%q: exit %d, stdout %q, stderr %q, want exit %d and %q on stderr alone", tt.args, code, stdout, stderr, tt.code, tt.message)
		}
		if hasHint := strings.Contains(stderr, "See: qrun --help\n"); hasHint != (code == exitUsage) {
			t.Errorf("%q: exit %d, hint on stderr: %v", tt.args, code, hasHint)
		}
	}
}

func TestFullDisk(t *testing.T) {
	fixture(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer full.Close()
	var errs bytes.Buffer
	code := run([]string{"qrun", "ok.qlut", "left.raw"}, nil, full, &errs)
	if code != exitFailure || errs.Len() == 0 {
		t.Errorf("exit %d, stderr %q, want exit %d and a message", code, &errs, exitFailure)
	}
}
