// Package coding stores lists of small indices in few bytes: FORMAT.md, "Coding of
// weights". Decoding needs no multiplication and no division.
package coding

import (
	"errors"
	"fmt"
)

// Kind says how a list is coded.
type Kind uint8

const (
	Single Kind = iota // all indices are equal
	Plain              // a fixed number of bits each
	TANS               // table-driven asymmetric numeral system over zero-order frequencies
	kinds
)

func (k Kind) String() string {
	switch k {
	case Single:
		return "single"
	case Plain:
		return "plain"
	case TANS:
		return "tANS"
	}
	return fmt.Sprintf("coding %d", uint8(k))
}

// MaxSize is the largest alphabet: indices are less than the size, and fit 16 bits.
const MaxSize = 1 << 16

var (
	errShort   = errors.New("the coded indices end early")
	errLeft    = errors.New("bits are left over after the last index")
	errPadding = errors.New("the bits that fill up the last byte are not 0")
	errRoom    = errors.New("no room is reserved for the table")
	errNone    = errors.New("no indices, want at least 1")
	errState   = errors.New("the decoder does not end in state 0: the coded indices are damaged")
)

// Pack codes indices, all less than size (1..MaxSize), in the smallest of the three
// ways; among equals it takes the first in order of Kind. It panics on an index out of
// range.
func Pack(indices []uint16, size int) (Kind, []byte) {
	counts := histogram(indices, size)
	if len(indices) == 0 {
		return Single, []byte{0}
	}
	if int(counts[indices[0]]) == len(indices) {
		return Single, packSingle(indices[0])
	}
	plain := packPlain(indices, size)
	if t := packTANS(indices, counts, len(plain)); t != nil {
		return TANS, t
	}
	return Plain, plain
}

// histogram counts how often each index occurs.
func histogram(indices []uint16, size int) []int {
	if size < 1 || size > MaxSize {
		panic(fmt.Sprintf("BUG: an alphabet of %d indices, want 1..%d", size, MaxSize))
	}
	counts := make([]int, size)
	for k, x := range indices {
		if int(x) >= size {
			panic(fmt.Sprintf("BUG: index %d at position %d, want 0..%d", x, k, size-1))
		}
		counts[x]++
	}
	return counts
}

// Decoder reads a coded list block by block. It never reads outside its data and never
// delivers an index outside the alphabet, whatever the data are. It may be used again
// after another Reset and then keeps its tables' memory.
type Decoder struct {
	kind  Kind
	size  int
	left  int
	value uint16 // Single
	width uint   // Plain: bits of an index
	bits  BitReader
	tans  tansTable
	state uint32

	first, mark position
}

// position is where a Decoder is in a list.
type position struct {
	bits  BitReader
	left  int
	state uint32
}

func (d *Decoder) position() position { return position{d.bits, d.left, d.state} }

func (d *Decoder) moveTo(p position) { d.bits, d.left, d.state = p.bits, p.left, p.state }

// Rewind goes back to the first index, without reading anything again.
func (d *Decoder) Rewind() { d.moveTo(d.first) }

// Mark notes where the decoder is, and Return goes back there. Start is a Mark as well.
func (d *Decoder) Mark() { d.mark = d.position() }

// Return goes back to the last Mark.
func (d *Decoder) Return() { d.moveTo(d.mark) }

// Reset starts to read count indices, all less than size, from data. It allocates what
// the tables need.
func (d *Decoder) Reset(kind Kind, data []byte, count, size int) error {
	states, symbols := Room(kind, data, size)
	if len(d.tans.next) < symbols {
		d.tans.next = make([]uint32, symbols)
	}
	d.Reserve(states, d.tans.next)
	return d.Start(kind, data, count, size)
}

// Start is Reset without allocations. It fails if less is reserved than Room tells.
func (d *Decoder) Start(kind Kind, data []byte, count, size int) error {
	if count < 0 || size < 1 || size > MaxSize {
		return fmt.Errorf("%d indices of an alphabet of %d, want at least 0 of 1..%d", count, size, MaxSize)
	}
	d.kind, d.left, d.size = kind, count, size
	d.bits.Reset(data)
	err := d.head(len(data))
	d.first = d.position()
	d.Mark()
	return err
}

// head reads what precedes the indices in length bytes.
func (d *Decoder) head(length int) error {
	switch d.kind {
	case Single:
		return d.resetSingle()
	case Plain:
		return d.resetPlain(length)
	case TANS:
		return d.resetTANS()
	}
	return fmt.Errorf("coding %d, want 0..%d", d.kind, kinds-1)
}

// Read fills dst with the next indices; no more than are left may be asked for. After
// the last one it checks that the data were used up and left no contradiction.
func (d *Decoder) Read(dst []uint16) error {
	if len(dst) > d.left {
		return fmt.Errorf("asked for %d indices, %d are left", len(dst), d.left)
	}
	d.left -= len(dst)
	var err error
	switch d.kind {
	case Single:
		for i := range dst {
			dst[i] = d.value
		}
		return nil
	case Plain:
		err = d.readPlain(dst)
	case TANS:
		err = d.readTANS(dst)
	}
	if err != nil || d.left > 0 {
		return err
	}
	if d.kind == TANS && d.state != 0 {
		return errState
	}
	return d.bits.Finish()
}
