package dataset

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// npzFile is an open .npz: a zip with one .npy file per array.
type npzFile struct {
	*file
	arrays map[string]*zip.File
	keys   []string // in alphabetical order
}

func (p *opener) openNPZFile() (*npzFile, error) {
	f, err := openFile(p.files, p.path)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	z, err := listZip(f)
	if err != nil {
		f.Close()
		return nil, p.fail("", "not a readable .npz file: %w", err)
	}
	n := &npzFile{file: f, arrays: map[string]*zip.File{}}
	for _, e := range z.File {
		if strings.HasSuffix(e.Name, "/") {
			continue
		}
		key := strings.TrimSuffix(e.Name, ".npy")
		if n.arrays[key] != nil {
			f.Close()
			return nil, p.fail("", "holds two arrays called %s", name(key))
		}
		n.arrays[key] = e
		n.keys = append(n.keys, key)
	}
	slices.Sort(n.keys)
	if len(n.keys) == 0 {
		f.Close()
		return nil, p.fail("", "holds no arrays")
	}
	return n, nil
}

// npzArray is an array within an .npz whose header has been read.
type npzArray struct {
	*arrayReader
	io.Closer
	packed int64 // bytes in the file
}

// open reads the header of the array called key.
func (f *npzFile) open(ctx context.Context, key string) (*npzArray, error) {
	e := f.arrays[key]
	if e == nil {
		return nil, fmt.Errorf("no such array, there are: %s", list(f.keys))
	}
	r, err := openEntry(e)
	if err != nil {
		return nil, err
	}
	a, err := newArrayReader(interruptible{ctx, r})
	if err != nil {
		r.Close()
		return nil, err
	}
	return &npzArray{a, r, int64(e.CompressedSize64)}, nil
}

// read reads the elements of an array that was found to fit into memory.
func (a *npzArray) read() (*Array, error) { return a.arrayReader.read(deflateRatio * a.packed) }

// deflateRatio is how many bytes deflate can make of one at most.
const deflateRatio = 1032

// openNPZ opens samples with labels (x and y, or x_part and y_part), or one array alone.
func (p *opener) openNPZ() (*Set, error) {
	f, err := p.openNPZFile()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	xKey, yKey := "x", "y"
	switch {
	case p.part != "" && f.arrays[p.part] != nil:
		xKey, yKey = p.part, ""
	case p.part != "":
		xKey, yKey = "x_"+p.part, "y_"+p.part
	case f.arrays["x"] == nil && len(f.keys) == 1:
		xKey = f.keys[0]
	case f.arrays["x"] == nil && f.arrays[p.o.Array] != nil:
		xKey = p.o.Array
	}
	if f.arrays[xKey] == nil {
		if p.part != "" {
			return nil, p.fail("", "no array %q, nor %q, there are: %s", p.part, xKey, list(f.keys))
		}
		return nil, p.fail("", "no array \"x\" of samples, choose one of %s with #, such as %q", list(f.keys), p.path+"#"+f.keys[0])
	}
	return p.npzSamples(f, xKey, yKey)
}

// npzSamples reads the samples of the array xKey, with the labels of yKey if there is such an array.
func (p *opener) npzSamples(f *npzFile, xKey, yKey string) (*Set, error) {
	x, err := f.open(p.ctx, xKey)
	if err != nil {
		return nil, p.fail(name(xKey), "%w", err)
	}
	defer x.Close()
	if p.o.cuts() {
		return p.npzRecordings(f, xKey, yKey, x)
	}
	x.shape = p.o.asSamples(x.shape)
	if err := p.checkSamples(name(xKey), x.shape, x.kind()); err != nil {
		return nil, err
	}
	if err := p.checkArray(x.arrayReader, name(xKey), x.packed, nil); err != nil {
		return nil, err
	}
	known, err := p.npzTruth(f, yKey, x)
	if err != nil {
		return nil, err
	}
	array, err := x.read()
	if err != nil {
		return nil, p.fail(name(xKey), "%w", err)
	}
	return p.fromArray(xKey, array, x.packed, known)
}

