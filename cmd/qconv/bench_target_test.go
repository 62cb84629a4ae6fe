package main

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qconv/internal/testtool"
)

// TestBenchTarget counts the instructions of a program on two machines and compares them with the estimate.
func TestBenchTarget(t *testing.T) {
	testtool.Path(t, "cc", "apt-get install gcc")
	for target, qemu := range map[string]string{"linux/arm/5": "qemu-arm", "linux/arm64": "qemu-aarch64"} {
		testtool.Path(t, qemu, "apt-get install qemu-user")
		var r machineReport
		mustJSON(t, &r, "bench", digitsProgram(t), "--target", target, "--clock", "0.2GHz")
		if r.NotCounted != "" || r.Counted <= 0 || r.Loads <= 0 || r.Stores <= 0 || r.Loads+r.Stores >= r.Counted {
			t.Errorf("%s: got %+v", target, r)
			continue
		}
		if off := float64(r.Estimated)/float64(r.Counted) - 1; math.Abs(off) > 0.3 {
			t.Errorf("%s: estimated %d instructions, counted %d: off by %.0f %%", target, r.Estimated, r.Counted, 100*off)
		}
		if want := float64(r.Counted) / 2e5; math.Abs(r.Milliseconds-want) > 1e-9*want {
			t.Errorf("%s: %g ms, want %g", target, r.Milliseconds, want)
		}
		sum := int64(0)
		for _, l := range r.Layers {
			sum += l.Counted
		}
		if slack := 2000 + 1000*int64(len(r.Layers)); sum > r.Counted+slack || sum < r.Counted*4/5-slack {
			t.Errorf("%s: layers take %d instructions, an inference %d", target, sum, r.Counted)
		}
	}
}

// TestBenchEstimate estimates where nothing can be counted, and says why.
func TestBenchEstimate(t *testing.T) {
	program := digitsProgram(t)
	text := mustCall(t, "bench", program, "--target", "linux/arm/5", "--estimate", "--clock", "100 kHz")
	if !strings.HasPrefix(text, "about ") || !strings.Contains(text, "estimated and not counted: as --estimate says") || !strings.Contains(text, "s at 0.1 MHz") {
		t.Errorf("bench prints\n%s", text)
	}
	cc, _ := exec.LookPath("cc")
	qemu, _ := exec.LookPath("qemu-arm")
	tools := t.TempDir()
	t.Setenv("PATH", tools)
	for _, tt := range []struct{ tool, path, want string }{
		{"", "", "there is no qemu-arm"},
		{"qemu-arm", qemu, "there is no C compiler"},
		{"cc", cc, "no Go to build it with"},
	} {
		if tt.tool != "" {
			if tt.path == "" {
				break
			}
			// The compiler looks for its parts beside what it was called by.
			if err := os.Symlink(tt.path, filepath.Join(tools, tt.tool)); err != nil {
				t.Fatal(err)
			}
			if tt.tool == "cc" {
				t.Setenv("PATH", tools+":"+filepath.Dir(cc))
				if _, err := exec.LookPath("go"); err == nil {
					break // which this one must not find
				}
			}
		}
		var r machineReport
		mustJSON(t, &r, "bench", program, "--target", "linux/arm/5")
		if r.Counted != 0 || r.Estimated <= 0 || !strings.Contains(r.NotCounted, tt.want) {
			t.Errorf("with %q on the path: got %+v, want an estimate and %q", tt.tool, r, tt.want)
		}
	}
	for args, want := range map[string]string{
		"--target linux/mips":                 "instructions are known of linux/arm and linux/arm64",
		"--clock 1MHz":                        "flag --clock needs --target",
		"--target linux/arm64 --clock fast":   "want a frequency such as 200MHz",
		"--target linux/arm64 --seconds 1":    "exclude each other",
		"--target linux/arm64 --clock -20MHz": "want a frequency such as 200MHz",
		"--target linux/arm64 --clock NaNMHz": "want a frequency such as 200MHz",
	} {
		if code, _, stderr := call(append([]string{"bench", program}, strings.Fields(args)...)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("bench %s: exit %d, %q, want a usage error with %q", args, code, stderr, want)
		}
	}
}
