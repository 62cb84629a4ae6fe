package runtime

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Open reads the program in the file at path and validates it. The error is a
// [*FormatError] when the file could be read but is not a valid program.
func Open(path string) (*Program, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	if info.Size() > maxFileBytes {
		return nil, &FormatError{Path: path, Reason: fmt.Errorf("the file has %d bytes, want at most %d", info.Size(), maxFileBytes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	p, err := decodeOwn(data)
	var format *FormatError
	if errors.As(err, &format) {
		format.Path = path
	}
	return p, err
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
