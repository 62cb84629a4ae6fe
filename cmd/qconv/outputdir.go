package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qconv/runtime/printable"
)

// resultFile is a file of a folder that is a result.
type resultFile struct {
	name string // with slashes
	data []byte
}

// checkOutputDir reports a folder that a result of several files cannot become: one that holds files of other names, or that is none.
// One that does not exist or is empty can, and one that holds an earlier result.
func checkOutputDir(dir string, files []resultFile) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkOutput(dir)
	case err != nil:
		return &outputError{err}
	case !info.IsDir():
		return &outputError{fmt.Errorf("%s is a file, want a folder", printable.Name(dir))}
	}
	ours := map[string]bool{}
	for _, f := range files {
		ours[filepath.FromSlash(f.name)] = true
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil && !ours[name] {
			err = fmt.Errorf("%s holds %s, which is none of the files of the result: want an empty folder, or one that is not there yet", printable.Name(dir), printable.Name(name))
		}
		return err
	})
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// writeDir writes the files of a folder: all of them, or none. They are written to a new
// folder beside it, which then takes its name.
func writeDir(dir string, files []resultFile) error {
	if err := checkOutputDir(dir, files); err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	room, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".qconv-")
	if err != nil {
		return &outputError{err}
	}
	defer os.RemoveAll(room)
	if err = fill(filepath.Join(room, "new"), files); err == nil {
		err = exchange(dir, filepath.Join(room, "new"), filepath.Join(room, "old"))
	}
	if err != nil {
		return &outputError{err}
	}
	return nil
}

// fill writes files to a folder that is made for them.
func fill(dir string, files []resultFile) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// exchange gives the folder made the name dir, and what had it the name old.
func exchange(dir, made, old string) error {
	err := os.Rename(dir, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	failed := os.Rename(made, dir)
	if failed != nil && err == nil {
		failed = errors.Join(failed, os.Rename(old, dir))
	}
	return failed
}
