package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"qconv/onnx"
)

// largeModel writes a network of fully connected layers with about 12 million weights, on the input of the
// bundled digits.
func largeModel(t *testing.T, dir string) string {
	t.Helper()
	const width = 2400
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 1, 28, 28}}
	flat := &onnx.Value{Name: "flat"}
	g := &onnx.Graph{Name: "large", Inputs: []*onnx.Value{x}}
	g.Nodes = append(g.Nodes, &onnx.Node{Name: "flatten", Op: &onnx.Flatten{Axis: 1}, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{flat}})
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := []int{784, width, width, width, 10}
	last := flat
	for i := range len(sizes) - 1 {
		rows, columns := sizes[i], sizes[i+1]
		w := &onnx.Tensor{Shape: onnx.Shape{rows, columns}, Type: onnx.Float, Floats: make([]float32, rows*columns)}
		for k := range w.Floats {
			w.Floats[k] = float32(rng.NormFloat64()) / 50
		}
		weights := &onnx.Value{Name: fmt.Sprintf("w%d", i), Const: w, Shape: w.Shape, Type: w.Type}
		sum, relu := &onnx.Value{Name: fmt.Sprintf("s%d", i)}, &onnx.Value{Name: fmt.Sprintf("r%d", i)}
		g.Nodes = append(g.Nodes,
			&onnx.Node{Name: fmt.Sprintf("fc%d", i), Op: &onnx.Gemm{Alpha: 1, Beta: 1}, Inputs: []*onnx.Value{last, weights}, Outputs: []*onnx.Value{sum}},
			&onnx.Node{Name: fmt.Sprintf("relu%d", i), Op: &onnx.Relu{}, Inputs: []*onnx.Value{sum}, Outputs: []*onnx.Value{relu}})
		last = relu
	}
	g.Outputs = []*onnx.Value{last}
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	data, err := onnx.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "large.onnx")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// slackToEnd is the time after a signal that a machine with other work to do may take; a process that has one to
// itself ends within a second.
const slackToEnd = 5 * time.Second

// TestInterrupt sends the signals that ask a process to end, at random moments of every command's
// long work.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	large := largeModel(t, dir)
	digits := bundled(t, "digits")
	out := func(name string) string { return filepath.Join(dir, "out", name) }
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o777); err != nil {
		t.Fatal(err)
	}
	var all []time.Duration
	for name, args := range map[string][]string{
		"import":   {"import", large, "-o", out("m.q.onnx")},
		"convert":  {"convert", large, "--fast", "--calib", digits + "#train", "--scale", "1/255", "--weights", "1000", "-o", out("m.qlut")},
		"finetune": {"finetune", large, "--data", digits + "#train", "--scale", "1/255", "-o", out("t.q.onnx"), "--log", out("log")},
		"eval":     {"eval", large, "--data", digits + "#train", "--scale", "1/255"},
		"bench":    {"bench", bundled(t, "digits.onnx"), "--seconds", "600"},
		"demo":     {"demo", "-o", out("demo")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
				took, stderr := interruptAfter(t, args, time.Duration(250+rand.IntN(1500))*time.Millisecond, signal)
				last := lastLine(stderr)
				if !strings.HasPrefix(last, "qconv "+args[0]+": interrupted") && !strings.HasPrefix(last, "qconv "+args[0]+": finetune: interrupted") {
					t.Errorf("%v: stderr ends with %q", signal, last)
				}
				all = append(all, took)
				t.Logf("interrupt command=%q signal=%q ms=%d", name, signal, took.Milliseconds())
			}
		})
	}
	for _, folder := range []string{filepath.Join(dir, "out"), out("demo")} {
		entries, _ := os.ReadDir(folder)
		for _, e := range entries {
			if n := e.Name(); strings.Contains(n, ".qconv-") || strings.HasSuffix(n, ".npy") || n == "m.qlut" || n == "m.q.onnx" || n == "t.q.onnx" {
				t.Errorf("%s is left", n)
			}
		}
	}
	slices.Sort(all)
	t.Logf("interrupt all=%d median_ms=%d most_ms=%d", len(all), all[len(all)/2].Milliseconds(), all[len(all)-1].Milliseconds())
}

// interruptAfter starts the program, sends it a signal after some time, and returns how long it then took to
// end with exit code 1, and what it wrote.
func interruptAfter(t *testing.T, args []string, wait time.Duration, signal os.Signal) (time.Duration, string) {
	t.Helper()
	for {
		var stderr bytes.Buffer
		cmd := program(&stderr, args)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		took := endBy(t, cmd, signal)
		if cmd.ProcessState.ExitCode() != exitOK || wait < time.Millisecond {
			return took, stderr.String()
		}
		// A fast machine was done with it, before the signal or soon after: it comes earlier the next time.
		wait /= 2
		for i, arg := range args {
			if arg == "-o" {
				os.RemoveAll(args[i+1])
			}
		}
	}
}

// endBy sends a signal to a running program and waits for its end, which may be that of its work.
func endBy(t *testing.T, cmd *exec.Cmd, signal os.Signal) time.Duration {
	t.Helper()
	start := time.Now()
	cmd.Process.Signal(signal)
	cmd.Wait()
	took := time.Since(start)
	if code := cmd.ProcessState.ExitCode(); code != exitFailure && code != exitOK {
		t.Errorf("%v: exit %d (%v), want %d", signal, code, cmd.ProcessState, exitFailure)
	}
	if took > slackToEnd {
		t.Errorf("%v: took %v to end", signal, took)
	}
	return took
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestInterruptTraining wants a checkpoint, and a message that says how to go on.
func TestInterruptTraining(t *testing.T) {
	dir, model := importDigits(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		out := filepath.Join(dir, signal.String()+".q.onnx")
		var stderr bytes.Buffer
		cmd := program(&stderr, append(longTuning(t, model, out), "--steps", "100000")) // it must not be done too soon
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(out + ".checkpoint")
		endBy(t, cmd, signal)
		last := lastLine(stderr.String())
		// In order, or where the machine is too busy for the step to end in time, not.
		if !strings.HasPrefix(last, "qconv finetune: interrupted") || !strings.Contains(last, " after step ") ||
			!strings.Contains(last, out+".checkpoint holds the state") || !strings.Contains(last, "the same command with --resume goes on from there") {
			t.Errorf("%v: stderr ends with %q", signal, last)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: an unfinished run left a result", signal)
		}
	}
}

// TestStuck ends a program that waits for somebody to read what it prints, by one signal or by two.
func TestStuck(t *testing.T) {
	for _, signals := range []int{1, 2} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		fd := int(w.Fd())
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		for err == nil { // until the pipe is full
			_, err = syscall.Write(fd, make([]byte, 4096))
		}
		if err := syscall.SetNonblock(fd, false); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "ops")
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), asProgram+"=1"), w, w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for range signals - 1 {
			cmd.Process.Signal(os.Interrupt)
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("%d signals: %v", signals, endBy(t, cmd, os.Interrupt))
	}
}
