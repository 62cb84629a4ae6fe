package dataset

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// tarShards are tar archives in the layout of WebDataset: files that follow each other and have the same name up to its first dot are one sample, such as
// 000123.jpg or 000123.npy with the class index in 000123.cls. Other files of a sample are passed over. Of a sample only its place is kept; its name is read
// when somebody asks for it.
type tarShards struct {
	p      *opener
	files  []*file
	names  []string // of the archives
	starts []int    // by archive: its first sample
	at     []uint32 // by sample: where in its archive the header of its data begins, in blocks
	labels []int32  // -1 where there is none; nil once the set has them
	arrays bool     // samples are .npy
}

// tarBlock is what positions in an archive are multiples of.
const tarBlock = 512

// Limits of archives.
const (
	maxTarBytes   = tarBlock << 32
	maxShards     = 1 << 16
	maxClassBytes = 32
)

// openTar opens samples in tar archives.
func (p *opener) openTar(paths []string) (*Set, error) {
	if p.gzipName() || strings.HasSuffix(strings.ToLower(p.path), ".tgz") {
		return nil, p.fail("", "a compressed tar file, want a plain one: samples are read where they lie, so unpack it with gzip -d")
	}
	t := &tarShards{p: p}
	set, err := t.open(paths)
	if err != nil {
		t.Close()
		return nil, err
	}
	return set, nil
}

func (t *tarShards) open(paths []string) (*Set, error) {
	p := t.p
	for i, file := range paths {
		if err := t.index(file); err != nil {
			return nil, p.fail(name(path.Base(file)), "%w", err)
		}
		if i == 0 { // the others are mostly alike
			t.at, t.labels = slices.Grow(t.at, len(t.at)*(len(paths)-1)), slices.Grow(t.labels, len(t.at)*(len(paths)-1))
		}
	}
	if len(t.at) > math.MaxInt32 {
		return nil, p.fail("", "%d samples, want at most %d", len(t.at), math.MaxInt32)
	}
	if len(t.at) == 0 {
		return nil, p.fail("", "no samples found, want files such as 000123.jpg or 000123.npy, with the class index in 000123.cls")
	}
	known, err := t.truth()
	if err != nil {
		return nil, err
	}
	if t.arrays {
		return p.newTarArrays(t, known)
	}
	var size int64
	for _, f := range t.files {
		size += f.size
	}
	return p.newPictures(&pictureFiles{count: len(t.at), bytes: size, name: t.name, with: t.with, Closer: t}, known.labels, known.classes)
}

