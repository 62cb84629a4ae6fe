package runtime

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Open reads the program in the file at path and validates it, within the default [Limits]. The error
// is a [*FormatError] when the file could be read but is not a valid program, and a [*LimitError] when it is
// or might be one that is too large.
func Open(path string) (*Program, error) { return OpenWithin(path, Limits{}) }

// OpenWithin is [Open] within limits. It opens nothing but regular files, and reads no more than the first bytes of
// one that does not start as a program or is larger than Limits.Memory.
func OpenWithin(path string, l Limits) (*Program, error) {
	data, err := readProgram(path, l)
	if err == nil {
		var p *Program
		if p, err = decodeWithin(data, l.For(int64(len(data)))); err == nil {
			return p, nil
		}
	}
	var format *FormatError
	if errors.As(err, &format) {
		format.Path = path
	}
	var limit *LimitError
	if errors.As(err, &limit) {
		limit.Path = path
	}
	return nil, err
}

// sniffBytes is how much of a file is read before it is known to be a program.
const sniffBytes = 512

// readProgram reads a regular file that starts as a program does.
func readProgram(path string, l Limits) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{Reason: fmt.Errorf("this is %s, want a .qlut file", kindOf(info.Mode()))}
	}
	size := info.Size()
	if size > maxFileBytes {
		return nil, &FormatError{Reason: fmt.Errorf("the file has %d bytes, want at most %d", size, maxFileBytes)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	defer f.Close()
	head := make([]byte, min(size, sniffBytes))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("runtime: %s: %w", path, err)
	}
	if err := checkHead(head); err != nil {
		return nil, err
	}
	if l = l.For(size); size > l.Memory {
		return nil, l.tooMuchMemory(size)
	}
	data := make([]byte, size)
	copy(data, head)
	if _, err := io.ReadFull(f, data[len(head):]); err != nil {
		return nil, fmt.Errorf("runtime: %s: %w", path, err)
	}
	return data, nil
}

// kindOf names what is not a regular file.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}

// WriteFile writes p to the file at path, replacing what was there. The file appears
// complete or not at all: in case of an error the old one stays as it was.
func WriteFile(path string, p *Program) error {
	data, err := Encode(p)
	if err != nil {
		return err
	}
	write := func(f *os.File) error {
		_, err := f.Write(data)
		return err
	}
	if err := replaceFile(path, write); err != nil {
		return fmt.Errorf("runtime: %w", err)
	}
	return nil
}

// replaceFile lets write fill a new file in the folder of path, brings it to the disk and
// renames it to path. In case of an error the new file is removed.
func replaceFile(path string, write func(f *os.File) error) (err error) {
	dir, name := filepath.Split(path)
	f, err := createBeside(dir, name)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	// The rename lasts once the folder is on the disk too. Not every file system can do
	// that, and the file is complete in any case.
	if d, openErr := os.Open(filepath.Dir(path)); openErr == nil {
		d.Sync()
		d.Close()
	}
	return nil
}

// createBeside creates a hidden file of a new name, with the usual permissions.
func createBeside(dir, name string) (*os.File, error) {
	for try := 0; ; try++ {
		path := fmt.Sprintf("%s.%s.%08x", dir, name, rand.Uint32())
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil || !os.IsExist(err) || try == 100 {
			return f, err
		}
	}
}
