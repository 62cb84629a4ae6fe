// Package idx reads IDX files of unsigned bytes, the format of MNIST and its relatives,
// plain or compressed by gzip. It needs only the standard library, so that the board's
// tool and the host share one reader.
//
// An IDX file is: two zero bytes, a byte for the element type (0x08 = unsigned byte), a
// byte for the number of dimensions, each dimension as a big-endian uint32, and then the
// elements in row-major order. Dimension 0 counts the samples.
package idx

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// maxRank is the largest number of dimensions accepted.
const maxRank = 4

// FormatError says that the data are not a well-formed IDX file of bytes.
type FormatError struct {
	Where string // "header", "sample 12", "end"
	Msg   string
}

func (e *FormatError) Error() string { return "idx: " + e.Where + ": " + e.Msg }

func bad(where, format string, args ...any) error {
	return &FormatError{Where: where, Msg: fmt.Sprintf(format, args...)}
}

// Reader reads samples one after the other. It is not safe for concurrent use.
type Reader struct {
	dims   []int
	size   int // bytes of one sample
	next   int // position of the next sample
	gzip   bool
	sure   int64 // bytes of data that can be there at most, by the size of the file
	r      io.Reader
	closer io.Closer
}

// deflateRatio is how many bytes deflate can make of one at most.
const deflateRatio = 1032

// Open opens the named file, which must be a regular one: a pipe or device could block. Of a plain
// file the length is compared with the header, so a file cut short or too long is found before
// anything is read.
func Open(path string) (*Reader, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, bad("header", "a folder, pipe or device, want a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := NewReaderSize(f, st.Size())
	if err != nil {
		f.Close()
		return nil, err
	}
	r.closer = f
	return r, nil
}

// NewReader reads the header from r, which may be compressed by gzip.
func NewReader(r io.Reader) (*Reader, error) { return newReader(r, -1) }

// NewReaderSize is NewReader for an r that holds size bytes: where it is not compressed, these must be as
// many as its dimensions need.
func NewReaderSize(r io.Reader, size int64) (*Reader, error) { return newReader(r, size) }

// newReader makes a Reader; the size is that of r in bytes, or -1 where it is unknown.
func newReader(r io.Reader, size int64) (*Reader, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	out := &Reader{r: br, sure: 1 << 20}
	if m, _ := br.Peek(2); len(m) == 2 && m[0] == 0x1f && m[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, bad("header", "broken gzip data: %v", err)
		}
		out.r, out.gzip = z, true
		out.sure = max(out.sure, min(size, math.MaxInt64/deflateRatio)*deflateRatio)
	}
	if err := out.readHeader(); err != nil {
		return nil, err
	}
	if size >= 0 && !out.gzip {
		if want := int64(4+4*len(out.dims)) + int64(out.Len())*int64(out.size); size != want {
			return nil, bad("end", "the file has %d bytes, want %d for dimensions %v", size, want, out.dims)
		}
		out.sure = size
	}
	return out, nil
}

func (r *Reader) readHeader() error {
	var head [4 + 4*maxRank]byte
	if _, err := io.ReadFull(r.r, head[:4]); err != nil {
		return bad("header", "too short, want at least 4 bytes: %v", reason(err))
	}
	if head[0] != 0 || head[1] != 0 {
		return bad("header", "starts with bytes %#02x %#02x, want 0x00 0x00: not an IDX file", head[0], head[1])
	}
	if head[2] != 0x08 {
		return bad("header", "element type %#02x, want 0x08 (unsigned byte)", head[2])
	}
	rank := int(head[3])
	if rank < 1 || rank > maxRank {
		return bad("header", "%d dimensions, want 1 to %d", rank, maxRank)
	}
	dims := head[4 : 4+4*rank]
	if _, err := io.ReadFull(r.r, dims); err != nil {
		return bad("header", "cut short within the %d dimensions: %v", rank, reason(err))
	}
	size := int64(1)
	for i := range rank {
		d := int64(binary.BigEndian.Uint32(dims[4*i:]))
		if d == 0 || d > math.MaxInt32 {
			return bad("header", "dimension %d is %d, want 1 to %d", i, d, math.MaxInt32)
		}
		r.dims = append(r.dims, int(d))
		if i == 0 {
			continue
		}
		if size *= d; size > math.MaxInt32 {
			return bad("header", "one sample of dimensions %v has more than %d bytes", r.dims[1:], math.MaxInt32)
		}
	}
	r.size = int(size)
	return nil
}

