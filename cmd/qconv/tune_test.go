package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qconv/finetune"
)

// shortTuning is a run of some steps on a part of the bundled digits.
func shortTuning(t *testing.T, model string, steps int) []string {
	return []string{"finetune", model, "--data", bundled(t, "digits") + "#train", "--samples", part, "--steps", fmt.Sprint(steps),
		"--batch", "16", "--calib-samples", "50", "--levels", "16", "--weights", "16"}
}

// logLine has the fields that the lines of a log share.
type logLine struct {
	Kind                        string
	Step                        int
	Loss, Rate, ImagesPerSecond *float64
	Accuracy, Agreement         *float64
	Samples                     int
	Flags                       map[string]any
	Best                        *bestReport
}

// readLog reads a log and checks its order: configuration, steps 1, 2, ..., each perhaps with a validation, and
// the result. It returns the text of steps (without the time they took) and validations.
func readLog(t *testing.T, path string, steps, every int) (lines []logLine, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	step := 0
	var rest []string
	for _, raw := range strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n") {
		var l logLine
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			t.Fatalf("%v in %q", err, raw)
		}
		switch {
		case l.Kind == "step":
			if step += every; l.Step != min(step, steps) || l.Loss == nil || l.Rate == nil || l.Accuracy == nil || !strings.Contains(raw, `"images_per_second":`) {
				t.Errorf("got %q, want step %d", raw, step)
			}
			raw, _, _ = strings.Cut(raw, `,"images_per_second"`)
			rest = append(rest, raw)
		case l.Kind == "validation":
			if l.Step > step || l.Step <= step-every || l.Agreement == nil || l.Accuracy == nil || l.Samples != 30 {
				t.Errorf("after step %d: got %q", step, raw)
			}
			rest = append(rest, raw)
		}
		lines = append(lines, l)
	}
	if last := lines[len(lines)-1]; lines[0].Kind != "config" || last.Kind != "result" || step < steps {
		t.Errorf("the log begins with %q, ends with %q and has %d steps", lines[0].Kind, last.Kind, step)
	}
	return lines, strings.Join(rest, "\n")
}

func TestLogAndPlot(t *testing.T) {
	dir, model := importDigits(t)
	log, picture := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "curve.png")
	var r tuneReport
	mustJSON(t, &r, append(shortTuning(t, model, 9), "--log", log, "--plot", picture, "--validate-every", "4", "--augment", "shift=1,crop=2")...)
	lines, _ := readLog(t, log, 9, 1)
	if f := lines[0].Flags; f["weights"] != 16.0 || f["rate"] != 0.005 || f["augment"] != "shift=1,crop=2" {
		t.Errorf("the configuration has the flags %v", f)
	}
	if len(lines) != 1+9+3+1 || *lines[len(lines)-1].Best != *r.Best {
		t.Errorf("got %d lines, the last with the best %+v, reported was %+v", len(lines), lines[len(lines)-1].Best, r.Best)
	}
	if r.Best.Metric != finetune.ByAgreement || r.Best.Value != *r.Tuned.Agreement || r.Best.Samples != 30 {
		t.Errorf("the best is %+v, measured was %g", r.Best, *r.Tuned.Agreement)
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 600 {
		t.Errorf("the plot is no picture: %v", err)
	}

	vector := filepath.Join(dir, "curve.svg")
	mustCall(t, append(shortTuning(t, model, 3), "--log", log, "--log-every", "2", "--plot", vector, "--validate-every", "100")...)
	readLog(t, log, 3, 2)
	text, err := os.ReadFile(vector)
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"training loss", "step", "percent", "validation: accuracy", "validation: accuracy of the float network"} {
		if !strings.Contains(string(text), ">"+label+"<") {
			t.Errorf("the plot lacks the text %q", label)
		}
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 5 {
		t.Errorf("got the files %v, want the model, the tuned one, a log and two plots", files)
	}
}

// TestPlotShapes draws curves of odd lengths and values.
func TestPlotShapes(t *testing.T) {
	for _, c := range []curve{
		{task: finetune.TaskClasses},
		{task: finetune.TaskValues},
		{task: finetune.TaskClasses, losses: []float64{0}, accuracies: []float64{1}},
		{task: finetune.TaskClasses, losses: []float64{2, 2}, accuracies: []float64{0, 0}},
		{task: finetune.TaskValues, losses: slices.Repeat([]float64{1e-3, 1}, 800), accuracies: make([]float64, 1600),
			validations: []finetune.Validation{{Step: 3}, {Step: 9, Metrics: finetune.Metrics{HasMSE: true, MSE: 1e-3, Distance: 1}}}},
	} {
		for _, name := range []string{"c.png", "c.SVG"} {
			if picture, err := c.draw(name); err != nil || len(picture) < 1000 {
				t.Errorf("%d steps, %s: %d bytes (%v)", len(c.losses), name, len(picture), err)
			}
		}
	}
}

