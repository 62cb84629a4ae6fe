package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qconv/internal/testtool"
)

// boards are the targets of qrun that are not this machine, each with the program that runs
// its binaries here.
var boards = []struct {
	target, emulator string
	env              []string
}{
	{"linux/arm/5", "qemu-arm-static", []string{"GOARCH=arm", "GOARM=5"}},
	{"linux/arm/6", "qemu-arm-static", []string{"GOARCH=arm", "GOARM=6"}},
	{"linux/arm/7", "qemu-arm-static", []string{"GOARCH=arm", "GOARM=7"}},
	{"linux/arm64", "qemu-aarch64-static", []string{"GOARCH=arm64"}},
}

// maxBinary is the largest stripped qrun, in bytes.
const maxBinary = 4_000_000

// shared returns a file beside the repository, or skips the test.
func shared(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs ../shared/%s, which is not there", name)
	}
	return path
}

// buildBoardTool compiles qrun as the README says.
func buildBoardTool(t *testing.T, env ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "qrun")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "qconv/cmd/qrun")
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), env...)
	if message, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %v: %v\n%s", env, err, message)
	}
	return out
}

// TestBoards runs a hundred digits through programs of every kind of layer on every board and
// demands the bytes that this machine prints.
func TestBoards(t *testing.T) {
	dir := t.TempDir()
	digits := bundled(t, "digits/t10k-images-idx3-ubyte.gz") + "#0:100"
	programs := []struct{ file, input string }{
		{convertCalibrated(t, dir, bundled(t, "digits.onnx"), bundled(t, "digits")+"#train"), digits},
		{convertCalibrated(t, dir, bundled(t, "digits_ae.onnx"), bundled(t, "digits")+"#train"), digits},
	}
	if _, err := os.Stat(filepath.Join("..", "..", "..", "shared")); err == nil {
		mnist := shared(t, "data/mnist10k")
		input := filepath.Join(mnist, "t10k-images-idx3-ubyte.gz") + "#0:100"
		for _, name := range []string{"mnist_mlp", "mnist_mlp_tanh", "mnist_lenet", "mnist_autoencoder", "mnist_conv_autoencoder"} {
			program := convertCalibrated(t, dir, shared(t, "models/"+name+".onnx"), mnist+"#train")
			programs = append(programs, struct{ file, input string }{program, input})
		}
	} else {
		t.Log("without ../shared: only the bundled models")
	}
	run := func(t *testing.T, command ...string) string {
		t.Helper()
		out, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			t.Fatalf("%s: %v", strings.Join(command, " "), err)
		}
		return string(out)
	}
	here := buildBoardTool(t)
	var want []string
	for _, p := range programs {
		out := run(t, here, p.file, p.input, "--json")
		if n := strings.Count(out, "#"); n < 100 {
			t.Fatalf("%s: %d of 100 results in %.300s", p.file, n, out)
		}
		want = append(want, out)
	}
	for _, board := range boards {
		t.Run(board.target, func(t *testing.T) {
			tool := buildBoardTool(t, board.env...)
			info, err := os.Stat(tool)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() >= maxBinary {
				t.Errorf("qrun has %d bytes, want less than %d", info.Size(), maxBinary)
			}
			testtool.Path(t, board.emulator, "apt-get install qemu-user-static")
			for i, p := range programs {
				run(t, board.emulator, tool, "--selftest", p.file)
				if got := run(t, board.emulator, tool, p.file, p.input, "--json"); got != want[i] {
					t.Errorf("%s: the results differ from this machine's", filepath.Base(p.file))
				}
				for _, low := range []bool{false, true} {
					sameMemory(t, p.file, board.target, low, func(args ...string) string {
						return run(t, append([]string{board.emulator, tool}, args...)...)
					})
				}
			}
		})
	}
}

// sameMemory compares the memory that inspect tells for a target with what qrun takes there, and the kernels.
func sameMemory(t *testing.T, program, target string, low bool, qrun func(args ...string) string) {
	t.Helper()
	var there struct {
		Info struct {
			ram
			Layers []struct{ Kernel string }
		}
	}
	args := []string{"--info", "--json", program}
	if low {
		args = append(args, "--low-memory")
	}
	if err := json.Unmarshal([]byte(qrun(args...)), &there); err != nil {
		t.Fatal(err)
	}
	var here programReport
	mustJSON(t, &here, "inspect", program, "--target", target)
	want := there.Info.ram
	if low {
		if here.LowMemory != want {
			t.Errorf("%s on %s: inspect tells %+v with --low-memory, qrun takes %+v", filepath.Base(program), target, here.LowMemory, want)
		}
		return
	}
	if got := (ram{here.ArenaBytes, here.ScratchBytes, here.WeightBytes, here.TableBytes, here.RAMBytes}); got != want {
		t.Errorf("%s on %s: inspect tells %+v, qrun takes %+v", filepath.Base(program), target, got, want)
	}
	for i, l := range there.Info.Layers {
		if here.Layers[i].Kernel != l.Kernel {
			t.Errorf("%s on %s: layer %d by %s, want %s", filepath.Base(program), target, i, here.Layers[i].Kernel, l.Kernel)
		}
	}
}

// convertCalibrated imports a model and converts it without training.
func convertCalibrated(t *testing.T, dir, model, data string) string {
	t.Helper()
	base := filepath.Join(dir, strings.TrimSuffix(filepath.Base(model), ".onnx"))
	mustCall(t, "import", model, "--scale", "1/255", "-o", base+".q.onnx")
	mustCall(t, "convert", base+".q.onnx", "--fast", "--calib", data, "--calib-samples", "200", "--samples", "200", "--weights", "16", "-o", base+".qlut")
	return base + ".qlut"
}
