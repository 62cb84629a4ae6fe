package kernel

import (
	"slices"
	"unsafe"

	"qconv/runtime/internal/coding"
)

// Scratch is the memory that kernels of one [Need] or less write on while they run.
// Its contents mean nothing between two Runs.
type Scratch struct {
	rows     []word   // byte or 16-bit rows that taps refer to
	rowBytes []byte   // the same memory
	lanes    []word   // sums of one output channel, still in lanes
	lanes16  []uint16 // the same memory

	acc  []int32  // accumulators
	list []uint32 // sorted row offsets
	line []byte   // levels of one row, where the destination is strided

	decoders []*coding.Decoder // by term
	weights  []uint16          // of one output channel
}

// Need is the size of a Scratch: element counts of its parts.
type Need struct {
	Rows, Lanes int // words
	Acc         int // int32
	List        int // uint32
	Line        int // bytes

	States  []int // of the table of each decoder
	Symbols int   // of the largest alphabet of one, whose table they share
	Weights int   // uint16
}

// Max is the smallest Need that serves both.
func (n Need) Max(m Need) Need {
	return Need{
		Rows:  max(n.Rows, m.Rows),
		Lanes: max(n.Lanes, m.Lanes),
		Acc:   max(n.Acc, m.Acc),
		List:  max(n.List, m.List),
		Line:  max(n.Line, m.Line),

		States:  most(n.States, m.States),
		Symbols: max(n.Symbols, m.Symbols),
		Weights: max(n.Weights, m.Weights),
	}
}

// most is the largest of both at every position.
func most(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	a = slices.Clone(a)
	for i, v := range b {
		a[i] = max(a[i], v)
	}
	return a
}

// Bytes is the memory that a Scratch of this size takes on v.
func (n Need) Bytes(v Vector) int {
	states := 0
	for _, s := range n.States {
		states += s
	}
	return (n.Rows+n.Lanes)*v.wordBytes() + 2*scratchAlign + 4*(n.Acc+n.List) + n.Line +
		coding.RoomBytes(states, n.Symbols) + 2*n.Weights
}

// NewScratch allocates a Scratch.
func NewScratch(n Need) *Scratch {
	s := &Scratch{
		rows:  alignedWords(n.Rows),
		lanes: alignedWords(n.Lanes),
		acc:   make([]int32, n.Acc),
		list:  make([]uint32, n.List),
		line:  make([]byte, n.Line),

		weights: make([]uint16, n.Weights),
	}
	symbols := make([]uint32, n.Symbols)
	for _, states := range n.States {
		d := new(coding.Decoder)
		d.Reserve(states, symbols)
		s.decoders = append(s.decoders, d)
	}
	s.rowBytes = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s.rows))), n.Rows*wordBytes)
	s.lanes16 = unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(s.lanes))), n.Lanes*wordBytes/2)
	return s
}

// scratchAlign is the alignment in bytes of memory that vectors work on.
const scratchAlign = 64

// alignedWords is n words whose first one lies at a multiple of scratchAlign.
func alignedWords(n int) []word {
	all := make([]word, n+scratchAlign/wordBytes)
	at := 0
	for uintptr(unsafe.Pointer(&all[at]))%scratchAlign != 0 {
		at++
	}
	return all[at : at+n : at+n]
}