// npzRecordings reads recordings of the array x, which are to be cut, with what yKey says of them or of their steps if there is such an array.
func (p *opener) npzRecordings(f *npzFile, xKey, yKey string, x *npzArray) (*Set, error) {
	count, steps, form, err := p.arrayRecordings(name(xKey), x.shape)
	if err != nil {
		return nil, err
	}
	if err := p.checkArray(x.arrayReader, name(xKey), x.packed, nil); err != nil {
		return nil, err
	}
	known := knownOf{}
	if f.arrays[yKey] != nil && !p.o.NoLabels {
		y, err := f.open(p.ctx, yKey)
		if err != nil {
			return nil, p.fail(name(yKey), "%w", err)
		}
		defer y.Close()
		n, q := count, *p
		switch dims := y.shape; {
		case len(dims) > 0 && count == 1 && dims[0] == steps && steps > 1, len(dims) > 1 && dims[0] == count && dims[1] == steps:
			n, known.ofSteps = count*steps, true
			if q.o.stepwise(form.steps) {
				q.o.Outputs /= form.steps
			}
		case len(dims) > 0 && dims[0] == count:
		default:
			return nil, p.fail(name(yKey), "has shape %v, want class indices or targets for each of %d recordings, or of their %d steps", dims, count, steps)
		}
		if known.truth, err = q.readTruth(yKey, y, n, x.packed); err != nil {
			return nil, err
		}
	}
	array, err := x.read()
	if err != nil {
		return nil, p.fail(name(xKey), "%w", err)
	}
	return p.cutArray(xKey, array, x.packed, known)
}

// npzTruth reads what the array of a key says of the samples, where there is one.
func (p *opener) npzTruth(f *npzFile, key string, x *npzArray) (truth, error) {
	if f.arrays[key] == nil || p.o.NoLabels {
		return truth{}, nil
	}
	y, err := f.open(p.ctx, key)
	if err != nil {
		return truth{}, p.fail(name(key), "%w", err)
	}
	defer y.Close()
	n := x.shape[0]
	if p.o.stepLabels(y.arrayReader, n) {
		q := *p
		q.o.Outputs /= p.o.OutputSteps
		flat, err := q.readTruth(key, y, n*p.o.OutputSteps, x.packed)
		return flat.bySteps(p.o.OutputSteps), err
	}
	if len(y.shape) == 0 || y.shape[0] != n && (n > 1 || y.elems != int64(p.o.Outputs)) {
		return truth{}, p.fail(name(key), "has shape %v, want class indices or targets for each of the %d samples", y.shape, n)
	}
	width := int(y.elems) / n
	if len(y.shape) > 2 && width != p.o.Outputs {
		return truth{}, p.fail(name(key), "has shape %v, want [%d] class indices, [%d,K] one-hot rows, or as many targets for each sample as the network has outputs", y.shape, n, n)
	}
	return p.readTruth(key, y, n, x.packed)
}

// stepLabels says whether an array says what the steps of n samples are, for a network with an output for every step: [N, steps] class indices or, where scores
// are of classes, [N, steps, K] one-hot rows.
func (o Options) stepLabels(y *arrayReader, n int) bool {
	steps := o.OutputSteps
	if steps < 2 || len(y.shape) < 2 || y.shape[0] != n || y.shape[1] != steps {
		return false
	}
	width := int(y.elems) / n / steps
	return width == 1 && o.Outputs > steps || width > 1 && width*steps == o.Outputs && o.Classified
}

// bySteps is what is known of samples of so many rows each, given what is known of the rows.
func (t truth) bySteps(steps int) truth {
	out := truth{classes: t.classes}
	for i := 0; i < len(t.labels); i += steps {
		out.steps = append(out.steps, t.labels[i:i+steps])
	}
	for i := 0; i < len(t.targets); i += steps {
		out.targets = append(out.targets, t.targets[i][:steps*len(t.targets[i])])
	}
	return out
}

