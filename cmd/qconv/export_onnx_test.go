package main

import (
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"
	"github.com/sbinet/npyio/npz"

	"qconv/internal/testtool"
	qrt "qconv/runtime"
)

// pretrained are the bundled network and, where they are there, those beside the repository, with their reference inputs.
func pretrained(t *testing.T) map[string]string {
	t.Helper()
	models := map[string]string{bundled(t, "digits.onnx"): bundled(t, "digits.ref.npz")}
	beside, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "models", "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if len(beside) == 0 {
		t.Log("without ../shared: only the bundled model")
	}
	for _, m := range beside {
		models[m] = strings.TrimSuffix(m, ".onnx") + ".ref.npz"
	}
	return models
}

// TestExportONNX converts every pretrained network and demands of ONNX Runtime the integers of the runtime. What can be in a
// program besides is drawn in runtime/differential.
func TestExportONNX(t *testing.T) {
	ort := testtool.NewORT(t)
	dir := t.TempDir()
	program, file := filepath.Join(dir, "m.qlut"), filepath.Join(dir, "m.onnx")
	for model, reference := range pretrained(t) {
		mustCall(t, "convert", model, "--fast", "--calib", reference+"#x0", "--weights", "256", "-o", program)
		if out := mustCall(t, "export", program, "--onnx", file); !strings.HasPrefix(out, "written: "+file) {
			t.Errorf("export prints %q", out)
		}
		p, err := qrt.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		runner, err := qrt.NewRunner(p, qrt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := p.Tensors[p.Inputs[0].Tensor]
		sample := make([]byte, in.Elems())
		qrt.GenerateInput(9, sample, in.Levels)
		want, err := runner.Run(sample)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ort.Run(readFile(t, file), map[string]testtool.Tensor{"input": {Type: "uint8", Dims: []int{1, in.Shape[0], in.Shape[1], in.Shape[2]}, Data: sample}})
		if err != nil {
			t.Errorf("%s: %v", model, err)
			continue
		}
		out := got[0][p.Outputs[0].Name]
		if len(out.Data) != 4*len(want[0]) {
			t.Errorf("%s: %d bytes of output, want those of %d int32", model, len(out.Data), len(want[0]))
			continue
		}
		for i, v := range want[0] {
			if g := int32(binary.NativeEndian.Uint32(out.Data[4*i:])); g != v {
				t.Errorf("%s: output %d is %d in ONNX Runtime, %d in the runtime", model, i, g, v)
				break
			}
		}
	}
}

// TestExportONNXSequences does so with networks of loops, whose inputs may be several, where they are beside the repository.
func TestExportONNXSequences(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "sequences")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("without ../shared/sequences")
	}
	ort := testtool.NewORT(t)
	dir := t.TempDir()
	program, file := filepath.Join(dir, "m.qlut"), filepath.Join(dir, "m.onnx")
	states := map[string][]string{"gru_state": {"s0"}, "lstm_state": {"s0", "s1"}}
	samples := filepath.Join(dir, "x.npz")
	for _, name := range []string{"gru_2layers", "gru_steps", "gru_state", "lstm_bi_steps", "lstm_state", "rnn_tanh", "lstm_autoencoder"} {
		var arrays []array
		for _, input := range append([]string{"input"}, states[name]...) {
			x, shape := readArray(t, filepath.Join(folder, name+".ref.npz"), "in."+input+".npy")
			arrays = append(arrays, array{input, shape, x})
		}
		writeArchive(t, samples, arrays...)
		data := samples
		if len(arrays) == 1 {
			data += "#input"
		}
		mustCall(t, "convert", filepath.Join(folder, name+".onnx"), "--fast", "--calib", data, "--weights", "256", "-o", program)
		mustCall(t, "export", program, "--onnx", file)
		p, err := qrt.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		runner, err := qrt.NewRunner(p, qrt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		inputs := p.GenerateInputs(9)
		feed := map[string]testtool.Tensor{}
		for i, in := range p.Inputs {
			tensor, name := p.Tensors[in.Tensor], in.Name
			if name == "" {
				name = "input"
			}
			feed[name] = testtool.Tensor{Type: "uint8", Dims: []int{1, tensor.Shape[0], tensor.Shape[1], tensor.Shape[2]}, Data: inputs[i]}
		}
		want, err := runner.Run(inputs...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ort.Run(readFile(t, file), feed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for o, out := range p.Outputs {
			data := got[0][out.Name].Data
			if len(data) != 4*len(want[o]) {
				t.Errorf("%s: %d bytes of output %q, want those of %d int32", name, len(data), out.Name, len(want[o]))
				continue
			}
			for i, v := range want[o] {
				if g := int32(binary.NativeEndian.Uint32(data[4*i:])); g != v {
					t.Errorf("%s: output %q is %d at %d in ONNX Runtime, %d in the runtime", name, out.Name, g, i, v)
					break
				}
			}
		}
	}
}

// TestExportQDQ tunes networks for a step and demands of ONNX Runtime, without optimizations, what the tuned model computes.
func TestExportQDQ(t *testing.T) {
	ort := testtool.NewORT(t)
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 0))
	tuned, file, numbers := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.onnx"), filepath.Join(dir, "y.npy")
	models := pretrained(t)
	for _, model := range slices.Sorted(maps.Keys(models)) {
		reference := models[model]
		mustCall(t, "finetune", model, "--data", reference+"#x0", "--no-labels", "--loss", "teacher", "--steps", "1", "--weights", "16", "--codebook", "integer", "-o", tuned)
		if out := mustCall(t, "export", tuned, "--qdq", file); !strings.Contains(out, "weight tensors in int8") {
			t.Errorf("export prints %q", out)
		}
		x, shape := readArray(t, reference, "x0.npy")
		for i := range x { // off the halves between levels, which are rounded to another side
			x[i] += float32(rng.NormFloat64() / 256)
		}
		moved := filepath.Join(dir, "x.npz")
		writeArchive(t, moved, array{"x0", shape, x})
		mustCall(t, "run", tuned, "--input", moved+"#x0", "-o", numbers)
		want := readNumbers(t, numbers)
		var data []byte
		for _, v := range x {
			data = binary.NativeEndian.AppendUint32(data, math.Float32bits(v))
		}
		got, err := ort.Run(readFile(t, file), map[string]testtool.Tensor{"input": {Type: "float32", Dims: shape, Data: data}})
		if err != nil {
			t.Errorf("%s: %v", model, err)
			continue
		}
		largest, spread, far := 0.0, 0.0, 0
		out := got[0]["output"].Data
		if len(out) != 4*len(want) {
			t.Errorf("%s: %d bytes of output, want those of %d float32", model, len(out), len(want))
			continue
		}
		for _, v := range want {
			spread = max(spread, math.Abs(float64(v)))
		}
		for i, v := range want {
			g := math.Float32frombits(binary.NativeEndian.Uint32(out[4*i:]))
			d := math.Abs(float64(g - v))
			largest = max(largest, d)
			if d > 1e-4*spread {
				far++
			}
		}
		// The rounding of a float32 may decide which of two levels is nearer, in a sample or two of eight.
		if far > len(want)/4 || largest > spread/4 {
			t.Errorf("%s: %d of %d outputs differ, by up to %g, of up to %g", model, far, len(want), largest, spread)
		}
	}
}

