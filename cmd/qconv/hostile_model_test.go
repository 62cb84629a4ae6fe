package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hostile runs qconv on a model in a bounded process and looks at how it ends and what it prints.
func hostile(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	code, stdout, stderr = boundedProcess(t, args...)
	if code != exitOK && code != exitBadInput && code != exitUnsupported || strings.Contains(stderr, "goroutine ") {
		t.Errorf("%s ends with %d: %.300s", args, code, stderr)
	}
	for _, s := range []string{stdout, stderr} {
		if args[len(args)-1] == "--json" {
			if s != "" && code == exitOK && !json.Valid([]byte(s)) {
				t.Errorf("%s prints what is no JSON: %.300q", args, s)
			}
			continue
		}
		if strings.ContainsAny(s, "\x1b\a\r\u202e") {
			t.Errorf("%s prints control characters: %.300q", args, s)
		}
	}
	return code, stdout, stderr
}

// TestAttacks imports models that did harm, and converts those that can be imported.
func TestAttacks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "attacks"), "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no models (%v)", err)
	}
	samples := bundled(t, "digits")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "m.q.onnx")
			if code, _, _ := hostile(t, "import", file, "-o", out); code != exitOK {
				return
			}
			hostile(t, "inspect", out)
			hostile(t, "inspect", out, "--json")
			hostile(t, "convert", out, "--fast", "--calib", samples, "-o", filepath.Join(t.TempDir(), "m.qlut"))
		})
	}
}

// TestNotRegular refuses what is no regular file, at once.
func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.onnx")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{fifo, dir, "/dev/zero"} {
		for _, command := range []string{"import", "inspect", "bench"} {
			if code, _, stderr := hostile(t, command, path); code != exitBadInput || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s %s: exit code %d, %q, want %d and one line", command, path, code, stderr, exitBadInput)
			}
		}
	}
}

// TestMaxMemoryFlag refuses a model that takes more than it may, and takes it with more.
func TestMaxMemoryFlag(t *testing.T) {
	model := filepath.Join("..", "..", "testdata", "digits.onnx")
	for limit, want := range map[string]int{"20KB": exitBadInput, "100MB": exitOK, "much": exitUsage} {
		code, _, stderr := call("import", "--check-only", "--max-memory", limit, model)
		if code != want {
			t.Errorf("--max-memory %s: exit code %d (%s), want %d", limit, code, fmt.Sprint(stderr), want)
		}
	}
}
