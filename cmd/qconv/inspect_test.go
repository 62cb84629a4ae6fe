package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestInspectSeveralInputs shows and measures a program of two inputs.
func TestInspectSeveralInputs(t *testing.T) {
	dir := t.TempDir()
	model, calib, program := filepath.Join(dir, "two.onnx"), filepath.Join(dir, "calib.npz"), filepath.Join(dir, "two.qlut")
	twoInputs(t, model)
	image, state := make([]float32, 8*16), make([]float32, 8*2)
	for i := range image {
		image[i] = float32(i%5) - 2
	}
	for i := range state {
		state[i] = float32(i%4) * 20
	}
	writeArchive(t, calib, array{"image", []int{8, 1, 4, 4}, image}, array{"state", []int{8, 2}, state})
	mustCall(t, "convert", model, "--fast", "--calib", calib, "--levels", "32", "-o", program)
	var r programReport
	mustJSON(t, &r, "inspect", program)
	if r.Input != nil || len(r.Inputs) != 2 {
		t.Fatalf("inputs %v and %v, want two in the list", r.Input, r.Inputs)
	}
	first, second := r.Inputs[0], r.Inputs[1]
	if first.Name != "image" || first.Shape != [3]int{1, 4, 4} || first.Levels != 256 || second.Name != "state" || second.Shape != [3]int{2, 1, 1} || second.ScaleMant == 0 {
		t.Errorf("inputs are %+v", r.Inputs)
	}
	text := mustCall(t, "inspect", program)
	if !strings.Contains(text, "two.qlut: 2 inputs\ninput    "+first.String()+"\ninput    "+second.String()+"\nsource ") {
		t.Errorf("inspect prints\n%s", text)
	}
	dump := mustCall(t, "inspect", program, "--bytes")
	for _, want := range []string{`INPS`, `input 0.*image`, `input 1.*state`} {
		if !regexp.MustCompile(want).MatchString(dump) {
			t.Errorf("inspect --bytes prints nothing like %s in\n%s", want, dump)
		}
	}
	var there programReport
	mustJSON(t, &there, "inspect", program, "--target", "linux/mipsle")
	if there.Target != "linux/mipsle" || there.WordBits != 32 || there.RAMBytes <= 0 || there.ProcessBytes <= int64(there.RAMBytes) {
		t.Errorf("inspect --target tells %+v", there.programInfo)
	}
	for args, want := range map[string]string{
		program + " --target mips":                "unknown target \"mips\", want GOOS/GOARCH",
		program + " --target linux/arm/5 --bytes": "exclude each other",
		model + " --target linux/arm/5":           "that of a .qlut file",
	} {
		if code, _, message := call(strings.Fields("inspect " + args)...); code != exitUsage || !strings.Contains(message, want) {
			t.Errorf("inspect %s: exit code %d, %s", args, code, message)
		}
	}
	var b benchReport
	mustJSON(t, &b, "bench", program, "--seconds", "0.01", "--workers", "2")
	if b.NsPerInference <= 0 || b.BatchNs <= 0 || b.MACs != r.MACs {
		t.Errorf("bench says %+v", b)
	}
}
