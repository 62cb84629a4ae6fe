package dataset

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxDepth bounds how deep folders may lie in each other, which also ends loops of links.
const maxDepth = 16

// source is a tree of files in a folder or a zip file. Its methods are safe for
// concurrent use.
type source struct {
	root   string // folder; empty for a zip
	files  fs.FS
	ctx    context.Context
	name   string // of the folder or zip, without extension
	tree   *node
	size   int64 // of the zip in bytes; of a folder, what it may hold at most
	closer io.Closer

	links   int // to folders, including those that are reached in several ways
	entries int // of all folders
}

// node is a folder within a source; its lists are in alphabetical order.
type node struct {
	name  string
	dirs  []*node
	files []*entry
}

// entry is a file within a source.
type entry struct {
	path string // from the root, with slashes
	base string
	zip  *zip.File // nil in a folder
}

func (s *source) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// ignored tells the files and folders that systems leave behind.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX" || strings.EqualFold(name, "thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// Limits of what is listed in a folder. Links can make a few folders look like any number of them.
const (
	maxLinks   = 1 << 13 // to folders
	maxEntries = 1 << 22
)

// openFolder lists the folder and everything below it. Links are followed; what is neither
// a file nor a folder is passed over.
func (p *opener) openFolder() (*source, error) {
	base := path.Base(p.path)
	if p.o.Files == nil {
		abs, err := filepath.Abs(p.path)
		if err != nil {
			return nil, err
		}
		base = filepath.Base(abs)
	}
	s := &source{root: p.path, files: p.files, ctx: p.ctx, name: base, size: math.MaxInt64}
	var err error
	s.tree, err = s.readDir("", nil)
	return s, err
}

// readDir lists a folder that lies within others.
func (s *source) readDir(path string, above []fs.FileInfo) (*node, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	if len(above) > maxDepth {
		return nil, fmt.Errorf("%s: folders lie more than %d deep in each other", name(path), maxDepth)
	}
	own, err := fs.Stat(s.files, s.path(path))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(above, func(up fs.FileInfo) bool { return os.SameFile(up, own) }) {
		return nil, fmt.Errorf("%s: a link that leads back to a folder it lies in", name(path))
	}
	above = append(slices.Clip(above), own)
	list, err := fs.ReadDir(s.files, s.path(path))
	if err != nil {
		return nil, err
	}
	if s.entries += len(list); s.entries > maxEntries {
		return nil, fmt.Errorf("%s: with this folder there are %d files, want at most %d", name(path), s.entries, maxEntries)
	}
	n := &node{name: path[strings.LastIndexByte(path, '/')+1:]}
	for _, d := range list {
		if ignored(d.Name()) {
			continue
		}
		sub := strings.TrimPrefix(path+"/"+d.Name(), "/")
		isDir, isFile := d.IsDir(), d.Type().IsRegular()
		if d.Type()&fs.ModeSymlink != 0 {
			st, err := fs.Stat(s.files, s.path(sub))
			if err != nil {
				return nil, err
			}
			isDir, isFile = st.IsDir(), st.Mode().IsRegular()
			if isDir {
				s.links++
			}
			if s.links > maxLinks {
				return nil, fmt.Errorf("%s: more than %d links to folders (do they lead to one folder again and again?)", name(sub), maxLinks)
			}
		}
		switch {
		case isDir:
			child, err := s.readDir(sub, above)
			if err != nil {
				return nil, err
			}
			n.dirs = append(n.dirs, child)
		case isFile:
			n.files = append(n.files, &entry{path: sub, base: d.Name()})
		}
	}
	return n, nil
}

// path is where a path within the folder lies.
func (s *source) path(within string) string {
	if within == "" {
		return s.root
	}
	return strings.TrimSuffix(s.root, "/") + "/" + within
}

// listZip reads the directory of a zip file. Files that share their bytes, as bombs have them, are refused.
func listZip(f *file) (*zip.Reader, error) {
	z, err := zip.NewReader(f, f.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // nothing is ever written to a path of a zip
		return nil, err
	}
	left := uint64(f.size)
	for _, e := range z.File {
		if e.CompressedSize64 > left {
			return nil, fmt.Errorf("its files take more bytes than its own %d: they overlap, or the directory is wrong", f.size)
		}
		left -= e.CompressedSize64
	}
	return z, nil
}

