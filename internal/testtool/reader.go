package testtool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Reader runs runtime/testdata/reader.py, the second reader of .qlut files.
type Reader struct{ python, script string }

// NewReader takes the path of the script.
func NewReader(t testing.TB, script string) Reader {
	t.Helper()
	return Reader{Numpy(t), script}
}

// call returns the reader's line for every model and its exit code.
func (r Reader) call(t testing.TB, models []string, flags ...string) (lines []string, code int) {
	t.Helper()
	cmd := exec.Command(r.python, append(append([]string{r.script}, flags...), append([]string{"--"}, models...)...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines = strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if stderr.Len() > 0 || len(lines) != len(models) {
		t.Fatalf("%s: %v, %d lines for %d models:\n%s%s", r.script, err, len(lines), len(models), out[max(0, len(out)-500):], stderr.Bytes())
	}
	return lines, cmd.ProcessState.ExitCode()
}

// Check says for every file what is wrong with it, "" for a valid one.
func (r Reader) Check(t testing.TB, files [][]byte) []string {
	t.Helper()
	dir, models := t.TempDir(), make([]string, len(files))
	for i, file := range files {
		models[i] = write(t, dir, fmt.Sprint(i, ".qlut"), file)
	}
	faults, code := r.call(t, models, "--check")
	want := 0
	for i, model := range models {
		faults[i] = strings.TrimPrefix(faults[i], model+": ")
		if faults[i] == "valid" {
			faults[i] = ""
		} else {
			want = 3
		}
	}
	if code != want {
		t.Errorf("%s --check: exit code %d, want %d", r.script, code, want)
	}
	return faults
}

// Case is a program for the second reader to run.
type Case struct {
	Name    string
	File    []byte      // a .qlut file
	Samples []byte      // of one or more samples, one after the other
	Want    [][][]int32 // the elements of every output of every sample: [sample][output][element]
}

// NewCase asks run, which may use the same memory again, what to want of every sample.
func NewCase(t testing.TB, name string, file []byte, samples [][]byte, run func(sample []byte) ([][]int32, error)) Case {
	t.Helper()
	c := Case{Name: name, File: file}
	for _, sample := range samples {
		outputs, err := run(sample)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want [][]int32
		for _, o := range outputs {
			want = append(want, slices.Clone(o))
		}
		c.Samples, c.Want = append(c.Samples, sample...), append(c.Want, want)
	}
	return c
}

// Compare runs all cases, with further flags of the reader, and reports the results that are not as wanted.
func (r Reader) Compare(t testing.TB, cases []Case, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	var models []string
	for i, c := range cases {
		models = append(models, write(t, dir, fmt.Sprint(i, ".qlut"), c.File))
		flags = append(flags, "--input", write(t, dir, fmt.Sprint(i, ".raw"), c.Samples))
	}
	lines, _ := r.call(t, models, flags...)
	for i, c := range cases {
		var got struct{ Samples [][][]int32 }
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Errorf("%s: the second reader says %.300s", c.Name, lines[i])
		} else if where := difference(got.Samples, c.Want); where != "" {
			t.Errorf("%s: the second reader differs: %s", c.Name, where)
		}
	}
}

// difference says where two results differ, "" if nowhere.
func difference(got, want [][][]int32) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d samples, want %d", len(got), len(want))
	}
	for s := range want {
		if len(got[s]) != len(want[s]) {
			return fmt.Sprintf("sample %d: %d outputs, want %d", s, len(got[s]), len(want[s]))
		}
		for o := range want[s] {
			if len(got[s][o]) != len(want[s][o]) {
				return fmt.Sprintf("sample %d, output %d: %d elements, want %d", s, o, len(got[s][o]), len(want[s][o]))
			}
			for k, v := range want[s][o] {
				if got[s][o][k] != v {
					return fmt.Sprintf("sample %d, output %d, element %d: %d, want %d", s, o, k, got[s][o][k], v)
				}
			}
		}
	}
	return ""
}

// SelfTest runs the self-tests of a file, which must pass.
func (r Reader) SelfTest(t testing.TB, model string) {
	t.Helper()
	if lines, code := r.call(t, []string{model}, "--selftest"); code != 0 {
		t.Errorf("%s --selftest: exit code %d: %s", r.script, code, lines[0])
	}
}

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
