package coding

import (
	"fmt"
	"math/bits"
	"unsafe"
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

// StateBytes is the size of a tansState: what a decoder does in one state. It delivers an index. With it goes a number n, less
// than twice the states; n is followed by as many bits of the data as make it reach their number or more, and what exceeds that
// number is the next state.
const StateBytes = int(unsafe.Sizeof(tansState{}))

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
	if cap(t.states) < int(size) || len(t.next) < d.size {
		return errRoom
	}
	t.states = t.states[:size]

	pos, step := uint32(0), spreadStep(t.log)
	for freqs := r.frequencies(t.log, d.size); ; {
		index, f, err := freqs.next()
		if err != nil {
			return err
		}
		if f == 0 {
			break
		}
		pos = t.spread(uint16(index), f, pos, step)
		t.next[index] = f
	}
	t.follow()
	d.state, ok = r.Get(t.log)
	if !ok {
		return errShort
	}
	if d.left == 0 {
		return errNone
	}
	return nil
}

// Room is the size of the tables that a Decoder needs to read data.
func Room(kind Kind, data []byte, size int) (states, symbols int) {
	if kind != TANS || len(data) == 0 || size < 1 || size > MaxSize {
		return 0, 0
	}
	log := data[0] & 15
	if log > maxLog {
		return 0, 0
	}
	return 1 << log, size
}

// RoomBytes is the memory of tables of this size, of so many bytes per state: [StateBytes], or what it is on another machine.
func RoomBytes(states, symbols, stateBytes int) int { return stateBytes*states + 4*symbols }

// Reserve allocates a table of at least as many states, and gives d a table of symbols, which Start alone writes on:
// decoders that start one after the other may share it.
func (d *Decoder) Reserve(states int, symbols []uint32) {
	if cap(d.tans.states) < states {
		d.tans.states = make([]tansState, states)
	}
	d.tans.next = symbols
}

// Use is Reserve with the memory of the table, in words: RoomBytes of the states.
func (d *Decoder) Use(states, symbols []uint32) {
	n := len(states) * 4 / StateBytes
	d.tans.states = unsafe.Slice((*tansState)(unsafe.Pointer(unsafe.SliceData(states))), n)
	d.tans.next = symbols
}

func (d *Decoder) readTANS(dst []uint16) error {
	r, states, state := d.bits, d.tans.states, d.state
	for {
		// As long as there are data, in whole registers.
		if r.n < bits.UintSize {
			n, at := 0, 0
			if most := min(len(dst), (len(r.data)-refill)*8/maxWidth); most > 0 {
				n = most
				at, state = d.tans.read(dst[:n], &r, state)
			}
			r.data, dst = r.data[at:], dst[n:]
		}
		if len(dst) == 0 {
			break
		}
		s := &states[state]
		dst[0] = s.index
		dst = dst[1:]
		width, base := s.next(d.tans.log)
		if r.n < width {
			r.fill()
			if r.n < width {
				return errShort
			}
		}
		state = base + uint32(r.acc)&(1<<width-1)
		r.acc >>= width
		r.n -= width
	}
	d.bits, d.state = r, state
	return nil
}

const (
	// maxWidth is more than the bits that any state reads, refill the bytes that a register has room for beside less.
	maxWidth = 16
	refill   = bits.UintSize / 16
)
