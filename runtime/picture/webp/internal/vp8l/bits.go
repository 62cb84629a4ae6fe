package vp8l

// bitReader reads numbers from bytes, the lowest bit first (RFC 9649, section 3.2).
type bitReader struct {
	data  []byte // what has not been taken yet
	value uint32 // the bits taken
	n     int    // how many
	short bool   // more were read than there are; those are zeros
}

// fill takes as many bits as there is room for, at least 25 before the data end.
func (r *bitReader) fill() {
	for r.n <= 24 && len(r.data) > 0 {
		r.value |= uint32(r.data[0]) << r.n
		r.n += 8
		r.data = r.data[1:]
	}
}

// skip drops n bits, at most 25 after fill.
func (r *bitReader) skip(n int) {
	r.value >>= n & 31
	if r.n -= n; r.n < 0 {
		r.n, r.value, r.short = 0, 0, true
	}
}

// read reads a number of n bits, at most 25.
func (r *bitReader) read(n int) int {
	if r.n < n {
		r.fill()
	}
	v := r.value & (1<<n - 1)
	r.skip(n)
	return int(v)
}

func (r *bitReader) flag() bool { return r.read(1) == 1 }
