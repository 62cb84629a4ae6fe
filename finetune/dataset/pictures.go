package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"path"
	"strings"
	"sync"

	"qconv/runtime/picture"
)

const pictureKinds = "png, jpg, gif, bmp, webp"

// isPicture goes by the ending of a file name.
func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp":
		return true
	}
	return false
}

// looksLikePicture goes by the first bytes of a file.
func looksLikePicture(head []byte) bool {
	_, err := picture.Config(head)
	return !errors.Is(err, picture.ErrFormat)
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// pictureFiles are the files of pictures, one for each sample.
type pictureFiles struct {
	count int
	bytes int64 // of the archive
	name  func(i int) string
	// with calls use with the bytes of a file, which belong to it only until it returns, and those it takes in its archive.
	with func(i int, use func(data []byte, packed int64) error) error
	file func(i int) (*source, *entry) // nil where they are no entries of a source
	io.Closer
}

// pictures are files of the source.
func (s *source) pictures(files []*entry) *pictureFiles {
	return &pictureFiles{
		count: len(files), bytes: s.size, Closer: s,
		name: func(i int) string { return name(files[i].path) },
		with: func(i int, use func(data []byte, packed int64) error) error { return s.withFile(files[i], use) },
		file: func(i int) (*source, *entry) { return s, files[i] },
	}
}

// newPictures makes the set of the files, which are decoded when used.
func (p *opener) newPictures(files *pictureFiles, labels []int, classes []string) (*Set, error) {
	s := &Set{Spec: p.spec, Classes: classes, Labels: labels, Kind: Pixels, index: identity(files.count)}
	st := &decoded{Closer: files.Closer, nameOf: files.name, file: files.file}

	c, h, w := p.o.Channels, p.o.Height, p.o.Width
	if c != 0 && c != 1 && c != 3 {
		return nil, p.fail("", "pictures have 1 or 3 channels, want %d", c)
	}
	if c == 0 || h == 0 {
		first, err := p.probe(files)
		if err != nil {
			return nil, err
		}
		if c == 0 {
			c = 3
			if first.ColorModel == color.GrayModel || first.ColorModel == color.Gray16Model {
				c = 1
			}
		}
		if h == 0 {
			h, w = first.Height, first.Width
		}
	}
	resize := p.o.Height > 0
	s.Shape, st.size = []int{c, h, w}, c*h*w
	room := p.o.cacheBytes(files.bytes)
	if p.o.Passed && int64(files.count)*int64(st.size) > room {
		room = 0
	}
	st.cache = newCache(files.count, room)
	if err := p.checkShape(s.Shape); err != nil {
		return nil, err
	}
	d := newDecoder(p.o)
	st.load = func(i int, dst []byte) error {
		return files.with(i, func(data []byte, packed int64) error {
			return d.decode(data, packed, func(have image.Config) (int, int, error) {
				if !resize && (have.Width != w || have.Height != h) {
					return 0, 0, fmt.Errorf("the picture is %dx%d pixels (width x height), the first one is %dx%d; choose one size for all (--resize)", have.Width, have.Height, w, h)
				}
				return w, h, nil
			}, func(img image.Image) error { return picture.Fit(dst, img, [3]int{c, h, w}) })
		})
	}
	s.store = st
	return p.limitDecoded(s)
}

// probe finds the first picture that can be read. Without SkipBad that must be the
// very first.
func (p *opener) probe(files *pictureFiles) (image.Config, error) {
	var firstErr error
	for i := range files.count {
		var c image.Config
		err := files.with(i, func(data []byte, _ int64) (err error) {
			c, err = picture.Config(data)
			return notImage(err)
		})
		if err == nil {
			return c, nil
		}
		if firstErr == nil {
			firstErr = p.fail(files.name(i), "%w", err)
		}
		if !p.o.SkipBad {
			break
		}
	}
	return image.Config{}, firstErr
}

// limitDecoded applies Limit and SkipBad to a set whose samples are decoded when used.
func (p *opener) limitDecoded(s *Set) (*Set, error) {
	want := s.Len()
	if !p.o.SkipBad && (p.o.Limit <= 0 || p.o.Limit >= want) {
		return s, nil
	}
	order := identityInts(want)
	if p.o.Limit > 0 && p.o.Limit < want {
		want = p.o.Limit
		order = permutation(s.Len(), p.o.Seed)
	}
	if !p.o.SkipBad {
		return s.Subset(order[:want]), nil
	}
	var good []int
	var skipped []string
	for len(good) < want && len(order) > 0 {
		part := order[:min(want-len(good), len(order))]
		order = order[len(part):]
		errs := make([]error, len(part))
		if _, err := parallel(p.ctx, len(part), 0, nil, func(k int) error {
			errs[k] = s.store.pixels(int(s.index[part[k]]), nil)
			return nil
		}); err != nil {
			return nil, err
		}
		for k, err := range errs {
			if err != nil {
				skipped = append(skipped, s.Name(part[k])+": "+oneLine(err))
			} else {
				good = append(good, part[k])
			}
		}
	}
	out := s.Subset(good)
	out.Skipped = skipped
	return out, nil
}

// withFile calls use with the bytes of an entry, which belong to it only until it returns, and those it takes in its zip.
func (s *source) withFile(e *entry, use func(data []byte, packed int64) error) error {
	return withBuffer(func(buf *bytes.Buffer) error {
		packed, err := s.read(e, buf)
		if err != nil {
			return err
		}
		return use(buf.Bytes(), packed)
	})
}

// withBuffer calls use with an empty buffer that it may fill.
func withBuffer(use func(*bytes.Buffer) error) error {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= 1<<20 {
			buffers.Put(buf)
		}
	}()
	return use(buf)
}

