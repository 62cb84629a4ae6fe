package runtime

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenOnlyFiles opens what is no regular file: it is refused at once, without a wait for what a pipe might bring.
func TestOpenOnlyFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]string{pipe: "a pipe", socket: "a socket", "/dev/zero": "a device", dir: "a directory"} {
		_, err := Open(path)
		wantError(t, err, "this is "+want+", want a .qlut file")
	}
}

// TestOpenWithin opens a file with limits below what it takes.
func TestOpenWithin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a\nb.qlut")
	if err := os.WriteFile(path, mustEncode(t, tinyProgram()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, l := range []Limits{{Memory: 100}, {Memory: 400}, {MACs: 7}} {
		_, err := OpenWithin(path, l)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Path != path || limit.Need <= limit.Limit {
			t.Errorf("%+v: error %v, want a LimitError that names the file", l, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: error %q of two lines", l, err)
		}
	}
	if _, err := OpenWithin(path, Limits{MACs: 8}); err != nil {
		t.Error(err)
	}
}