// TestExportQDQFloats keeps weights that eight bits do not hold, and says so.
func TestExportQDQFloats(t *testing.T) {
	dir := t.TempDir()
	tuned, file := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "m.onnx")
	mustCall(t, "finetune", bundled(t, "digits.onnx"), "--data", bundled(t, "digits")+"#test", "--steps", "1", "--weights", "400", "-o", tuned)
	code, stdout, stderr := call("export", tuned, "--qdq", file)
	if code != exitOK || !strings.Contains(stdout, "0 of 4 weight tensors in int8") || !strings.Contains(stderr, "more than 8 bits stay float32") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	for _, model := range []string{digitsProgram(t), bundled(t, "digits.onnx")} {
		if code, _, stderr := call("export", model, "--qdq", file); code != exitUsage || !strings.Contains(stderr, "flag --qdq") {
			t.Errorf("%s: exit %d, %q, want a usage error", model, code, stderr)
		}
	}
}

// readNumbers reads an .npy of float32.
func readNumbers(t *testing.T, path string) (values []float32) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := npyio.Read(f, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// readArray reads float32 of an .npz, and their shape.
func readArray(t *testing.T, path, name string) (values []float32, shape []int) {
	t.Helper()
	f, err := npz.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Read(name, &values); err != nil {
		t.Fatal(err)
	}
	return values, f.Header(name).Descr.Shape
}