func TestThinned(t *testing.T) {
	for _, n := range []int{0, 1, 10, plotPoints, 3*plotPoints + 7} {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(i + 1)
		}
		for _, around := range []int{1, smoothing(n)} {
			points := thinned(values, around)
			if len(points) != min(n, plotPoints) {
				t.Fatalf("%d values give %d points", n, len(points))
			}
			for k, p := range points {
				if k > 0 && p.X <= points[k-1].X || p.Y < p.X-float64(around)-4 || p.Y > p.X+float64(around)+4 {
					t.Fatalf("%d values around %d: point %d is %v", n, around, k, p)
				}
			}
		}
	}
}

// TestResumeLog interrupts a run between two checkpoints and compares its log with that of a
// run of one piece.
func TestResumeLog(t *testing.T) {
	dir, model := importDigits(t)
	out, log := filepath.Join(dir, "out.q.onnx"), filepath.Join(dir, "log.jsonl")
	args := append(shortTuning(t, model, 8), "--validate-every", "3", "-o", out, "--log", log)
	mustCall(t, args...)
	_, want := readLog(t, log, 8, 1)

	interrupted(t, args)
	// What a run writes after its last checkpoint before it is killed, in the middle of a line.
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"kind":"step","step":5,"loss":9}`+"\n"+`{"kind":"validation","step":6}`+"\n"+`{"kind":"st`)
	f.Close()
	mustCall(t, append(args, "--resume")...)
	if _, got := readLog(t, log, 8, 1); got != want {
		t.Errorf("the log of a resumed run is\n%s\nwant\n%s", got, want)
	}
}

// interrupted starts a run of at least four steps and stops it after three.
func interrupted(t *testing.T, args []string) {
	t.Helper()
	defer func(d time.Duration) { plainEvery = d }(plainEvery)
	plainEvery = 0
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := dispatch(ctx, newApp(nil, io.Discard, cancelWriter{"finetune: 3/", cancel}), append([]string{"qconv"}, args...))
	if !is[*interruptedError](err) || exitCode(err) != exitFailure || !strings.Contains(err.Error(), "--resume") {
		t.Fatalf("got %v, want an interruption that says how to go on", err)
	}
}

// TestResumeLonger lets an interrupted run go on for more steps than it was meant to have, but not for fewer.
func TestResumeLonger(t *testing.T) {
	dir, model := importDigits(t)
	out := filepath.Join(dir, "out.q.onnx")
	interrupted(t, append(shortTuning(t, model, 6), "-o", out))
	if code, _, stderr := call(append(shortTuning(t, model, 5), "-o", out, "--resume")...); code != exitBadInput || !strings.Contains(stderr, `--steps "6", now it is "5"`) {
		t.Errorf("fewer steps: exit %d, %q", code, stderr)
	}
	code, stdout, stderr := call(append(shortTuning(t, model, 9), "-o", out, "--resume", "--json")...)
	var r tuneReport
	if err := json.Unmarshal([]byte(stdout), &r); code != exitOK || err != nil || r.Steps != 9 || !strings.Contains(stderr, "longer than it was meant") {
		t.Errorf("more steps: exit %d, %d steps (%v), %q", code, r.Steps, err, stderr)
	}
}

// TestCheckpointOfAnotherRun resumes with other flags, another model and a broken file.
func TestCheckpointOfAnotherRun(t *testing.T) {
	dir, model := importDigits(t)
	out := filepath.Join(dir, "out.q.onnx")
	args := append(shortTuning(t, model, 4), "-o", out)
	interrupted(t, args)
	file := out + ".checkpoint"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	original, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(args []string, want string) {
		t.Helper()
		code, _, stderr := call(append(args, "--resume")...)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		if last := lines[len(lines)-1]; code != exitBadInput || !strings.HasPrefix(last, "qconv finetune: "+file+" is ") || !strings.Contains(last, want) {
			t.Errorf("exit %d, %q, want exit %d and %q", code, last, exitBadInput, want)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
			t.Fatalf("%s: the checkpoint has changed: %v", want, err)
		}
	}
	refused(append(args, "--rate", "0.01"), `of a run with --rate "0.005", now it is "0.01"; give the same again, or start without --resume`)
	refused(append(args, "--augment", "flip"), `--augment "", now it is "flip"`)
	refused(append(args, "--val", bundled(t, "digits")+"#test"), `--val ""`)
	refused(append(args, "--skip-bad"), `--skip-bad "false", now it is "true"`)
	mustCall(t, "import", bundled(t, "digits.onnx"), "--scale", "1/128", "-o", model)
	refused(args, "of a run with another model")
	if err := os.WriteFile(model, original, 0o666); err != nil {
		t.Fatal(err)
	}
	before = before[:len(before)/2]
	if err := os.WriteFile(file, before, 0o666); err != nil {
		t.Fatal(err)
	}
	refused(args, "no checkpoint")

	code, _, stderr := call(args...)
	if _, err := os.Stat(file + ".old"); err != nil || code != exitOK || !strings.Contains(stderr, file+".old") {
		t.Errorf("starting anew: exit %d, %v, stderr %q, want the old checkpoint set aside", code, err, stderr)
	}
}

