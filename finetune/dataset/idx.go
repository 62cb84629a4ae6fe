package dataset

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"qconv/runtime/idx"
)

// idxPair is an images file with its labels file, which may be missing.
type idxPair struct {
	part           string // "train", "test", or what else stands before "-images"
	images, labels *entry
}

// idxKey strips the ending that the labels share: "train" of
// train-images-idx3-ubyte.gz and of train-labels.idx1-ubyte. kind is "images",
// "labels", or "" for another file.
func idxKey(name string) (key, kind string) {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	for _, k := range []string{"images", "labels"} {
		i := strings.LastIndex(name, k)
		if i < 0 {
			continue
		}
		rest := strings.TrimLeft(name[i+len(k):], "-.")
		if len(rest) >= 4 && rest[:3] == "idx" && rest[3] >= '1' && rest[3] <= '4' {
			return strings.TrimRight(name[:i], "-._"), k
		}
	}
	return "", ""
}

func isIDXName(name string) bool {
	_, kind := idxKey(name)
	return kind != ""
}

// idxPairs finds the images files in a folder and their labels.
func idxPairs(n *node) []idxPair {
	labels := map[string]*entry{}
	for _, f := range n.files {
		if key, kind := idxKey(f.base); kind == "labels" && labels[key] == nil {
			labels[key] = f
		}
	}
	var pairs []idxPair
	seen := map[string]bool{}
	for _, f := range n.files {
		key, kind := idxKey(f.base)
		if kind != "images" || seen[key] {
			continue // the same file twice: plain and compressed
		}
		seen[key] = true
		part := key
		if k, ok := strings.CutSuffix(key, "t10k"); ok {
			part = k + "test"
		}
		pairs = append(pairs, idxPair{part: part, images: f, labels: labels[key]})
	}
	return pairs
}

// openIDXPairs opens the pair that is asked for, or the only one.
func (p *opener) openIDXPairs(src *source, pairs []idxPair) (*Set, error) {
	var fit []idxPair
	parts := make([]string, len(pairs))
	for i, q := range pairs {
		parts[i] = q.part
		part := strings.ToLower(p.part)
		if part == "t10k" {
			part = "test"
		}
		if part == "" || q.part == part || strings.HasSuffix(q.part, "-"+part) {
			fit = append(fit, q)
		}
	}
	switch {
	case len(fit) == 0:
		return nil, p.fail("", "has no IDX files for part %q, there are: %s", p.part, list(parts))
	case len(fit) > 1:
		return nil, p.fail("", "holds the parts %s, choose one, such as %q", list(parts), p.path+"#"+fit[0].part)
	}
	defer src.Close() // everything is read into memory
	q := fit[0]
	images, err := src.openIDX(q.images)
	if err != nil {
		return nil, p.fail(name(q.images.path), "%w", err)
	}
	defer images.Close()
	if q.labels == nil {
		return p.readIDX(images, nil)
	}
	labels, err := src.openIDX(q.labels)
	if err != nil {
		return nil, p.fail(name(q.labels.path), "%w", err)
	}
	defer labels.Close()
	return p.readIDX(images, labels)
}

// idxFile is an open IDX file.
type idxFile struct {
	*idx.Reader
	file   io.Closer
	name   string // as it may be printed
	packed int64  // bytes on the disk or in a zip
}

func (f *idxFile) Close() error { return f.file.Close() }

// openIDX opens an IDX file of a folder or zip.
func (s *source) openIDX(e *entry) (*idxFile, error) {
	r, size, packed, err := s.open(e)
	if err != nil {
		return nil, err
	}
	x, err := idx.NewReaderSize(r, size)
	if err != nil {
		r.Close()
		return nil, err
	}
	return &idxFile{x, r, name(e.path), packed}, nil
}

// openIDXFile opens an images file by its path and looks for the labels beside it.
func (p *opener) openIDXFile() (*Set, error) {
	if p.part != "" {
		return nil, p.fail("", "an IDX file has no parts to choose with #")
	}
	key, kind := idxKey(path.Base(p.path))
	if kind == "labels" {
		return nil, p.fail("", "these are labels, want the images file (its labels are found by themselves)")
	}
	images, err := p.openIDX(p.path)
	if err != nil {
		return nil, err
	}
	defer images.Close()
	if kind != "images" {
		return p.readIDX(images, nil)
	}
	folder := path.Dir(p.path)
	list, err := fs.ReadDir(p.files, folder)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	for _, d := range list {
		if k, kind := idxKey(d.Name()); kind == "labels" && k == key {
			labels, err := p.openIDX(path.Join(folder, d.Name()))
			if err != nil {
				return nil, err
			}
			defer labels.Close()
			return p.readIDX(images, labels)
		}
	}
	return p.readIDX(images, nil)
}

// openIDX opens an IDX file by its path.
func (p *opener) openIDX(at string) (*idxFile, error) {
	where := name(path.Base(at))
	f, err := openFile(p.files, at)
	if err != nil {
		return nil, p.fail(where, "%w", err)
	}
	r, err := idx.NewReaderSize(f.all(p.ctx), f.size)
	if err != nil {
		f.Close()
		return nil, p.fail(where, "%w", err)
	}
	return &idxFile{r, f, where, f.size}, nil
}

// readIDX reads images and, where they are not nil, their labels, once it is known that they fit.
func (p *opener) readIDX(images, labels *idxFile) (*Set, error) {
	dims := images.Dims()
	if len(dims) == 1 {
		return nil, p.fail(images.name, "has 1 dimension, as labels have, want images with 3 dimensions")
	}
	if err := p.checkSamples(images.name, dims, Pixels); err != nil {
		return nil, err
	}
	packed := images.packed
	need := int64(dims[0]) * (int64(images.SampleSize()) + bytesPerSample)
	if labels != nil {
		l := labels.Dims()
		if len(l) != 1 {
			return nil, p.fail(labels.name, "has %d dimensions, want 1 for labels", len(l))
		}
		if l[0] != dims[0] {
			return nil, p.fail(labels.name, "has %d labels, want %d, one for each image of %s", l[0], dims[0], images.name)
		}
		packed += labels.packed
		need += int64(dims[0]) * (1 + bytesPerLabel)
	}
	if err := p.checkMemory(images.name, fmt.Sprintf("the set of %d samples of %d bytes", dims[0], images.SampleSize()), need, packed); err != nil {
		return nil, err
	}
	var l []int
	var classes []string
	if labels != nil {
		data, err := labels.Rest(need)
		if err != nil {
			return nil, p.fail(labels.name, "%w", err)
		}
		l = make([]int, len(data))
		for i, v := range data {
			l[i] = int(v)
		}
		if classes, err = p.numericClasses(slices.Max(l) + 1); err != nil {
			return nil, p.fail(labels.name, "%w", err)
		}
	}
	data, err := images.Rest(need)
	if err != nil {
		return nil, p.fail(images.name, "%w", err)
	}
	return p.fromBytes(images.name, data, packed, dims, truth{labels: l, classes: classes}, func(i int) string { return fmt.Sprintf("%s: sample %d", images.name, i) })
}

// numericClasses names classes 0..n-1 by their digits, or as Options.Classes wants.
func (p *opener) numericClasses(n int) ([]string, error) {
	if len(p.o.Classes) > 0 {
		if n > len(p.o.Classes) {
			return nil, otherClasses("the largest class index is %d, want less than %d, the number of classes wanted", n-1, len(p.o.Classes))
		}
		return slices.Clone(p.o.Classes), nil
	}
	classes := make([]string, n)
	for i := range classes {
		classes[i] = strconv.Itoa(i)
	}
	return classes, nil
}
