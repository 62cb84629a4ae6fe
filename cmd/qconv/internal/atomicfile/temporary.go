package atomicfile

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// longestName is the part of an output's name that names beside it repeat, in bytes: file systems
// allow 255 in all.
const longestName = 180

// beside is how the names of an output's lock and temporaries begin, with the folder. A long name is cut off and
// told from others by its hash.
func beside(path string) string {
	dir, name := filepath.Split(path)
	if len(name) > longestName {
		sum := sha256.Sum256([]byte(name))
		name = name[:longestName-32] + hex.EncodeToString(sum[:16])
	}
	return dir + "." + name + ".qconv-"
}

const temporaryEnd = ".tmp"

// create makes a temporary: a new file that nobody can have foreseen, with the permissions of
// the output that is there, or the usual ones.
func (f *File) create() (*os.File, error) {
	mode, known := fs.FileMode(0o666), false
	if old, err := os.Lstat(f.path); err == nil && old.Mode().IsRegular() {
		mode, known = old.Mode().Perm(), true
	}
	if f.Executable {
		mode |= mode & 0o444 >> 2
	}
	made.Lock()
	defer made.Unlock()
	for try := 0; ; try++ {
		var digits [8]byte
		rand.Read(digits[:])
		path := beside(f.path) + hex.EncodeToString(digits[:]) + temporaryEnd
		t, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		if err != nil {
			return nil, of(f.path, err)
		}
		made.paths[path] = true
		if known {
			t.Chmod(mode) // what the umask took away; not every file system has permissions
		}
		return t, nil
	}
}

// removeStale removes the temporaries of an output, which nobody writes any more.
func removeStale(path string) {
	start := filepath.Base(beside(path))
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			if !isTemporary(name, start) {
				continue
			}
			full := filepath.Join(filepath.Dir(path), name)
			if info, err := os.Lstat(full); err == nil && !info.IsDir() {
				os.Remove(full)
			}
		}
		if err != nil {
			return
		}
	}
}

// isTemporary says whether a name is the start, 16 hexadecimal digits and the end.
func isTemporary(name, start string) bool {
	digits, ok := strings.CutPrefix(name, start)
	if !ok {
		return false
	}
	digits, ok = strings.CutSuffix(digits, temporaryEnd)
	return ok && len(digits) == 16 && strings.Trim(digits, "0123456789abcdef") == ""
}
