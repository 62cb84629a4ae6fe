package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// flat is a store of samples that lie one after the other in memory, as bytes or floats.
type flat struct {
	size   int // elements of one sample
	bytes  []byte
	values []float32
	nameOf func(i int) string
}

func (f *flat) lazy() bool        { return false }
func (f *flat) name(i int) string { return f.nameOf(i) }
func (f *flat) Close() error      { return nil }

func (f *flat) pixels(i int, dst []byte) error {
	if f.bytes == nil {
		return errors.New("samples are floats, want pixels")
	}
	copy(dst, f.bytes[i*f.size:(i+1)*f.size])
	return nil
}

func (f *flat) floats(i int, dst []float32) error {
	if f.bytes == nil {
		copy(dst, f.values[i*f.size:(i+1)*f.size])
		return nil
	}
	for k, v := range f.bytes[i*f.size : (i+1)*f.size] {
		dst[k] = float32(v)
	}
	return nil
}

// sampleShape gives the shape of one sample of the given dimensions: [features], [1,H,W],
// [C,H,W], or as it is for other ranks, and that of the input wherever both hold the same numbers in the same order: a program has [C,1,L] for
// a network's [C,L]. interleaved says that dims are [H,W,C].
func (o Options) sampleShape(dims []int) (shape []int, interleaved bool) {
	if len(dims) > 1 && len(o.Shape) == 3 && elems(dims) == elems(o.Shape) {
		d, w := withoutOnes(dims), withoutOnes(o.Shape)
		if slices.Equal(d, w) || len(dims) > 3 && (divides(d, w) || divides(w, d)) {
			return slices.Clone(o.Shape), false
		}
	}
	switch len(dims) {
	case 0:
		return []int{1}, false
	case 2:
		return []int{1, dims[0], dims[1]}, false
	case 3:
	default:
		return slices.Clone(dims), false
	}
	a, b, c := dims[0], dims[1], dims[2]
	fits := func(ch, h, w int) bool {
		return (o.Channels == 0 || o.Channels == ch) && (o.Height == 0 || o.Height == h && o.Width == w)
	}
	switch wanted := o.Channels > 0 || o.Height > 0; {
	case o.Layout != "":
		interleaved = o.Layout == "nhwc"
	case wanted && fits(a, b, c):
	case wanted && fits(c, a, b):
		interleaved = true
	default:
		interleaved = (c == 1 || c == 3) && a != 1 && a != 3
	}
	if interleaved {
		return []int{c, a, b}, true
	}
	return []int{a, b, c}, false
}

// target is the shape asked for, given the shape the data have. convert says that
// pixels have to be converted or resized to get there.
func (o Options) target(shape []int, kind Kind) (to []int, convert bool, err error) {
	if o.Channels == 0 && o.Height == 0 {
		return shape, false, nil
	}
	c, h, w := o.Channels, o.Height, o.Width
	switch len(shape) {
	case 1:
		if h == 0 {
			return nil, false, fmt.Errorf("samples are rows of %d numbers, want pictures with %d channels (give height and width too)", shape[0], c)
		}
		if c == 0 {
			c = shape[0] / (h * w)
		}
		if c*h*w != shape[0] {
			return nil, false, fmt.Errorf("samples are rows of %d numbers, want %d for %v", shape[0], max(c, 1)*h*w, []int{max(c, 1), h, w})
		}
		return []int{c, h, w}, false, nil
	case 3:
		if c == 0 {
			c = shape[0]
		}
		if h == 0 {
			h, w = shape[1], shape[2]
		}
		to = []int{c, h, w}
		switch {
		case slices.Equal(to, shape):
			return shape, false, nil
		case kind == Floats:
			return nil, false, fmt.Errorf("samples are %v, want %v (only pixels can be converted)", shape, to)
		case shape[0] != 1 && shape[0] != 3 || c != 1 && c != 3:
			return nil, false, fmt.Errorf("samples are %v, want %v (only 1 or 3 channels can be converted)", shape, to)
		case !o.Refit:
			return nil, false, fmt.Errorf("samples are %v, want %v; ask for a resize if they are to be converted", shape, to)
		}
		return to, true, nil
	}
	return nil, false, fmt.Errorf("samples are %v, want pictures [C,H,W]", shape)
}

// layout is how samples lie in an array, and what becomes of them.
type layout struct {
	shape       []int // of one sample, [C,H,W] where it is a picture
	interleaved bool  // they lie as [H,W,C]
	to          []int // the shape asked for
	convert     bool  // to be converted or resized to get there
}

// asSamples are the dimensions of an array as [N,...] samples: one that is as large as a sample is one.
func (o Options) asSamples(dims []int) []int {
	if len(o.Shape) == 0 || elems(dims) != elems(o.Shape) {
		return dims
	}
	dims = append([]int{1}, dims...)
	for len(dims) > len(o.Shape)+1 && dims[1] == 1 {
		dims = dims[1:]
	}
	return dims
}

