package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
	qrt "qconv/runtime"
)

// graphWriter makes small networks.
type graphWriter struct {
	t   *testing.T
	rng *rand.Rand
	g   *onnx.Graph
}

func newGraph(t *testing.T, seed uint64, inputs ...*onnx.Value) *graphWriter {
	return &graphWriter{t, rand.New(rand.NewPCG(seed, 0)), &onnx.Graph{Opset: 17, Inputs: inputs}}
}

func batched(name string, shape ...int) *onnx.Value {
	return &onnx.Value{Name: name, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
}

func (w *graphWriter) constant(name string, shape ...int) *onnx.Value {
	c := &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: make([]float32, elems(shape))}
	for i := range c.Floats {
		c.Floats[i] = float32(w.rng.NormFloat64() / 2)
	}
	return &onnx.Value{Name: name, Shape: shape, Const: c}
}

func (w *graphWriter) node(op onnx.Op, out *onnx.Value, in ...*onnx.Value) *onnx.Value {
	w.g.Nodes = append(w.g.Nodes, &onnx.Node{Name: "make-" + out.Name, Op: op, Inputs: in, Outputs: []*onnx.Value{out}})
	return out
}

func (w *graphWriter) write(path string, outputs ...*onnx.Value) {
	w.t.Helper()
	w.g.Outputs = outputs
	data, err := onnx.Encode(w.g)
	if err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// randomArray is values around 0 for a number of samples.
func randomArray(name string, samples int, shape ...int) array {
	rng := rand.New(rand.NewPCG(9, uint64(len(name))))
	a := array{name: name, shape: append([]int{samples}, shape...)}
	a.values = make([]float32, elems(a.shape))
	for i := range a.values {
		a.values[i] = float32(rng.NormFloat64())
	}
	return a
}

// convolutions writes a network of two convolutions over 20 frames of 4 numbers, with so many zeros before and behind the first one.
func convolutions(t *testing.T, path string, before, behind int) {
	x := batched("x", 4, 20)
	w := newGraph(t, 1, x)
	conv := func(in, out *onnx.Value, kernel, before, behind int) *onnx.Value {
		op := &onnx.Conv{Kernel: []int{kernel}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{before, behind}, Groups: 1}
		return w.node(op, out, in, w.constant("w-"+out.Name, out.Shape[1], in.Shape[1], kernel))
	}
	act := w.node(&onnx.Relu{}, batched("act", 6, 20), conv(x, batched("conv", 6, 20), 3, before, behind))
	w.write(path, conv(act, batched("y", 2, 20), 1, 0, 0))
}

// TestStreamCommand demands that convert writes the program of a step, says what it is, and refuses what is none.
func TestStreamCommand(t *testing.T) {
	dir := t.TempDir()
	model, data, out := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "x.npz"), filepath.Join(dir, "m.qlut")
	convolutions(t, model, 2, 0)
	writeArchive(t, data, randomArray("x", 40, 4, 20))
	var r convertReport
	mustJSON(t, &r, "convert", model, "--calib", data, "--fast", "--stream", "-o", out)
	if r.Stream == nil || r.Stream.Hop != 1 || r.Stream.Window != 20 || r.Stream.StateBytes != 12 || r.Stream.Warmup != 0 || len(r.Stream.Buffers) != 1 || r.Stream.Buffers[0].Positions != 3 ||
		r.Stream.Inputs[0].Axis != 2 {
		t.Errorf("got %+v", r.Stream)
	}
	p, err := qrt.Open(out)
	if err != nil || p.Stream == nil || p.Tensors[p.Inputs[0].Tensor].Shape != [3]int{4, 1, 1} || len(p.SelfTests) == 0 {
		t.Fatalf("the program of a step: %v", err)
	}
	runner, err := qrt.NewRunner(p, qrt.Options{})
	if err == nil {
		err = runner.SelfTest()
	}
	if err != nil {
		t.Error(err)
	}
	mustJSON(t, &r, "convert", model, "--calib", data, "--fast", "--stream", "--stream-hop", "5", "--time-axis", "2", "-o", out)
	if r.Stream.Hop != 5 || r.Stream.StateBytes != 8 {
		t.Errorf("steps of 5 frames: got %+v", r.Stream)
	}
	code, stdout, stderr := call("convert", model, "--calib", data, "--fast", "--stream", "-o", out)
	if code != exitOK || !strings.Contains(stdout, "a step takes 1 of the window's 20 frames; state 12 bytes; warm-up 0 steps") || !strings.Contains(stdout, "kept: 3 positions") || !strings.Contains(stderr, "--time-axis 2") {
		t.Errorf("exit %d\n%s\n%s", code, stdout, stderr)
	}

	centred := filepath.Join(dir, "centred.onnx")
	convolutions(t, centred, 1, 1)
	for _, c := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{centred, "--stream"}, exitUnsupported, `"make-conv" (Linear, kernel 1x3, [4 1 20] -> [6 1 20]) looks 1 frame ahead`},
		{[]string{model, "--stream-hop", "2"}, exitUsage, "only with --stream"},
		{[]string{model, "--time-axis", "2"}, exitUsage, "only with --stream"},
		{[]string{model, "--stream", "--stream-hop", "0"}, exitUsage, "at least 1 frame"},
		{[]string{model, "--stream", "--stream-hop", "21"}, exitUnsupported, "at most 20"},
		{[]string{model, "--stream", "--time-axis", "1"}, exitUnsupported, "nothing moves with time"},
		{[]string{model, "--stream", "--time-axis", "7"}, exitUsage, "want an axis 0..2"},
		{[]string{model, "--stream", "--time-axis", "0"}, exitUsage, "no dimension of its own"},
		{[]string{model, "--stream", "--time-axis", "z=1"}, exitUsage, `no input is called "z"`},
	} {
		code, _, stderr := call(append([]string{"convert", "--calib", data, "--fast", "-o", out}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.said) {
			t.Errorf("%v: exit %d, want %d and %q:\n%s", c.args, code, c.code, c.said, stderr)
		}
	}
}

