package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"qconv/internal/testtool"
)

// digitsProgram is the program in the runtime's testdata.
func digitsProgram(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "runtime", "testdata", "digits.qlut"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPack packs a model for boards, and holds what the executable says against what qrun says of the model.
func TestPack(t *testing.T) {
	model, dir := digitsProgram(t), t.TempDir()
	pictures := bundled(t, "digits/t10k-images-idx3-ubyte.gz") + "#0:5"
	for _, b := range []struct {
		target, emulator string
		env              []string
	}{
		{"linux/arm/5", "qemu-arm-static", []string{"GOARCH=arm", "GOARM=5"}},
		{"linux/mips", "qemu-mips-static", []string{"GOARCH=mips", "GOMIPS=softfloat"}},
	} {
		t.Run(b.target, func(t *testing.T) {
			qrun := buildBoardTool(t, b.env...)
			packed, again := filepath.Join(dir, "packed"), filepath.Join(dir, "again")
			var r packReport
			mustJSON(t, &r, "pack", model, "--target", b.target, "--qrun", qrun, "-o", packed)
			if r.Qrun != qrun || r.Built || r.QrunBytes+r.ModelBytes != r.Bytes {
				t.Errorf("got %+v", r)
			}
			mustJSON(t, &r, "pack", model, "--target", b.target, "-o", again)
			if !r.Built {
				t.Errorf("got %+v, want a qrun that was built", r)
			}
			if first, second := readFile(t, packed), readFile(t, again); !bytes.Equal(first, second) || len(first) != r.Bytes {
				t.Errorf("%d and %d bytes, of a qrun that was given and one that was built: want the same", len(first), len(second))
			}
			testtool.Path(t, b.emulator, "apt-get install qemu-user-static")
			say := func(args ...string) (string, error) {
				cmd := exec.Command(b.emulator, args...)
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			for _, args := range [][]string{{"--selftest", "--json"}, {"--info", "--json"}, {"--json", pictures}, {"--json", pictures, "--top", "1", "--low-memory"}} {
				got, err := say(append([]string{packed}, args...)...)
				want, wantErr := say(append([]string{qrun, model}, args...)...)
				if err != nil || wantErr != nil {
					t.Fatalf("%q: %v, %v: %s", args, err, wantErr, got)
				}
				if a, b := document(t, got), document(t, want); !reflect.DeepEqual(a, b) {
					t.Errorf("%q prints\n%v\nqrun with the model\n%v", args, a, b)
				}
			}
			if out, err := say(packed); err == nil || !strings.Contains(out, "no input file given") {
				t.Errorf("without a picture: %v, %s", err, out)
			}
			// Every bit of the model is guarded.
			data := readFile(t, packed)
			for _, at := range []int{r.QrunBytes, r.QrunBytes + 20, len(data) - 1} {
				broken := bytes.Clone(data)
				broken[at] ^= 4
				file := filepath.Join(dir, "broken")
				if err := os.WriteFile(file, broken, 0o755); err != nil {
					t.Fatal(err)
				}
				if out, err := say(file, "--selftest"); err == nil || err.(*exec.ExitError).ExitCode() != exitBadInput || strings.Count(out, "\n") != 1 {
					t.Errorf("with byte %d changed: %v, %s, want exit code %d and one line", at, err, out, exitBadInput)
				}
			}
		})
	}
}

// document reads what qrun prints, without what differs from call to call.
func document(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	maps.DeleteFunc(doc, func(key string, _ any) bool { return key == "model" })
	if info, ok := doc["info"].(map[string]any); ok {
		delete(info, "process_peak_bytes")
	}
	return doc
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPackRefuses gives pack what it cannot join.
func TestPackRefuses(t *testing.T) {
	model, dir := digitsProgram(t), t.TempDir()
	out := filepath.Join(dir, "out")
	arm := buildBoardTool(t, "GOARCH=arm", "GOARM=7")
	packed := filepath.Join(dir, "packed")
	mustCall(t, "pack", model, "--target", "linux/arm/7", "--qrun", arm, "-o", packed)
	cut := filepath.Join(dir, "cut")
	if err := os.WriteFile(cut, readFile(t, arm)[:1_000_000], 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{model, "--target", "linux/arm64", "--qrun", arm}, exitBadInput, "is for EM_ARM, ELFCLASS32, ELFDATA2LSB, want one for linux/arm64: EM_AARCH64"},
		{[]string{model, "--target", "linux/arm/5", "--qrun", arm}, exitBadInput, "is for level 7 of arm, want at most 5"},
		{[]string{model, "--target", "freebsd/arm/7", "--qrun", arm}, exitBadInput, "is for linux, want freebsd"},
		{[]string{model, "--target", "linux/arm/7", "--qrun", packed}, exitBadInput, "bytes behind it, want a qrun that carries no model yet"},
		{[]string{model, "--target", "linux/arm/7", "--qrun", cut}, exitBadInput, "want a qrun built for linux/arm/7"},
		{[]string{model, "--target", "linux/arm/7", "--qrun", model}, exitBadInput, "is no executable in ELF format"},
		{[]string{model, "--target", "linux/arm/7", "--qrun", dir}, exitBadInput, "is a directory"},
		{[]string{model, "--qrun", filepath.Join(dir, "none")}, exitBadInput, "no such file"},
		{[]string{arm, "--qrun", arm, "--target", "linux/arm/7"}, exitBadInput, "byte 0"},
		{[]string{model, "--target", "windows/amd64"}, exitUsage, "not in ELF format"},
		{[]string{model, "--target", "linux/6502"}, exitUsage, "unknown target"},
	} {
		code, stdout, stderr := call(append(append([]string{"pack"}, tt.args...), "-o", out)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("pack %q: exit %d, stdout %q, stderr %q, want exit %d and %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("pack %q left a file", tt.args)
		}
	}
	if info, err := os.Stat(packed); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("the packed file is %v, want one that may be run", info.Mode())
	}
}
