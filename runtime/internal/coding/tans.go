package coding

import (
	"errors"
	"fmt"
	"math/bits"
)

// A tANS table of 1<<log states holds each index as often as its frequency says.
const (
	minLog = 5
	maxLog = 14
)

// logLimit is the largest table allowed for count indices, so that making the table
// never takes longer than using it: 1<<log <= max(64, count).
func logLimit(count int) uint {
	log := uint(6)
	for log < maxLog && count>>(log+1) != 0 {
		log++
	}
	return log
}

// tansState is what a decoder does in one state: it delivers index, and goes on to state
// base plus the number in the next width bits.
type tansState struct {
	index uint16
	base  uint16
	width uint8
}

// tansTable is made from frequencies without multiplication.
type tansTable struct {
	log    uint
	states []tansState // 1<<log
	next   []uint32    // scratch: by symbol
}

// spreadStep is the distance between successive entries of the table. It is odd, so that
// every state is met once.
func spreadStep(log uint) uint32 {
	size := uint32(1) << log
	return size>>1 + size>>3 + 3
}

// resetTANS reads the head of the data and makes the table.
func (d *Decoder) resetTANS() error {
	r, t := &d.bits, &d.tans
	log, ok := r.Get(4)
	if !ok {
		return errShort
	}
	if limit := logLimit(d.left); uint(log) < minLog || uint(log) > limit {
		return fmt.Errorf("a table of 2^%d states for %d indices, want 2^%d..2^%d", log, d.left, minLog, limit)
	}
	t.log = uint(log)
	size := uint32(1) << log
	if cap(t.states) < int(size) {
		t.states = make([]tansState, size)
	}
	t.states = t.states[:size]

	pos, step, mask := uint32(0), spreadStep(t.log), size-1
	err := r.getFrequencies(t.log, d.size, func(index int, f uint32) {
		for range f {
			t.states[pos] = tansState{index: uint16(index)}
			pos = (pos + step) & mask
		}
		t.setNext(index, f)
	})
	if err != nil {
		return err
	}
	// The k-th state of an index with frequency f gets n = f+k; n<<width reaches the size.
	for i := range t.states {
		s := &t.states[i]
		n := t.next[s.index]
		t.next[s.index]++
		width := uint(log) + 1 - uint(bits.Len32(n))
		s.width = uint8(width)
		s.base = uint16(n<<width - size)
	}
	d.state, ok = r.Get(t.log)
	if !ok {
		return errShort
	}
	if d.left == 0 {
		return errors.New("no indices, want at least 1")
	}
	return nil
}

func (t *tansTable) setNext(index int, f uint32) {
	for len(t.next) <= index {
		t.next = append(t.next, 0)
	}
	t.next[index] = f
}

func (d *Decoder) readTANS(dst []uint16) error {
	r, states, state := d.bits, d.tans.states, d.state
	for i := range dst {
		s := states[state]
		dst[i] = s.index
		width := uint(s.width)
		if r.n < width {
			r.fill()
			if r.n < width {
				return errShort
			}
		}
		state = uint32(s.base) + uint32(r.acc)&(1<<width-1)
		r.acc >>= width
		r.n -= width
	}
	d.bits, d.state = r, state
	return nil
}
