package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

// sequenceNetwork writes a network of windows [steps][width], called x: the second of two scores is the sum of the first value of every step and the first score its opposite. With every
// there are scores for every step.
func sequenceNetwork(t *testing.T, path string, steps, width int, every bool) {
	t.Helper()
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, steps, width}}
	inputs, shape := width, onnx.Shape{onnx.Batch, steps, 2}
	if !every {
		inputs, shape = steps*width, onnx.Shape{onnx.Batch, 2}
	}
	w := &onnx.Tensor{Type: onnx.Float, Shape: onnx.Shape{inputs, 2}, Floats: make([]float32, 2*inputs)}
	for i := 0; i < inputs; i += width {
		w.Floats[2*i], w.Floats[2*i+1] = -1, 1
	}
	for i := range w.Floats { // so that there are several values
		w.Floats[i] += 0.01 * float32(i%5)
	}
	weights := &onnx.Value{Name: "w", Shape: w.Shape, Const: w}
	scores := &onnx.Value{Name: "scores", Shape: shape}
	nodes := []*onnx.Node{{Name: "dense", Op: &onnx.MatMul{}, Inputs: []*onnx.Value{x, weights}, Outputs: []*onnx.Value{scores}}}
	if !every {
		flat := &onnx.Value{Name: "flat", Shape: onnx.Shape{onnx.Batch, inputs}}
		nodes[0].Inputs[0] = flat
		nodes = append([]*onnx.Node{{Name: "flatten", Op: &onnx.Flatten{Axis: 1}, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{flat}}}, nodes...)
	}
	data, err := onnx.Encode(&onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{scores}, Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// recordingText is a table of stretches of 20 rows, of class off (a is about -1) and on (a is about 1) in turns.
func recordingText(rows int) string {
	var b strings.Builder
	b.WriteString("time,a,b,state\n")
	for i := range rows {
		class := i / 20 % 2
		fmt.Fprintf(&b, "%d,%g,%g,%s\n", i, float64(2*class-1)+0.3*math.Sin(float64(i)), math.Cos(float64(3*i)), []string{"off", "on"}[class])
	}
	return b.String()
}

func TestWindowCommands(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	sequenceNetwork(t, at("net.onnx"), 8, 2, false)
	if err := os.MkdirAll(at("rec"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, rows := range []int{300, 400} {
		if err := os.WriteFile(at(fmt.Sprintf("rec/%d.csv", i)), []byte(recordingText(rows)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mustCall(t, "import", at("net.onnx"))
	flags := []string{"--columns", "a,b", "--label-column", "state"}
	with := func(args ...string) []string { return append(args, flags...) }

	var whole evalReport
	mustJSON(t, &whole, with("eval", at("net.q.onnx"), "--data", at("rec"), "--hop", "20")...)
	if whole.Samples != 15+20 || *whole.Accuracy != 1 {
		t.Errorf("%d windows of one class each, accuracy %v, want 35 and 1", whole.Samples, *whole.Accuracy)
	}
	var last, majority evalReport
	mustJSON(t, &last, with("eval", at("net.q.onnx"), "--data", at("rec/1.csv"), "--hop", "2")...)
	mustJSON(t, &majority, with("eval", at("net.q.onnx"), "--data", at("rec/1.csv"), "--hop", "2", "--window-label", "majority")...)
	if last.Samples != 197 || *last.Accuracy > 0.95 || *last.Accuracy < 0.8 || *majority.Accuracy <= *last.Accuracy {
		t.Errorf("%d windows: accuracy %v by the last step and %v by most", last.Samples, *last.Accuracy, *majority.Accuracy)
	}

	code, _, stderr := call(with("finetune", at("net.q.onnx"), "--data", at("rec"), "--hop", "2", "--steps", "5", "--levels", "32", "--weights", "8", "-o", at("tuned.onnx"))...)
	if code != 0 || !strings.Contains(stderr, "are held back, by stretches of time (") || !strings.Contains(stderr, "more overlap samples of both parts and are left out): ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	mustCall(t, with("convert", at("net.q.onnx"), "--calib", at("rec"), "--hop", "4", "-o", at("net.qlut"), "--fast")...)
	var program evalReport
	mustJSON(t, &program, with("eval", at("net.qlut"), "--data", at("rec"), "--hop", "20")...)
	if program.Samples != 35 || *program.Accuracy != 1 {
		t.Errorf("the program has %v of %d windows right", *program.Accuracy, program.Samples)
	}
	out := mustCall(t, "run", at("net.qlut"), "--input", at("rec/0.csv"), "--hop", "140", "--columns", "a,b")
	for _, want := range []string{"rows[0:8]: off", "rows[140:148]: on", "rows[280:288]: off"} {
		if !strings.Contains(out, want) {
			t.Errorf("run prints %q, want %q in it", out, want)
		}
	}
	for part := 1; part <= 2; part++ {
		mustCall(t, with("eval", at("net.qlut"), "--data", at("rec"), "--hop", "3", "--shard", fmt.Sprintf("%d/2", part), "-o", at("parts"))...)
	}
	if got, want := mustCall(t, "merge", at("parts")), mustCall(t, with("eval", at("net.qlut"), "--data", at("rec"), "--hop", "3")...); got != want {
		t.Errorf("parts say %q, the whole says %q", got, want)
	}
	mustCall(t, with("sensitivity", at("net.q.onnx"), "--data", at("rec"), "--hop", "8", "--levels", "16", "--weights", "8")...)
}

func TestStepClasses(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	sequenceNetwork(t, at("net.onnx"), 8, 2, true)
	writeFileAt(t, at("a.csv"), recordingText(400))
	mustCall(t, "import", at("net.onnx"))
	var r evalReport
	mustJSON(t, &r, "eval", at("net.q.onnx"), "--data", at("a.csv"), "--window", "8", "--hop", "5", "--columns", "a,b", "--label-column", "state")
	if r.Samples != 79 || r.Steps != 8 || *r.Accuracy != 1 {
		t.Errorf("%d windows of %d steps, accuracy %v", r.Samples, r.Steps, *r.Accuracy)
	}
	code, _, stderr := call("eval", at("net.q.onnx"), "--data", at("a.csv"), "--hop", "5", "--columns", "a,b", "--label-column", "time")
	if want := "step 2 of rows[0:8] has class 2, the network has the classes 0 to 1"; code != 3 || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d: %s, want %q", code, stderr, want)
	}
}

func writeFileAt(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// waveText is a WAV file of a tone of 1600 samples at 16 kHz.
func waveText(hertz float64) string {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x80\x0c\x00\x00")
	for i := range 1600 {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(9000*math.Sin(2*math.Pi*hertz*float64(i)/16000))))
	}
	return string(b)
}

func TestFeaturesTravel(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for i := range 12 {
		writeFileAt(t, at(fmt.Sprintf("sound/%s/%02d.wav", []string{"low", "high"}[i%2], i)), waveText(float64(400+30*i+4000*(i%2))))
	}
	// 1600 samples have 7 frames of 6 coefficients; what the network says of them is of no matter here.
	sequenceNetwork(t, at("net.onnx"), 7, 6, false)
	spec := "mfcc:n_fft=256,hop=256,n_mels=12,n_mfcc=6"
	mustCall(t, "import", at("net.onnx"), "--features", spec)
	canonical := "mfcc:style=torchaudio,rate=16000,n_fft=256,win=256,hop=256,"
	if out := mustCall(t, "inspect", at("net.q.onnx")); !strings.Contains(out, "features: "+canonical) {
		t.Errorf("inspect prints %q", out)
	}
	mustCall(t, "convert", at("net.q.onnx"), "--calib", at("sound"), "-o", at("net.qlut"), "--levels", "256")
	if out := mustCall(t, "inspect", at("net.qlut")); !strings.Contains(out, "features "+canonical) || !strings.Contains(out, "labels high, low") {
		t.Errorf("inspect prints %q", out)
	}
	var r evalReport
	mustJSON(t, &r, "eval", at("net.qlut"), "--data", at("sound"), "--against", at("net.q.onnx"))
	if r.Samples != 12 || *r.Agreement != 1 {
		t.Errorf("%d samples, agreement %v", r.Samples, *r.Agreement)
	}
	var float, program runReport
	mustJSON(t, &float, "run", at("net.q.onnx"), "--input", at("sound/low/00.wav"))
	mustJSON(t, &program, "run", at("net.qlut"), "--input", at("sound/low/00.wav"))
	a, b := float.Inputs[0].Outputs[0].Values, program.Inputs[0].Outputs[0].Values
	if len(a) != 2 || math.Abs(a[0]) < 1 || math.Abs(a[0]-b[0]) > 0.05*math.Abs(a[0]) {
		t.Errorf("outputs %v and %v", a, b)
	}

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"eval", at("net.qlut"), "--data", at("sound"), "--features", spec}, 2, "carries its preprocessing"},
		{[]string{"import", at("net.onnx"), "--features", "mfcc:mels=3", "-o", at("no.onnx")}, 2, `there is no "mels", want one of style, rate`},
		{[]string{"eval", at("net.onnx"), "--data", at("sound")}, 3, "say which with --features"},
		{[]string{"eval", at("net.q.onnx"), "--data", at("sound"), "--features", "mel:rate=8000,n_fft=256,n_mels=6"}, 3, "16000 samples in a second, want 8000 as the features are of: sox IN -r 8000 OUT"},
		{[]string{"eval", at("net.q.onnx"), "--data", at("sound"), "--features", "mel:n_fft=256,n_mels=6,hop=300"}, 3, "6 steps of 6 values, want 7 steps (--pad appends zeros)"},
	} {
		if code, _, stderr := call(c.args...); code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %s; want %d and %q", c.args, code, stderr, c.code, c.want)
		}
	}
}

func TestStates(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	twoInputs(t, at("net.onnx"))
	image := make([]float32, 4*16)
	for i := range image {
		image[i] = float32(i%7) - 3
	}
	zeros := make([]float32, 8)
	writeArchive(t, at("image.npz"), array{"image", []int{4, 1, 4, 4}, image})
	writeArchive(t, at("both.npz"), array{"image", []int{4, 1, 4, 4}, image}, array{"state", []int{4, 2}, zeros})
	mustCall(t, "import", at("net.onnx"))
	mustCall(t, "convert", at("net.q.onnx"), "--calib", at("both.npz"), "-o", at("net.qlut"), "--fast")
	for _, model := range []string{"net.q.onnx", "net.qlut"} {
		want := mustCall(t, "run", at(model), "--input", at("both.npz"), "--json")
		if got := mustCall(t, "run", at(model), "--input", at("image.npz"), "--state", "state", "--json"); strings.ReplaceAll(got, "image.npz", "both.npz") != want {
			t.Errorf("%s: zeros that are not there give %s, want %s", model, got, want)
		}
		out := mustCall(t, "eval", at(model), "--against", at("net.q.onnx"), "--data", at("image.npz"), "--state", "state")
		if !strings.Contains(out, "samples    4\n") {
			t.Errorf("%s: eval prints %q", model, out)
		}
	}
	for _, c := range [][2]string{
		{"h0", `flag --state: there is no input "h0", want one of image, state`},
		{"image,state", "flag --state: all inputs are named (image, state), want one at least that data enter through"},
	} {
		if code, _, stderr := call("eval", at("net.q.onnx"), "--against", at("net.q.onnx"), "--data", at("image.npz"), "--state", c[0]); code != 2 || !strings.Contains(stderr, c[1]) {
			t.Errorf("--state %s: exit code %d, %s", c[0], code, stderr)
		}
	}
	for _, c := range [][3]string{
		{"--window", "0", "flag --window: got 0, want at least 1"}, {"--hop", "-3", "flag --hop: got -3, want at least 1"},
		{"--window-label", "first", `flag --window-label: got "first", want last or majority`}, {"--layout", "ncw", `layout is "ncw"`},
	} {
		code, _, stderr := call("eval", at("net.q.onnx"), "--against", at("net.q.onnx"), "--data", at("both.npz"), c[0], c[1])
		if code == 0 || !strings.Contains(stderr, c[2]) {
			t.Errorf("%s %s: exit code %d, %s", c[0], c[1], code, stderr)
		}
	}
}
