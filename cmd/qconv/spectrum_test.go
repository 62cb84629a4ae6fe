package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSpectrum walks down in two stops: every stop must leave its network, each be made from the one before, and with --resume
// nothing be done twice.
func TestSpectrum(t *testing.T) {
	dir, model := importDigits(t)
	out := filepath.Join(dir, "net.q.onnx")
	args := append(shortTuning(t, model, 4), "--codebook", "integer", "--units", "channel", "--normalize", "--levels", "4", "--weights", "3",
		"--end-weights", "16", "--spectrum", "16/16, 8/8", "-o", out, "--log", filepath.Join(dir, "run.jsonl"))
	var r tuneReport
	mustJSON(t, &r, args...)
	for _, name := range []string{"net.A16W16.q.onnx", "net.A8W8.q.onnx", "net.q.onnx", "run.A16W16.jsonl", "run.A8W8.jsonl", "run.jsonl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if len(r.Codebooks) < 3 || r.Codebooks[0] != 16 || r.Codebooks[1] != 3 || r.Codebooks[len(r.Codebooks)-1] != 16 {
		t.Errorf("codebooks have %v centres, want 16 at the ends and 3 between", r.Codebooks)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	// By hand, from the last stop.
	hand := filepath.Join(dir, "hand.q.onnx")
	byHand := append(shortTuning(t, filepath.Join(dir, "net.A8W8.q.onnx"), 4), "--codebook", "integer", "--units", "channel", "--normalize", "--levels", "4",
		"--weights", "3", "--end-weights", "16", "--teacher", model, "-o", hand)
	mustCall(t, byHand...)
	if got, _ := os.ReadFile(hand); !bytes.Equal(got, want) {
		t.Error("the last stop differs from one that is made by hand from the stop before")
	}
	_, _, stderr := call(append(args, "--resume")...)
	if strings.Count(stderr, "is there already") != 2 {
		t.Errorf("resumed, it says %q, want two stops to be there", stderr)
	}
	if got, _ := os.ReadFile(out); !bytes.Equal(got, want) {
		t.Error("the resumed walk ends elsewhere")
	}
	code, _, stderr := call(append(args, "--spectrum", "16,8")...)
	if code != exitUsage || !strings.Contains(stderr, `flag --spectrum: got "16", want a list of LEVELS/WEIGHTS such as 8/16,4/8`) {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}
