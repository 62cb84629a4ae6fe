//go:build !purego

package coding

import "math/bits"

// tansState holds n itself: counting its zeros takes little time here, and memory is small.
type tansState struct {
	index uint16
	n     uint16
}

// spread gives n states an index, the first at pos and all step apart, and returns where the next one is.
func (t *tansTable) spread(index uint16, n, pos, step uint32) uint32 {
	return spreadTANSARM(&t.states[0], index, n, pos, step, uint32(len(t.states)-1))
}

// follow says what follows: the k-th state of an index with frequency f gets n = f+k. The frequencies are in t.next.
func (t *tansTable) follow() { followTANSARM(&t.states[0], len(t.states), &t.next[0]) }

// spreadTANSARM is spread for mask+1 states; n is not 0.
//
//go:noescape
func spreadTANSARM(states *tansState, index uint16, n, pos, step, mask uint32) uint32

// followTANSARM is follow for n states.
//
//go:noescape
func followTANSARM(states *tansState, n int, next *uint32)

// next tells how many bits say which state comes next, of those from base on.
func (s *tansState) next(log uint) (width uint, base uint32) {
	width = (log + 1 - uint(bits.Len32(uint32(s.n)))) & 31
	return width, uint32(s.n)<<width - 1<<(log&31)
}

// read delivers len(dst) indices in registers: r holds less than 32 bits and data enough. It tells how many bytes of the
// data it has taken, and the last state.
func (t *tansTable) read(dst []uint16, r *BitReader, state uint32) (taken int, last uint32) {
	acc, n := uint32(r.acc), uint32(r.n)
	taken = readTANSARM(&dst[0], len(dst), &t.states[0], &r.data[0], &acc, &n, &state, t.log)
	r.acc, r.n = uint64(acc), uint(n)
	return taken, state
}

// readTANSARM is read with 1<<log states; it changes acc, n and state.
//
//go:noescape
func readTANSARM(dst *uint16, count int, states *tansState, data *byte, acc, n, state *uint32, log uint) (taken int)
