package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qconv/export/c"
	"qconv/export/c/ctest"
	"qconv/internal/testtool"
	qrt "qconv/runtime"
)

// TestExportC writes folders of C, and refuses what is wrong by name.
func TestExportC(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	out := mustCall(t, "export", digitsProgram(t), "--c", dir, "--target", "cortex-m0", "--name", "digits_16")
	for _, want := range []string{"digits_16_run", "flash", "RAM", "instructions"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	for _, name := range []string{"digits_16.h", "digits_16.c", "digits_16_tables.h", "README.md", "Makefile", "CMakeLists.txt", "library.properties",
		"examples/digits_16_selftest/digits_16_selftest.ino", "zephyr/module.yml"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
	mustCall(t, "export", digitsProgram(t), "--c", dir, "--name", "digits_16", "--optimize", "size") // over an earlier result
	other := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(other, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "digits_16.c"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailure, "notes.txt", []string{"--c", dir, "--name", "digits_16"}},
		{exitUsage, "a-b", []string{"--c", dir, "--name", "a-b"}},
		{exitUsage, "empty", []string{"--c", dir, "--name", ""}},
		{exitUsage, "z80", []string{"--c", dir, "--target", "z80"}},
		{exitUsage, "small", []string{"--c", dir, "--optimize", "small"}},
		{exitUsage, "lots", []string{"--c", dir, "--max-ram", "lots"}},
		{exitUsage, "--name", []string{"--onnx", dir, "--name", "x"}},
		{exitUnsupported, "--optimize size", []string{"--c", dir + "2", "--max-flash", "4KiB"}},
		{exitUnsupported, "smaller input", []string{"--c", dir + "2", "--max-ram", "1KiB"}},
	} {
		code, _, stderr := call(append([]string{"export", digitsProgram(t)}, row.args...)...)
		if code != row.code || !strings.Contains(stderr, row.says) {
			t.Errorf("%q: exit code %d, want %d and %q in: %s", row.args, code, row.code, row.says, stderr)
		}
	}
	if after, err := os.ReadFile(filepath.Join(dir, "digits_16.c")); err != nil || string(after) != string(before) {
		t.Errorf("a refused export changed the folder (%v)", err)
	}
	if _, err := os.Stat(dir + "2"); err == nil {
		t.Error("an export that does not fit left a folder")
	}
}

// TestInspectChip prints what the C takes, the same as export does.
func TestInspectChip(t *testing.T) {
	out := mustCall(t, "inspect", digitsProgram(t), "--target", "cortex-m0", "--clock", "64MHz")
	for _, want := range []string{"flash", "RAM", "instructions", " ms ", "0 linear"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	if code, _, stderr := call("inspect", digitsProgram(t), "--clock", "64MHz"); code != exitUsage || !strings.Contains(stderr, "--target") {
		t.Errorf("--clock without a microcontroller: exit code %d: %s", code, stderr)
	}
}

// TestSharedModelsAsC builds every pretrained model as C for this machine, and demands the integers of the runtime.
func TestSharedModelsAsC(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	gcc := testtool.Path(t, "gcc", "apt-get install gcc")
	models, err := filepath.Glob(filepath.Join(shared(t, "models"), "*.onnx"))
	if err != nil || len(models) == 0 {
		t.Fatalf("no models (%v)", err)
	}
	var cases []ctest.Case
	for _, model := range models {
		name := strings.TrimSuffix(filepath.Base(model), ".onnx")
		program := filepath.Join(t.TempDir(), "m.qlut")
		mustCall(t, "convert", model, "--fast", "--calib", strings.TrimSuffix(model, ".onnx")+".ref.npz#x0", "--weights", "16", "--codebook", "integer", "-o", program)
		p, err := qrt.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		for _, goal := range []c.Goal{c.Speed, c.Size} {
			k, err := ctest.FromRuntime(c.Options{Name: name + "_" + string(goal), Target: c.CortexM0, Optimize: goal}, p, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, k)
		}
	}
	dir := t.TempDir()
	files, err := ctest.Write(dir, cases)
	if err != nil {
		t.Fatal(err)
	}
	board := ctest.Host(gcc, "-O2")
	program, err := board.Build(dir, "check", files)
	if err != nil {
		t.Fatal(err)
	}
	if err := board.Check(program); err != nil {
		t.Error(err)
	}
}