// openZip lists the zip file.
func (p *opener) openZip() (*source, error) {
	f, err := openFile(p.files, p.path)
	if err != nil {
		return nil, err
	}
	z, err := listZip(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("not a readable zip file: %w", err)
	}
	base := path.Base(p.path)
	s := &source{ctx: p.ctx, name: strings.TrimSuffix(base, path.Ext(base)), tree: &node{}, size: f.size, closer: f}
	folders := map[string]*node{"": s.tree}
	for _, z := range z.File {
		full := strings.ReplaceAll(z.Name, `\`, "/")
		isDir := strings.HasSuffix(full, "/")
		parts := strings.FieldsFunc(full, func(r rune) bool { return r == '/' })
		if len(parts) == 0 || slices.ContainsFunc(parts, ignored) {
			continue
		}
		if len(parts) > maxDepth+1 {
			f.Close()
			return nil, fmt.Errorf("%s: folders lie more than %d deep in each other", name(full), maxDepth)
		}
		dirs := parts
		if !isDir {
			dirs = parts[:len(parts)-1]
		}
		at, n := "", s.tree
		for _, d := range dirs {
			at += "/" + d
			if folders[at] == nil {
				folders[at] = &node{name: d}
				n.dirs = append(n.dirs, folders[at])
			}
			n = folders[at]
		}
		if !isDir {
			n.files = append(n.files, &entry{path: strings.Join(parts, "/"), base: parts[len(parts)-1], zip: z})
		}
	}
	for _, n := range folders {
		slices.SortFunc(n.dirs, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		slices.SortStableFunc(n.files, func(a, b *entry) int { return strings.Compare(a.base, b.base) })
		for i := 1; i < len(n.files); i++ {
			if n.files[i].base == n.files[i-1].base {
				f.Close()
				return nil, fmt.Errorf("%s: the zip file holds two files of this name", name(n.files[i].path))
			}
		}
	}
	return s, nil
}

// open opens an entry for reading.
func (s *source) open(e *entry) (r io.ReadCloser, size, packed int64, err error) {
	if e.zip != nil {
		r, err = openEntry(e.zip)
		return r, int64(min(e.zip.UncompressedSize64, math.MaxInt64)), int64(e.zip.CompressedSize64), err
	}
	f, err := openFile(s.files, s.path(e.path))
	if err != nil {
		return nil, 0, 0, err
	}
	return readCloser{f.all(s.ctx), f}, f.size, f.size, nil
}

// openEntry opens a file of a zip; at most the size its directory states can be read.
func openEntry(f *zip.File) (io.ReadCloser, error) {
	if f.Flags&1 != 0 {
		return nil, errors.New("encrypted, want a zip without password")
	}
	if !f.Mode().IsRegular() {
		return nil, errors.New("a link or device, want a zip of the files themselves")
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, fmt.Errorf("compressed by method %d, want deflate or stored", f.Method)
	}
	return r, err
}

// read reads an entry of at most maxFileBytes into buf and tells how many bytes it took in its zip. What
// unpacks to much more than those is no picture.
func (s *source) read(e *entry, buf *bytes.Buffer) (packed int64, err error) {
	r, size, packed, err := s.open(e)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	switch most := min(maxFileBytes, 1<<20+memoryPerByte*packed); {
	case size == 0:
		return 0, errors.New("the file is empty")
	case size > most:
		return 0, fmt.Errorf("the file has %d bytes, want at most %d", size, most)
	}
	buf.Reset()
	buf.Grow(int(size) + bytes.MinRead)
	n, err := buf.ReadFrom(io.LimitReader(r, size+1)) // one more than there are: a zip checks its sum at the end
	switch {
	case err != nil:
		return 0, fmt.Errorf("cannot be read: %w", err)
	case n != size:
		return 0, fmt.Errorf("cannot be read: it has %d bytes, want %d", n, size)
	}
	return packed, nil
}
