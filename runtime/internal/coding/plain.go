package coding

import (
	"fmt"
	"math/bits"
)

// widthOf is the number of bits a plain index takes: the smallest w with 2^w >= size.
func widthOf(size int) uint { return uint(bits.Len(uint(size - 1))) }

func packSingle(x uint16) []byte {
	if x < 256 {
		return []byte{byte(x)}
	}
	return []byte{byte(x), byte(x >> 8)}
}

func (d *Decoder) resetSingle() error {
	data := d.bits.data
	switch {
	case len(data) == 1:
		d.value = uint16(data[0])
	case len(data) == 2 && data[1] != 0:
		d.value = uint16(data[0]) | uint16(data[1])<<8
	default:
		return fmt.Errorf("a single index in %d bytes, want 1, or 2 when it exceeds 255", len(data))
	}
	if int(d.value) >= d.size {
		return fmt.Errorf("index %d, want 0..%d", d.value, d.size-1)
	}
	return nil
}

func packPlain(indices []uint16, size int) []byte {
	width := widthOf(size)
	var w BitWriter
	w.out = make([]byte, 0, plainBytes(len(indices), width))
	for _, x := range indices {
		w.Put(uint32(x), width)
	}
	return w.Bytes()
}

// plainBytes is the size of count indices of width bits (at most 16), in whole bytes.
func plainBytes(count int, width uint) uint64 {
	var bits uint64
	for b := uint(0); b < 5; b++ {
		if width>>b&1 != 0 {
			bits += uint64(count) << b
		}
	}
	return (bits + 7) >> 3
}

func (d *Decoder) resetPlain(length int) error {
	d.width = widthOf(d.size)
	if want := plainBytes(d.left, d.width); uint64(length) != want {
		return fmt.Errorf("%d plain indices of %d bits in %d bytes, want %d", d.left, d.width, length, want)
	}
	return nil
}

func (d *Decoder) readPlain(dst []uint16) error {
	r, width, size := d.bits, d.width, uint32(d.size)
	for i := range dst {
		if r.n < width {
			r.fill()
			if r.n < width {
				return errShort
			}
		}
		x := uint32(r.acc) & (1<<width - 1)
		r.acc >>= width
		r.n -= width
		if x >= size {
			return fmt.Errorf("index %d, want 0..%d", x, size-1)
		}
		dst[i] = uint16(x)
	}
	d.bits = r
	return nil
}
