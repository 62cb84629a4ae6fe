package dataset

import (
	"fmt"
	"image"
	"io"
	"path"
	"slices"

	"qconv/runtime/idx"
	"qconv/runtime/picture"
)

// Input is one or more samples for a single run.
type Input struct {
	Name  string // of the file, without folders
	Kind  Kind   // Pixels or Floats, which tells the slice that is used
	Shape []int  // of one sample
	Count int
	// Pixels or Floats holds the samples one after the other in the order of Shape.
	Pixels []byte
	Floats []float32
	// First is the position in the file of the first sample.
	First int
	// FileBytes is the size of the file.
	FileBytes int64
	// Resized is the height and width the picture had before it was stretched to Shape;
	// zero if it was not.
	Resized [2]int

	names []string // of the samples of a data set
}

// SampleName names sample i for a listing: the file, with the position where it has many.
func (in *Input) SampleName(i int) string {
	if in.names != nil {
		return in.names[i]
	}
	if in.Count == 1 && in.First == 0 {
		return in.Name
	}
	return fmt.Sprintf("%s#%d", in.Name, in.First+i)
}

// LoadInput reads the samples that spec names:
//
//	a picture         png, jpeg, gif, bmp or webp, stretched to the wanted size
//	F.npy, F.npz#key  one sample, or [N,...] many, in the order of the wanted shape
//	                  (or uint8 pictures [H,W,C]); whole numbers 0..255 count as pixels
//	an IDX file       of images, plain or gzip; all of them, or #7, #0:100, #all
//	a folder, F.zip   of pictures or recordings, F.wav, and F.csv, F.tsv: all samples, as [Open] finds them
//	any other file    raw bytes, one sample or many, chosen alike
//
// Of the options, Shape, Sequence, MaxMemory, Files and Context count. Without a Shape samples have that of the file.
func LoadInput(spec string, o Options) (*Input, error) {
	p, err := newOpener(spec, Options{Shape: o.Shape, Sequence: o.Sequence, MaxMemory: o.MaxMemory, Files: o.Files, Context: o.Context})
	if err != nil {
		return nil, err
	}
	f, err := p.format()
	if err != nil {
		return nil, err
	}
	var in *Input
	switch f {
	case formatNPY, formatNPZ:
		if o.cuts() {
			f = formatFolder // of many samples, whatever it is
		}
	}
	switch f {
	case formatPicture:
		in, err = p.pictureInput(o.Shape)
	case formatNPY, formatNPZ:
		in, err = p.arrayInput(o.Shape, f)
	case formatIDX:
		in, err = p.idxInput(o.Shape)
	case formatUnknown:
		in, err = p.rawInput(o.Shape)
	default:
		in, err = p.setInput(o.Shape)
	}
	if err != nil {
		return nil, err
	}
	in.Name, in.FileBytes = path.Base(p.path), p.size
	return in, nil
}

// asPicture reads the wanted shape as channels, height and width, if it is a picture's.
func asPicture(shape []int) (c, h, w int, ok bool) {
	if len(shape) != 3 || shape[0] != 1 && shape[0] != 3 || shape[1] == 1 && shape[2] == 1 {
		return 0, 0, 0, false
	}
	return shape[0], shape[1], shape[2], true
}

