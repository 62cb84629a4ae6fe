package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// disk is the file system of this machine, whose names are paths as the system takes them.
type disk struct{}

// Open never waits for a pipe: [openFile] looks at what was opened before it is read.
func (disk) Open(name string) (fs.File, error) {
	return os.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (disk) Stat(name string) (fs.FileInfo, error) { return os.Stat(filepath.FromSlash(name)) }

func (disk) ReadDir(name string) ([]fs.DirEntry, error) {
	return os.ReadDir(filepath.FromSlash(name))
}

// file is an open regular file of size bytes, which can be read from any position and as a whole.
type file struct {
	io.ReaderAt
	io.Closer
	size int64
}

var errNotRegular = errors.New("neither a file nor a folder")

// openFile opens a regular file; a pipe or a device, which could block or never end, is refused before it is opened,
// and after that where it was exchanged in between.
func openFile(files fs.FS, name string) (*file, error) {
	st, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	at, ok := f.(io.ReaderAt)
	if st, err = f.Stat(); err == nil && !st.Mode().IsRegular() {
		err = errNotRegular
	} else if err == nil && !ok {
		err = fmt.Errorf("a file of a %T cannot be read at any position", files)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &file{at, f, st.Size()}, nil
}

// all reads the file from its beginning, until ctx ends.
func (f *file) all(ctx context.Context) io.Reader {
	return interruptible{ctx, io.NewSectionReader(f, 0, f.size)}
}

// interruptible is a reader that fails once ctx has ended.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (r interruptible) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}