// layoutOf finds the layout of samples along the first of the dimensions dims, or says why they do not fit.
func (p *opener) layoutOf(where string, dims []int, kind Kind) (l layout, err error) {
	if len(dims) == 0 {
		return l, p.fail(where, "a single number, want [N,...] samples")
	}
	if dims[0] > math.MaxInt32 {
		return l, p.fail(where, "%d samples, want at most %d", dims[0], math.MaxInt32)
	}
	if want := p.o.Shape; kind == Floats && len(want) > 0 && elems(dims[1:]) != elems(want) {
		return l, p.fail(where, "samples have shape %v, the network's input wants %v: %s", dims[1:], want, p.o.remedy(dims[1:], "numbers are taken as they are, give samples of that shape"))
	}
	l.shape, l.interleaved = p.o.sampleShape(dims[1:])
	if l.to, l.convert, err = p.o.target(l.shape, kind); err != nil {
		return l, p.fail(where, "%w", err)
	}
	return l, p.checkShape(l.to)
}

// checkSamples says, before samples are read, why those of an array with the dimensions dims do not fit.
func (p *opener) checkSamples(where string, dims []int, kind Kind) error {
	_, err := p.layoutOf(where, dims, kind)
	return err
}

// checkShape reports samples of another shape than the network's input. Where only one of both is a vector, their sizes count.
func (p *opener) checkShape(shape []int) error {
	want := p.o.Shape
	switch {
	case len(want) == 0:
	case elems(shape) != elems(want):
		return p.fail("", "samples have shape %v, the network's input wants %v: %s", shape, want, p.o.remedy(shape, "give samples of that shape"))
	case len(shape) == len(want) && !slices.Equal(shape, want):
		return p.fail("", "samples have shape %v, the network's input wants %v in this order", shape, want)
	}
	return nil
}

// fromBytes makes a set of pixels [N][dims[1]]... in data, which come from packed bytes.
func (p *opener) fromBytes(where string, data []byte, packed int64, dims []int, known truth, nameOf func(int) string) (*Set, error) {
	l, err := p.layoutOf(where, dims, Pixels)
	if err != nil {
		return nil, err
	}
	shape, to := l.shape, l.to
	if l.interleaved {
		planarAll(data, shape)
	}
	s := &Set{Spec: p.spec, Shape: to, Kind: Pixels, index: identity(dims[0])}
	known.setOn(s)
	st := &flat{size: elems(shape), bytes: data, nameOf: nameOf}
	if !l.convert {
		s.store = st
		return p.limitFlat(s), nil
	}
	s.store = &decoded{
		size: elems(to), nameOf: nameOf, cache: newCache(dims[0], p.o.cacheBytes(packed)), Closer: st,
		load: func(i int, dst []byte) error { return refit(dst, data[i*st.size:(i+1)*st.size], to, shape) },
	}
	return p.limitFlat(s), nil
}

// fromFloats makes a set of values [N][dims[1]]..., after looking for values that are
// not finite.
func (p *opener) fromFloats(where string, data []float32, dims []int, known truth, nameOf func(int) string) (*Set, error) {
	l, err := p.layoutOf(where, dims, Floats)
	if err != nil {
		return nil, err
	}
	if l.interleaved {
		planarAll(data, l.shape)
	}
	size := elems(l.to)
	s := &Set{Spec: p.spec, Shape: l.to, Kind: Floats, index: identity(dims[0])}
	known.setOn(s)
	s.store = &flat{size: size, values: data, nameOf: nameOf}
	var good []int
	var skipped []string
	for i := range dims[0] {
		k := slices.IndexFunc(data[i*size:(i+1)*size], notFinite)
		if k < 0 {
			good = append(good, i)
			continue
		}
		err := fmt.Errorf("element %d is %v, want a finite number", k, data[i*size+k])
		if !p.o.SkipBad {
			return nil, p.fail(nameOf(i), "%w", err)
		}
		skipped = append(skipped, nameOf(i)+": "+oneLine(err))
	}
	if skipped != nil {
		s = s.Subset(good)
		s.Skipped = skipped
	}
	return p.limitFlat(s), nil
}

func notFinite(v float32) bool {
	return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
}

// fromArray makes a set of the samples along the first dimension of x, which comes from packed bytes and has the name key.
func (p *opener) fromArray(key string, x *Array, packed int64, known truth) (*Set, error) {
	where := name(key)
	nameOf := func(i int) string { return fmt.Sprintf("%s[%d]", where, i) }
	x.toBytes()
	if x.Bytes != nil {
		return p.fromBytes(where, x.Bytes, packed, x.Shape, known, nameOf)
	}
	return p.fromFloats(where, x.Float32s(), x.Shape, known, nameOf)
}

// limitFlat applies Limit.
func (p *opener) limitFlat(s *Set) *Set {
	if p.o.Limit > 0 && p.o.Limit < s.Len() {
		return s.Sample(p.o.Limit, p.o.Seed)
	}
	return s
}

// planarAll turns samples [H][W][C] in place into shape, [C][H][W].
func planarAll[T any](data []T, shape []int) {
	c, n := shape[0], shape[1]*shape[2]
	if c == 1 {
		return
	}
	tmp := make([]T, c*n)
	for len(data) >= c*n {
		copy(tmp, data)
		for i := range n {
			for k := range c {
				data[k*n+i] = tmp[i*c+k]
			}
		}
		data = data[c*n:]
	}
}
