// Package dataset opens samples for training, calibration and evaluation: folders and
// zip files of pictures, IDX, NumPy and CSV files. Every format becomes a [Set].
package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Kind is the element type of the samples.
type Kind uint8

const (
	// Pixels are bytes 0..255: pictures, and whole numbers in files that all lie in
	// that range. They are what preprocessing applies to.
	Pixels Kind = iota
	// Floats are float32 values, taken as the file has them: the network's own input.
	Floats
)

func (k Kind) String() string {
	if k == Pixels {
		return "pixels"
	}
	return "floats"
}

// Set is an ordered list of samples of one shape, with or without labels. Its methods
// are safe for concurrent use; its fields must not be changed.
type Set struct {
	// Spec is what the set was opened with.
	Spec string
	// Classes are the class names by index. Numeric labels have their digits as names.
	// Nil without labels.
	Classes []string
	// Labels holds the class index of every sample; nil without labels.
	Labels []int
	// StepLabels holds the class index of every step of every sample, -1 for a step that was appended, for a network with an output for each step; nil without.
	StepLabels [][]int
	// Targets holds the numbers that a network should deliver for every sample, as many for each; nil without. A set has Labels, StepLabels or Targets,
	// one of them at most.
	Targets [][]float32
	// Shape of one sample: [C,H,W] for pictures and planes of numbers, [features] for
	// rows of numbers, as in the file for other ranks.
	Shape []int
	// Kind says which of Pixels and Floats is the data's own type.
	Kind Kind
	// Values, unless nil, are what pixels are to the network, by channel, see [Set.Preprocess]. Without them pixels are 0..255.
	Values [][256]float32
	// Skipped has a line for every broken sample left out by Options.SkipBad.
	Skipped []string

	// Further holds the samples for the further inputs of a network with several, see [OpenInputs]: sets of as many
	// samples in the same order, of which a sample of the whole has one each. What makes a set of some samples of
	// this one does the same to them.
	Further []*Set

	store store
	index []int32 // positions in store
}

// store holds samples; its methods are safe for concurrent use.
type store interface {
	// pixels writes sample i to dst, or only decodes and checks it when dst is nil.
	pixels(i int, dst []byte) error
	floats(i int, dst []float32) error
	// name tells which file, row or position sample i is.
	name(i int) string
	// lazy says that samples are decoded when first used.
	lazy() bool
	io.Closer
}

// Len is the number of samples.
func (s *Set) Len() int { return len(s.index) }

// Elems is the number of elements of one sample.
func (s *Set) Elems() int { return elems(s.Shape) }

// Name says where sample i came from: the path of a picture within the set, or the row
// or position in the file.
func (s *Set) Name(i int) string { return s.store.name(int(s.index[i])) }

// Counts is the number of samples of each class; nil without labels.
func (s *Set) Counts() []int {
	if s.Labels == nil {
		return nil
	}
	n := make([]int, len(s.Classes))
	for _, l := range s.Labels {
		n[l]++
	}
	return n
}

// Pixels writes the bytes of sample i to dst, which has Elems elements, in the order of
// Shape: [C][H][W] for pictures. The set must be of kind Pixels.
func (s *Set) Pixels(i int, dst []byte) error {
	if err := s.check(i, len(dst)); err != nil {
		return err
	}
	if s.Kind != Pixels {
		return s.fail("", "samples are floats, want pixels")
	}
	return s.wrap(i, s.store.pixels(int(s.index[i]), dst))
}

// Floats writes the values of sample i to dst, which has Elems elements, in the order
// of Shape. Pixels become 0..255; no preprocessing is applied.
func (s *Set) Floats(i int, dst []float32) error {
	if err := s.check(i, len(dst)); err != nil {
		return err
	}
	return s.wrap(i, s.store.floats(int(s.index[i]), dst))
}

func (s *Set) check(i, room int) error {
	if i < 0 || i >= len(s.index) {
		return s.fail("", "sample %d does not exist, want 0 to %d", i, len(s.index)-1)
	}
	if room != s.Elems() {
		return s.fail("", "room for %d elements, want %d for a sample of %v", room, s.Elems(), s.Shape)
	}
	return nil
}

// Subset is the set of the samples at positions index, in that order. It shares the
// data with s; positions must be in [0, Len).
func (s *Set) Subset(index []int) *Set {
	out := *s
	out.index = make([]int32, len(index))
	for k, i := range index {
		out.index[k] = s.index[i]
	}
	truthOf(s).pick(index).setOn(&out)
	out.Further = nil
	for _, f := range s.Further {
		out.Further = append(out.Further, f.Subset(index))
	}
	return &out
}

// Sample is a set of n samples drawn by seed, mixed over the classes; all of them,
// shuffled, when the set has no more than n.
func (s *Set) Sample(n int, seed uint64) *Set {
	p := permutation(s.Len(), seed)
	return s.Subset(p[:max(0, min(n, len(p)))])
}

// Evenly is a set of at most n samples, evenly spaced over s; all of them where n is 0.
func (s *Set) Evenly(n int) *Set {
	if n <= 0 || n >= s.Len() {
		return s
	}
	index := make([]int, n)
	for i := range index {
		index[i] = i * s.Len() / n
	}
	return s.Subset(index)
}

// Apart divides at most first + second samples: those that [Set.Evenly] gives for first, and at most second of the others, evenly
// spaced over these. first 0 means all. Windows of recordings are taken from other files, or other stretches of time, than the first.
func (s *Set) Apart(first, second int) (a, b *Set) {
	if first <= 0 || first >= s.Len() {
		return s, s.Subset(nil)
	}
	if s.timed() != nil && second > 0 {
		a, b = Split(s, float64(second)/float64(first+second), 1)
		return a.Evenly(first), b.Evenly(second)
	}
	a = s.Evenly(first)
	taken := make([]bool, s.Len())
	for i := range first {
		taken[i*s.Len()/first] = true
	}
	var others []int
	for i, t := range taken {
		if !t {
			others = append(others, i)
		}
	}
	return a, s.Subset(others).Evenly(second)
}

// Unlabelled is the set without labels, classes and targets.
func (s *Set) Unlabelled() *Set {
	out := *s
	truth{}.setOn(&out)
	return &out
}

// Close releases the files behind the set and all its subsets.
func (s *Set) Close() error {
	errs := []error{s.store.Close()}
	for _, f := range s.Further {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Preload decodes every sample of the set with the given number of goroutines (0 = one
// per CPU), so that a broken one is found now and later uses come from memory. progress
// may be nil; it is called from one goroutine at a time. The error is that of the first
// broken sample, or of ctx.
func (s *Set) Preload(ctx context.Context, workers int, progress func(done, total int)) error {
	for _, f := range s.Further {
		if err := f.Preload(ctx, workers, nil); err != nil {
			return err
		}
	}
	if !s.store.lazy() {
		if progress != nil {
			progress(s.Len(), s.Len())
		}
		return ctx.Err()
	}
	i, err := parallel(ctx, s.Len(), workers, progress, func(i int) error {
		return s.store.pixels(int(s.index[i]), nil)
	})
	if i < 0 {
		return err
	}
	return s.wrap(i, err)
}

func (s *Set) wrap(i int, err error) error {
	if err == nil {
		return nil
	}
	return &FormatError{Spec: s.Spec, Where: s.Name(i), Err: err}
}

func (s *Set) fail(where, format string, args ...any) error {
	return &FormatError{Spec: s.Spec, Where: where, Err: fmt.Errorf(format, args...)}
}

func elems(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
