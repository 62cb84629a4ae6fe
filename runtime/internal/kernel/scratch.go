package kernel

import (
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

	Decoders, States, Symbols int // decoders, and the size of their tables
	Weights                   int // uint16
}

// Max is the smallest Need that serves both.
func (n Need) Max(m Need) Need {
	return Need{
		Rows:  max(n.Rows, m.Rows),
		Lanes: max(n.Lanes, m.Lanes),
		Acc:   max(n.Acc, m.Acc),
		List:  max(n.List, m.List),
		Line:  max(n.Line, m.Line),

		Decoders: max(n.Decoders, m.Decoders),
		States:   max(n.States, m.States),
		Symbols:  max(n.Symbols, m.Symbols),
		Weights:  max(n.Weights, m.Weights),
	}
}

// Bytes is the memory a Scratch of this size takes.
func (n Need) Bytes() int {
	return (n.Rows+n.Lanes)*wordBytes + 2*scratchAlign + 4*(n.Acc+n.List) + n.Line +
		n.Decoders*coding.RoomBytes(n.States, n.Symbols) + 2*n.Weights
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
	for range n.Decoders {
		d := new(coding.Decoder)
		d.Reserve(n.States, n.Symbols)
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
