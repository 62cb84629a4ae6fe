package dataset

import (
	"bytes"
	"hash/crc32"
	"hash/maphash"
	"math"
	"slices"
)

// contentKey is equal for equal contents, and rarely for others.
type contentKey struct {
	hash uint64
	size int64
}

// Overlap is the number of samples of b that a has too. Where both sets are made of
// picture files, the files are compared (in a zip by the checksums it stores, and only
// where these agree byte by byte); otherwise the values are, and sets of different
// shape or kind have nothing in common. Samples that cannot be read match nothing.
func Overlap(a, b *Set) int {
	fa, fb := a.files(), b.files()
	if fa != nil && fb != nil {
		return overlap(a.Len(), b.Len(),
			func(i int) (contentKey, bool) { return fileKey(fa(i)) },
			func(i int) (contentKey, bool) { return fileKey(fb(i)) },
			func(i, j int) bool {
				sa, ea := fa(i)
				sb, eb := fb(j)
				return ea == eb || sameFile(sa, ea, sb, eb)
			})
	}
	if a.Kind != b.Kind || !slices.Equal(a.Shape, b.Shape) {
		return 0
	}
	seed := maphash.MakeSeed()
	key := func(s *Set) func(i int) (contentKey, bool) {
		return func(i int) (contentKey, bool) {
			v, ok := s.content(i)
			return contentKey{hash: maphash.Bytes(seed, v)}, ok
		}
	}
	return overlap(a.Len(), b.Len(), key(a), key(b), func(i, j int) bool {
		va, okA := a.content(i)
		vb, okB := b.content(j)
		return okA && okB && bytes.Equal(va, vb)
	})
}

func overlap(na, nb int, keyA, keyB func(i int) (contentKey, bool), same func(i, j int) bool) int {
	in := map[contentKey][]int{}
	for i := range na {
		if k, ok := keyA(i); ok {
			in[k] = append(in[k], i)
		}
	}
	n := 0
	for j := range nb {
		if k, ok := keyB(j); ok && slices.ContainsFunc(in[k], func(i int) bool { return same(i, j) }) {
			n++
		}
	}
	return n
}

// files gives the file of every sample, or is nil for sets not made of files.
func (s *Set) files() func(i int) (*source, *entry) {
	d, ok := s.store.(*decoded)
	if !ok || d.file == nil {
		return nil
	}
	return func(i int) (*source, *entry) { return d.file(int(s.index[i])) }
}

func fileKey(s *source, e *entry) (contentKey, bool) {
	if e.zip != nil {
		return contentKey{uint64(e.zip.CRC32), int64(min(e.zip.UncompressedSize64, math.MaxInt64))}, true
	}
	var buf bytes.Buffer
	if _, err := s.read(e, &buf); err != nil {
		return contentKey{}, false
	}
	return contentKey{uint64(crc32.ChecksumIEEE(buf.Bytes())), int64(buf.Len())}, true
}

func sameFile(sa *source, ea *entry, sb *source, eb *entry) bool {
	var a, b bytes.Buffer
	_, errA := sa.read(ea, &a)
	_, errB := sb.read(eb, &b)
	return errA == nil && errB == nil && bytes.Equal(a.Bytes(), b.Bytes())
}

// content is the sample as bytes.
func (s *Set) content(i int) ([]byte, bool) {
	b, ok := s.ownContent(i)
	for _, f := range s.Further {
		more, good := f.content(i)
		b, ok = append(b, more...), ok && good
	}
	return b, ok
}

// ownContent is content without further inputs.
func (s *Set) ownContent(i int) ([]byte, bool) {
	if s.Kind == Pixels {
		b := make([]byte, s.Elems())
		return b, s.Pixels(i, b) == nil
	}
	v := make([]float32, s.Elems())
	if s.Floats(i, v) != nil {
		return nil, false
	}
	b := make([]byte, 0, 4*len(v))
	for _, f := range v {
		u := math.Float32bits(f)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b, true
}
