package dataset

import (
	"bytes"
	"errors"
	"fmt"
)

// tarArrays is a store of .npy files in tar archives, which are read whenever they are used. Arrays of bytes are pixels, others are taken as float32.
type tarArrays struct {
	*tarShards
	one   opener // opens a single sample
	shape []int
	kind  Kind
}

// newTarArrays makes a set of the arrays; the first says shape and kind of all.
func (p *opener) newTarArrays(t *tarShards, known truth) (*Set, error) {
	st := &tarArrays{tarShards: t, one: *p}
	st.one.o.Limit, st.one.o.SkipBad = 0, false
	var first *Set
	for i := range t.at {
		var err error
		if first, err = st.read(i); err == nil {
			break
		}
		if !p.o.SkipBad || i == len(t.at)-1 {
			return nil, p.fail(t.name(i), "%w", err)
		}
	}
	st.shape, st.kind = first.Shape, first.Kind
	s := &Set{Spec: p.spec, Shape: st.shape, Kind: st.kind, index: identity(len(t.at)), store: st}
	known.setOn(s)
	return p.limitDecoded(s)
}

// read reads sample i as a set of one.
func (t *tarArrays) read(i int) (set *Set, err error) {
	err = t.with(i, func(data []byte, packed int64) error {
		a, err := newArrayReader(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if allowed := t.p.o.Allowance(packed); a.memory() > allowed {
			return tooLarge(fmt.Sprintf("an array of shape %v", a.shape), a.memory(), allowed)
		}
		x, err := a.read(packed)
		if err != nil {
			return err
		}
		dims := t.p.o.asSamples(x.Shape)
		if len(t.p.o.Shape) == 0 || len(dims) == len(x.Shape) {
			dims = append([]int{1}, x.Shape...)
		}
		nameOf := func(int) string { return t.name(i) }
		if x.Bytes != nil {
			set, err = t.one.fromBytes("", x.Bytes, packed, dims, truth{}, nameOf)
		} else {
			set, err = t.one.fromFloats("", x.Float32s(), dims, truth{}, nameOf)
		}
		if about := (*FormatError)(nil); errors.As(err, &about) {
			return about.Err
		}
		return err
	})
	if err == nil && t.shape != nil && (set.Kind != t.kind || fmt.Sprint(set.Shape) != fmt.Sprint(t.shape)) {
		err = fmt.Errorf("%v of shape %v, the first sample is %v of shape %v", set.Kind, set.Shape, t.kind, t.shape)
	}
	return set, err
}

func (t *tarArrays) lazy() bool { return true }

func (t *tarArrays) pixels(i int, dst []byte) error {
	set, err := t.read(i)
	if err != nil || dst == nil {
		return err
	}
	return set.store.pixels(0, dst)
}

func (t *tarArrays) floats(i int, dst []float32) error {
	set, err := t.read(i)
	if err != nil {
		return err
	}
	return set.store.floats(0, dst)
}
