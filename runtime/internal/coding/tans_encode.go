package coding

import (
	"container/heap"
	"math/bits"
)

// packTANS codes indices with the table size that takes the fewest bytes, or returns nil
// when none takes less than limit bytes.
func packTANS(indices []uint16, counts []int, limit int) []byte {
	var used int
	for _, c := range counts {
		if c > 0 {
			used++
		}
	}
	var best []byte
	// A long list is worth a large table; trying small ones would only take time.
	first := min(max(minLog, bits.Len(uint(len(indices)))-10), maxLog)
	for log := uint(first); log <= logLimit(len(indices)); log++ {
		if used > 1<<log {
			continue
		}
		freqs := normalize(counts, len(indices), log)
		e := newTANSEncoder(freqs, log)
		var w BitWriter
		w.Put(uint32(log), 4)
		w.putFrequencies(freqs, log)
		head := uint64(len(w.out))*8 + uint64(w.n) + uint64(log)
		body := e.size(indices)
		if size := (head + body + 7) / 8; size < uint64(limit) {
			limit = int(size)
			best = e.encode(&w, indices, body)
		}
	}
	return best
}

// normalize turns counts, which add up to total, into frequencies that add up to 1<<log
// and are 0 only where the count is. It starts from the proportional share and then
// gives or takes single units where that changes the coded size most favourably.
func normalize(counts []int, total int, log uint) []uint32 {
	freqs := make([]uint32, len(counts))
	left := 1 << log
	var h unitHeap
	for s, c := range counts {
		if c == 0 {
			continue
		}
		f := uint32(uint64(c) << log / uint64(total))
		freqs[s] = max(f, 1)
		left -= int(freqs[s])
		h.items = append(h.items, unit{index: s, count: uint64(c), freq: freqs[s]})
	}
	h.take = left < 0
	heap.Init(&h)
	for ; left != 0; heap.Fix(&h, 0) {
		u := &h.items[0]
		if h.take {
			u.freq--
			left++
		} else {
			u.freq++
			left--
		}
		freqs[u.index] = u.freq
	}
	return freqs
}

// unit is an index that may gain or lose a unit of frequency. A unit more saves about
// 2*count/(2*freq+1) nats, a unit less costs about 2*count/(2*freq-1).
type unit struct {
	index int
	count uint64
	freq  uint32
}

// unitHeap has the index on top whose change is best.
type unitHeap struct {
	items []unit
	take  bool
}

func (h *unitHeap) Len() int      { return len(h.items) }
func (h *unitHeap) Swap(i, j int) { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *unitHeap) Push(any)      { panic("BUG: the heap does not grow") }
func (h *unitHeap) Pop() any      { panic("BUG: the heap does not shrink") }
func (h *unitHeap) Less(i, j int) bool {
	a, b := h.items[i], h.items[j]
	if h.take {
		if a.freq == 1 || b.freq == 1 {
			return a.freq > b.freq
		}
		x, y := a.count*uint64(2*b.freq-1), b.count*uint64(2*a.freq-1)
		return x < y || x == y && a.index < b.index
	}
	x, y := a.count*uint64(2*b.freq+1), b.count*uint64(2*a.freq+1)
	return x > y || x == y && a.index < b.index
}

// tansEncoder holds for each symbol the states that deliver it, in order: the decoder's
// table turned around.
type tansEncoder struct {
	log   uint
	freqs []uint32
	first []uint32 // by symbol: position of its states in state
	state []uint16
}

func newTANSEncoder(freqs []uint32, log uint) *tansEncoder {
	size := uint32(1) << log
	owner := make([]uint16, size)
	pos, step := uint32(0), spreadStep(log)
	e := &tansEncoder{log: log, freqs: freqs, first: make([]uint32, len(freqs)), state: make([]uint16, size)}
	var sum uint32
	for s, f := range freqs {
		e.first[s] = sum
		sum += f
		for range f {
			owner[pos] = uint16(s)
			pos = (pos + step) & (size - 1)
		}
	}
	next := append([]uint32(nil), e.first...)
	for x, s := range owner {
		e.state[next[s]] = uint16(x)
		next[s]++
	}
	return e
}

// step goes back from state x to the state before it, which delivers s; the low width
// bits of x are what the decoder reads between the two.
func (e *tansEncoder) step(x uint32, s uint16) (before uint32, width uint) {
	f := e.freqs[s]
	x += 1 << e.log
	width = uint(bits.Len32(x) - bits.Len32(f))
	if x>>width < f {
		width--
	}
	return uint32(e.state[e.first[s]+x>>width-f]), width
}

// size is the number of bits of the indices.
func (e *tansEncoder) size(indices []uint16) uint64 {
	var total uint64
	x := uint32(0)
	for i := len(indices) - 1; i >= 0; i-- {
		var width uint
		x, width = e.step(x, indices[i])
		total += uint64(width)
	}
	return total
}

// encode appends the first state and the bits of all indices, size bits, to w. The coder
// runs from the last index, state 0, to the first, and so fills the bits from the end.
func (e *tansEncoder) encode(w *BitWriter, indices []uint16, size uint64) []byte {
	start := uint64(len(w.out))*8 + uint64(w.n)
	w.Put(0, e.log)
	out := append(w.Bytes(), make([]byte, size/8+2)...)
	pos := start + uint64(e.log) + size
	end := (pos + 7) / 8
	x := uint32(0)
	for i := len(indices) - 1; i >= 0; i-- {
		before, width := e.step(x, indices[i])
		pos -= uint64(width)
		orBits(out, pos, x&(1<<width-1))
		x = before
	}
	orBits(out, start, x)
	return out[:end]
}

// orBits sets the bits of v, less than 1<<16, from bit pos of out, where zeros stand.
func orBits(out []byte, pos uint64, v uint32) {
	v <<= pos & 7
	for at := pos >> 3; v != 0; at++ {
		out[at] |= byte(v)
		v >>= 8
	}
}
