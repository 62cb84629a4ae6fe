package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAlign(t *testing.T) {
	a, b := "xabacd", "xbacxd"
	pairs := align(len(a), len(b), func(i, j int) float64 {
		if a[i] == b[j] {
			return 1
		}
		return 0
	})
	var got []string
	for _, p := range pairs {
		got = append(got, fmt.Sprintf("%c%d%d", a[p.own], p.own, p.other))
	}
	if want := "x00 b21 a32 c43 d55"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestGains tells channels that were made larger by powers of two from values that are something else.
func TestGains(t *testing.T) {
	channel := func(factor, noise float64) relation {
		var r relation
		for i := range 50 {
			y := math.Sin(float64(i))
			r.add(factor*y+noise*math.Cos(7*float64(i)), y)
		}
		return r
	}
	for _, c := range []struct {
		channels []relation
		gains    []int
		same     bool
	}{
		{[]relation{channel(1, 0.1), channel(1, 0)}, nil, true},
		{[]relation{channel(8, 0.1), channel(0.5, 0), channel(1, 0)}, []int{3, -1, 0}, true},
		{[]relation{channel(0.35, 0.01), channel(0.35, 0)}, nil, false},
		{[]relation{channel(0.35, 3), channel(1, 3)}, nil, true}, // too noisy to tell
		{nil, nil, true},
	} {
		if gains, same := gainsOf(c.channels); !slices.Equal(gains, c.gains) || same != c.same {
			t.Errorf("got %v, %v, want %v, %v", gains, same, c.gains, c.same)
		}
	}
}

// TestLayersOfProgram finds every value of a network inside programs made of it: also of a balanced one, whose channels are larger by powers of two.
func TestLayersOfProgram(t *testing.T) {
	model, data := writeFeatures(t)
	dir := filepath.Dir(model)
	stored, tuned, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "t.q.onnx"), filepath.Join(dir, "t.qlut")
	mustCall(t, "import", model, "-o", stored)
	mustCall(t, "finetune", stored, "--data", data, "--loss", "teacher", "--levels", "256", "--weights", "64", "--steps", "5", "-o", tuned)
	mustCall(t, "convert", tuned, "-o", program)
	for _, against := range []string{stored, tuned} {
		var e evalReport
		mustJSON(t, &e, "eval", program, "--data", data, "--against", against)
		var names []string
		for _, l := range e.Against.Layers {
			if names = append(names, l.Name); l.SNR < 15 {
				t.Errorf("against %s: %+v, want 15 dB", filepath.Base(against), l)
			}
		}
		if want := []string{"x", "r", "y"}; !slices.Equal(names, want) {
			t.Errorf("against %s: values %v, want %v", filepath.Base(against), names, want)
		}
	}
	var same evalReport
	mustJSON(t, &same, "eval", program, "--data", data, "--against", program)
	for _, l := range same.Against.Layers {
		if l.SNR != 150 {
			t.Errorf("a program against itself: %+v", l)
		}
	}
}

// TestFirstLost breaks a network by two levels: eval names where it begins.
func TestFirstLost(t *testing.T) {
	dir, model := importDigits(t)
	data, program := bundled(t, "digits"), filepath.Join(dir, "broken.qlut")
	mustCall(t, "convert", model, "--calib", data+"#train", "--samples", "200", "--levels", "2", "--weights", "2", "--fast", "-o", program)
	args := []string{"eval", program, "--data", data + "#test", "--samples", part, "--against", model}
	var e evalReport
	mustJSON(t, &e, args...)
	if e.FirstLost == nil || *e.Against.Accuracy-*e.Accuracy < lostShare {
		t.Fatalf("accuracy %g after %g, first lost %v", *e.Accuracy, *e.Against.Accuracy, e.FirstLost)
	}
	at := slices.Index(e.Against.Layers, *e.FirstLost)
	for i, l := range e.Against.Layers[:at+1] {
		if (l.SNR < lostSNR) != (i == at) {
			t.Errorf("value %d has %.1f dB, the first lost is %d", i, l.SNR, at)
		}
	}
	if text := mustCall(t, args...); !strings.Contains(text, fmt.Sprintf("first under 10 dB: %s (%.1f dB)", e.FirstLost.label(), e.FirstLost.SNR)) {
		t.Errorf("eval prints\n%s", text)
	}
}

// TestLayersOfSharedModels demands that the values of networks are found inside their programs without names, and are as far off as in the fine-tuned ONNX
// file, whose values have names.
func TestLayersOfSharedModels(t *testing.T) {
	models := shared(t, "models")
	for _, name := range []string{"mnist_lenet", "mnist_conv_autoencoder", "ad_autoencoder"} {
		dir := t.TempDir()
		stored, tuned, program := filepath.Join(dir, "m.q.onnx"), filepath.Join(dir, "t.q.onnx"), filepath.Join(dir, "t.qlut")
		data := filepath.Join(models, name+".ref.npz") + "#x0"
		mustCall(t, "import", filepath.Join(models, name+".onnx"), "-o", stored)
		mustCall(t, "finetune", stored, "--data", data, "--loss", "teacher", "--steps", "2", "--batch", "4", "--levels", "24", "--weights", "32", "-o", tuned)
		mustCall(t, "convert", tuned, "-o", program)
		var named, found evalReport
		mustJSON(t, &named, "eval", tuned, "--data", data, "--against", stored)
		mustJSON(t, &found, "eval", program, "--data", data, "--against", stored)
		a, b := named.Against.Layers, found.Against.Layers
		if len(a) != len(b) || len(a) < 5 {
			t.Errorf("%s: %d values by name, %d inside the program", name, len(a), len(b))
			continue
		}
		for i := range a {
			if a[i].Name != b[i].Name || a[i].SNR < 100 && math.Abs(a[i].SNR-b[i].SNR) > 3 {
				t.Errorf("%s: value %d is %+v by name, %+v inside the program", name, i, a[i], b[i])
			}
		}
	}
}
