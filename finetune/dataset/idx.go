package dataset

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
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
	open := func(e *entry) func() (*idx.Reader, error) {
		if e == nil {
			return nil
		}
		return func() (*idx.Reader, error) {
			r, err := src.open(e)
			if err != nil {
				return nil, err
			}
			return idxReader(r)
		}
	}
	q := fit[0]
	labels := ""
	if q.labels != nil {
		labels = q.labels.path
	}
	return p.readIDX(q.images.path, open(q.images), labels, open(q.labels))
}

// idxReader makes a Reader that closes r at its end.
func idxReader(r io.ReadCloser) (*idx.Reader, error) {
	x, err := idx.NewReader(r)
	if err != nil {
		r.Close()
	}
	return x, err
}

// openIDXFile opens an images file by its path and looks for the labels beside it.
func (p *opener) openIDXFile() (*Set, error) {
	if p.part != "" {
		return nil, p.fail("", "an IDX file has no parts to choose with #")
	}
	base := filepath.Base(p.path)
	key, kind := idxKey(base)
	if kind == "labels" {
		return nil, p.fail("", "these are labels, want the images file (its labels are found by themselves)")
	}
	labels := ""
	if kind == "images" {
		list, err := os.ReadDir(filepath.Dir(p.path))
		if err != nil {
			return nil, p.fail("", "%w", err)
		}
		for _, d := range list {
			if k, kind := idxKey(d.Name()); kind == "labels" && k == key {
				labels = d.Name()
				break
			}
		}
	}
	openLabels := func() (*idx.Reader, error) { return idx.Open(filepath.Join(filepath.Dir(p.path), labels)) }
	if labels == "" {
		openLabels = nil
	}
	return p.readIDX(base, func() (*idx.Reader, error) { return idx.Open(p.path) }, labels, openLabels)
}

// readIDX reads images and, where openLabels is not nil, their labels.
func (p *opener) readIDX(images string, openImages func() (*idx.Reader, error), labels string, openLabels func() (*idx.Reader, error)) (*Set, error) {
	dims, data, err := readIDXFile(openImages, p.o.maxBytes())
	if err != nil {
		return nil, p.fail(images, "%w", err)
	}
	if len(dims) == 1 {
		return nil, p.fail(images, "has 1 dimension, as labels have, want images with 3 dimensions")
	}
	var l []int
	var classes []string
	if openLabels != nil {
		ldims, ldata, err := readIDXFile(openLabels, p.o.maxBytes())
		if err != nil {
			return nil, p.fail(labels, "%w", err)
		}
		if len(ldims) != 1 {
			return nil, p.fail(labels, "has %d dimensions, want 1 for labels", len(ldims))
		}
		if ldims[0] != dims[0] {
			return nil, p.fail(labels, "has %d labels, want %d, one for each image of %s", ldims[0], dims[0], images)
		}
		l = make([]int, len(ldata))
		for i, v := range ldata {
			l[i] = int(v)
		}
		if classes, err = p.numericClasses(slices.Max(l) + 1); err != nil {
			return nil, p.fail(labels, "%w", err)
		}
	}
	return p.fromBytes(images, data, dims, l, classes, func(i int) string { return fmt.Sprintf("%s: sample %d", images, i) })
}

// readIDXFile reads all of one file.
func readIDXFile(open func() (*idx.Reader, error), limit int64) ([]int, []byte, error) {
	r, err := open()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	data, err := r.Rest(limit)
	return r.Dims(), data, err
}

// numericClasses names classes 0..n-1 by their digits, or as Options.Classes wants.
func (p *opener) numericClasses(n int) ([]string, error) {
	if len(p.o.Classes) > 0 {
		if n > len(p.o.Classes) {
			return nil, fmt.Errorf("the largest class index is %d, want less than %d, the number of classes wanted", n-1, len(p.o.Classes))
		}
		return slices.Clone(p.o.Classes), nil
	}
	classes := make([]string, n)
	for i := range classes {
		classes[i] = strconv.Itoa(i)
	}
	return classes, nil
}

// labelsOf turns an array [N], [N,1] or one-hot [N,K] into class indices.
func (p *opener) labelsOf(y *Array, n int) ([]int, []string, error) {
	if len(y.Shape) == 0 || y.Shape[0] != n {
		return nil, nil, fmt.Errorf("has shape %v, want one label for each of the %d samples", y.Shape, n)
	}
	k := y.Len() / n
	if len(y.Shape) > 2 {
		return nil, nil, fmt.Errorf("has shape %v, want [%d] class indices or [%d,K] one-hot rows", y.Shape, n, n)
	}
	labels, top := make([]int, n), k
	for i := range labels {
		if k > 1 {
			hot := -1
			for j := range k {
				switch v := y.At(i*k + j); {
				case v == 1 && hot < 0:
					hot = j
				case v != 0:
					hot = k
				}
			}
			if hot < 0 || hot == k {
				return nil, nil, fmt.Errorf("row %d is not one-hot, want class indices, or rows of zeros with a single 1 (or choose only the samples with #)", i)
			}
			labels[i] = hot
			continue
		}
		v := y.At(i)
		if v != math.Trunc(v) || v < 0 || v > maxClass {
			return nil, nil, fmt.Errorf("entry %d is %v, want a class index, a whole number from 0 to %d", i, v, maxClass)
		}
		labels[i] = int(v)
		top = max(top, labels[i]+1)
	}
	classes, err := p.numericClasses(top)
	return labels, classes, err
}
