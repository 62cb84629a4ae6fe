package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/onnx"
)

// TestPixelRange imports the digits with the preprocessing that they were trained with, and with others.
func TestPixelRange(t *testing.T) {
	out := filepath.Join(t.TempDir(), "m.q.onnx")
	digits := bundled(t, "digits.onnx")
	var r importReport
	mustJSON(t, &r, "import", digits, "-o", out, "--scale", "1/255", "--mean=0.1", "--std", "0.22")
	if r.Pixels == nil || r.Pixels.Low != -1 || r.Pixels.High != 1 || r.Pixels.Contradicted || !strings.Contains(r.Pixels.Reason, "BatchNormalization") {
		t.Errorf("got %+v, want numbers around 0, by BatchNormalization", r.Pixels)
	}
	for _, c := range []struct {
		args []string
		want string // on stderr; empty for no warning of the range
	}{
		{nil, "warning: without flags pixels enter as 0..255; the network suggests numbers around 0"},
		{[]string{"--scale", "1/2550"}, "warning: with these flags pixels 0..255 enter as 0..0.1; the network suggests"},
		{[]string{"--scale", "1/128", "--mean", "1"}, ""},
	} {
		code, stdout, stderr := call(append([]string{"import", digits, "-o", out}, c.args...)...)
		if code != exitOK || !strings.Contains(stdout, "pixels  numbers around 0, as in training: -1..1 is --scale 1/127.5") {
			t.Errorf("%s: exit %d, stdout\n%s", c.args, code, stdout)
		}
		if !strings.Contains(stderr, c.want) || c.want == "" && strings.Contains(stderr, "suggests") {
			t.Errorf("%s: stderr %q, want %q", c.args, stderr, c.want)
		}
	}
}

// TestWholeNumbers tells networks of indices, for which there is no preprocessing, from others.
func TestWholeNumbers(t *testing.T) {
	for _, c := range []struct {
		types []onnx.DataType
		want  bool
	}{{[]onnx.DataType{onnx.Int}, true}, {[]onnx.DataType{onnx.Float}, false}, {[]onnx.DataType{onnx.Int, onnx.Float}, false}} {
		g := &onnx.Graph{}
		for _, kind := range c.types {
			g.Inputs = append(g.Inputs, &onnx.Value{Name: "x", Type: kind})
		}
		if got := wholeNumbers(g); got != c.want {
			t.Errorf("inputs of types %v: got %v, want %v", c.types, got, c.want)
		}
	}
}

// TestEntry runs the digits with pixels in their range, 255 times too large and too small: every command that looks at samples says so.
func TestEntry(t *testing.T) {
	digits, data := bundled(t, "digits.onnx"), bundled(t, "digits")+"#test"
	out := filepath.Join(t.TempDir(), "o")
	for _, c := range []struct {
		preprocess []string
		want       []string // on stderr
	}{
		{[]string{"--scale", "1/255", "--mean", "0.1", "--std", "0.22"}, nil},
		{nil, []string{"what the first layer, /0/Conv, gives varies ", " times as much as in training; pixels 0..255 enter as 0..255; the network suggests"}},
		{[]string{"--scale", "1/65025"}, []string{"what the first layer, /0/Conv, gives varies ", " % of the samples get class ", "pixels 0..255 enter as 0..0.003922, which may not be what the network was trained on"}},
		{[]string{"--scale", "1/255", "--mean", "2", "--std", "0.22"}, []string{"what the first layer, /0/Conv, gives is ", " deviations away from that in training"}},
	} {
		for _, command := range [][]string{
			{"eval", digits, "--data", data, "--samples", "100"},
			{"convert", digits, "--fast", "--calib", data, "--samples", "100", "-o", out},
			{"finetune", digits, "--data", data, "--samples", "250", "--steps", "1", "--batch", "4", "--calib-samples", "20", "-o", out},
		} {
			code, _, stderr := call(append(command, c.preprocess...)...)
			if code != exitOK {
				t.Errorf("%s %s: exit %d, %s", command[0], c.preprocess, code, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%s %s: stderr lacks %q:\n%s", command[0], c.preprocess, want, stderr)
				}
			}
			if c.want == nil && (strings.Contains(stderr, "first layer") || strings.Contains(stderr, "get class")) {
				t.Errorf("%s %s: a false alarm:\n%s", command[0], c.preprocess, stderr)
			}
		}
	}
}