// decoder decodes pictures whose memory is in proportion to their files, or which are small. Its methods are
// safe for concurrent use.
type decoder struct {
	o    Options
	room *room
}

func newDecoder(o Options) *decoder { return &decoder{o, newRoom(o.Allowance(0))} }

// decode decodes a picture of packed bytes, which will be stretched to the width and height that size chooses, and hands it to use.
func (d *decoder) decode(data []byte, packed int64, size func(have image.Config) (w, h int, err error), use func(image.Image) error) error {
	var w, h int
	var extra int64
	img, err := picture.DecodeIf(data, func(c image.Config, memory int64) (err error) {
		if w, h, err = size(c); err != nil {
			return err
		}
		if w != c.Width || h != c.Height {
			memory += picture.FitMemory(c, [3]int{3, h, w})
		}
		if allowed := d.o.Allowance(packed); memory > allowed {
			return tooLarge(fmt.Sprintf("the picture of %dx%d pixels", c.Width, c.Height), memory, allowed)
		}
		extra = min(memory-memoryPerByte*packed, d.room.size)
		d.room.take(extra)
		return nil
	})
	defer d.room.give(extra)
	if err != nil {
		return notImage(err)
	}
	return use(img)
}

// notImage words the error of a decoder.
func notImage(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, picture.ErrFormat):
		return fmt.Errorf("not an image: no known format (%s)", pictureKinds)
	}
	return fmt.Errorf("not an image: %w", err)
}

// refit turns planes of shape from, with 1 or 3 channels, into planes of shape to.
func refit(dst, src []byte, to, from []int) error {
	if from[0] != to[0] {
		n := from[1] * from[2]
		planes := make([]byte, to[0]*n)
		if to[0] == 1 {
			picture.Gray(planes, src)
		} else {
			for c := range to[0] {
				copy(planes[c*n:], src)
			}
		}
		src = planes
	}
	return picture.Resize(dst, src, to[0], [2]int{from[1], from[2]}, [2]int{to[1], to[2]})
}

// decoded is a store whose samples are made by load when first used, and then kept as
// far as the cache has room.
type decoded struct {
	size   int // bytes of one sample
	load   func(i int, dst []byte) error
	nameOf func(i int) string
	file   func(i int) (*source, *entry) // nil when not made of files
	cache  *cache
	io.Closer
}

func (d *decoded) lazy() bool        { return true }
func (d *decoded) name(i int) string { return d.nameOf(i) }

func (d *decoded) pixels(i int, dst []byte) error {
	if b := d.cache.get(i); b != nil {
		copy(dst, b)
		return nil
	}
	if d.cache.reserve(d.size) {
		b := make([]byte, d.size)
		if err := d.load(i, b); err != nil {
			d.cache.release(d.size)
			return err
		}
		copy(dst, d.cache.put(i, b))
		return nil
	}
	if dst == nil {
		dst = make([]byte, d.size)
	}
	return d.load(i, dst)
}

func (d *decoded) floats(i int, dst []float32) error {
	b := d.cache.get(i)
	if b == nil {
		b = make([]byte, d.size)
		if err := d.pixels(i, b); err != nil {
			return err
		}
	}
	for k, v := range b {
		dst[k] = float32(v)
	}
	return nil
}

func identity(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func identityInts(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
