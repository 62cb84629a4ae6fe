package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// Open opens the samples that spec names:
//
//	folder, F.zip     folders of pictures (png, jpeg, gif, bmp, webp), one per class, whose
//	                  index is its position in alphabetical order; or pictures alone,
//	                  without labels
//	folder, F.zip     IDX files by their usual names, such as train-images-idx3-ubyte.gz
//	                  and train-labels-idx1-ubyte.gz
//	F.tar, F-{0..9}.tar, or a folder of such files
//	                  samples in the layout of WebDataset: 000123.jpg (or another picture, or
//	                  .npy), with the class index in 000123.cls, or none; other files of a
//	                  sample are passed over
//	an IDX file       of images; the labels are looked for beside it
//	F.npz             array x (or the one called Options.Array) and, if there, y: class indices, one-hot
//	                  rows, or targets, as many for each sample as Options.Outputs
//	F.npy             samples without labels
//	F.wav             a sample, or several with Options.Window
//	folder, F.zip     recordings (csv, npy, wav) of one sample each, or of several with Options.Window, in
//	                  folders that are their classes, or alone
//	F.csv, F.tsv      a header, which may be missing, and rows of numbers; the labels are the column named
//	                  label, class, target or y, or else the last one. Where a row has as many numbers as
//	                  the network takes there are none, and where it has as many more as the network
//	                  delivers (two at least), those at its end are targets
//
// After a # follows a part of it: a folder such as train, test or val; train or test of
// IDX files; an array of an .npz taken alone, or K for the pair x_K, y_K; the label
// column of a CSV file, several columns a,b,c with targets, or - for none; without a header, columns are numbered from 1. Files with one picture, array or table may also
// be compressed as .gz. Close the set when done.
func Open(spec string, o Options) (*Set, error) {
	p, err := newOpener(spec, o)
	if err != nil {
		return nil, err
	}
	if o.NoLabels {
		p.o.Classes = nil
	}
	s, err := p.open()
	if err != nil {
		return nil, err
	}
	if o.NoLabels {
		truth{}.setOn(s)
	}
	if o.values(1) && s.Labels != nil {
		s.asNumbers()
	}
	s.Spec = spec
	if s.Len() == 0 {
		s.Close()
		return nil, p.fail("", "no samples left, all %d are broken; first: %s", len(s.Skipped), s.Skipped[0])
	}
	return s, nil
}

// opener carries what all formats need.
type opener struct {
	spec  string
	path  string // without the part after #, with slashes
	part  string
	dir   bool
	tars  []string // that a pattern names
	size  int64    // of the file in bytes
	o     Options
	files fs.FS
	ctx   context.Context
}

// newOpener splits spec and looks the file up. A # that belongs to a file name is
// recognised by the file being there.
func newOpener(spec string, o Options) (*opener, error) {
	p := &opener{spec: spec, path: filepath.ToSlash(spec), o: o, files: o.files(), ctx: o.context()}
	if spec == "" {
		return nil, p.fail("", "empty, want a file or folder")
	}
	st, err := fs.Stat(p.files, p.path)
	if err != nil {
		if k := strings.LastIndexByte(p.path, '#'); k > 0 {
			p.path, p.part = p.path[:k], p.path[k+1:]
			st, err = fs.Stat(p.files, p.path)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		if p.tars, err = expandShards(p.path); err != nil {
			return nil, p.fail("", "%w", err)
		}
		if p.tars != nil {
			return p, p.checkTars()
		}
		err = fs.ErrNotExist
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, p.fail("", "%w", notFound{p.path})
	case err != nil:
		return nil, p.fail("", "%w", err)
	case !st.IsDir() && !st.Mode().IsRegular():
		return nil, p.fail("", "%w", errNotRegular)
	}
	p.dir, p.size = st.IsDir(), st.Size()
	if err := o.check(); err != nil {
		return nil, p.fail("", "%w", err)
	}
	return p, nil
}

// checkTars looks the files of a pattern up.
func (p *opener) checkTars() error {
	for _, path := range p.tars {
		st, err := fs.Stat(p.files, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return p.fail("", "%w", notFound{path})
		case err != nil:
			return p.fail("", "%w", err)
		case !isTar(path):
			return p.fail("", "%s is no .tar, which a pattern is for", name(path))
		}
		p.size += st.Size()
	}
	if err := p.o.check(); err != nil {
		return p.fail("", "%w", err)
	}
	return nil
}

// notFound is fs.ErrNotExist with a plain message.
type notFound struct{ path string }

func (e notFound) Error() string { return fmt.Sprintf("no file or folder %s", name(e.path)) }
func (e notFound) Unwrap() error { return fs.ErrNotExist }

// fail is an error of the data; where, a place in them, must be fit to be printed. Whatever fails once the context
// has ended fails because of that.
func (p *opener) fail(where, format string, args ...any) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return &FormatError{Spec: p.spec, Where: where, Err: fmt.Errorf(format, args...)}
}

