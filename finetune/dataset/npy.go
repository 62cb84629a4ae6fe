package dataset

import (
	"archive/zip"
	"fmt"
	"slices"
	"strings"
)

// npzFile is an open .npz: a zip with one .npy file per array.
type npzFile struct {
	z    *zip.ReadCloser
	size int64
	keys []string
}

func (p *opener) openNPZFile() (*npzFile, error) {
	z, err := zip.OpenReader(p.path)
	if err != nil {
		return nil, p.fail("", "not a readable .npz file: %w", err)
	}
	f := &npzFile{z: z, size: p.size}
	for _, e := range z.File {
		if !strings.HasSuffix(e.Name, "/") {
			f.keys = append(f.keys, strings.TrimSuffix(e.Name, ".npy"))
		}
	}
	slices.Sort(f.keys)
	if len(f.keys) == 0 {
		z.Close()
		return nil, p.fail("", "holds no arrays")
	}
	return f, nil
}

// read reads the array called key.
func (f *npzFile) read(key string, limit int64) (*Array, error) {
	for _, e := range f.z.File {
		if strings.TrimSuffix(e.Name, ".npy") != key {
			continue
		}
		r, err := openEntry(e)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		sure := int64(0)
		if e.Method == zip.Store {
			sure = min(int64(min(e.UncompressedSize64, 1<<62)), f.size)
		}
		return readArray(r, limit, sure)
	}
	return nil, fmt.Errorf("no such array, there are: %s", list(f.keys))
}

// openNPZ opens samples with labels (x and y, or x_part and y_part), or one array alone.
func (p *opener) openNPZ() (*Set, error) {
	f, err := p.openNPZFile()
	if err != nil {
		return nil, err
	}
	defer f.z.Close()
	xKey, yKey := "x", "y"
	switch {
	case p.part != "" && slices.Contains(f.keys, p.part):
		xKey, yKey = p.part, ""
	case p.part != "":
		xKey, yKey = "x_"+p.part, "y_"+p.part
	case !slices.Contains(f.keys, "x") && len(f.keys) == 1:
		xKey = f.keys[0]
	}
	if !slices.Contains(f.keys, xKey) {
		if p.part != "" {
			return nil, p.fail("", "no array %q, nor %q, there are: %s", p.part, xKey, list(f.keys))
		}
		return nil, p.fail("", "no array \"x\" of samples, choose one of %s with #, such as %q", list(f.keys), p.path+"#"+f.keys[0])
	}
	x, err := f.read(xKey, p.o.maxBytes())
	if err != nil {
		return nil, p.fail(xKey, "%w", err)
	}
	if !slices.Contains(f.keys, yKey) {
		return p.fromArray(xKey, x, nil, nil)
	}
	y, err := f.read(yKey, p.o.maxBytes())
	if err != nil {
		return nil, p.fail(yKey, "%w", err)
	}
	if len(x.Shape) == 0 {
		return nil, p.fail(xKey, "a single number, want [N,...] samples")
	}
	labels, classes, err := p.labelsOf(y, x.Shape[0])
	if err != nil {
		return nil, p.fail(yKey, "%w", err)
	}
	return p.fromArray(xKey, x, labels, classes)
}

func (p *opener) openNPY() (*Set, error) {
	if p.part != "" {
		return nil, p.fail("", "an .npy file has no parts to choose with #")
	}
	x, err := p.readNPY()
	if err != nil {
		return nil, err
	}
	return p.fromArray("array", x, nil, nil)
}

func (p *opener) readNPY() (*Array, error) {
	r, err := p.reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	sure := p.size
	if p.gzipName() {
		sure = 0
	}
	x, err := readArray(r, p.o.maxBytes(), sure)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	return x, nil
}

// LoadArray reads one array: "F.npy", "F.npz#key", or "F.npz" holding a single one.
func LoadArray(spec string) (*Array, error) {
	p, err := newOpener(spec, Options{})
	if err != nil {
		return nil, err
	}
	f, err := p.format()
	if err != nil {
		return nil, err
	}
	switch {
	case f == formatNPY && p.part == "":
		return p.readNPY()
	case f == formatNPZ:
		return p.readNPZArray()
	}
	return nil, p.fail("", "want an .npy file, or .npz#key")
}

// readNPZArray reads the array that part names, or the only one.
func (p *opener) readNPZArray() (*Array, error) {
	f, err := p.openNPZFile()
	if err != nil {
		return nil, err
	}
	defer f.z.Close()
	key := p.part
	if key == "" {
		if len(f.keys) > 1 {
			return nil, p.fail("", "holds the arrays %s, choose one with #, such as %q", list(f.keys), p.path+"#"+f.keys[0])
		}
		key = f.keys[0]
	}
	a, err := f.read(key, p.o.maxBytes())
	if err != nil {
		return nil, p.fail(key, "%w", err)
	}
	return a, nil
}
