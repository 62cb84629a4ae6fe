package runtime

import (
	"strings"
	"testing"
)

// of changes a program that make makes and writes it as it is.
func (s *spoiler) of(make func() *Program) func(says string, change func(p *Program), want string) {
	return func(says string, change func(p *Program), want string) {
		p := make()
		change(p)
		s.bytes(says, encodeAnyway(p), want)
	}
}

func (s *spoiler) streams() {
	stream := s.of(streamProgram)
	s.field("| 1..4 | warm-up | uvarint | 0..2^24 |", "stream", "stream: steps of the warm-up", varint(1<<24+1), "want 0..16777216")
	s.payload("| 1..3 | number of states | uvarint | 0..65536 |", "stream", "STAT", "\x00"+varint(65537)+strings.Repeat("\x00\x01\x00\x00", 65537), "want 0..65536")
	for _, side := range []string{"from", "to"} {
		s.field("| 1..3 | "+side+" | uvarint | a tensor with levels |", "stream", "state 0: "+side, "\x09", "want 0..8")
		s.field("| 1..3 | "+side+" | uvarint | a tensor with levels |", "stream", "state 1: "+side, "\x03", "holds accumulators, want levels")
	}
	s.field("| 1 | form | uint8 | 0..1 | of the initial levels", "stream", "state 0: form of the initial levels", "\x02", "form of the initial levels is 2, want 0..1")
	s.field("| 1 | initial level | uint8 | a level of to |", "stream", "state 1: initial level", "\x08", "begins with level 8, want 0..7")
	s.field("| | initial levels | table of as many entries as to has elements | levels of to |", "stream", "state 0: first of initial levels", "\x06", "begins with level 8, want 0..7")
	stream("neither an input nor written by an instruction", func(p *Program) { p.Stream.States[2].To = 0 }, "which is an input")
	stream("neither an input nor written by an instruction", func(p *Program) { p.Stream.States[0].To = 2 }, "")
	stream("Every state has another tensor as its to", func(p *Program) { p.Stream.States = append(p.Stream.States, p.Stream.States[0]) }, "which is a state already")
	alike := "From and to have the same shape, the same levels and the same zero level"
	stream(alike, func(p *Program) { p.Tensors[1].Shape = [3]int{2, 3, 1} }, "want equal ones")
	stream(alike, func(p *Program) { p.Tensors[1].Levels = 7 }, "want equal ones")
	stream(alike, func(p *Program) { p.Tensors[1].Zero = 4 }, "want equal ones")
	stream("No from is the to of a state", func(p *Program) { p.Stream.States[2].From = 8 }, "which is a state itself")
	stream("No from is the to of a state", func(p *Program) { p.Stream.States[1].To, p.Stream.States[1].From = 5, 4 }, "")
	stream("The input tensors and the to of every state are written before the first", func(p *Program) { p.Instrs[2].(*Copy).Out = 4 }, "which is written already")
	stream("No tensor is left unwritten", func(p *Program) { p.Stream.States = p.Stream.States[:2] }, "not written yet")
	s.bytes("the same with one for each element of a state", encodeAnyway(busyProgram(0, true)), "take more than 68719476736")
}

// busyProgram takes the most work there is and so much more, and has a state of one element.
func busyProgram(more int, state bool) *Program {
	n := 1<<36>>24 - loopWork + more
	p := &Program{
		Tensors: []Tensor{{Shape: [3]int{1, 1, 1}, Levels: 2}, {Shape: [3]int{n, 1, 1}, Levels: 2}},
		Instrs:  []Instr{&Copy{Out: 1}},
		Loops:   []Loop{{Length: 1, Count: 1 << 24}},
		Inputs:  []Input{{}},
		Outputs: []Output{{Tensor: 1}},
	}
	if state {
		p.Tensors = append(p.Tensors, p.Tensors[0])
		p.Stream = &Stream{States: []State{{From: 0, To: 2, Initial: []uint8{1}}}}
	}
	return p
}

