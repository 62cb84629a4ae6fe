package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestMeasuredOn demands that convert measures without being asked, on samples that it did not calibrate with where there are enough, and says which.
func TestMeasuredOn(t *testing.T) {
	dir, model := importDigits(t)
	data, out := bundled(t, "digits"), filepath.Join(dir, "p.qlut")
	for _, c := range []struct {
		args        []string
		samples     int
		calibration bool
		said        string
	}{
		{[]string{"--samples", "300", "--calib-samples", "100"}, 200, false, "measured on 200 samples of " + data + "#train, from which nothing was chosen"},
		{[]string{"--samples", "300", "--calib-samples", "250"}, 250, true, "measured on 250 samples of " + data + "#train, the same that levels were chosen from; --val measures others"},
		{[]string{"--samples", "120"}, 120, true, "the same that levels were chosen from"},
		{[]string{"--samples", "120", "--val", data + "#test"}, 120, false, "measured on 120 samples of " + data + "#test, from which nothing was chosen"},
		{[]string{"--samples", "600", "--calib-samples", "50", "--no-labels"}, 550, false, "from which nothing was chosen"},
	} {
		args := append([]string{"convert", model, "--fast", "--calib", data + "#train", "--weights", "32", "-o", out}, c.args...)
		var r convertReport
		mustJSON(t, &r, args...)
		if r.Measured == nil || r.Measured.Samples != c.samples || r.Measured.Calibration != c.calibration || r.Program.Samples != c.samples {
			t.Fatalf("%s: measured on %+v, the program on %+v, want %d samples", c.args, r.Measured, r.Program, c.samples)
		}
		if r.Program.Agreement == nil || r.Program.Agreement95 == nil || *r.Program.Agreement < 0.8 || (r.Program.Accuracy == nil) != (c.args[len(c.args)-1] == "--no-labels") {
			t.Errorf("%s: got %+v", c.args, r.Program)
		}
		if len(r.Losses) != 1 || r.Losses[0].MSE <= 0 || r.Losses[0].SNR < 5 || r.Measured.OutputSamples != c.samples {
			t.Errorf("%s: losses %+v on %d samples", c.args, r.Losses, r.Measured.OutputSamples)
		}
		code, stdout, stderr := call(args...)
		if !strings.Contains(stdout, c.said) || !strings.Contains(stdout, "SNR, dB") {
			t.Errorf("%s: exit %d, stdout lacks %q:\n%s", c.args, code, c.said, stdout)
		}
		if few := strings.Contains(stderr, "figures on fewer than 500 are rough"); few != (c.samples < 500) {
			t.Errorf("%s: a warning of few samples: %v:\n%s", c.args, few, stderr)
		}
	}
}