// TestDivergence trains far too fast.
func TestDivergence(t *testing.T) {
	dir, model := importDigits(t)
	out, log, picture := filepath.Join(dir, "out.q.onnx"), filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "curve.svg")
	args := append(shortTuning(t, model, 2000), "-o", out, "--log", log, "--plot", picture, "--rate", "0.9", "--range-rate", "0.5")
	code, stdout, stderr := call(append(args, "--validate-every", "1")...)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := lines[len(lines)-1]
	if code != exitFailure || stdout != "" || !strings.HasPrefix(last, "qconv finetune: training diverged in step ") ||
		!strings.Contains(last, "try a lower --rate, such as 0.2") || !strings.Contains(last, out+" is the best network before that, of step ") {
		t.Errorf("exit %d, stdout %q, %q", code, stdout, last)
	}
	var e evalReport
	mustJSON(t, &e, "eval", out, "--data", bundled(t, "digits")+"#test", "--samples", part)
	if *e.Accuracy < 0.7 {
		t.Errorf("the network kept has accuracy %g", *e.Accuracy)
	}
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), `{"kind":"error","error":"training diverged`) {
		t.Errorf("the log does not end with the error (%v)", err)
	}
	for _, path := range []string{log, picture} {
		if size, err := fileSize(path); err != nil || size == 0 {
			t.Errorf("%s: %d bytes (%v)", path, size, err)
		}
	}

	none := filepath.Join(dir, "none.q.onnx")
	code, _, stderr = call(append(args, "-o", none, "--validate-every", "1999")...)
	if _, err := os.Stat(none); err == nil || code != exitFailure || !strings.Contains(stderr, "nothing was measured before") {
		t.Errorf("without a measurement: exit %d, stderr %q, want no result (%v)", code, stderr, err)
	}
}

// TestTuneMisuse has flags that do not fit together or the data: nothing may be written.
func TestTuneMisuse(t *testing.T) {
	dir, model := importDigits(t)
	args := shortTuning(t, model, 4)
	text := writeFile(t, "notes.txt", "my notes\n")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--plot", "curve.pdf"}, exitUsage, `flag --plot: got "curve.pdf", want a name that ends in .png or .svg`},
		{[]string{"--plot", filepath.Join(dir, "no", "c.png")}, exitFailure, "no such file or directory"},
		{[]string{"--log", model}, exitUsage, "is the input itself"},
		{[]string{"--log", filepath.Join(dir, "x.png"), "--plot", filepath.Join(dir, "x.png")}, exitUsage, "is given for two results"},
		{[]string{"-o", filepath.Join(dir, "x.png")}, exitUsage, "want a name that ends in .onnx"},
		{[]string{"--log", "/dev/full"}, exitFailure, "cannot write the result: write /dev/full: no space left on device"},
		{[]string{"--log-every", "0"}, exitUsage, "flag --log-every: got 0, want at least 1"},
		{[]string{"--checkpoint-every", "0"}, exitUsage, "flag --checkpoint-every: got 0, want at least 1"},
		{[]string{"--validate-every", "-1"}, exitUsage, "validate every: got -1 steps, want 0 or more"},
		{[]string{"--augment", "shift"}, exitUsage, `flag --augment: got "shift", want a list such as shift=2,crop=4,flip`},
		{[]string{"--augment", "turn=3"}, exitUsage, `flag --augment: got "turn=3"`},
		{[]string{"--augment", "shift=40"}, exitUsage, "shift: got 40 pixels, want 0..27"},
		{[]string{"--log", text, "--resume"}, exitBadInput, "nothing to resume: there is no "},
	} {
		code, stdout, stderr := call(append(args, tt.args...)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit %d, stdout %q, stderr %q, want exit %d and %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
	}
	if data, err := os.ReadFile(text); err != nil || string(data) != "my notes\n" {
		t.Errorf("a file was overwritten: %q (%v)", data, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("something was written: %v", files)
	}
}

// TestLogOfAnother resumes with a file that is no log: it must stay as it is.
func TestLogOfAnother(t *testing.T) {
	dir, model := importDigits(t)
	args := append(shortTuning(t, model, 4), "-o", filepath.Join(dir, "o"))
	interrupted(t, args)
	text := writeFile(t, "notes.txt", "my notes\n")
	code, _, stderr := call(append(args, "--resume", "--log", text)...)
	if data, err := os.ReadFile(text); code != exitBadInput || !strings.Contains(stderr, "no log of finetune") || err != nil || string(data) != "my notes\n" {
		t.Errorf("exit %d, stderr %q, the file is %q (%v)", code, stderr, data, err)
	}
}
