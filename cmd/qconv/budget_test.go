package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/finetune"
	"qconv/quant"
)

// TestBudget wants a program within its budget that is nearer to the float network than one of as many weights everywhere that takes as many bytes.
func TestBudget(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits")
	convert := []string{"convert", model, "--calib", data + "#train", "--val", data + "#test", "--samples", part, "--calib-samples", "100", "--fast"}
	var even, chosen convertReport
	mustJSON(t, &even, append(convert, "--weights", "4", "--codebook", "integer", "-o", filepath.Join(dir, "even.qlut"))...)
	budget := even.FileBytes
	program := filepath.Join(dir, "chosen.qlut")
	mustJSON(t, &chosen, append(convert, "--budget", fmt.Sprint(budget), "-o", program)...)
	size, err := fileSize(program)
	if err != nil || size > budget || chosen.Took == nil || chosen.Took.Bytes != int64(size) || size < budget*9/10 {
		t.Errorf("the program takes %d bytes (%v), a budget of %d: %+v", size, err, budget, chosen.Took)
	}
	if !(1-*chosen.Program.Agreement < (1-*even.Program.Agreement)/2) {
		t.Errorf("agreement %g, and %g with 4 weights everywhere", *chosen.Program.Agreement, *even.Program.Agreement)
	}
	kinds := map[string]bool{}
	for _, l := range chosen.Chosen {
		kinds[fmt.Sprint(l.Weights, l.Codebook)] = true
	}
	if len(chosen.Chosen) < 3 || len(kinds) < 2 {
		t.Errorf("chosen: %+v", chosen.Chosen)
	}
}

// TestDemands gives demands that cannot be met, or that contradict other flags.
func TestDemands(t *testing.T) {
	dir, model := importDigits(t)
	data := bundled(t, "digits") + "#train"
	for _, tt := range []struct {
		flags string
		code  int
		want  string
	}{
		{"--budget 1000", exitGate, "flag --budget: want at most 1,000 bytes, the least that levels and weights can make possible is "},
		{"--max-ram 10KB --target linux/arm/5", exitGate, "flag --max-ram: want at most 10,000 bytes, the least that levels and weights can make possible is "},
		{"--max-ms 1e-6", exitGate, "flag --max-ms: want at most 1e-06 ms, the least that levels and weights can make possible is "},
		{"--budget 9KB --weights 4", exitUsage, "flag --weights: --budget chooses weights layer by layer"},
		{"--max-ram 90KB --scope global", exitUsage, `flag --scope: got "global", want layer with --max-ram: every layer has a codebook of its own`},
		{"--budget 9Q", exitUsage, `flag --budget: "9Q" is no number of bytes`},
		{"--max-ms 0", exitUsage, "flag --max-ms: got 0, want more than 0"},
		{"--target linux/arm/5", exitUsage, "flag --target: it is the machine of --max-ram or --max-ms, and neither is given"},
		{"--max-ms 1 --target linux/arm/5", exitUsage, "flag --max-ms: give the --clock of linux/arm/5"},
		{"--max-ms 1 --target linux/s390x --clock 1GHz", exitUsage, "flag --target: instructions are known of linux/arm and linux/arm64, not of linux/s390x"},
		{"--max-ms 1 --clock 1GHz", exitUsage, "flag --clock: it is that of --target, which is not given"},
		{"--max-ms 0.001 --target linux/arm/5 --clock 200MHz", exitGate, "flag --max-ms: want at most 0.001 ms, the least that levels and weights can make possible is "},
	} {
		out := filepath.Join(dir, "none.qlut")
		args := append([]string{"convert", model, "--calib", data, "--samples", "60", "--calib-samples", "40", "--fast", "-o", out}, strings.Fields(tt.flags)...)
		code, _, stderr := call(args...)
		if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "flag --") != 1 {
			t.Errorf("%s: exit %d, %s", tt.flags, code, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a program was written", tt.flags)
		}
	}
}

// TestLeast looks for the smallest network of which more than so many bytes of weights pass, and wants one not much larger.
func TestLeast(t *testing.T) {
	_, path := importDigits(t)
	var stderr bytes.Buffer
	c := contextOf(t, convertCommand, &stderr, path)
	m, err := readModel(c, path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := openModelSamples(c, bundled(t, "digits")+"#train", m, share{first: 60})
	if err != nil {
		t.Fatal(err)
	}
	defer data.set.Close()
	cfg := finetune.TrialConfig{Weights: budgetWeights, Codebooks: budgetCodebooks, Cluster: quant.DefaultClusterConfig(), Calibrate: finetune.DefaultCalibrateConfig(), Samples: 20}
	found, _, err := finetune.Trials(c.Context, m, data, data, cfg)
	if err != nil {
		t.Fatal(err)
	}
	a := &allocator{demands: demands{least: true}, cluster: cfg.Cluster, calibrate: cfg.Calibrate, model: m}
	if _, err := finetune.Calibrate(c.Context, m, data, cfg.Calibrate); err != nil {
		t.Fatal(err)
	}
	a.take(found)
	const wanted = 12_000
	probes := 0
	f, err := a.smallest(c, func(cluster quant.ClusterConfig, _ finetune.CalibrateConfig) (bool, error) {
		probes++
		if len(cluster.Layers) != len(m.Layers()) {
			t.Errorf("codebooks of %d layers, want %d", len(cluster.Layers), len(m.Layers()))
		}
		f, err := a.footprint()
		return f.Bytes >= wanted, err
	})
	if err != nil || f.Bytes < wanted || f.Bytes > wanted*5/4 || probes != leastProbes {
		t.Errorf("got %+v (%v) after %d probes, want little more than %d bytes", f, err, probes, wanted)
	}
	if _, err := a.smallest(c, func(quant.ClusterConfig, finetune.CalibrateConfig) (bool, error) { return false, nil }); err != nil || !strings.Contains(stderr.String(), "not even the largest network passes") {
		t.Errorf("%v, %s", err, stderr.String())
	}
}

// TestBudgetTuned trains what was chosen, and goes on with it after an interruption.
func TestBudgetTuned(t *testing.T) {
	dir, model := importDigits(t)
	out := filepath.Join(dir, "tuned.q.onnx")
	var r tuneReport
	mustJSON(t, &r, "finetune", model, "--data", bundled(t, "digits")+"#train", "--samples", part, "--steps", "6", "--batch", "16", "--calib-samples", "50",
		"--budget", "9KB", "--levels", "16", "-o", out)
	if r.Took == nil || r.Took.Bytes > 9000 || len(r.Chosen) < 3 || r.Output != out {
		t.Fatalf("got %+v, chosen %+v, took %+v", r, r.Chosen, r.Took)
	}
	for i, l := range r.Chosen[:len(r.Codebooks)] {
		if l.Weights < r.Codebooks[i] {
			t.Errorf("layer %s has %d weights, chosen were %d", l.Layer, r.Codebooks[i], l.Weights)
		}
	}
	for _, l := range r.Levels {
		if l.Levels > 16 && l.Levels != 256 {
			t.Errorf("%s has %d levels, want at most 16", l.Value, l.Levels)
		}
	}
}
