// Package atomicfile writes result files so that whatever happens, there is the old file or the new
// one, whole, and so that no two processes write the same file.
//
// [Claim] takes hold of an output before the work for it begins: another process that claims it is told
// who has it. [File.Replace] then makes the new file under a random name in the same folder, brings it to the
// disk, gives it the output's name, and brings the folder to the disk. Beside an output NAME stand, as
// long as they are needed,
//
//	.NAME.qconv-lock              what a claim holds, see lock.go
//	.NAME.qconv-<16 digits>.tmp   the new file before it has its name
//
// A process that is killed may leave both. The next claim of NAME removes them: whoever writes such a
// file holds the lock, which ends with its process, so those that are there when the lock is
// taken are nobody's.
//
// Symbolic links: an output that is a link is replaced by a file, and what it points to stays as it is,
// so a link planted in a shared folder leads no result astray. A link to a pipe or device is followed.
package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// File is an output that this process has claimed.
type File struct {
	path   string
	stream bool // a pipe, a device, or an open file of a process: it is written into
	locked *os.File
	// Executable makes the file one that whoever may read it may run.
	Executable bool
}

// Claim takes hold of the output at path, which need not exist, and removes what a killed process left
// beside it. The error is a [*HeldError] where another process has it. Pipes and devices are
// nobody's.
func Claim(path string) (*File, error) {
	f := &File{path: path, stream: isStream(path)}
	if f.stream {
		return f, nil
	}
	var err error
	if f.locked, err = lock(path); err != nil {
		return nil, err
	}
	if f.locked != nil {
		removeStale(path)
	}
	return f, nil
}

// Path is the path that was claimed.
func (f *File) Path() string { return f.path }

// IsStream says that the output is a pipe, a device or an open file of a process, which is written
// into and not replaced.
func (f *File) IsStream() bool { return f.stream }

// Unprotected says that the file system knows no locks: two processes may write the file, each whole.
func (f *File) Unprotected() bool { return !f.stream && f.locked == nil }

// Release ends the claim. It may be called more than once, and on nil.
func (f *File) Release() {
	if f == nil || f.locked == nil {
		return
	}
	unlock(f.locked)
	f.locked = nil
}

// Write replaces the file by data.
func (f *File) Write(data []byte) error {
	return f.Replace(func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
}

// Replace lets write fill the new file, with the permissions of the old one where there is one. In case
// of an error the old one stays as it was and nothing else is left.
func (f *File) Replace(write func(w io.Writer) error) error {
	if f.stream {
		return f.into(write)
	}
	t, err := f.create()
	if err != nil {
		return err
	}
	if err = write(t); err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err == nil {
		err = f.rename(t)
	}
	if err != nil {
		discard(t.Name())
	}
	return of(f.path, err)
}

// Restart replaces the file by one with the given data that stays open, to be written on: a log.
func (f *File) Restart(data []byte) (*os.File, error) {
	open := f.create
	if f.stream {
		open = func() (*os.File, error) { return os.OpenFile(f.path, os.O_WRONLY, 0) }
	}
	t, err := open()
	if err != nil {
		return nil, err
	}
	_, err = t.Write(data)
	if err == nil && !f.stream {
		if err = t.Sync(); err == nil {
			err = f.rename(t)
		}
	}
	if err != nil {
		t.Close()
		if !f.stream {
			discard(t.Name())
		}
		return nil, of(f.path, err)
	}
	return t, nil
}

// rename gives a temporary that is on the disk the output's name.
func (f *File) rename(t *os.File) error {
	if err := os.Rename(t.Name(), f.path); err != nil {
		return err
	}
	forget(t.Name())
	syncFolder(f.path)
	return nil
}

// into writes into what is there.
func (f *File) into(write func(w io.Writer) error) error {
	t, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(t), t.Close())
}

// syncFolder makes a rename last. Not every file system can do that, and the file is complete in
// any case.
func syncFolder(path string) {
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync()
		d.Close()
	}
}

// isStream tells pipes, devices and open files of a process, such as /dev/stdout and /dev/fd/3, also
// through links.
func isStream(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if !info.Mode().IsRegular() {
		return !info.IsDir()
	}
	// A file in /proc is an open one: its name is that of a link to the file itself.
	for range 10 {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return false
		}
		if strings.HasPrefix(dir, "/proc/") {
			return true
		}
		target, err := os.Readlink(path)
		if err != nil {
			return false
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return false
}

// of gives an error of the operating system the name of the output in place of that of a temporary.
func of(path string, err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		return &fs.PathError{Op: file.Op, Path: path, Err: file.Err}
	case errors.As(err, &link):
		return &fs.PathError{Op: "write", Path: path, Err: link.Err}
	}
	return err
}

// made are the files that this process must not leave: temporaries and locks.
var made = struct {
	sync.Mutex
	paths map[string]bool
}{paths: map[string]bool{}}

// forget strikes a file off the list.
func forget(path string) {
	made.Lock()
	defer made.Unlock()
	delete(made.paths, path)
}

// discard removes a file that was made.
func discard(path string) {
	made.Lock()
	defer made.Unlock()
	os.Remove(path)
	delete(made.paths, path)
}

// Abandon removes all temporaries and locks of this process, and stops whoever makes another one. It is
// for an exit in the middle of the work and must be followed by it.
func Abandon() {
	made.Lock() // for good
	for path := range made.paths {
		os.Remove(path)
	}
}