func (p *opener) pictureInput(shape []int) (*Input, error) {
	if p.part != "" {
		return nil, p.fail("", "a picture has no parts to choose with #")
	}
	if p.size > maxFileBytes {
		return nil, p.fail("", "the file has %d bytes, want at most %d", p.size, maxFileBytes)
	}
	f, err := openFile(p.files, p.path)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	defer f.Close()
	data := make([]byte, f.size)
	if _, err := io.ReadFull(f.all(p.ctx), data); err != nil {
		return nil, p.fail("", "%w", err)
	}
	in := &Input{Kind: Pixels, Shape: slices.Clone(shape), Count: 1}
	c, h, w, ok := asPicture(shape)
	err = newDecoder(p.o).decode(data, f.size, func(have image.Config) (int, int, error) {
		n := have.Width * have.Height
		switch {
		case ok:
		case shape == nil, elems(shape) == n:
			c, h, w = 1, have.Height, have.Width
		case elems(shape) == 3*n:
			c, h, w = 3, have.Height, have.Width
		default:
			return 0, 0, fmt.Errorf("a picture of %dx%d pixels does not fit %v", have.Width, have.Height, shape)
		}
		if have.Width != w || have.Height != h {
			in.Resized = [2]int{have.Height, have.Width}
		}
		return w, h, nil
	}, func(img image.Image) error {
		if shape == nil {
			switch img.(type) {
			case *image.Gray, *image.Gray16:
			default:
				c = 3
			}
			in.Shape = []int{c, h, w}
		}
		in.Pixels = make([]byte, c*h*w)
		return picture.Fit(in.Pixels, img, [3]int{c, h, w})
	})
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	return in, nil
}

func (p *opener) arrayInput(want []int, f format) (*Input, error) {
	var in *Input
	interleaved := false
	q := *p
	if f == formatNPY {
		q.part = "" // it chooses samples
	}
	a, err := q.readArray(f, func(a *arrayReader) (err error) {
		in, interleaved, err = p.arrayShape(a.shape, int(a.elems))
		return err
	})
	if err != nil {
		return nil, err
	}
	from, to := 0, in.Count
	if f == formatNPY && p.part != "" {
		if from, to, err = idx.ParseRange(p.part, in.Count); err != nil {
			return nil, p.fail("", "%w", err)
		}
	}
	in.First, in.Count = from, to-from
	size := elems(in.Shape)
	a.toBytes()
	if a.Bytes != nil {
		in.Kind, in.Pixels = Pixels, a.Bytes[from*size:to*size]
		if interleaved {
			planarAll(in.Pixels, want)
		}
		return in, nil
	}
	in.Floats = a.Float32s()[from*size : to*size]
	if interleaved {
		planarAll(in.Floats, want)
	}
	return in, nil
}

// arrayShape says how an array of the dimensions dims, with n elements, is read as samples: all but the samples themselves.
func (p *opener) arrayShape(dims []int, n int) (in *Input, interleaved bool, err error) {
	want := p.o.Shape
	in = &Input{Kind: Floats, Shape: slices.Clone(want), Count: 1}
	all := dims
	switch {
	case want == nil && len(dims) > 1:
		in.Count, dims = dims[0], dims[1:]
		in.Shape = slices.Clone(dims)
	case want == nil:
		in.Shape = []int{n}
	case n == elems(want):
		for len(dims) > len(want) && dims[0] == 1 {
			dims = dims[1:]
		}
	case len(dims) > 0 && n == dims[0]*elems(want):
		in.Count, dims = dims[0], dims[1:]
	default:
		return nil, false, p.fail("", "the array has shape %v, want %v or [N] of that", all, want)
	}
	if want != nil {
		if interleaved, err = sameOrder(dims, want); err != nil {
			return nil, false, p.fail("", "%w", err)
		}
	}
	return in, interleaved, nil
}

// sameOrder checks that a sample of dimensions dims can be read as one of shape want,
// either as it lies there or, for pictures [H,W,C], interleaved.
func sameOrder(dims, want []int) (interleaved bool, err error) {
	d, w := withoutOnes(dims), withoutOnes(want)
	switch {
	case slices.Equal(d, w), len(d) <= 1, len(w) <= 1, divides(d, w), divides(w, d):
		return false, nil
	case len(want) == 3 && slices.Equal(d, []int{want[1], want[2], want[0]}):
		return true, nil
	}
	return false, fmt.Errorf("samples have shape %v, want %v in this order", dims, want)
}

// divides says whether dimensions are those of whole with some of these cut into several.
func divides(dims, whole []int) bool {
	n := 1
	for _, d := range dims {
		if len(whole) == 0 {
			return false
		}
		switch n *= d; {
		case n == whole[0]:
			n, whole = 1, whole[1:]
		case n > whole[0]:
			return false
		}
	}
	return n == 1 && len(whole) == 0
}

