package runtime

import "fmt"

// Validate reports the first thing that makes p unfit to be run or written: a position
// out of range, a tensor read before it is written, sizes that do not match, a limit of
// FORMAT.md exceeded, weights whose coded form is damaged, or an accumulator that does
// not provably fit an int32. A Program made by [Decode] or [Open] is valid.
func (p *Program) Validate() error {
	return newChecker(p).validate()
}

func (c *checker) validate() error {
	for _, kind := range chunks {
		if f := kind.check(c); f != nil {
			return fmt.Errorf("runtime: %w", f.reason)
		}
	}
	return nil
}

// fault is what is wrong with a program: item counts the items of the chunk, as they
// stand in the file, or is -1.
type fault struct {
	item   int
	reason error
}

func faultf(item int, format string, args ...any) *fault {
	return &fault{item, fmt.Errorf(format, args...)}
}

// checker holds what earlier checks found out for later ones.
type checker struct {
	p            *Program
	topLevel     []uint8 // by step function: the largest level it delivers
	isInput      []bool  // by tensor
	isOutput     []bool  // by tensor
	isState      []bool  // by tensor: of a stream
	written      []bool  // by tensor: by an input, a state or an instruction so far
	compared     []bool  // by tensor: by an ArgMax so far, if it holds accumulators
	works        []int64 // by instruction, each time it runs
	work         int64   // of the instructions so far
	uses         []tensorUse
	totalWeights int64 // of the terms so far
	ranges       accRanger
	later        bool // ranges are proved by somebody else
}

func newChecker(p *Program) *checker { return &checker{p: p} }
