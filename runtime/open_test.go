package runtime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeProgram stores a program as a file.
func writeProgram(t *testing.T, path string, p *Program) {
	t.Helper()
	data, err := Encode(p)
	if err == nil {
		err = os.WriteFile(path, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.qlut")
	for _, p := range []*Program{allProgram(), tinyProgram()} {
		writeProgram(t, path, p)
		q, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !samePrograms(p, q) {
			t.Error("the program changed on the way through the file")
		}
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