func withoutOnes(dims []int) []int {
	return slices.DeleteFunc(slices.Clone(dims), func(d int) bool { return d == 1 })
}

func (p *opener) idxInput(want []int) (*Input, error) {
	file, err := openFile(p.files, p.path)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	defer file.Close()
	r, err := idx.NewReaderSize(file.all(p.ctx), file.size)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	if len(r.Dims()) < 2 {
		return nil, p.fail("", "has 1 dimension, as labels have, want images")
	}
	from, to, err := idx.ParseRange(p.part, r.Len())
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	var o Options
	if c, h, w, ok := asPicture(want); ok {
		o.Channels, o.Height, o.Width, o.Refit = c, h, w, true
	}
	shape, interleaved := o.sampleShape(r.Dims()[1:])
	toShape, convert := shape, false
	if len(shape) == 3 && o.Channels > 0 {
		if toShape, convert, err = o.target(shape, Pixels); err != nil {
			return nil, p.fail("", "%w", err)
		}
	} else if want != nil && elems(want) != elems(shape) {
		return nil, p.fail("", "samples are %v, want %v", shape, want)
	}
	in := &Input{Kind: Pixels, Shape: slices.Clone(want), First: from, Count: to - from}
	if want == nil {
		in.Shape = toShape
	}
	n, size := to-from, elems(shape)
	total, allowed := int64(n)*int64(size), p.o.Allowance(p.size)
	if convert {
		total += int64(n) * int64(elems(toShape))
	}
	if total > allowed {
		return nil, p.fail("", "%w; choose some with #, such as #0:1000", tooLarge(fmt.Sprintf("the choice of %d samples", n), total, allowed))
	}
	if in.Pixels, err = readRange(r, from, n, allowed); err != nil {
		return nil, p.fail("", "%w", err)
	}
	if interleaved {
		planarAll(in.Pixels, shape)
	}
	if !convert {
		return in, nil
	}
	if !slices.Equal(shape[1:], toShape[1:]) {
		in.Resized = [2]int{shape[1], shape[2]}
	}
	outSize := elems(toShape)
	out := make([]byte, n*outSize)
	for i := range n {
		if err := refit(out[i*outSize:(i+1)*outSize], in.Pixels[i*size:(i+1)*size], toShape, shape); err != nil {
			return nil, p.fail("", "%w", err)
		}
	}
	in.Pixels = out
	return in, nil
}

// readRange reads the samples [from, from+n), at most limit bytes.
func readRange(r *idx.Reader, from, n int, limit int64) ([]byte, error) {
	if err := r.Skip(from); err != nil {
		return nil, err
	}
	out, err := r.Samples(n, limit)
	if err == nil && from+n == r.Len() {
		err = r.Finish()
	}
	return out, err
}

func (p *opener) rawInput(want []int) (*Input, error) {
	if want == nil {
		return nil, p.fail("", "unknown format, want a picture, .npy, .npz or IDX file")
	}
	size := int64(elems(want))
	if p.size == 0 || p.size%size != 0 {
		return nil, p.fail("", "neither a picture, .npy, .npz nor IDX file, and as raw bytes it has %d, want a multiple of %d (%v)", p.size, size, want)
	}
	f, err := openFile(p.files, p.path)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	defer f.Close()
	n := int(p.size / size)
	from, to, err := idx.ParseRange(p.part, n)
	if err != nil {
		return nil, p.fail("", "%w", err)
	}
	in := &Input{Kind: Pixels, Shape: slices.Clone(want), First: from, Count: to - from}
	need := int64(in.Count) * size
	if err := p.checkMemory("", fmt.Sprintf("the choice of %d samples", in.Count), need, p.size); err != nil {
		return nil, err
	}
	in.Pixels = make([]byte, need)
	if _, err := io.ReadFull(io.NewSectionReader(f, int64(from)*size, need), in.Pixels); err != nil {
		return nil, p.fail("", "%w", err)
	}
	return in, nil
}
