package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var largeKinds = flag.Bool("large", false, "import large models of all kinds in TestLarge, not only of some")

// someLarge are kinds that between them take every path of an import.
var someLarge = []string{"BatchNormalization", "Concat of many", "constants", "many readers"}

// spent is the time on processors that qconv takes, the least of a few runs: other work on the machine only
// adds to it.
func spent(t *testing.T, args ...string) time.Duration {
	t.Helper()
	var least time.Duration
	for i := range 2 {
		var stderr bytes.Buffer
		cmd := program(&stderr, args, "GOMAXPROCS=1")
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != exitUnsupported {
			t.Fatalf("qconv %q: %v: %.300s", args, err, stderr.String())
		}
		if d := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); i == 0 || d < least {
			least = d
		}
	}
	return least
}

// TestLarge imports models of all kinds in two sizes: the time must not grow much faster than the nodes. With the
// square of the nodes it would grow 16 times.
func TestLarge(t *testing.T) {
	const small, large, growth = 1500, 6000, 9
	for name, build := range largeModels {
		if !*largeKinds && !slices.Contains(someLarge, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var times []time.Duration
			for _, n := range []int{small, large} {
				path := filepath.Join(dir, fmt.Sprint(n, ".onnx"))
				if err := os.WriteFile(path, modelFile(t, modelMessage(t, build(n).String())), 0o644); err != nil {
					t.Fatal(err)
				}
				times = append(times, spent(t, "import", path, "-o", filepath.Join(dir, "m.q.onnx")))
			}
			t.Logf("%d nodes %v, %d nodes %v", small, times[0], large, times[1])
			if times[1] > growth*times[0]+300*time.Millisecond {
				t.Errorf("%d nodes take %v, %d nodes %v: more than %d times as long", small, times[0], large, times[1], growth)
			}
		})
	}
}
