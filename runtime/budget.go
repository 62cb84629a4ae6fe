package runtime

import (
	"fmt"
	"math"
	"math/bits"

	"qconv/runtime/printable"
)

// Limits bound what one program may take, of files and programs from others. They are checked before anything
// is allocated or computed that exceeds them. A field that is 0 stands for the default, a negative one for no
// limit but those of FORMAT.md.
type Limits struct {
	// Memory is the most bytes for the file, the Program and a [Runner] together: arena, outputs, weights, tables, and
	// what preparing them takes for a while. What Go's collector has not yet freed comes on top; see
	// [runtime/debug.SetMemoryLimit]. The default is 1 GiB; where an int has 32 bits, 64 MiB above the size of the
	// file, or of the Program where there is no file.
	//
	// A Runner uses the fast form of a layer only where that fits; other layers leave their weights coded. A
	// program is refused where even that is too much.
	Memory int64
	// MACs is the most multiply-accumulates, comparisons and moves of one inference, as FORMAT.md
	// counts them. The default is 2^30, which takes about a second of a server by look-ups alone, and 2^10 for
	// each byte of the file or, where there is none, of the Program: ResNets on pictures of 224x224 keep to it, a
	// small file that asks for much does not.
	MACs int64
}

// NoLimits are those of FORMAT.md only.
var NoLimits = Limits{Memory: -1, MACs: -1}

// Defaults of Limits.
const (
	defaultMemory      = 1 << 30
	defaultMemorySmall = 64 << 20 // above the size of the file
	defaultMACs        = 1 << 30
	defaultMACsPerByte = 1 << 10 // above that
)

// For fills in the defaults, for a file or a program of size bytes.
func (l Limits) For(size int64) Limits { return l.on(bits.UintSize, size) }

// on is For on a machine whose int has that many bits.
func (l Limits) on(intBits int, size int64) Limits {
	switch {
	case l.Memory < 0:
		l.Memory = math.MaxInt64
	case l.Memory == 0 && intBits == 32:
		l.Memory = defaultMemorySmall + size
	case l.Memory == 0:
		l.Memory = defaultMemory
	}
	switch {
	case l.MACs < 0:
		l.MACs = math.MaxInt64
	case l.MACs == 0:
		l.MACs = defaultMACs + defaultMACsPerByte*size
	}
	return l
}

// LimitError says that a program takes more than its [Limits] allow.
type LimitError struct {
	Path   string // of the file; empty when only its bytes are known
	Memory bool   // Limits.Memory is exceeded, else Limits.MACs
	Need   int64  // what the program takes, at least
	Limit  int64
}

func (e *LimitError) Error() string {
	where := "runtime: "
	if e.Path != "" {
		where += printable.Name(e.Path) + ": "
	}
	if e.Memory {
		return fmt.Sprintf("%sthe program needs up to %d bytes of memory, the limit is %d", where, e.Need, e.Limit)
	}
	return fmt.Sprintf("%sone inference takes %d multiply-accumulates, comparisons and moves, the limit is %d", where, e.Need, e.Limit)
}

func (l Limits) tooMuchMemory(need int64) error {
	return &LimitError{Memory: true, Need: need, Limit: l.Memory}
}

// checkWork compares the work of one inference with the limit.
func (l Limits) checkWork(work int64) error {
	if work > l.MACs {
		return &LimitError{Need: work, Limit: l.MACs}
	}
	return nil
}
