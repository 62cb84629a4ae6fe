package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFailedGates demands that a result which misses a gate, or whose gate cannot be looked at, never has the name of a good one.
func TestFailedGates(t *testing.T) {
	_, model := importDigits(t)
	data := bundled(t, "digits")
	for _, c := range []struct {
		name string
		args []string
	}{
		{"convert", []string{"convert", model, "--fast", "--calib", data + "#train", "--samples", part, "--weights", "4"}},
		{"convert, other data", []string{"convert", model, "--fast", "--calib", data + "#train", "--samples", part, "--weights", "4", "--val", data + "#test"}},
		{"finetune", append(shortTuning(t, model, 2), "--rate", "0.5")},
	} {
		out := filepath.Join(t.TempDir(), "result")
		if err := os.WriteFile(out, []byte("what was there"), 0o666); err != nil {
			t.Fatal(err)
		}
		args := append(c.args, "-o", out, "--json")
		code, stdout, stderr := call(append(args, "--min-agreement", "100%")...)
		var r struct{ Output string }
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exitGate || r.Output != out+".failed" || !strings.Contains(stderr, "the agreement is ") {
			t.Errorf("%s: exit %d (%v), output %q, stderr %q", c.name, code, err, r.Output, stderr)
		}
		if text, err := os.ReadFile(out); err != nil || string(text) != "what was there" {
			t.Errorf("%s: the file that was there has changed: %v", c.name, err)
		}
		if size, err := fileSize(out + ".failed"); err != nil || size < 1000 {
			t.Errorf("%s: the failed result has %d bytes (%v)", c.name, size, err)
		}
		if left, _ := filepath.Glob(out + "*"); len(left) != 2 {
			t.Errorf("%s: got the files %v", c.name, left)
		}
		if code, stdout, stderr := call(append(args, "--min-agreement", "1%")...); code != exitOK || !strings.Contains(stdout, `"agreement_95"`) {
			t.Errorf("%s, a gate it passes: exit %d, stderr %q", c.name, code, stderr)
		}
		if text, err := os.ReadFile(out); err != nil || string(text) == "what was there" {
			t.Errorf("%s, a gate it passes: the result was not written (%v)", c.name, err)
		}
		if _, err := os.Stat(out + ".failed"); err == nil {
			t.Errorf("%s, a gate it passes: the failed result is still there", c.name)
		}
	}
	code, stdout, stderr := call("convert", model, "--fast", "--calib", data+"#train", "--samples", part, "--weights", "4", "-o", "/dev/stdout", "--min-agreement", "1", "--json")
	if code != exitGate || strings.Contains(stdout, "QLT") {
		t.Errorf("into a pipe: exit %d, stderr %q, want no program", code, stderr)
	}
	if code, _, stderr := call("eval", model, "--data", data+"#test", "--min-agreement", "1"); code != exitUsage || !strings.Contains(stderr, "flag --min-agreement needs --against") {
		t.Errorf("eval of one network: exit %d, stderr %q", code, stderr)
	}
	if code, _, stderr := call("eval", model, "--data", data+"#test", "--against", model, "--min-agreement", "1"); code != exitOK {
		t.Errorf("a network against itself: exit %d, stderr %q", code, stderr)
	}
}
