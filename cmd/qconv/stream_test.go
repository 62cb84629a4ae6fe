package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/finetune"
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

// oneStep writes a network of one step: x of 3 numbers and a state h of 5, which becomes hn, give y of 2.
func oneStep(t *testing.T, path string) {
	x, h := batched("x", 3), batched("h", 5)
	w := newGraph(t, 2, x, h)
	dense := func(in, out *onnx.Value) *onnx.Value {
		return w.node(&onnx.Gemm{Alpha: 1, Beta: 1, TransB: true}, out, in, w.constant("w-"+out.Name, out.Shape[1], in.Shape[1]), w.constant("b-"+out.Name, out.Shape[1]))
	}
	sum := w.node(&onnx.Add{}, batched("sum", 5), dense(x, batched("of-x", 5)), dense(h, batched("of-h", 5)))
	hn := w.node(&onnx.Tanh{}, batched("hn", 5), sum)
	w.write(path, dense(hn, batched("y", 2)), hn)
}

// TestImportWindow demands that a network of one step, imported over a window, computes what its steps do one after the other, is trained, and
// becomes a stream whose state is that of the step.
func TestImportWindow(t *testing.T) {
	const samples, steps = 2, 6
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	oneStep(t, at("m.onnx"))
	mustCall(t, "import", at("m.onnx"), "-o", at("step.q.onnx"))
	out := mustCall(t, "import", at("m.onnx"), "--window", "6", "--state", "h=hn", "-o", at("window.q.onnx"))
	for _, want := range []string{"input   x [N,6,3]\n", "output  y [N,6,2]\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("import prints\n%s\nwithout %q", out, want)
		}
	}
	_, _, said := call("import", at("m.onnx"), "--window", "6", "-o", at("data.q.onnx"))
	if !strings.Contains(said, "say so with --state h=hn") {
		t.Errorf("import of a state as data says %q", said)
	}
	graph := func(name string) *onnx.Graph {
		g, err := onnx.Read(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	run := func(g *onnx.Graph, inputs ...[]float32) [][]float32 {
		exec, err := finetune.NewExecutor(g, samples, finetune.ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		y, err := exec.Run(inputs...)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	x := randomArray("x", samples, steps, 3)
	got := run(graph("window.q.onnx"), x.values)
	step, h := graph("step.q.onnx"), make([]float32, samples*5)
	for k := range steps {
		var now []float32
		for s := range samples {
			now = append(now, x.values[(s*steps+k)*3:][:3]...)
		}
		y := run(step, now, h)
		h = y[1]
		for s := range samples {
			for i, want := range y[0][s*2:][:2] {
				if have := got[0][(s*steps+k)*2+i]; math.Abs(float64(have-want)) > 1e-5 {
					t.Errorf("sample %d, step %d: got %g, want %g", s, k, have, want)
				}
			}
		}
	}
	writeArchive(t, at("x.npz"), randomArray("x", 40, steps, 3))
	mustCall(t, "finetune", at("window.q.onnx"), "--data", at("x.npz"), "--loss", "teacher", "--steps", "3", "-o", at("t.onnx"))
	var r convertReport
	mustJSON(t, &r, "convert", at("t.onnx"), "--stream", "-o", at("m.qlut"))
	if r.Stream == nil || r.Stream.StateBytes != 5 || r.Stream.Recurrent != 1 || r.Stream.Warmup != 0 {
		t.Errorf("got %+v", r.Stream)
	}
	for _, c := range [][2]string{
		{"--window 0 --state h=hn", "got 0, want at least 1"}, {"--state h=hn", "import takes it with --window alone"}, {"--window 4 --state h", "want IN=OUT"},
		{"--window 4 --state h=z", `output "z", which there is none of`}, {"--window 4 --state x=y", "want the same but for dimensions of 1"}, {"--window 4 --state h=hn,h=hn", "given twice"},
	} {
		args := append([]string{"import", at("m.onnx"), "-o", at("no.onnx")}, strings.Fields(c[0])...)
		if code, _, stderr := call(args...); code != exitUsage || !strings.Contains(stderr, c[1]) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s", c[0], code, exitUsage, c[1], stderr)
		}
	}
}

// TestStateCommand demands that inputs and outputs that are states get the same levels, and are carried inside the program.
func TestStateCommand(t *testing.T) {
	dir := t.TempDir()
	model, data, out := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "x.npz"), filepath.Join(dir, "m.qlut")
	oneStep(t, model)
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
		{[]string{model, "--calib", data, "--fast", "--state", "h=hn,z=y"}, `state "z" is no input that the outputs depend on`},
		{[]string{model, "--calib", data, "--fast", "--state", "h=z"}, `"z"`},
		{[]string{model, "--calib", data, "--fast", "--state", "h=y"}, "the same but for dimensions of 1"},
	} {
		code, _, stderr := call(append([]string{"convert", "-o", out}, c.args...)...)
		if code != exitUsage || !strings.Contains(stderr, c.said) {
			t.Errorf("%v: exit %d, want %d and %q:\n%s", c.args, code, exitUsage, c.said, stderr)
		}
	}
}
