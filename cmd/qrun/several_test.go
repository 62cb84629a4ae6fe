package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qconv/runtime"
)

// twoInputs is a program of an image of 3 channels and 1x2 pixels, interleaved and halved by a table, and of a state of
// two levels in 0..3. Its outputs are the sum of (position+1)*level of the image, and 7*state[0] + state[1].
func twoInputs(t *testing.T) *runtime.Program {
	t.Helper()
	half := make([]uint8, 256)
	for i := range half {
		half[i] = uint8(i / 2)
	}
	term := func(in, columns int, weights ...uint16) runtime.Term {
		return runtime.Term{In: in, Groups: 1, Kernel: [2]int{1, columns}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1},
			Weights: runtime.PackWeights(weights, 8)}
	}
	p := &runtime.Program{
		Tensors: []runtime.Tensor{
			{Shape: [3]int{3, 1, 2}, Levels: 128, Scale: runtime.ScaleOf(1)},
			{Shape: [3]int{2, 1, 1}, Levels: 4, Scale: runtime.ScaleOf(0.5)},
			{Shape: [3]int{2, 1, 1}, Scale: runtime.ScaleOf(1)},
		},
		Codebooks: []runtime.Codebook{{Centres: []int32{0, 1, 2, 3, 4, 5, 6, 7}}},
		Instrs: []runtime.Instr{&runtime.Linear{Out: 2, Bias: []int32{0, 0}, Terms: []runtime.Term{
			term(0, 2, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0), term(1, 1, 0, 0, 7, 1)}}},
		Inputs: []runtime.Input{
			{Name: "image", Tensor: 0, Tables: [][]uint8{half}, Interleaved: true},
			{Name: "state=of x", Tensor: 1, Shifts: []int8{0, 3}},
		},
		Outputs: []runtime.Output{{Name: "sums", Tensor: 2}},
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := runtime.NewRunner(p, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	outs, err := r.RunLevels(p.GenerateInputs(9)...)
	if err != nil {
		t.Fatal(err)
	}
	p.SelfTests = []runtime.SelfTest{{Seed: 9, Want: slices.Clone(outs[0])}}
	return p
}

// severalFixture writes the program and files for its inputs to a folder, and goes there.
func severalFixture(t *testing.T) {
	t.Helper()
	data, err := runtime.Encode(twoInputs(t))
	if err != nil {
		t.Fatal(err)
	}
	pixels := image.NewRGBA(image.Rect(0, 0, 2, 1))
	pixels.Set(0, 0, color.RGBA{2, 6, 10, 255})
	pixels.Set(1, 0, color.RGBA{4, 8, 12, 255})
	var picture bytes.Buffer
	if err := png.Encode(&picture, pixels); err != nil {
		t.Fatal(err)
	}
	planes, later := []byte{2, 4, 6, 8, 10, 12}, []byte{20, 4, 6, 8, 10, 13}
	dir := inputFolder(t, map[string][]byte{
		"two.qlut": data, "x.png": picture.Bytes(), "image.raw": planes, "state.raw": {3, 2}, "bad.raw": {1, 4}, "short.raw": {1},
		"images.raw": slices.Concat(planes, later), "states.raw": {3, 2, 0, 1}, "images-idx4-ubyte": append([]byte{0, 0, 8, 4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2}, slices.Concat(planes, later)...),
		"both.raw": slices.Concat(planes, []byte{3, 2}, later, []byte{0, 1}), "one.raw": slices.Concat(planes, []byte{3, 2}), "nine.raw": make([]byte, 9),
		"badboth.raw": slices.Concat(planes, []byte{3, 4}),
	})
	t.Chdir(dir)
}

// callList runs the program with arguments that may hold spaces.
func callList(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"qrun"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// TestSeveralInputs gives the samples of two inputs in every form. The sums are those of the definition: levels
// 1..6 of the first image give 1+4+9+16+25+36 = 91, 10 in place of 1 gives 100; 7*3+2 = 23 and 7*0+1 = 1.
func TestSeveralInputs(t *testing.T) {
	severalFixture(t)
	const state = "state=of x="
	for _, c := range []struct {
		args []string
		want string // name and outputs of every sample
	}{
		{[]string{"--input", "image=x.png", "--input", state + "state.raw"}, "x.png 91 23\n"},
		{[]string{"--input", state + "state.raw", "--input=image=image.raw"}, "image.raw 91 23\n"},
		{[]string{"--input", "image=images.raw", "--input", state + "states.raw"}, "images.raw#0 91 23\nimages.raw#1 100 1\n"},
		{[]string{"--input", "image=images-idx4-ubyte", "--input", state + "states.raw#0:2"}, "images-idx4-ubyte#0 91 23\nimages-idx4-ubyte#1 100 1\n"},
		{[]string{"--input", "image=images.raw#1", "--input", state + "state.raw"}, "images.raw#1 100 23\n"},
		{[]string{"both.raw"}, "both.raw#0 91 23\nboth.raw#1 100 1\n"},
		{[]string{"one.raw", "both.raw#1", "--kernel", "generic"}, "one.raw 91 23\nboth.raw#1 100 1\n"},
	} {
		code, stdout, stderr := callList(append([]string{"--json", "two.qlut"}, c.args...)...)
		var doc document
		if err := json.Unmarshal([]byte(stdout), &doc); err != nil || code != exitOK || stderr != "" {
			t.Errorf("%q: exit %d, stderr %q, %v", c.args, code, stderr, err)
			continue
		}
		var got strings.Builder
		for _, r := range doc.Inputs {
			v := r.Outputs[0].Values
			got.WriteString(r.Input + " " + fmt.Sprint(v[0], " ", v[1]) + "\n")
		}
		if got.String() != c.want {
			t.Errorf("%q: got\n%swant\n%s", c.args, got.String(), c.want)
		}
	}
}

// TestSeveralInputsShown asks for what is said about a program with two inputs.
func TestSeveralInputsShown(t *testing.T) {
	severalFixture(t)
	for _, c := range []struct{ args, want string }{
		{"--info two.qlut", "input     image [3 1 2]: 128 levels, scale 1, zero 0, bytes go through a table, 0..255 standing for 0..127, interleaved\n" +
			"input     \"state=of x\" [2 1 1]: 4 levels, scale 0.5 times 2^[0 3] by channel, zero 0, bytes are levels\n"},
		{"--selftest two.qlut", "self-test ok: 1 of 1\n"},
		{"--bench --bench-time 0.01 --workers 2 two.qlut", "per inference in a batch of 2 workers"},
		{"--bench --bench-time 0.01 --low-memory two.qlut", "16 MACs"},
	} {
		if code, stdout, stderr := call(c.args); code != exitOK || stderr != "" || !strings.Contains(stdout, c.want) {
			t.Errorf("%s: exit %d, stderr %q, stdout\n%swant\n%s", c.args, code, stderr, stdout, c.want)
		}
	}
	_, stdout, _ := call("--info --json two.qlut")
	var doc document
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatal(err)
	}
	in := doc.Info.Inputs
	if doc.Info.Input != nil || len(in) != 2 || in[0].Name != "image" || in[0].Shape != [3]int{3, 1, 2} || in[0].Tables != 1 || !in[0].Interleaved ||
		in[1].Name != "state=of x" || in[1].Levels != 4 || in[1].ScaleMant != 1<<31 || in[1].ScaleExp != -32 || !slices.Equal(in[1].Shifts, []int8{0, 3}) || in[1].Tables != 0 {
		t.Errorf("info --json says %+v", doc.Info)
	}
}

// TestSeveralInputsRefused gives samples that do not fit.
func TestSeveralInputsRefused(t *testing.T) {
	severalFixture(t)
	const state = "state=of x="
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "no file for image, \"state=of x\", want: --input image=FILE --input 'state=of x'=FILE"},
		{[]string{"--input", "image=a b.raw"}, exitUsage, "no file for \"state=of x\", want: --input image='a b.raw' --input 'state=of x'=FILE"},
		{[]string{"--input", state + "state.raw"}, exitUsage, "no file for image, want: --input image=FILE --input 'state=of x'=state.raw"},
		{[]string{"--input", "pixels=x.png"}, exitUsage, "no input is called pixels, want one of: image, \"state=of x\""},
		{[]string{"--input", "x.png"}, exitUsage, "got x.png, want NAME=FILE for each of the inputs image, \"state=of x\""},
		{[]string{"--input", "image="}, exitUsage, "no file for input image, want image=FILE"},
		{[]string{"--input", "image=x.png", "--input", "image=image.raw"}, exitUsage, "input image is given twice, as x.png and image.raw"},
		{[]string{"both.raw", "--input", "image=x.png"}, exitUsage, "want FILE... or --input for every input"},
		{[]string{"--info", "--input", "image=x.png"}, exitUsage, "take no input files"},
		{[]string{"x.png"}, exitUsage, "x.png: a file of this kind fills one input, and the program has several; want: --input image=FILE --input 'state=of x'=FILE"},
		{[]string{"images-idx4-ubyte"}, exitUsage, "fills one input"},
		{[]string{"none.raw"}, exitBadInput, "none.raw: no such file"},
		{[]string{"nine.raw"}, exitBadInput, "nine.raw: has 9 bytes, which are 1 times 8 (image 3x1x2, \"state=of x\" 2x1x1, one after the other) and 1 more"},
		{[]string{"both.raw#2"}, exitBadInput, "lies outside the 2 samples"},
		{[]string{"badboth.raw"}, exitBadInput, "badboth.raw: runtime: run: element 1 of input \"state=of x\" is level 4, want at most 3"},
		{[]string{"--input", "image=x.png", "--input", state + "none.raw"}, exitBadInput, "input \"state=of x\": none.raw: no such file"},
		{[]string{"--input", "image=x.png", "--input", state + "short.raw"}, exitBadInput, "input \"state=of x\": short.raw: has 1 bytes, which are 0 times 2 (2x1x1, channels x rows x columns) and 1 more"},
		{[]string{"--input", "image=x.png", "--input", state + "bad.raw"}, exitBadInput, "x.png, bad.raw: runtime: run: element 1 of input \"state=of x\" is level 4, want at most 3"},
		{[]string{"--input", "image=x.png", "--input", state + "states.raw"}, exitBadInput, "input \"state=of x\": states.raw holds 2 samples, want 1 as x.png holds for input image; choose as many with #, such as #0:1"},
		{[]string{"--input", "image=images.raw", "--input", state + "state.raw"}, exitBadInput, "state.raw holds 1 samples, want 2 as images.raw holds for input image; choose as many"},
	} {
		code, stdout, stderr := callList(append([]string{"two.qlut"}, c.args...)...)
		line, hint, _ := strings.Cut(stderr, "\n")
		if code != c.code || stdout != "" || !strings.Contains(line, c.want) || (hint != "") != (code == exitUsage) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want exit %d and one line with %q", c.args, code, stdout, stderr, c.code, c.want)
		}
	}
}

