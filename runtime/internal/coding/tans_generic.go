//go:build !arm || purego

package coding

import "math/bits"

// tansState holds what follows from n: the next state is base plus the number in the next width bits. Whole words take the
// least time to find.
type tansState struct {
	index uint16
	base  uint16
	width uint32
}

// spread gives n states an index, the first at pos and all step apart, and returns where the next one is.
func (t *tansTable) spread(index uint16, n, pos, step uint32) uint32 {
	mask := uint32(len(t.states) - 1)
	for range n {
		t.states[pos].index = index
		pos = (pos + step) & mask
	}
	return pos
}

// follow says what follows: the k-th state of an index with frequency f gets n = f+k. The frequencies are in t.next.
func (t *tansTable) follow() {
	for i := range t.states {
		s := &t.states[i]
		n := t.next[s.index]
		t.next[s.index]++
		s.follow(n, t.log)
	}
}

// follow sets n, for a table of 1<<log states.
func (s *tansState) follow(n uint32, log uint) {
	s.width = uint32(log) + 1 - uint32(bits.Len32(n))
	s.base = uint16(n<<s.width - 1<<log)
}

// next tells how many bits say which state comes next, of those from base on.
func (s *tansState) next(log uint) (width uint, base uint32) { return uint(s.width), uint32(s.base) }

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
