package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asHolder makes the test binary claim the file it names, say so, and wait for its end.
const asHolder = "ATOMICFILE_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(asHolder); path != "" {
		f, err := Claim(path)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		f.Replace(func(w io.Writer) error {
			io.WriteString(w, "half")
			fmt.Println("held")
			time.Sleep(time.Minute)
			return nil
		})
	}
	os.Exit(m.Run())
}

func claim(t *testing.T, path string) *File {
	t.Helper()
	f, err := Claim(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Release)
	return f
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", path, got, err, want)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("the folder holds %q, %v, want %q", names, err, want)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("n", 250)
	for _, name := range []string{"a", "b.qlut", long} {
		path := filepath.Join(dir, name)
		f := claim(t, path)
		for _, data := range []string{"one", "two"} {
			if err := f.Write([]byte(data)); err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, data)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		full := errors.New("full")
		err := f.Replace(func(w io.Writer) error {
			io.WriteString(w, "half")
			return full
		})
		if !errors.Is(err, full) {
			t.Errorf("got error %v, want %v", err, full)
		}
		if err := f.Write([]byte("three")); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, "three")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("permissions %v, %v, want those of the file before", info.Mode(), err)
		}
		f.Release()
		f.Release()
	}
	wantNames(t, dir, "a", "b.qlut", long)
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "none", "a")
	if _, err := Claim(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "qconv-") {
		t.Errorf("a missing folder: got %v, want an error that names the file", err)
	}
	path = filepath.Join(dir, "taken")
	f := claim(t, path)
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(nil); err == nil || !strings.Contains(err.Error(), path+":") {
		t.Errorf("a folder in its place: got %v, want an error that names the file", err)
	}
	f.Release()
	wantNames(t, dir, "taken")
}

// TestPlanted puts links and other things where an output, its lock and its temporaries are.
func TestPlanted(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	for what, plant := range map[string]func(string) error{
		"link":          func(p string) error { return os.Symlink(victim, p) },
		"dangling link": func(p string) error { return os.Symlink(filepath.Join(dir, "new"), p) },
		"second name":   func(p string) error { return os.Link(victim, p) },
		"pipe":          func(p string) error { return syscall.Mkfifo(p, 0o666) },
		"folder":        func(p string) error { return os.Mkdir(p, 0o777) },
	} {
		if err := plant(lockPath(out)); err != nil {
			t.Fatal(err)
		}
		if _, err := Claim(out); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("a %s as lock: got error %v, want one that says so", what, err)
		}
		if err := os.Remove(lockPath(out)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(victim, out); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, beside(out)+"0123456789abcdef"+temporaryEnd); err != nil {
		t.Fatal(err)
	}
	f := claim(t, out)
	if err := f.Write([]byte("result")); err != nil {
		t.Fatal(err)
	}
	f.Release()
	wantFile(t, out, "result")
	wantFile(t, victim, "precious")
	wantNames(t, dir, "out", "victim")
}

// TestStream writes into pipes and into open files.
func TestStream(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	pipe := fmt.Sprintf("/dev/fd/%d", w.Fd())
	if _, err := os.Stat(pipe); err != nil {
		t.Skipf("no /dev/fd here: %v", err)
	}
	open, err := os.OpenFile(filepath.Join(t.TempDir(), "open"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for _, path := range []string{pipe, fmt.Sprintf("/proc/self/fd/%d", open.Fd()), os.DevNull} {
		f := claim(t, path)
		if !f.IsStream() {
			t.Errorf("%s would be replaced", path)
			continue
		}
		if err := f.Write([]byte("result")); err != nil {
			t.Error(err)
		}
	}
	got := make([]byte, 6)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "result" {
		t.Errorf("the pipe got %q, %v", got, err)
	}
	wantFile(t, open.Name(), "result")
}

// TestHeld claims a file that another process has, kills that, and claims it again.
func TestHeld(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asHolder+"="+out)
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if _, err := io.ReadFull(said, make([]byte, len("held\n"))); err != nil {
		t.Fatal(err)
	}
	_, err = Claim(out)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != cmd.Process.Pid || held.Since.IsZero() || !strings.Contains(err.Error(), fmt.Sprintf("process %d (", cmd.Process.Pid)) {
		t.Errorf("got %v, want who holds it", err)
	}
	if left, _ := filepath.Glob(beside(out) + "*"); len(left) != 2 {
		t.Errorf("beside the output are %q, want a lock and a temporary", left)
	}
	cmd.Process.Kill()
	cmd.Wait()
	f := claim(t, out)
	wantNames(t, dir, filepath.Base(lockPath(out)))
	f.Release()
	wantNames(t, dir)
}

// TestLockRace lets many claim a file again and again: only one may have it at a time.
func TestLockRace(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	var inside sync.Mutex
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 200 {
				f, err := Claim(out)
				var held *HeldError
				if errors.As(err, &held) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !inside.TryLock() {
					t.Error("two have the lock")
					return
				}
				time.Sleep(10 * time.Microsecond)
				inside.Unlock()
				f.Release()
			}
		})
	}
	workers.Wait()
}
