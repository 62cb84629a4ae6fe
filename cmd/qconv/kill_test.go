package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test binary be qconv itself, for tests that need a process of their own.
const asProgram = "QCONV_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is qconv as a process.
func program(stderr *bytes.Buffer, args []string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	cmd.Stderr = stderr
	return cmd
}

// waitFor waits until there is a file, or the process has had time enough to write it.
func waitFor(path string) {
	for range 3000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// longTuning takes a second or two, with a checkpoint every other step.
func longTuning(t *testing.T, model, out string) []string {
	return append(shortTuning(t, model, 60), "--checkpoint-every", "2", "--validate-every", "5", "--augment", "shift=1", "-o", out)
}

// TestKill kills a run at random moments, resumes it, and wants the bytes of a run of one piece.
func TestKill(t *testing.T) {
	dir, model := importDigits(t)
	whole, out := filepath.Join(dir, "whole.q.onnx"), filepath.Join(dir, "out.q.onnx")
	start := time.Now()
	mustCall(t, longTuning(t, model, whole)...)
	took := time.Since(start)

	args := longTuning(t, model, out)
	kills := 0
	for round := range 20 {
		if _, err := os.Stat(out + ".checkpoint"); err == nil && round > 0 {
			args = append(longTuning(t, model, out), "--resume")
		}
		var stderr bytes.Buffer
		cmd := program(&stderr, args)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if kills < 3 {
			waitFor(out + ".checkpoint")
			wait := time.Duration(rand.Int64N(int64(took)))
			time.Sleep(wait)
			t.Logf("killed %v after there was a checkpoint", wait)
			cmd.Process.Kill()
		}
		err := cmd.Wait()
		if err == nil {
			break
		}
		if cmd.ProcessState.Exited() {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		kills++
	}
	want, errWant := os.ReadFile(whole)
	got, errGot := os.ReadFile(out)
	if errWant != nil || errGot != nil || !bytes.Equal(want, got) {
		t.Errorf("after %d kills the result is another one (%v, %v)", kills, errWant, errGot)
	}
	if left, _ := filepath.Glob(out + ".*"); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// TestInterrupt sends the signals that ask a process to end, in the middle of training.
func TestInterrupt(t *testing.T) {
	dir, model := importDigits(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		out := filepath.Join(dir, signal.String()+".q.onnx")
		args := append(longTuning(t, model, out), "--steps", "100000") // it must not be done too soon
		var stderr bytes.Buffer
		cmd := program(&stderr, args)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(out + ".checkpoint")
		cmd.Process.Signal(signal)
		cmd.Wait()
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		last := lines[len(lines)-1]
		if code := cmd.ProcessState.ExitCode(); code != exitFailure || !strings.HasPrefix(last, "qconv finetune: interrupted after step ") ||
			!strings.Contains(last, " of 100000; "+out+".checkpoint holds the state, the same command with --resume goes on from there") {
			t.Errorf("%v: exit %d, stderr ends with %q", signal, code, last)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: an unfinished run left a result", signal)
		}
	}
}

// TestProcessors wants the same bytes whatever the number of processors.
func TestProcessors(t *testing.T) {
	dir, model := importDigits(t)
	var want []byte
	for _, procs := range []string{"1", "2", "5"} {
		out := filepath.Join(dir, procs+".q.onnx")
		var stderr bytes.Buffer
		if err := program(&stderr, append(longTuning(t, model, out), "--samples", "100"), "GOMAXPROCS="+procs).Run(); err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(want, got) {
			t.Errorf("GOMAXPROCS=%s writes another file", procs)
		}
	}
}