// TestDrowned judges first layers without BatchNormalization by their biases.
func TestDrowned(t *testing.T) {
	biases := []float64{1, -1, 1, -1}
	for _, c := range []struct {
		means, deviations []float64
		biases            []float64
		small             bool
		want              string
	}{
		{[]float64{1, -1, 1, -1}, []float64{0.01, 0.01, 0.01, 0.01}, biases, false, "hardly depends on the samples: they change it by 0.01 times its biases"},
		{[]float64{0.1, 0, 0.1, 0}, []float64{0.01, 0.01, 0.01, 0.01}, biases, false, ""}, // biases are balanced by inputs that do not vary
		{[]float64{9, 9, 9, 9}, []float64{9, 9, 9, 9}, biases, true, ""},
		{[]float64{0, 0, 0, 0}, []float64{500, 500, 500, 500}, biases, true, "count for nothing: samples change what it gives by 500 times as much"},
		{[]float64{0, 0, 0, 0}, []float64{500, 500, 500, 500}, biases, false, ""}, // small weights are made for large inputs
		{[]float64{0, 0}, []float64{500, 500}, nil, true, ""},
		{[]float64{0, 0}, []float64{500, 500}, []float64{0, 0}, true, ""},
	} {
		if got := drowned("conv", c.means, c.deviations, c.biases, c.small); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

// TestVanishingLayer gives a network whose codebook has no room for the first layer, before anything is trained or written.
func TestVanishingLayer(t *testing.T) {
	r := newRegression(t, 3, 200)
	g, err := onnx.Read(r.model)
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Nodes[0].Inputs[1].Const.Floats {
		g.Nodes[0].Inputs[1].Const.Floats[i] /= 1000
	}
	file, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.model, file, 0o666); err != nil {
		t.Fatal(err)
	}
	data, out := r.csv(t, true), filepath.Join(t.TempDir(), "o")
	for _, command := range [][]string{{"finetune", r.model, "--data", data, "--steps", "100000"}, {"convert", r.model, "--calib", data}} {
		code, stdout, stderr := call(append(command, "--scope", "global", "--weights", "5", "-o", out)...)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		last := lines[len(lines)-1]
		if code != exitBadInput || stdout != "" || !strings.Contains(last, "regression.onnx: layer first: all 80 weights would become ") || !strings.Contains(last, " with --weights 5 --scope global: the largest is 0.00") ||
			!strings.Contains(last, "; give more --weights, or --scope layer") || strings.Contains(stderr, "steps/s") {
			t.Errorf("%s: exit %d, %s", command[0], code, stderr)
		}
		if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
			t.Errorf("%s: got the files %v", command[0], left)
		}
	}
	if code, _, stderr := call("convert", r.model, "--calib", data, "--weights", "5", "-o", out); code != exitOK {
		t.Errorf("a codebook for each layer: exit %d, %s", code, stderr)
	}
}

// TestFewCalibration chooses ranges from nine samples, and from ten.
func TestFewCalibration(t *testing.T) {
	model, data := writeFeatures(t)
	out := filepath.Join(t.TempDir(), "o")
	for _, command := range [][]string{{"convert", model, "--no-labels", "-o", out, "--calib"}, {"finetune", model, "--no-labels", "-o", out, "--steps", "1", "--data"}} {
		code, _, stderr := call(append(command, data, "--samples", "9")...)
		if code != exitOK || !strings.Contains(stderr, "features.csv: 9 samples, the last of which is line ") || !strings.Contains(stderr, "are few to choose ranges from: give 10 typical ones or more") {
			t.Errorf("%s of nine samples: exit %d, %s", command[0], code, stderr)
		}
		if code, _, stderr := call(append(command, data, "--samples", "10")...); code != exitOK || strings.Contains(stderr, "few to choose ranges") {
			t.Errorf("%s of ten samples: exit %d, %s", command[0], code, stderr)
		}
	}
}
