package coding

import "encoding/binary"

// BitWriter appends bits to a byte slice. The first bit written is the lowest of the
// first byte; numbers are written lowest bit first.
type BitWriter struct {
	out []byte
	acc uint64
	n   uint // bits in acc, less than 8
}

// Put appends the low width bits of v, width at most 32.
func (w *BitWriter) Put(v uint32, width uint) {
	w.acc |= (uint64(v) & (1<<width - 1)) << w.n
	w.n += width
	for w.n >= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
		w.n -= 8
	}
}

// Bytes fills the last byte up with zero bits and returns everything written.
func (w *BitWriter) Bytes() []byte {
	if w.n > 0 {
		w.out = append(w.out, byte(w.acc))
		w.acc, w.n = 0, 0
	}
	return w.out
}

// BitReader reads what a BitWriter wrote.
type BitReader struct {
	data []byte // not yet in acc
	acc  uint64
	n    uint // bits in acc
}

// Reset starts to read data.
func (r *BitReader) Reset(data []byte) { *r = BitReader{data: data} }

// fill brings acc to at least 32 bits, or to all that remain.
func (r *BitReader) fill() {
	if r.n >= 32 {
		return
	}
	if len(r.data) >= 4 {
		r.acc |= uint64(binary.LittleEndian.Uint32(r.data)) << r.n
		r.data = r.data[4:]
		r.n += 32
		return
	}
	for _, b := range r.data {
		r.acc |= uint64(b) << r.n
		r.n += 8
	}
	r.data = nil
}

// Get reads width bits, at most 32; ok is false when fewer remain.
func (r *BitReader) Get(width uint) (v uint32, ok bool) {
	r.fill()
	if r.n < width {
		return 0, false
	}
	v = uint32(r.acc & (1<<width - 1))
	r.acc >>= width
	r.n -= width
	return v, true
}

// Finish reports bits left over: only zeros that fill up the last byte may remain.
func (r *BitReader) Finish() error {
	if len(r.data) > 0 || r.n >= 8 {
		return errLeft
	}
	if r.acc != 0 {
		return errPadding
	}
	return nil
}
