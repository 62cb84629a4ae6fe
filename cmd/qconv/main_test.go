package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// call runs the program with the given arguments.
func call(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"qconv"}, args...), strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// mustCall runs the program, which must succeed, and returns its standard output.
func mustCall(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := call(args...)
	if code != exitOK {
		t.Fatalf("qconv %s: exit %d, stderr:\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// mustJSON runs the program with --json and reads the document into v.
func mustJSON(t *testing.T, v any, args ...string) {
	t.Helper()
	stdout := mustCall(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(stdout), v); err != nil {
		t.Fatalf("qconv %s --json: %v in\n%s", strings.Join(args, " "), err, stdout)
	}
}

// bundled is the path of a file in testdata.
func bundled(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeFile makes a file in a new folder.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsageErrors(t *testing.T) {
	var names []string
	for _, c := range commands() {
		names = append(names, c.Name)
	}
	all := strings.Join(names, ", ")
	tests := []struct {
		args   string
		stderr string
	}{
		{"", "qconv: no command given, want one of: " + all + "\nSee: qconv help\n"},
		{"imprt x", "qconv: unknown command \"imprt\", want one of: " + all + "; did you mean import?\nSee: qconv help\n"},
		{"--json import x", "qconv: flag --json stands before the command, want qconv COMMAND --json\nSee: qconv help\n"},
		{"help imprt", "qconv help: unknown command \"imprt\", want one of: " + all + "; did you mean import?\nSee: qconv help help\n"},
		{"help import export", "qconv help: want at most one COMMAND, got 2 arguments\nSee: qconv help help\n"},
		{"version now", "qconv version: want no arguments, got \"now\"\nSee: qconv help version\n"},
		{"demo now", "qconv demo: want no arguments, got \"now\"\nSee: qconv help demo\n"},
		{"import", "qconv import: no MODEL.onnx given\nSee: qconv help import\n"},
		{"import a b", "qconv import: want one MODEL.onnx, got 2 arguments: a b\nSee: qconv help import\n"},
		{"import a --chek-only", "qconv import: unknown flag --chek-only; did you mean --check-only?\nSee: qconv help import\n"},
		{"import a --check-only=maybe", "qconv import: invalid boolean value \"maybe\" for -check-only: parse error\nSee: qconv help import\n"},
		{"import a --dim N", "qconv import: --dim \"N\", want NAME=SIZE such as N=1\nSee: qconv help import\n"},
		{"import a --scale", "qconv import: flag --scale needs a value\nSee: qconv help import\n"},
		{"finetune a", "qconv finetune: flag --data is required\nSee: qconv help finetune\n"},
		{"finetune a --data d --levels abc", "qconv finetune: invalid value \"abc\" for flag -levels: parse error\nSee: qconv help finetune\n"},
		{"finetune a --data d --levels 1", "qconv finetune: levels: got 1, want 2..256\nSee: qconv help finetune\n"},
		{"finetune a --data d --weights 1 --scope all", "qconv finetune: weights: got 1, want 2..65536; scope: got \"all\", want layer, network or global\nSee: qconv help finetune\n"},
		{"finetune a --data d --steps 3 --epochs 1", "qconv finetune: flag --epochs and flag --steps exclude each other\nSee: qconv help finetune\n"},
		{"finetune a --data d --steps 0", "qconv finetune: flag --steps: got 0, want at least 1\nSee: qconv help finetune\n"},
		{"finetune a --data d --min-accuracy 97", "qconv finetune: flag --min-accuracy: got \"97\", want a fraction such as 0.975 or a percentage such as 97.5%\nSee: qconv help finetune\n"},
		{"convert a --max-drop 1%", "qconv convert: the gates need data: give --val\nSee: qconv help convert\n"},
		{"run a", "qconv run: flag --input is required\nSee: qconv help run\n"},
		{"run a --input b --atol x", "qconv run: flag --atol: got \"x\", want a number of at least 0\nSee: qconv help run\n"},
		{"eval a", "qconv eval: flag --data is required\nSee: qconv help eval\n"},
		{"eval a --data d --max-drop 1%", "qconv eval: flag --max-drop needs --against\nSee: qconv help eval\n"},
		{"bench a --seconds 0", "qconv bench: flag --seconds: got 0, want more than 0, at most 3600\nSee: qconv help bench\n"},
		{"bench a --workers 0", "qconv bench: flag --workers: got 0, want 1..256\nSee: qconv help bench\n"},
		{"bench a --kernel fast", "qconv bench: flag --kernel: got \"fast\", want portable or generic\nSee: qconv help bench\n"},
	}
	for _, tt := range tests {
		code, stdout, stderr := call(strings.Fields(tt.args)...)
		if code != exitUsage || stdout != "" || stderr != tt.stderr {
			t.Errorf("qconv %s: exit %d, stdout %q, stderr\n%swant exit %d, nothing on stdout, and\n%s", tt.args, code, stdout, stderr, exitUsage, tt.stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		code, stdout, stderr := call(args...)
		if code != exitOK || stderr != "" {
			t.Errorf("qconv %s: exit %d, stderr %q", args, code, stderr)
		}
		for _, c := range commands() {
			if !strings.Contains(stdout, c.Name) || !strings.Contains(stdout, c.Usage) {
				t.Errorf("qconv %s lacks the command %q:\n%s", args, c.Name, stdout)
			}
		}
	}
	for _, c := range commands() {
		if c.Name == "help" {
			continue
		}
		want := mustCall(t, "help", c.Name)
		if got := mustCall(t, c.Name, "--help"); got != want {
			t.Errorf("qconv %s --help prints\n%s\nwant, as qconv help %s,\n%s", c.Name, got, c.Name, want)
		}
		_, line, ok := strings.Cut(want, exampleTitle)
		if line, _, _ = strings.Cut(strings.TrimSpace(line), "\n"); !ok || !strings.HasPrefix(line, "qconv "+c.Name) {
			t.Errorf("the help of %s has the example %q, want qconv %s ...", c.Name, line, c.Name)
		}
		if _, err := arrange(c.Flags, strings.Fields(line)[2:]); err != nil {
			t.Errorf("the example %q: %v", line, err)
		}
		for n, number := range regexp.MustCompile(`(?m)^   (\d+)\. `).FindAllStringSubmatch(want, -1) {
			if number[1] != fmt.Sprint(n+1) {
				t.Errorf("the help of %s has section %s, want %d:\n%s", c.Name, number[1], n+1, want)
			}
		}
		for _, f := range c.Flags {
			if !strings.Contains(want, "--"+f.Names()[0]) {
				t.Errorf("the help of %s lacks flag --%s:\n%s", c.Name, f.Names()[0], want)
			}
		}
	}
}

// TestBadInput gives every command that reads a model files that are none.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"missing":   filepath.Join(dir, "missing.onnx"),
		"directory": dir,
		"empty":     writeFile(t, "empty.onnx", ""),
		"text":      writeFile(t, "text.onnx", "this is no model, whatever its name says\n"),
		"no qlut":   writeFile(t, "broken.qlut", "\x89QLT\r\n\x1a\n but then nothing that makes sense"),
	}
	digits := bundled(t, "digits")
	for _, command := range [][]string{
		{"import"}, {"finetune", "--data", digits + "#test"}, {"convert"}, {"run", "--input", bundled(t, "digits.onnx")},
		{"eval", "--data", digits + "#test"}, {"inspect"}, {"inspect", "--bytes"}, {"bench"}, {"pack"},
	} {
		for what, file := range files {
			if what == "no qlut" && (command[0] == "import" || command[0] == "finetune" || command[0] == "convert") {
				continue // just another file that is no ONNX
			}
			args := append(append([]string{}, command...), file, "-o", filepath.Join(dir, "out"))
			if command[0] == "eval" || command[0] == "inspect" || command[0] == "bench" {
				args = args[:len(args)-2]
			}
			code, _, stderr := call(args...)
			if code != exitBadInput || !strings.Contains(stderr, filepath.Base(file)) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s: qconv %s: exit %d, stderr %q, want exit %d and one line that names the file", what, strings.Join(args, " "), code, stderr, exitBadInput)
			}
		}
	}
}

// TestBadData gives data that cannot be used to commands that are otherwise right.
func TestBadData(t *testing.T) {
	model := bundled(t, "digits.onnx")
	tests := []struct {
		name, data string
		want       string
	}{
		{"missing", "no/such/folder", "no/such/folder"},
		{"no data set", model, "digits.onnx"},
		{"no such part", bundled(t, "digits") + "#validation", "validation"},
		{"empty folder", t.TempDir(), ""},
		{"other shape", writeFile(t, "rows.csv", "a,b,label\n0.5,2.5,1\n3.5,4,0\n"), "rows.csv"},
	}
	for _, tt := range tests {
		for _, args := range [][]string{{"eval", model, "--data", tt.data}, {"finetune", model, "--data", tt.data, "-o", filepath.Join(t.TempDir(), "o")}} {
			code, stdout, stderr := call(args...)
			if code != exitBadInput || stdout != "" || !strings.Contains(stderr, tt.want) {
				t.Errorf("%s: qconv %s: exit %d, stdout %q, stderr %q, want exit %d and a message with %q", tt.name, strings.Join(args, " "), code, stdout, stderr, exitBadInput, tt.want)
			}
		}
	}
}

func TestUnsupported(t *testing.T) {
	model := bundled(t, "unsupported.onnx")
	code, stdout, stderr := call("import", model, "--check-only")
	if code != exitUnsupported || stdout != "" {
		t.Errorf("exit %d, stdout %q, want exit %d and nothing", code, stdout, exitUnsupported)
	}
	for _, op := range []string{"TopK", "Multinomial"} {
		if !strings.Contains(stderr, op) {
			t.Errorf("stderr does not name %s:\n%s", op, stderr)
		}
	}
	code, stdout, _ = call("import", model, "--check-only", "--json")
	var r importReport
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != exitUnsupported {
		t.Fatalf("exit %d, %v in\n%s", code, err, stdout)
	}
	if len(r.Unsupported) != 2 || r.Unsupported[0].Reason == "" || r.Unsupported[0].Name == "" {
		t.Errorf("got unsupported nodes %+v, want the TopK and the Multinomial, with reasons", r.Unsupported)
	}
}

// TestFullDisk writes results where no byte can be written.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	defer full.Close()
	for _, args := range [][]string{{"version"}, {"help"}, {"help", "import"}} {
		var errs bytes.Buffer
		if code := run(append([]string{"qconv"}, args...), nil, full, &errs); code != exitFailure || errs.Len() == 0 {
			t.Errorf("qconv %s > /dev/full: exit %d, stderr %q, want exit %d and a message", args, code, &errs, exitFailure)
		}
	}
	digits, data := bundled(t, "digits.onnx"), bundled(t, "digits")
	image := filepath.Join(data, "t10k-images-idx3-ubyte.gz") + "#0"
	for _, args := range [][]string{
		{"import", digits, "-o", "/dev/full"},
		{"run", digits, "--input", image, "-o", "/dev/full"},
		{"convert", digits, "--calib", data + "#test", "--samples", "50", "-o", "/dev/full"},
	} {
		code, _, stderr := call(args...)
		if code != exitFailure || !strings.Contains(stderr, "/dev/full") {
			t.Errorf("qconv %s: exit %d, stderr %q, want exit %d and a message that names the file", args, code, stderr, exitFailure)
		}
	}
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode().IsRegular() {
		t.Fatalf("/dev/full was replaced by a file (%v)", err)
	}
}

func TestVersion(t *testing.T) {
	var v struct{ Version, Go, Platform string }
	mustJSON(t, &v, "version")
	if v.Version == "" || !strings.HasPrefix(v.Go, "go") || !strings.Contains(v.Platform, "/") {
		t.Errorf("got %+v", v)
	}
	if text := mustCall(t, "--version"); text != mustCall(t, "version") || !strings.HasPrefix(text, "qconv "+v.Version+" ") {
		t.Errorf("--version prints %q", text)
	}
}