func (p *opener) open() (*Set, error) {
	f, err := p.format()
	if err != nil {
		return nil, err
	}
	switch f {
	case formatFolder:
		src, err := p.openFolder()
		if err != nil {
			return nil, p.fail("", "%w", err)
		}
		return p.openTree(src)
	case formatZip:
		src, err := p.openZip()
		if err != nil {
			return nil, p.fail("", "%w", err)
		}
		set, err := p.openTree(src)
		if err != nil {
			src.Close()
		}
		return set, err
	case formatTar:
		if p.part != "" {
			return nil, p.fail("", "a .tar file has no parts to choose with #")
		}
		if p.tars == nil {
			p.tars = []string{p.path}
		}
		return p.openTar(p.tars)
	case formatIDX:
		return p.openIDXFile()
	case formatNPY:
		return p.openNPY()
	case formatNPZ:
		return p.openNPZ()
	case formatCSV:
		if p.o.cuts() {
			return p.openTableSteps()
		}
		return p.openCSV()
	case formatWAV:
		return p.openWave()
	case formatPicture:
		return nil, p.fail("", "a single picture, want a folder or zip of pictures")
	}
	return nil, p.fail("", "unknown format, want a folder, .zip, .tar, .npz, .npy, .csv, .wav or IDX file")
}

type format uint8

const (
	formatUnknown format = iota
	formatFolder
	formatZip
	formatTar
	formatIDX
	formatNPY
	formatNPZ
	formatCSV
	formatPicture
	formatWAV
)

// format tells the format by name, and by the first bytes where the name says nothing.
func (p *opener) format() (format, error) {
	if p.dir {
		return formatFolder, nil
	}
	if p.tars != nil {
		return formatTar, nil
	}
	name := strings.TrimSuffix(strings.ToLower(path.Base(p.path)), ".gz")
	switch ext := path.Ext(name); {
	case ext == ".tar" || ext == ".tgz":
		return formatTar, nil
	case ext == ".zip":
		return formatZip, nil
	case ext == ".npz":
		return formatNPZ, nil
	case ext == ".npy":
		return formatNPY, nil
	case ext == ".csv" || ext == ".tsv":
		return formatCSV, nil
	case ext == ".wav":
		return formatWAV, nil
	case strings.Contains(name, "-ubyte") || strings.HasPrefix(ext, ".idx"):
		return formatIDX, nil
	case isPicture(name):
		return formatPicture, nil
	case ext == ".raw" || ext == ".bin":
		return formatUnknown, nil
	}
	r, err := p.reader()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(r, head)
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return formatZip, nil
	case bytes.HasPrefix(head, []byte("\x93NUMPY")):
		return formatNPY, nil
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) >= 12 && string(head[8:12]) == "WAVE":
		return formatWAV, nil
	case len(head) >= 4 && head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] >= 1 && head[3] <= 4:
		return formatIDX, nil
	case looksLikePicture(head):
		return formatPicture, nil
	}
	return formatUnknown, nil
}

// reader opens the file itself, through gzip where its name ends in .gz.
func (p *opener) reader() (io.ReadCloser, error) {
	f, err := openFile(p.files, p.path)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	br := bufio.NewReaderSize(f.all(p.ctx), 1<<16)
	if m, _ := br.Peek(2); p.gzipName() && bytes.Equal(m, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(br)
		if err != nil {
			f.Close()
			return nil, p.fail("", "broken gzip data: %w", err)
		}
		return readCloser{z, f}, nil
	}
	return readCloser{br, f}, nil
}

func (p *opener) gzipName() bool { return strings.HasSuffix(strings.ToLower(p.path), ".gz") }

type readCloser struct {
	io.Reader
	io.Closer
}