// Close closes the archives.
func (t *tarShards) Close() error {
	var errs []error
	for _, f := range t.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// tarSample is a sample that is being read.
type tarSample struct {
	key   string
	at    int64 // of its data, in bytes; -1 where there are none
	label int32
}

// index finds the samples of an archive.
func (t *tarShards) index(file string) error {
	f, err := openFile(t.p.files, file)
	if err != nil {
		return err
	}
	if f.size > maxTarBytes {
		f.Close()
		return fmt.Errorf("%d bytes, want at most %d", f.size, int64(maxTarBytes))
	}
	t.starts = append(t.starts, len(t.at))
	t.files, t.names = append(t.files, f), append(t.names, path.Base(file))
	section := io.NewSectionReader(f, 0, f.size)
	r := tar.NewReader(section)
	own := tarSample{at: -1, label: -1}
	for next := int64(0); ; {
		if err := t.p.ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if err == io.EOF {
			return t.add(own)
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // nothing is ever written to a path of an archive
			return fmt.Errorf("not a readable tar file, at byte %d: %w", next, err)
		}
		from, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		begin := next
		next = (from + h.Size + tarBlock - 1) / tarBlock * tarBlock
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		key, ending, data := tarKey(h.Name)
		if key == "" {
			continue
		}
		if key != own.key {
			if err := t.add(own); err != nil {
				return err
			}
			own = tarSample{key: key, at: -1, label: -1}
		}
		if ending != "cls" && !data {
			continue
		}
		if h.Typeflag != tar.TypeReg || len(h.PAXRecords) > 0 && h.PAXRecords["GNU.sparse.major"] != "" {
			return fmt.Errorf("%s: a link, device or sparse file, want the files themselves", name(h.Name))
		}
		if ending == "cls" {
			if own.label, err = readClass(r, h); err != nil {
				return fmt.Errorf("%s: %w", name(h.Name), err)
			}
			continue
		}
		if own.at >= 0 {
			return fmt.Errorf("%s: a second picture or array of its sample, want one", name(h.Name))
		}
		if len(t.at) == 0 {
			t.arrays = ending == "npy"
		} else if t.arrays != (ending == "npy") {
			return fmt.Errorf("%s: pictures and arrays, want samples of one kind", name(h.Name))
		}
		own.at = begin
	}
}

// tarKey is what the files of a sample have in common, the rest of the name of one, and whether that is its data. The key is empty for files that systems
// leave behind.
func tarKey(full string) (key, ending string, data bool) {
	for part := range strings.SplitSeq(strings.TrimPrefix(full, "./"), "/") {
		if ignored(part) {
			return "", "", false
		}
	}
	dir, base := path.Split(full)
	base, ending, _ = strings.Cut(base, ".")
	ending = strings.ToLower(ending)
	return dir + base, ending, ending == "npy" || !strings.Contains(ending, ".") && isPicture("."+ending)
}

// readClass reads a .cls file.
func readClass(r io.Reader, h *tar.Header) (int32, error) {
	if h.Size > maxClassBytes {
		return 0, fmt.Errorf("%d bytes, want a class index, at most %d", h.Size, maxClassBytes)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	class, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || class < 0 || class > maxClass {
		return 0, fmt.Errorf("%s, want a class index, a whole number from 0 to %d", name(string(text)), maxClass)
	}
	return int32(class), nil
}

// add adds a sample that has been read; files without data or class are none.
func (t *tarShards) add(s tarSample) error {
	switch {
	case s.at < 0 && s.label >= 0:
		return fmt.Errorf("%s.cls has no picture or array beside it (%s, npy)", name(s.key), pictureKinds)
	case s.at >= 0:
		t.at, t.labels = append(t.at, uint32(s.at/tarBlock)), append(t.labels, s.label)
	}
	return nil
}

// truth is what the archives say of all samples: the class of each, or of none.
func (t *tarShards) truth() (truth, error) {
	labelled, without, top := 0, -1, 0
	for i, l := range t.labels {
		if l < 0 {
			without = i
			continue
		}
		labelled++
		top = max(top, int(l)+1)
	}
	switch {
	case labelled == 0 || t.p.o.NoLabels:
		t.labels = nil
		return truth{}, nil
	case without >= 0:
		return truth{}, t.p.fail(t.name(without), "has no .cls, which %d other samples have; want one for each, or for none", labelled)
	}
	classes, err := t.p.numericClasses(top)
	if err != nil {
		return truth{}, t.p.fail("", "%w", err)
	}
	labels := make([]int, len(t.labels))
	for i, l := range t.labels {
		labels[i] = int(l)
	}
	t.labels = nil
	return truth{labels: labels, classes: classes}, nil
}

// archive is the one that holds sample i.
func (t *tarShards) archive(i int) int {
	return sort.Search(len(t.starts), func(k int) bool { return t.starts[k] > i }) - 1
}

// entry opens the data of sample i.
func (t *tarShards) entry(i int) (*tar.Reader, *tar.Header, error) {
	f, from := t.files[t.archive(i)], int64(t.at[i])*tarBlock
	r := tar.NewReader(io.NewSectionReader(f, from, f.size-from))
	h, err := r.Next()
	if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
		return nil, nil, fmt.Errorf("cannot be read: %w", err)
	}
	return r, h, nil
}

// name is the archive and the file of sample i.
func (t *tarShards) name(i int) string {
	archive := t.names[t.archive(i)]
	_, h, err := t.entry(i)
	if err != nil {
		return name(fmt.Sprintf("%s: sample %d", archive, i))
	}
	return name(archive + "/" + h.Name)
}

// with calls use with the data of sample i, which belong to it only until it returns, and how many bytes they take in the archive.
func (t *tarShards) with(i int, use func(data []byte, packed int64) error) error {
	r, h, err := t.entry(i)
	switch {
	case err != nil:
		return err
	case h.Size == 0:
		return errors.New("the file is empty")
	case h.Size > maxFileBytes:
		return fmt.Errorf("the file has %d bytes, want at most %d", h.Size, maxFileBytes)
	}
	return withBuffer(func(buf *bytes.Buffer) error {
		buf.Grow(int(h.Size) + bytes.MinRead)
		if n, err := buf.ReadFrom(r); err != nil || n != h.Size {
			return fmt.Errorf("cannot be read: %d of %d bytes (%v)", n, h.Size, err)
		}
		return use(buf.Bytes(), h.Size)
	})
}