func (s *spoiler) loops() {
	loops := s.of(loopsProgram)
	s.payload("uvarint number of loops (0..65536)", "loops", "LOOP", varint(65537)+strings.Repeat("\x00\x01\x01\x00", 65537), "want 0..65536")
	length := "| 1..3 | length | uvarint | 1 .. the instructions that follow the gap |"
	s.field(length, "loops", "loop 1: number of instructions", "\x00", "0 instructions, want at least 1")
	s.field(length, "loops", "loop 1: number of instructions", "\x06", "instructions 6..11, want 0..10")
	s.field(length, "loops", "loop 1: instructions before it, outside of loops", "\x07", "want 0..10")
	iterations := "| 1..4 | iterations | uvarint | 1..2^24 |"
	s.field(iterations, "loops", "loop 0: iterations", "\x00", "0 iterations, want 1..16777216")
	s.field(iterations, "loops", "loop 0: iterations", varint(1<<24+1), "want 0..16777216")
	s.field("| 1..3 | number of carries | uvarint | 0..65536 |", "loops", "loop 0: number of carries", varint(65537)+strings.Repeat("\x03\x01", 65537), "want 0..65536")
	s.field("each: from (uvarint, a tensor), to (uvarint, a tensor)", "loops", "loop 0, carry 0: from", "\x0c", "from 12, want 0..11")
	s.field("each: from (uvarint, a tensor), to (uvarint, a tensor)", "loops", "loop 0, carry 0: to", "\x0c", "to 12, want 0..11")
	steps := "| | steps | lists of integers | -2^24..2^24 |"
	for _, side := range []string{"output", "input"} {
		s.field(steps, "loops", "loop 0, instruction 1: "+side+" steps", "\x00"+varint(2<<24+2), "want -16777216..16777216")
		s.field(steps, "loops", "loop 0, instruction 1: "+side+" steps", "\x00"+varint(2<<24+1), "want -16777216..16777216")
	}
	from := "A carry's from is written by an instruction of the loop"
	loops(from, func(p *Program) { p.Loops[0].Carries[0].From = 0 }, "no instruction of the loop writes")
	loops(from, func(p *Program) { p.Loops[0].Carries[0] = Carry{From: 7, To: 1} }, "no instruction of the loop writes")
	to := "Its to is written before the loop"
	loops(to, func(p *Program) { p.Loops[0].Carries[0].To = 3 }, "want one that is written before the loop")
	loops(to, func(p *Program) { p.Loops[0].Carries[0].To = 7 }, "want one that is written before the loop")
	alike := "Both hold levels and have the same shape, the same levels and the same zero level"
	loops(alike, func(p *Program) { p.Tensors[1].Shape = [3]int{1, 4, 1} }, "")
	loops(alike, func(p *Program) { p.Tensors[3].Shape, p.Tensors[3].Levels = [3]int{4, 1, 1}, 17 }, "")
	loops(alike, func(p *Program) { p.Tensors[5].Levels = 33; p.Instrs[7].(*Map2).Table = make([]uint8, 33*16) }, "want equal ones")
	loops(alike, func(p *Program) { p.Tensors[5].Zero = 1 }, "want equal ones")
	loops(alike, func(p *Program) { p.Instrs[2].(*Linear).Steps, p.Tensors[3].Levels, p.Tensors[3].Zero = nil, 0, 0 }, "")
	loops("The carries of a loop have different tensors as their to", func(p *Program) {
		p.Loops[1].Carries = []Carry{{From: 8, To: 5}, {From: 8, To: 5}}
	}, "is the target of another one")

	input := "Input steps lead to no position outside the tensor"
	loops(input, func(p *Program) { p.Instrs[1].(*Copy).Pieces[0].InStep = 2 }, "loop 0: instruction 1 (Copy): piece 0: covers input elements 0..18, want 0..14 in the iterations together")
	loops(input, func(p *Program) { p.Instrs[1].(*Copy).Pieces[0].InStep = -1 }, "covers input elements -4..10")
	loops("A Copy with an output step other than 0 has no other piece", func(p *Program) {
		c := p.Instrs[3].(*Copy)
		c.Pieces = append(c.Pieces, span1(2, 3, 0, 0))
	}, "beside other pieces")
	once := "All iterations together write every element of its output exactly once"
	put := func(change func(q *Piece), want string) {
		loops(once, func(p *Program) { change(&p.Instrs[3].(*Copy).Pieces[0]) }, want)
	}
	put(func(q *Piece) { q.OutStep = 2 }, "covers output elements 0..23")
	put(func(q *Piece) { q.OutStep = -1 }, "covers output elements -4..15")
	put(func(q *Piece) { q.Dims[0] = 3 }, "writes 15 elements in the iterations together, want 20")
	put(func(q *Piece) { q.OutStride[0], q.OutStep = 3, 2 }, "the piece overlaps itself")
	put(func(q *Piece) { q.Dims[0], q.OutStride[0], q.OutStep = 2, 1, 1 }, "writes 10 elements")
	loops("the iterations are one more dimension, with the output step as stride", func(p *Program) {
		p.Instrs[3].(*Copy).Pieces[0].OutStride[0] = 4
	}, "output stride 4 in dimension 0, want more than 4 either way")
	loops("No instruction of the loop reads this output", func(p *Program) {
		p.Instrs[8].(*Map).In, p.Instrs[8].(*Map).Tables = 10, [][]uint8{cycle(32, 1)}
		p.Instrs[8], p.Instrs[9] = p.Instrs[9], p.Instrs[8]
		p.Instrs[8].(*Copy).Pieces[0].In = 8
		p.Tensors[9].Shape = p.Tensors[10].Shape
	}, "instruction 9 reads its output tensor 10 in the loop")
	loops("and no carry is from it", func(p *Program) {
		p.Instrs[5].(*Copy).Out, p.Tensors[6] = 6, p.Tensors[10]
		p.Instrs[10].(*Linear).Terms[1].In = 1
		p.Loops[1].Carries[1] = Carry{From: 10, To: 6}
		p.Instrs[5].(*Copy).Fill = 0
	}, "which all iterations of instruction 9 write together")
	s.bytes("256 for each of its instructions, terms and carries | 2^36 |", encodeAnyway(busyProgram(1, false)), "loop 0: its 16777216 iterations take more than 68719476736")
	if err := busyProgram(0, false).Validate(); err != nil {
		s.t.Error(err)
	}
}