// readTruth reads what an array says of n rows, which are samples or steps; other are the packed bytes of what it is read with.
func (p *opener) readTruth(key string, y *npzArray, n int, other int64) (truth, error) {
	width := int(y.elems) / n
	if err := p.checkMemory(name(key), "an array of shape "+fmt.Sprint(y.shape), y.memory()+int64(n)*bytesPerLabel+4*y.elems, other+y.packed); err != nil {
		return truth{}, err
	}
	array, err := y.read()
	if err != nil {
		return truth{}, p.fail(name(key), "%w", err)
	}
	entry := "entry"
	if width > 1 {
		entry = "row"
	}
	known, err := p.numbers(n, width, func(i, k int) float64 { return array.At(i*width + k) }, func(i int) string { return fmt.Sprintf("%s %d", entry, i) })
	if err != nil {
		return truth{}, p.fail(name(key), "%w", err)
	}
	return known, nil
}

// checkMemory reports data that need more memory than their packed bytes allow for.
func (p *opener) checkMemory(where, what string, need, packed int64) error {
	if allowed := p.o.Allowance(packed); need > allowed {
		return p.fail(where, "%w", tooLarge(what, need, allowed))
	}
	return nil
}

func (p *opener) openNPY() (*Set, error) {
	if p.part != "" {
		return nil, p.fail("", "an .npy file has no parts to choose with #")
	}
	x, err := p.readNPY(func(a *arrayReader) error {
		if p.o.cuts() {
			_, _, _, err := p.arrayRecordings("array", a.shape)
			return err
		}
		a.shape = p.o.asSamples(a.shape)
		return p.checkSamples("array", a.shape, a.kind())
	})
	if err != nil {
		return nil, err
	}
	if p.o.cuts() {
		return p.cutArray("array", x, p.size, knownOf{})
	}
	return p.fromArray("array", x, p.size, truth{})
}

// readNPY reads the array of an .npy file that check finds right.
func (p *opener) readNPY(check func(*arrayReader) error) (*Array, error) {
	r, err := p.reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	a, err := newArrayReader(r)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	if err := p.checkArray(a, "", p.size, check); err != nil {
		return nil, err
	}
	sure := p.size
	if p.gzipName() {
		sure *= deflateRatio
	}
	x, err := a.read(sure)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	return x, nil
}

// checkArray demands that check, which may be nil, finds an array right, and that it fits into memory.
func (p *opener) checkArray(a *arrayReader, where string, packed int64, check func(*arrayReader) error) error {
	if check != nil {
		if err := check(a); err != nil {
			return err
		}
	}
	need := a.memory()
	if len(a.shape) > 0 {
		need += int64(a.shape[0]) * bytesPerSample
	}
	return p.checkMemory(where, "an array of shape "+fmt.Sprint(a.shape), need, packed)
}

// LoadArray reads one array: "F.npy", "F.npz#key", or "F.npz" holding a single one.
func LoadArray(spec string, o Options) (*Array, error) {
	p, err := newOpener(spec, o)
	if err != nil {
		return nil, err
	}
	f, err := p.format()
	if err != nil {
		return nil, err
	}
	if f == formatNPZ || f == formatNPY && p.part == "" {
		return p.readArray(f, nil)
	}
	return nil, p.fail("", "want an .npy file, or .npz#key")
}

// readArray reads the array of an .npy file, or of an .npz the one that part names or the only one, if check finds
// it right.
func (p *opener) readArray(f format, check func(*arrayReader) error) (*Array, error) {
	if f == formatNPY {
		return p.readNPY(check)
	}
	z, err := p.openNPZFile()
	if err != nil {
		return nil, err
	}
	defer z.Close()
	key := p.part
	if key == "" {
		if len(z.keys) > 1 {
			return nil, p.fail("", "holds the arrays %s, choose one with #, such as %q", list(z.keys), p.path+"#"+z.keys[0])
		}
		key = z.keys[0]
	}
	a, err := z.open(p.ctx, key)
	if err != nil {
		return nil, p.fail(name(key), "%w", err)
	}
	defer a.Close()
	if err := p.checkArray(a.arrayReader, name(key), a.packed, check); err != nil {
		return nil, err
	}
	x, err := a.read()
	if err != nil {
		return nil, p.fail(name(key), "%w", err)
	}
	return x, nil
}
