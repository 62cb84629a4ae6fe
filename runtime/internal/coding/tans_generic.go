//go:build !arm || purego

package coding

import "math/bits"

// read delivers len(dst) indices in registers: r holds less than bits.UintSize bits and data enough. It tells how many
// bytes of the data it has taken, and the last state.
func (t *tansTable) read(dst []uint16, r *BitReader, state uint32) (taken int, last uint32) {
	acc, n, data, states := uint(r.acc), r.n, r.data, t.states
	at := 0
	for i := range dst {
		if n < maxWidth {
			acc |= nextBits(data[at:]) << (n & (bits.UintSize - 1))
			at += refill
			n += 8 * refill
		}
		s := &states[state]
		dst[i] = s.index
		width := s.width & 15
		state = uint32(s.base) + uint32(acc)&(1<<width-1)
		acc >>= width
		n -= uint(width)
	}
	r.acc, r.n = uint64(acc), n
	return at, state
}

// nextBits are the first refill bytes of data.
func nextBits(data []byte) uint {
	if refill == 4 {
		return uint(data[0]) | uint(data[1])<<8 | uint(data[2])<<16 | uint(data[3])<<24
	}
	return uint(data[0]) | uint(data[1])<<8
}
