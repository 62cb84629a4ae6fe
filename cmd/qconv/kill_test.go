package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qconv/testdata"
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

var kills = flag.Int("kills", 12, "how often TestKill kills a command, in all")

// killed is a command that TestKill kills, with the file it writes.
type killed struct {
	name  string
	share float64 // of all kills
	args  func(t *testing.T, model, dir string) []string
	out   string        // in dir
	most  time.Duration // after which it is killed at the latest; 0 is the time it takes
	long  bool          // too long to be run to its end unless there are many kills
}

var killedCommands = []killed{
	{name: "import", share: 0.32, out: "out.q.onnx", args: func(t *testing.T, _, dir string) []string {
		return []string{"import", bundled(t, "digits.onnx"), "--scale", "1/255", "-o", filepath.Join(dir, "out.q.onnx")}
	}},
	{name: "convert", share: 0.32, out: "out.qlut", args: func(t *testing.T, model, dir string) []string {
		return []string{"convert", model, "--calib", bundled(t, "digits") + "#train", "--samples", "64", "--weights", "16", "-o", filepath.Join(dir, "out.qlut")}
	}},
	{name: "finetune", share: 0.31, out: "out.q.onnx", args: func(t *testing.T, model, dir string) []string {
		return append(longTuning(t, model, filepath.Join(dir, "out.q.onnx")), "--log", filepath.Join(dir, "log.jsonl"), "--plot", filepath.Join(dir, "curve.png"))
	}},
	{name: "demo", share: 0.05, out: "digits.q.onnx", most: 2 * time.Second, long: true, args: func(_ *testing.T, _, dir string) []string {
		return []string{"demo", "-o", dir}
	}},
}

// TestKill kills commands at random moments. Whenever that is, the output is the old file or the new one,
// and the next run goes on from there; the last one ends with the bytes of an undisturbed run and leaves
// nothing but its results.
func TestKill(t *testing.T) {
	_, model := importDigits(t)
	for _, k := range killedCommands {
		t.Run(k.name, func(t *testing.T) { k.test(t, model, max(1, int(k.share*float64(*kills)+0.5))) })
	}
}

func (k killed) test(t *testing.T, model string, count int) {
	run := func(dir string, wait time.Duration) (ended bool) {
		args := k.args(t, model, dir)
		if _, err := os.Stat(filepath.Join(dir, k.out+".checkpoint")); err == nil {
			args = append(args, "--resume")
		}
		var stderr bytes.Buffer
		cmd := program(&stderr, args)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if wait >= 0 {
			time.AfterFunc(wait, func() { cmd.Process.Kill() })
		}
		err := cmd.Wait()
		if err != nil && cmd.ProcessState.Exited() {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		return err == nil
	}
	whole, dir := t.TempDir(), t.TempDir()
	start := time.Now()
	if k.most == 0 {
		run(whole, -1)
		k.most = time.Since(start)
	} else {
		mustCall(t, "import", bundled(t, "digits.onnx"), "--scale", "1/255", "--mean", "0.1", "--std", "0.22", "-o", filepath.Join(whole, k.out))
	}
	want, err := os.ReadFile(filepath.Join(whole, k.out))
	if err != nil {
		t.Fatal(err)
	}
	out, old := filepath.Join(dir, k.out), []byte("the old file")
	fresh := func() {
		if err := os.WriteFile(out, old, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	fresh()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	olds, news, done, leftovers := 0, 0, 0, map[string]bool{}
	for olds+news < count {
		ended := run(dir, time.Duration(rng.Int64N(int64(k.most))))
		got, err := os.ReadFile(out)
		switch {
		case err == nil && bytes.Equal(got, want):
			if ended {
				done++
			} else {
				news++
			}
			fresh()
		case err == nil && bytes.Equal(got, old) && !ended:
			olds++
		default:
			t.Fatalf("after a kill the output is neither the old file nor the new one: %d bytes, %v", len(got), err)
		}
		for _, name := range ourFiles(t, dir) {
			leftovers[name] = true
		}
		if k.long { // bundled files are whole too
			sameFiles(t, dir)
		}
	}
	if !k.long || count >= 10 {
		if !run(dir, -1) {
			t.Error("the last run was killed")
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
			t.Errorf("after %d kills the result is another one (%v)", olds+news, err)
		}
		if left := ourFiles(t, dir); len(left) > 0 {
			t.Errorf("files are left: %q", left)
		}
	}
	t.Logf("kill command=%s kills=%d old=%d new=%d ended=%d leftovers=%d failures=0", k.name, olds+news, olds, news, done, len(leftovers))
}

// ourFiles are the files in a folder that no finished run leaves.
func ourFiles(t *testing.T, dir string) (ours []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".qconv-") || strings.HasSuffix(e.Name(), ".checkpoint") {
			ours = append(ours, e.Name())
		}
	}
	return ours
}

// sameFiles compares what demo wrote of the bundled files.
func sameFiles(t *testing.T, dir string) {
	t.Helper()
	err := fs.WalkDir(testdata.Demo, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		want, err := fs.ReadFile(testdata.Demo, path)
		if err != nil {
			return err
		}
		if got, err := os.ReadFile(filepath.Join(dir, path)); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s is not whole", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTwoRuns starts a run whose output another one has.
func TestTwoRuns(t *testing.T) {
	dir, model := importDigits(t)
	out := filepath.Join(dir, "out.q.onnx")
	var stderr bytes.Buffer
	first := program(&stderr, append(longTuning(t, model, out), "--steps", "100000"))
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Process.Kill()
	waitFor(out + ".checkpoint")
	for _, args := range [][]string{longTuning(t, model, out), {"import", bundled(t, "digits.onnx"), "-o", out}, {"import", bundled(t, "digits.onnx"), "-o", out + ".checkpoint"}} {
		code, stdout, said := call(args...)
		if code != exitFailure || stdout != "" || strings.Count(said, "\n") != 1 ||
			!strings.Contains(said, fmt.Sprintf("is being written by process %d (", first.Process.Pid)) {
			t.Errorf("%s: exit %d, stderr %q, want who holds the file", args[0], code, said)
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
