package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a hostile model may take, as a whole process.
const (
	hostileMemory = 300 << 10 // kilobytes of resident memory
	hostileTime   = 2 * time.Second
)

// childKey tells a process of this test's binary to be qconv.
const childKey = "QCONV_TEST_ARGUMENTS"

// TestChild is no test: it is qconv in a process of its own.
func TestChild(t *testing.T) {
	if args := os.Getenv(childKey); args != "" {
		os.Exit(run(append([]string{"qconv"}, strings.Split(args, "\n")...), os.Stdin, os.Stdout, os.Stderr))
	}
	t.Skip("run by other tests")
}

// hostile runs qconv in a process of its own and holds it to the bounds. The time that counts is that of
// the processor, since others may use the machine.
func hostile(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childKey+"="+strings.Join(args, "\n"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	state := cmd.ProcessState
	usage := state.SysUsage().(*syscall.Rusage)
	if used := state.UserTime() + state.SystemTime(); used > hostileTime {
		t.Errorf("%s takes %v, want at most %v", args, used, hostileTime)
	}
	if usage.Maxrss > hostileMemory {
		t.Errorf("%s takes %d KB, want at most %d", args, usage.Maxrss, hostileMemory)
	}
	code = state.ExitCode()
	if code != exitOK && code != exitBadInput && code != exitUnsupported || strings.Contains(errs.String(), "goroutine ") {
		t.Errorf("%s ends with %d: %.300s", args, code, errs.String())
	}
	for _, s := range []string{out.String(), errs.String()} {
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
	return code, out.String(), errs.String()
}

// TestAttacks imports models that did harm.
func TestAttacks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "attacks"), "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no models (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "m.q.onnx")
			if code, _, _ := hostile(t, "import", file, "-o", out); code != exitOK {
				return
			}
			hostile(t, "inspect", out)
			hostile(t, "inspect", out, "--json")
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
