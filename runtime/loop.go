package runtime

import "slices"

// Loop says that neighbouring instructions run Count times, one after the other, with the same weights: a recurrence over a sequence. In iteration t,
// counted from 0, the pieces of a [Copy] among them read and write InStep*t and OutStep*t elements further on. After every iteration, the last
// one too, all elements of a Carry's From become those of its To.
//
// A To is written before the loop, by an instruction or as an input, and read by the loop or after it; a From is written by an instruction of
// the loop and has the shape, the levels and the zero level of its To. Loops do not overlap. A tensor that a Copy of the loop writes with an OutStep is written once by
// all iterations together, and is read behind the loop only.
type Loop struct {
	First, Length int // Instrs[First : First+Length]
	Count         int // iterations, at least 1
	Carries       []Carry
}

// Carry hands a tensor's elements to another of the same shape and levels.
type Carry struct{ From, To int }

// Stream makes a program one step of many: what it leaves in some tensors it finds in others at the next step. Nil is a program whose every
// run stands for itself.
type Stream struct {
	// States are tensors that no instruction writes, and what becomes of them.
	States []State
	// Warmup is how many steps after a reset have outputs of a window that is not full yet, 0 or more.
	Warmup int
}

// State is a tensor To that holds Initial at the first step, and at every later one the elements that From had at the end of the step before. Both are of
// the same shape, levels and zero level. From is an input or written by an instruction; To is neither.
type State struct {
	From, To int
	Initial  []uint8 // one level for every element, or one for all
}

// isState says that a tensor is the To of a State.
func (p *Program) isState(tensor int) bool {
	return p.Stream != nil && slices.ContainsFunc(p.Stream.States, func(s State) bool { return s.To == tensor })
}