// Dims lists the dimensions, samples first. The caller must not change it.
func (r *Reader) Dims() []int { return r.dims }

// Len is the number of samples in the file.
func (r *Reader) Len() int { return r.dims[0] }

// SampleSize is the number of bytes of one sample: 1 in a file of labels.
func (r *Reader) SampleSize() int { return r.size }

// Compressed says whether the data come through gzip.
func (r *Reader) Compressed() bool { return r.gzip }

// Next fills dst, whose length must be a multiple of SampleSize, with the samples that
// follow. It returns io.EOF when fewer samples are left than dst has room for.
func (r *Reader) Next(dst []byte) error {
	n := len(dst) / r.size
	if n*r.size != len(dst) {
		return fmt.Errorf("idx: room for %d bytes, want a multiple of %d (one sample)", len(dst), r.size)
	}
	if n > r.Len()-r.next {
		return io.EOF
	}
	got, err := io.ReadFull(r.r, dst)
	if err != nil {
		return bad(fmt.Sprintf("sample %d", r.next+got/r.size), "the data end here, want %d samples: %v", r.Len(), reason(err))
	}
	r.next += n
	return nil
}

// Skip passes over n samples.
func (r *Reader) Skip(n int) error {
	if n < 0 || n > r.Len()-r.next {
		return io.EOF
	}
	want := int64(n) * int64(r.size)
	got, err := io.CopyN(io.Discard, r.r, want)
	if err != nil {
		return bad(fmt.Sprintf("sample %d", r.next+int(got/int64(r.size))), "the data end here, want %d samples: %v", r.Len(), reason(err))
	}
	r.next += n
	return nil
}

// Rest reads all samples that follow, and checks that nothing comes after them. It
// fails, before it reads, when they have more than limit bytes.
func (r *Reader) Rest(limit int64) ([]byte, error) {
	out, err := r.Samples(r.Len()-r.next, limit)
	if err != nil {
		return nil, err
	}
	return out, r.Finish()
}

// Samples reads the n samples that follow. It fails, before it reads, when they have more than limit
// bytes. Memory beyond 1 MiB is taken only for data that the size of the file allows for, or that have arrived.
func (r *Reader) Samples(n int, limit int64) ([]byte, error) {
	total := int64(n) * int64(r.size)
	if total > limit || total > math.MaxInt {
		return nil, bad("header", "%d samples of %d bytes, want at most %d bytes altogether", n, r.size, limit)
	}
	chunk := max(1<<20/r.size, 1) * r.size
	out := make([]byte, 0, min(total, r.sure))
	for len(out) < int(total) {
		part := min(chunk, int(total)-len(out))
		out = slices.Grow(out, part)[:len(out)+part]
		if err := r.Next(out[len(out)-part:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Finish, called after the last sample, checks that no data follow it (and, with gzip,
// the checksum).
func (r *Reader) Finish() error {
	var b [1]byte
	switch _, err := io.ReadFull(r.r, b[:]); {
	case err == io.EOF:
		return nil
	case err == nil:
		return bad("end", "more data follow the %d samples of the header", r.Len())
	default:
		return bad("end", "%v", reason(err))
	}
}

// Close closes the file of a Reader made by [Open].
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// reason words the end of data plainly.
func reason(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("unexpected end of data")
	}
	return err
}