// TestStepsOutsideLoops checks what files cannot hold.
func TestStepsOutsideLoops(t *testing.T) {
	for want, change := range map[string]func(p *Program){
		"instruction 1 (Copy): piece 0 has the output step 0 and the input step 1 outside of loops, want 0":  func(p *Program) { p.Loops = p.Loops[1:] },
		"instruction 9 (Copy): piece 0 has the output step -4 and the input step 0 outside of loops, want 0": func(p *Program) { p.Loops[1].Length = 3 },
		"loop 1 has 4 instructions from 3 on, want at least 1 of 4..10":                                      func(p *Program) { p.Loops[1].First = 3 },
		"loop 1 has 3 instructions from 1 on, want at least 1 of 10..10": func(p *Program) {
			p.Loops[0], p.Loops[1] = p.Loops[1], p.Loops[0]
			p.Instrs[1].(*Copy).Pieces[0].InStep, p.Instrs[3] = 0, &Copy{Out: 4}
		},
		"loop 0 has -1 instructions from 1 on":   func(p *Program) { p.Loops[0].Length = -1 },
		"loop 0 has 3 instructions from -1 on":   func(p *Program) { p.Loops[0].First = -1 },
		"loop 0: carry 0: tensor -1, want 0..11": func(p *Program) { p.Loops[0].Carries[0].To = -1 },
	} {
		p := loopsProgram()
		change(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	for want, change := range map[string]func(p *Program){
		"a warm-up of -1 steps, want 0..16777216":                           func(p *Program) { p.Stream.Warmup = -1 },
		"state 0: tensor -1, want 0..8":                                     func(p *Program) { p.Stream.States[0].From = -1 },
		"state 0: 5 initial levels, want 1 or 6, one for each element":      func(p *Program) { p.Stream.States[0].Initial = make([]uint8, 5) },
		"state 1: begins with level 8, want 0..7":                           func(p *Program) { p.Stream.States[1].Initial[0] = 8 },
		"state 0: 0 initial levels, want 1 or 6":                            func(p *Program) { p.Stream.States[0].Initial = nil },
		"state 1: from tensor 4, which is a state itself, want an input or": func(p *Program) { p.Stream.States[1].From = 4 },
	} {
		p := streamProgram()
		change(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}
