package dataset

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxDepth bounds how deep folders may lie in each other, which also ends loops of links.
const maxDepth = 16

// source is a tree of files in a folder or a zip file. Its methods are safe for
// concurrent use.
type source struct {
	root string // folder on disk; empty for a zip
	name string // of the folder or zip, without extension
	tree *node
	file io.Closer
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
	size int64     // uncompressed
	zip  *zip.File // nil in a folder
}

func (s *source) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// ignored tells the files and folders that systems leave behind.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX" || strings.EqualFold(name, "thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// openFolder lists the folder at path and everything below it. Links are followed.
func openFolder(path string) (*source, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &source{root: path, name: filepath.Base(abs)}
	s.tree, err = s.readDir("", 0)
	return s, err
}

func (s *source) readDir(path string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: folders lie more than %d deep in each other", plain(path), maxDepth)
	}
	list, err := os.ReadDir(filepath.Join(s.root, filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	n := &node{name: path[strings.LastIndexByte(path, '/')+1:]}
	for _, d := range list {
		if ignored(d.Name()) {
			continue
		}
		sub := strings.TrimPrefix(path+"/"+d.Name(), "/")
		isDir, isFile := d.IsDir(), d.Type().IsRegular()
		if d.Type()&os.ModeSymlink != 0 {
			st, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(sub)))
			if err != nil {
				return nil, err
			}
			isDir, isFile = st.IsDir(), st.Mode().IsRegular()
		}
		switch {
		case isDir:
			child, err := s.readDir(sub, depth+1)
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

// openZip lists the zip file at path.
func openZip(path string) (*source, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("not a readable zip file: %w", err)
	}
	base := filepath.Base(path)
	s := &source{name: strings.TrimSuffix(base, filepath.Ext(base)), tree: &node{}, file: z}
	folders := map[string]*node{"": s.tree}
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		isDir := strings.HasSuffix(name, "/")
		parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
		if len(parts) == 0 || slices.ContainsFunc(parts, ignored) {
			continue
		}
		if len(parts) > maxDepth+1 {
			z.Close()
			return nil, fmt.Errorf("%s: folders lie more than %d deep in each other", plain(name), maxDepth)
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
			n.files = append(n.files, &entry{
				path: strings.Join(parts, "/"), base: parts[len(parts)-1],
				size: int64(min(f.UncompressedSize64, 1<<62)), zip: f,
			})
		}
	}
	for _, n := range folders {
		slices.SortFunc(n.dirs, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		slices.SortStableFunc(n.files, func(a, b *entry) int { return strings.Compare(a.base, b.base) })
	}
	return s, nil
}

// open opens an entry for reading.
func (s *source) open(e *entry) (io.ReadCloser, error) {
	if e.zip == nil {
		return os.Open(filepath.Join(s.root, filepath.FromSlash(e.path)))
	}
	return openEntry(e.zip)
}

// openEntry opens a file of a zip; at most the size its directory states can be read.
func openEntry(f *zip.File) (io.ReadCloser, error) {
	if f.Flags&1 != 0 {
		return nil, errors.New("encrypted, want a zip without password")
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return nil, fmt.Errorf("compressed by method %d, want deflate or stored", f.Method)
	}
	return r, err
}

// read reads an entry of at most maxFileBytes into buf.
func (s *source) read(e *entry, buf *bytes.Buffer) error {
	if e.size > maxFileBytes {
		return fmt.Errorf("the file has %d bytes, want at most %d", e.size, maxFileBytes)
	}
	r, err := s.open(e)
	if err != nil {
		return err
	}
	defer r.Close()
	buf.Reset()
	n, err := buf.ReadFrom(io.LimitReader(r, maxFileBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("cannot be read: %w", err)
	case n > maxFileBytes:
		return fmt.Errorf("the file has more than %d bytes", maxFileBytes)
	case n == 0:
		return errors.New("the file is empty")
	}
	return nil
}
