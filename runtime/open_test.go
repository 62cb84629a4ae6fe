package runtime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// names lists the files of a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestWriteFileAndOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.qlut")
	for _, p := range []*Program{allProgram(), tinyProgram()} { // the second replaces the first
		if err := WriteFile(path, p); err != nil {
			t.Fatal(err)
		}
		q, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, q) {
			t.Error("the program changed on the way through the file")
		}
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("files %q, want only a.qlut", got)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o444 == 0o400 {
		t.Errorf("permissions %v, want the usual ones of a new file", info.Mode())
	}
	t.Chdir(dir)
	if err := WriteFile("b.qlut", tinyProgram()); err != nil {
		t.Errorf("a path without a folder: %v", err)
	}
}

// TestWriteFileFails checks that a failure leaves the old file and nothing else.
func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.qlut")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	err := replaceFile(path, func(f *os.File) error {
		f.WriteString("half")
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
	bad := tinyProgram()
	bad.Outputs = nil
	if err := WriteFile(path, bad); err == nil {
		t.Error("an invalid program: no error")
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "sub"), tinyProgram()); err == nil {
		t.Error("a folder as target: no error")
	}
	if err := WriteFile(filepath.Join(dir, "none", "a.qlut"), tinyProgram()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: error %v, want one that says so", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
		t.Errorf("the old file holds %q, %v, want \"old\"", data, err)
	}
	if got := names(t, dir); !reflect.DeepEqual(got, []string{"a.qlut", "sub"}) {
		t.Errorf("files %q, want a.qlut and sub", got)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none.qlut")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: error %v", err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder: no error")
	}
	path := filepath.Join(dir, "a.qlut")
	if err := os.WriteFile(path, []byte("<html>not found</html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	var format *FormatError
	if !errors.As(err, &format) || format.Path != path || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "web page") {
		t.Errorf("a web page: error %v, want a FormatError that names the file", err)
	}
	// A file beyond the limit is refused by its size; it takes no room here.
	if err := os.Truncate(path, maxFileBytes+1); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	wantError(t, err, "want at most 1073741824")
}
