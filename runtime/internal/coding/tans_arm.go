//go:build !purego

package coding

// read delivers len(dst) indices in registers: r holds less than 32 bits and data enough. It tells how many bytes of the
// data it has taken, and the last state.
func (t *tansTable) read(dst []uint16, r *BitReader, state uint32) (taken int, last uint32) {
	acc, n := uint32(r.acc), uint32(r.n)
	taken = readTANSARM(&dst[0], len(dst), &t.states[0], &r.data[0], &acc, &n, &state)
	r.acc, r.n = uint64(acc), uint(n)
	return taken, state
}

// readTANSARM is read; it changes acc, n and state.
//
//go:noescape
func readTANSARM(dst *uint16, count int, states *tansState, data *byte, acc, n, state *uint32) (taken int)