// TestOnlyInput names the input of a program with one, or does not.
func TestOnlyInput(t *testing.T) {
	dir := fixture(t)
	if err := os.WriteFile(filepath.Join(dir, "a=b.raw"), []byte{200, 1, 200, 2}, 0o644); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"ok.qlut --top 1 --input left.raw":       "left.raw: left  (left 397)\n",
		"ok.qlut --top 1 --input input=left.raw": "left.raw: left  (left 397)\n",
		"ok.qlut --top 1 --input a=b.raw":        "a=b.raw: left  (left 397)\n",
	} {
		if code, stdout, stderr := call(args); code != exitOK || stdout != want {
			t.Errorf("%s: exit %d, %s, got %q, want %q", args, code, stderr, stdout, want)
		}
	}
	if code, _, stderr := call("ok.qlut --input left.raw --input dark.raw"); code != exitUsage || !strings.Contains(stderr, "given twice") {
		t.Errorf("two files for one input: exit %d, %s", code, stderr)
	}
}

// TestInputNamesNested tells names apart of which one begins another.
func TestInputNamesNested(t *testing.T) {
	p := &runtime.Program{Inputs: []runtime.Input{{Name: "a"}, {Name: "a=b"}, {Name: ""}}}
	files, err := matchInputs(p, []string{"a=b=x", "=y", "a=z"})
	if want := []string{"z", "x", "y"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("files %q, %v, want %q", files, err, want)
	}
}
