package runtime

import (
	"fmt"

	"qconv/runtime/internal/coding"
)

// Weights is a list of codebook indices in coded form (FORMAT.md, "Coding of weights").
// It stays coded in memory; [Weights.Decode] writes it out. The zero value is an empty list.
type Weights struct {
	count int // number of indices
	size  int // length of the codebook: every index is less
	kind  coding.Kind
	data  []byte
}

// PackWeights codes indices, each less than size, in the smallest way that the format
// has. Size is the length of the codebook, 1..65536. It panics when an index is out of
// range. Equal arguments give equal bytes.
func PackWeights(indices []uint16, size int) Weights {
	kind, data := coding.Pack(indices, size)
	return Weights{count: len(indices), size: size, kind: kind, data: data}
}

// Len is the number of indices.
func (w Weights) Len() int { return w.count }

// CodedBytes is the size of the coded form in bytes, frequency table included.
func (w Weights) CodedBytes() int { return len(w.data) }

// Coding names the way the indices are coded: "single", "plain" or "tANS".
func (w Weights) Coding() string { return w.kind.String() }

// Decode writes all indices to dst, whose length must be w.Len(). It cannot fail for the
// weights of a validated Program.
func (w Weights) Decode(dst []uint16) error {
	if len(dst) != w.count {
		return fmt.Errorf("runtime: weights: room for %d indices, want %d", len(dst), w.count)
	}
	if w.count == 0 {
		return nil
	}
	var d coding.Decoder
	if err := d.Reset(w.kind, w.data, w.count, w.size); err != nil {
		return fmt.Errorf("runtime: weights: %w", err)
	}
	if err := d.Read(dst); err != nil {
		return fmt.Errorf("runtime: weights: %w", err)
	}
	return nil
}