// TestStateCommand demands that inputs and outputs that are states get the same levels, and are carried inside the program.
func TestStateCommand(t *testing.T) {
	dir := t.TempDir()
	model, data, out := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "x.npz"), filepath.Join(dir, "m.qlut")
	x, h := batched("x", 3), batched("h", 5)
	w := newGraph(t, 2, x, h)
	dense := func(in, out *onnx.Value) *onnx.Value {
		return w.node(&onnx.Gemm{Alpha: 1, Beta: 1, TransB: true}, out, in, w.constant("w-"+out.Name, out.Shape[1], in.Shape[1]), w.constant("b-"+out.Name, out.Shape[1]))
	}
	sum := w.node(&onnx.Add{}, batched("sum", 5), dense(x, batched("of-x", 5)), dense(h, batched("of-h", 5)))
	hn := w.node(&onnx.Tanh{}, batched("hn", 5), sum)
	w.write(model, dense(hn, batched("y", 2)), hn)
	writeArchive(t, data, randomArray("x", 60, 3), array{"h", []int{60, 5}, make([]float32, 300)})

	var r convertReport
	mustJSON(t, &r, "convert", model, "--calib", data, "--fast", "--state", "h=hn", "-o", out)
	if r.Stream == nil || r.Stream.StateBytes != 5 || r.Stream.Recurrent != 1 {
		t.Errorf("got %+v", r.Stream)
	}
	p, err := qrt.Open(out)
	if err != nil || p.Stream == nil || len(p.Stream.States) != 1 || len(p.Inputs) != 1 || len(p.Outputs) != 1 || p.Outputs[0].Name != "y" {
		t.Fatalf("%v: got %+v", err, p)
	}
	if to := p.Tensors[p.Stream.States[0].To]; to.Levels != 256 {
		t.Errorf("a state of %d levels, want 256", to.Levels)
	}

	// The pair stays with a model that is tuned.
	tuned := filepath.Join(dir, "t.onnx")
	mustCall(t, "finetune", model, "--data", data, "--loss", "teacher", "--steps", "3", "--state", "h=hn", "-o", tuned)
	r = convertReport{}
	mustJSON(t, &r, "convert", tuned, "-o", out)
	if r.Stream == nil || r.Stream.Recurrent != 1 {
		t.Errorf("a tuned model: got %+v", r.Stream)
	}
	apart := filepath.Join(dir, "a.onnx")
	mustCall(t, "finetune", model, "--data", data, "--loss", "teacher", "--steps", "3", "-o", apart)
	for _, c := range []struct {
		args []string
		said string
	}{
		{[]string{apart, "--state", "h=hn"}, "without its states tied"},
		{[]string{model, "--calib", data, "--fast", "--state", "z=hn"}, `"z"`},
		{[]string{model, "--calib", data, "--fast", "--state", "h=hn,z=y"}, `state "z" is no input`},
		{[]string{model, "--calib", data, "--fast", "--state", "h=z"}, `"z"`},
		{[]string{model, "--calib", data, "--fast", "--state", "h=y"}, "as many elements"},
	} {
		code, _, stderr := call(append([]string{"convert", "-o", out}, c.args...)...)
		if code != exitUsage || !strings.Contains(stderr, c.said) {
			t.Errorf("%v: exit %d, want %d and %q:\n%s", c.args, code, exitUsage, c.said, stderr)
		}
	}
}
