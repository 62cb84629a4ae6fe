package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	qrt "qconv/runtime"
)

// twoPorts is a program with two inputs, of levels and of pixels with interleaved channels, and two outputs with names that
// are no names in Go.
func twoPorts(t *testing.T) string {
	t.Helper()
	identity := make([]uint8, 256)
	for i := range identity {
		identity[i] = uint8(i)
	}
	one := [2]int{1, 1}
	p := &qrt.Program{
		Tensors: []qrt.Tensor{
			{Shape: [3]int{2, 1, 1}, Levels: 7, Zero: 3, Scale: qrt.ScaleOf(0.5)},
			{Shape: [3]int{2, 2, 2}, Levels: 256, Scale: qrt.ScaleOf(1)},
			{Shape: [3]int{3, 1, 1}, Scale: qrt.ScaleOf(0.25)},
		},
		Codebooks: []qrt.Codebook{{Centres: []int32{-3, 5}}},
		Instrs: []qrt.Instr{&qrt.Linear{Out: 2, Bias: []int32{0, 1, 2}, Terms: []qrt.Term{
			{In: 0, Groups: 1, Kernel: one, Stride: one, Dilation: one, Up: one, Weights: qrt.PackWeights([]uint16{1, 0, 0, 0, 1, 1}, 2)},
			{In: 1, Groups: 1, Kernel: [2]int{2, 2}, Stride: one, Dilation: one, Up: one,
				Weights: qrt.PackWeights([]uint16{1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0}, 2)},
		}}},
		Inputs:  []qrt.Input{{Name: "state x", Tensor: 0}, {Name: "state-x", Tensor: 1, Tables: [][]uint8{identity}, Interleaved: true}},
		Outputs: []qrt.Output{{Name: "1/sum", Tensor: 2}, {Name: "1 sum", Tensor: 0}},
	}
	data, err := qrt.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "two.qlut", string(data))
}

// TestExportGo exports programs of several kinds as Go modules and lets the go command test and build them.
func TestExportGo(t *testing.T) {
	dir := t.TempDir()
	values := filepath.Join(dir, "ae.qlut")
	mustCall(t, "convert", bundled(t, "digits_ae.onnx"), "--fast", "--calib", bundled(t, "digits")+"#test", "--samples", "50", "-o", values)
	for _, tt := range []struct {
		model, module, function string
		thorough                bool
	}{
		{digitsProgram(t), "example.com/firmware/digits", "Classify(", true},
		{values, "", "Run(in0 *Input) (*Output, error)", false},
		{twoPorts(t), "two", "Run(in0 *InputStateX, in1 *InputStateX_2) (Outputs, error)", false},
	} {
		out := filepath.Join(dir, "go-"+filepath.Base(tt.model))
		args := []string{"export", tt.model, "--go", out}
		if tt.module != "" {
			args = append(args, "--module", tt.module)
		}
		mustCall(t, args...)
		first := readDir(t, out)
		mustCall(t, args...) // over what is there
		for name, data := range readDir(t, out) {
			if !bytes.Equal(first[name], data) {
				t.Errorf("%s: %s differs when it is exported again", tt.model, name)
			}
			if bytes.Contains(data, []byte(`"qconv/`)) || strings.Contains(name, "_test.go") && name != "network_test.go" {
				t.Errorf("%s: %s refers to qconv, or is a test of it", tt.model, name)
			}
		}
		if !strings.Contains(string(first["network.go"]), tt.function) {
			t.Errorf("%s: no function %s in\n%s", tt.model, tt.function, first["network.go"])
		}
		if !bytes.Equal(first["model.qlut"], readFile(t, tt.model)) {
			t.Errorf("%s: the model that is embedded differs", tt.model)
		}
		goTool := func(env string, args ...string) {
			t.Helper()
			cmd := exec.Command("go", args...)
			cmd.Dir, cmd.Env = out, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "GOPROXY=off")
			cmd.Env = append(cmd.Env, strings.Fields(env)...)
			if message, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s go %s: %v\n%s", tt.model, env, strings.Join(args, " "), err, message)
			}
		}
		goTool("", "test", ".")
		if tt.thorough {
			goTool("", "test", "-tags", "purego", ".")
			goTool("CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=5", "build", "./...")
		}
	}
}

// readDir is what the files of a folder hold, by name with slashes.
func readDir(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[name] = readFile(t, filepath.Join(dir, name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestExportRefuses asks export for what it cannot do.
func TestExportRefuses(t *testing.T) {
	model, dir := digitsProgram(t), t.TempDir()
	mine := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{model}, exitUsage, "no form given, want one of --onnx, --qdq, --go"},
		{[]string{model, "--go", "a", "--onnx", "b"}, exitUsage, "flags --onnx and --go exclude each other"},
		{[]string{model, "--onnx", "b", "--module", "m"}, exitUsage, "flag --module belongs to --go"},
		{[]string{model, "--go", filepath.Join(dir, "x"), "--module", "a b"}, exitUsage, "flag --module"},
		{[]string{model, "--go", dir}, exitFailure, "holds mine.txt"},
		{[]string{model, "--go", mine}, exitFailure, "is a file, want a folder"},
		{[]string{model, "--go", filepath.Join(dir, "none", "x")}, exitFailure, "no such file"},
		{[]string{mine, "--go", filepath.Join(dir, "x")}, exitBadInput, "mine.txt"},
		{[]string{filepath.Join(dir, "none"), "--go", filepath.Join(dir, "x")}, exitBadInput, "no such file"},
	} {
		code, stdout, stderr := call(append([]string{"export"}, tt.args...)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("export %q: exit %d, stdout %q, stderr %q, want exit %d and %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
	}
	if files := readDir(t, dir); len(files) != 1 || string(files["mine.txt"]) != "mine" {
		t.Errorf("files left: %d", len(files))
	}
}
