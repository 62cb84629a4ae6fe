package main

import (
	"bytes"
	"context"
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/finetune/dataset"
)

// contextOf is what a command gets of arguments; what it says goes to stderr.
func contextOf(t *testing.T, command *cli.Command, stderr *bytes.Buffer, args ...string) *cli.Context {
	t.Helper()
	set := flag.NewFlagSet(command.Name, flag.ContinueOnError)
	for _, f := range command.Flags {
		if err := f.Apply(set); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	c := cli.NewContext(newApp(nil, stderr, stderr), set, nil)
	c.Context, c.Command = context.Background(), command
	return c
}

// TestParts demands that no sample serves for two things, that all serve for one, and that it is said.
func TestParts(t *testing.T) {
	_, model := importDigits(t)
	data := bundled(t, "digits")
	for _, tt := range []struct {
		args                  []string
		train, choose, report int
		said                  string
	}{
		{[]string{"--samples", "300"}, 240, 30, 30, "60 of the 300 samples are held back: 30 choose the best network, and 30 others are reported on"},
		{[]string{"--samples", "99"}, 79, 10, 10, "held back"},
		{[]string{"--samples", "90"}, 90, 0, 0, "too few to hold some back"},
		{[]string{"--samples", "200", "--val", data + "#test"}, 200, 100, 100, "of the 200 samples of --val, 100 choose the best network, and 100 others are reported on"},
		{[]string{"--samples", "19", "--val", data + "#test"}, 19, 0, 19, "too few to choose the best network and to report on others"},
	} {
		var stderr bytes.Buffer
		c := contextOf(t, finetuneCommand, &stderr, tt.args...)
		m, err := openModel(c, model)
		if err != nil {
			t.Fatal(err)
		}
		all, err := openModelSamples(c, data+"#train", m, share{})
		if err != nil {
			t.Fatal(err)
		}
		defer all.set.Close()
		p, err := divide(c, m, all, finetune.LossTeacher)
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		length := func(s *samples) int {
			if s == nil {
				return 0
			}
			return s.Len()
		}
		if got := [3]int{p.train.Len(), length(p.choose), length(p.report)}; got != [3]int{tt.train, tt.choose, tt.report} {
			t.Errorf("%s: got parts of %v, want %d, %d and %d", tt.args, got, tt.train, tt.choose, tt.report)
		}
		if !strings.Contains(stderr.String(), tt.said) {
			t.Errorf("%s: stderr lacks %q:\n%s", tt.args, tt.said, &stderr)
		}
		for _, pair := range [][2]*samples{{p.train, p.choose}, {p.train, p.report}, {p.choose, p.report}} {
			if pair[0] != nil && pair[1] != nil && dataset.Overlap(pair[0].set, pair[1].set) > 0 {
				t.Errorf("%s: parts have samples in common", tt.args)
			}
		}
	}
}

// TestHonestReport tunes on 300 pictures: the figure is not that of the samples that chose the network, and says how sure it is.
func TestHonestReport(t *testing.T) {
	dir, model := importDigits(t)
	tuned := filepath.Join(dir, "t.q.onnx")
	args := append(shortTuning(t, model, 8), "--validate-every", "2", "-o", tuned)
	var r tuneReport
	mustJSON(t, &r, args...)
	if r.Samples != 240 || r.ChoiceSamples != 30 || r.ReportSamples != 30 || r.Tuned.Samples != 30 || r.Best.Samples != 30 || r.RepeatedSamples != 0 {
		t.Errorf("got %+v, tuned %+v", r, r.Tuned)
	}
	if i := r.Tuned.Agreement95; i == nil || i[0] > *r.Tuned.Agreement || i[1] < *r.Tuned.Agreement || i[1]-i[0] < 0.05 {
		t.Errorf("agreement %g on 30 samples has the interval %v", *r.Tuned.Agreement, i)
	}
	code, stdout, stderr := call(args...)
	for _, want := range []string{"on the 30 samples that chose it", "measured on 30 samples of", "that neither trained nor chose it"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("exit %d, stdout lacks %q:\n%s", code, want, stdout)
		}
	}
	if !strings.Contains(stderr, "warning: measured on 30 samples: figures on fewer than 500 are rough") {
		t.Errorf("30 samples are no reason to warn:\n%s", stderr)
	}
}

// TestRepeatedSamples has every sample of the training data twice.
func TestRepeatedSamples(t *testing.T) {
	_, model := importDigits(t)
	var x []float32
	for i := range 120 {
		picture := make([]float32, 28*28)
		for k := range picture {
			picture[k] = float32((k*(i/2+3))%17) / 17
		}
		x = append(x, picture...)
	}
	path := filepath.Join(t.TempDir(), "twice.npz")
	writeArchive(t, path, array{"x", []int{120, 1, 28, 28}, x})
	args := []string{"finetune", model, "--steps", "2", "--batch", "8", "--calib-samples", "20", "-o", filepath.Join(t.TempDir(), "o"), "--data"}
	var r tuneReport
	mustJSON(t, &r, append(args, path)...)
	if r.RepeatedSamples < 10 {
		t.Errorf("%d samples are said to repeat", r.RepeatedSamples)
	}
	_, _, stderr := call(append(args, path)...)
	if !strings.Contains(stderr, "samples held back are trained on too, as ") {
		t.Errorf("nothing is said of samples that are there twice:\n%s", stderr)
	}
	_, _, stderr = call("convert", model, "--calib", path, "--val", path, "-o", filepath.Join(t.TempDir(), "o"))
	if !strings.Contains(stderr, "warning: 120 of the 120 samples of --val are among those of --calib that levels were chosen from") {
		t.Errorf("convert says nothing of them:\n%s", stderr)
	}
}

// TestOneClass measures on samples of a single class.
func TestOneClass(t *testing.T) {
	_, model := importDigits(t)
	good, one := bundled(t, "digits")+"#train", classFolders(t, "3")
	many := filepath.Join(t.TempDir(), "many.npz")
	writeArchive(t, many, array{"x", []int{120, 1, 28, 28}, make([]float32, 120*28*28)}, array{"y", []int{120}, make([]float32, 120)})
	out := filepath.Join(t.TempDir(), "o")
	labels := "0,1,2,3,4,5,6,7,8,9"
	tune := []string{"finetune", model, "--labels", labels, "--samples", "100", "--steps", "2", "--batch", "8", "--calib-samples", "20", "-o", out, "--data"}
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"validation", append(tune, good, "--val", one), exitBadInput, []string{"from 3/a.png on, all 5 samples are of class 3", "--no-labels"}},
		{"without labels", append(tune, good, "--val", one, "--no-labels"), exitOK, []string{"too few to choose the best network"}},
		{"of convert", []string{"convert", model, "--labels", labels, "--calib", good, "--samples", "30", "--val", one, "-o", out}, exitBadInput, []string{"from 3/a.png on, all 5 samples are of class 3", "--no-labels"}},
		{"to learn from", append(tune, many, "--loss", "labels"), exitBadInput, []string{"x[", "are of class 0: there is nothing to learn from them"}},
		{"for a teacher", append(tune, many), exitOK, []string{"warning: ", "are of class 0: labels are left out"}},
		{"of eval", []string{"eval", model, "--data", many}, exitOK, []string{"warning: ", "from x[0] on, all 120 samples are of class 0: accuracy on them tells nothing of other classes"}},
	} {
		code, _, stderr := call(c.args...)
		if code != c.code {
			t.Errorf("%s: exit %d, want %d:\n%s", c.name, code, c.code, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: stderr lacks %q:\n%s", c.name, want, stderr)
			}
		}
	}
}
