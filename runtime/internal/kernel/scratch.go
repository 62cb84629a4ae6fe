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
		coding.RoomBytes(states, n.Symbols, v.has().stateBytes) + 2*n.Weights
}

// NewScratch allocates a Scratch.
func NewScratch(n Need) *Scratch {
	memory := make([]uint64, ceilDiv(n.Bytes(Portable), 8))
	return NewScratchIn(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(memory))), 8*len(memory)), n)
}

// NewScratchIn makes a Scratch of n.Bytes(Portable) bytes of memory or more, which begins at a multiple of 4 bytes.
func NewScratchIn(m []byte, n Need) *Scratch {
	s := &Scratch{
		rows:  take[word](&m, n.Rows, scratchAlign),
		lanes: take[word](&m, n.Lanes, scratchAlign),
		acc:   take[int32](&m, n.Acc, 4),
		list:  take[uint32](&m, n.List, 4),
	}
	symbols := take[uint32](&m, n.Symbols, 4)
	for _, states := range n.States {
		d := new(coding.Decoder)
		d.Use(take[uint32](&m, coding.RoomBytes(states, 0, coding.StateBytes)/4, 4), symbols)
		s.decoders = append(s.decoders, d)
	}
	s.weights = take[uint16](&m, n.Weights, 2)
	s.line = take[byte](&m, n.Line, 1)
	s.rowBytes = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s.rows))), n.Rows*wordBytes)
	s.lanes16 = unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(s.lanes))), n.Lanes*wordBytes/2)
	return s
}

// scratchAlign is the alignment in bytes of memory that vectors work on.
const scratchAlign = 64

// take cuts n elements off memory, the first of which lies at a multiple of align bytes.
func take[T any](memory *[]byte, n, align int) []T {
	m := *memory
	if n == 0 {
		return nil
	}
	at := 0
	for uintptr(unsafe.Pointer(&m[at]))%uintptr(align) != 0 {
		at++
	}
	var t T
	size := n * int(unsafe.Sizeof(t))
	*memory = m[at+size:]
	return unsafe.Slice((*T)(unsafe.Pointer(&m[at])), n)
}
