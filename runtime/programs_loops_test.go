package runtime

// cyclic are n weights of a codebook of size centres, by a rule.
func cyclic(n, size, factor int) Weights {
	indices := make([]uint16, n)
	for i := range indices {
		indices[i] = uint16((i*factor + i*i) % size)
	}
	return PackWeights(indices, size)
}

// span1 is a piece of one dimension without gaps on either side.
func span1(in, n, to, from int) Piece {
	return Piece{In: in, Dims: [6]int{n, 1, 1, 1, 1, 1}, OutStart: to, InStart: from, OutStride: [6]int{1}, InStride: [6]int{1}}
}

// loopsProgram has two loops: a recurrence over five columns of the input, and one over its results from the last one to the first
// with two states, one of which is handed over unread by the iteration.
func loopsProgram() *Program {
	line := func(n, levels, zero int) Tensor {
		return Tensor{Shape: [3]int{n, 1, 1}, Levels: levels, Zero: zero, Scale: ScaleOf(0.125)}
	}
	column := func(in, n, columns, first, step int) Piece {
		return Piece{In: in, Dims: [6]int{n, 1, 1, 1, 1, 1}, InStart: first, InStep: step, OutStride: [6]int{1}, InStride: [6]int{columns}}
	}
	level := func(n, first, gap int) Step {
		s := Step{Values: []uint8{0}}
		for i := range n - 1 {
			s.Breaks, s.Values = append(s.Breaks, int32(first+gap*i)), append(s.Values, uint8(i+1))
		}
		return s
	}
	sums, differences := make([]uint8, 16*16), make([]uint8, 32*16)
	for i := range sums {
		sums[i] = uint8((i/16 + i%16 + 1) / 2)
	}
	for i := range differences {
		differences[i] = uint8((i/16 - i%16 + 32) % 32)
	}
	one := [2]int{1, 1}
	p := &Program{
		Tensors: []Tensor{
			0:  {Shape: [3]int{3, 1, 5}, Levels: 16, Zero: 7, Scale: ScaleOf(0.25)},  // the sequence
			1:  line(4, 16, 8),                                                       // the state
			2:  line(3, 16, 7),                                                       // a step of the sequence
			3:  line(4, 16, 8),                                                       // what the state becomes
			4:  {Shape: [3]int{4, 1, 5}, Levels: 16, Zero: 8, Scale: ScaleOf(0.125)}, // all of them
			5:  line(4, 32, 0),                                                       // the other loop: a state
			6:  line(4, 16, 8),                                                       // and another one, not read in the loop
			7:  line(4, 16, 8),                                                       // a step
			8:  line(4, 32, 0),                                                       // next state
			9:  line(4, 32, 0),
			10: {Shape: [3]int{5, 4, 1}, Levels: 32, Scale: ScaleOf(0.125)},
			11: {Shape: [3]int{2, 1, 1}, Scale: ScaleOf(0.5)},
		},
		Codebooks: []Codebook{{Centres: []int32{-3, -1, 0, 2, 5}}},
		Steps:     []Step{level(16, -60, 8)},
		Instrs: []Instr{
			0: &Copy{Out: 1, Fill: 8},
			1: &Copy{Out: 2, Pieces: []Piece{column(0, 3, 5, 0, 1)}},
			2: &Linear{Out: 3, Steps: []int{0}, Bias: []int32{1, -4, 9, 0}, Terms: []Term{
				fullyConnected(2, 0, one, cyclic(4*3, 5, 3)), fullyConnected(1, 0, one, cyclic(4*4, 5, 2)),
			}},
			3: &Copy{Out: 4, Pieces: []Piece{{In: 3, Dims: [6]int{4, 1, 1, 1, 1, 1}, OutStride: [6]int{5}, InStride: [6]int{1}, OutStep: 1}}},
			4: &Copy{Out: 5, Fill: 3},
			5: &Copy{Out: 6, Fill: 2},
			6: &Copy{Out: 7, Pieces: []Piece{column(4, 4, 5, 4, -1)}},
			7: &Map2{Out: 8, A: 5, B: 7, Table: differences},
			8: &Map{Out: 9, In: 8, Tables: [][]uint8{cycle(32, 5)}},
			9: &Copy{Out: 10, Pieces: []Piece{{In: 9, Dims: [6]int{4, 1, 1, 1, 1, 1}, OutStart: 16, OutStride: [6]int{1}, InStride: [6]int{1}, OutStep: -4}}},
			10: &Linear{Out: 11, Bias: []int32{7, -7}, Terms: []Term{
				fullyConnected(10, 0, [2]int{4, 1}, cyclic(2*20, 5, 4)), fullyConnected(6, 0, one, cyclic(2*4, 5, 1)), fullyConnected(1, 0, one, cyclic(2*4, 5, 1)),
			}},
		},
		Loops: []Loop{
			{First: 1, Length: 3, Count: 5, Carries: []Carry{{From: 3, To: 1}}},
			{First: 6, Length: 4, Count: 5, Carries: []Carry{{From: 8, To: 5}, {From: 7, To: 6}}},
		},
		Inputs:  []Input{{Tensor: 0}},
		Outputs: []Output{{Name: "y", Tensor: 11}, {Name: "all", Tensor: 4}, {Name: "last", Tensor: 8}},
	}
	addSelfTests(p, 1, 2)
	return p
}

// cycle is a table of n entries below n.
func cycle(n, factor int) []uint8 {
	t := make([]uint8, n)
	for i := range t {
		t[i] = uint8(i * factor % n)
	}
	return t
}

// streamProgram is a step of a stream: a window of three frames, a sum over it, and a recurrence that loops twice over each frame's
// half.
func streamProgram() *Program {
	line := func(n, levels, zero int) Tensor {
		return Tensor{Shape: [3]int{n, 1, 1}, Levels: levels, Zero: zero, Scale: ScaleOf(0.5)}
	}
	window := Tensor{Shape: [3]int{2, 1, 3}, Levels: 8, Zero: 3, Scale: ScaleOf(1)}
	shift := Piece{Dims: [6]int{2, 2, 1, 1, 1, 1}, InStart: 1, OutStride: [6]int{3, 1}, InStride: [6]int{3, 1}}
	frame := Piece{Dims: [6]int{2, 1, 1, 1, 1, 1}, OutStart: 2, OutStride: [6]int{3}, InStride: [6]int{1}}
	shift.In, frame.In = 1, 0
	mean := make([]uint8, 8*8)
	for i := range mean {
		mean[i] = uint8((i/8 + 2*(i%8)) / 3)
	}
	half := span1(0, 1, 0, 0)
	half.InStep = 1
	p := &Program{
		Tensors: []Tensor{
			0: line(2, 8, 3), // the frame
			1: window,        // the frames before
			2: window,        // and with this one
			3: {Shape: [3]int{2, 1, 1}, Scale: ScaleOf(0.5)},
			4: line(1, 8, 3), // the state of the recurrence, as the step finds it
			5: line(1, 8, 3), // and as the loop has it
			6: line(1, 8, 3), // half of the frame
			7: line(1, 8, 3),
			8: line(2, 8, 3), // the frame before, as it is
		},
		Codebooks: []Codebook{{Centres: []int32{-2, 1, 3}}},
		Instrs: []Instr{
			0: &Copy{Out: 2, Pieces: []Piece{shift, frame}},
			1: &Linear{Out: 3, Bias: []int32{4, -2}, Terms: []Term{
				fullyConnected(2, 0, [2]int{1, 3}, cyclic(2*6, 3, 2)), fullyConnected(8, 0, [2]int{1, 1}, cyclic(2*2, 3, 1)),
			}},
			2: &Copy{Out: 5, Pieces: []Piece{span1(4, 1, 0, 0)}},
			3: &Copy{Out: 6, Pieces: []Piece{half}},
			4: &Map2{Out: 7, A: 6, B: 5, Table: mean},
		},
		Loops:   []Loop{{First: 3, Length: 2, Count: 2, Carries: []Carry{{From: 7, To: 5}}}},
		Inputs:  []Input{{Tensor: 0}},
		Outputs: []Output{{Name: "y", Tensor: 3}, {Name: "mean", Tensor: 5}, {Name: "before", Tensor: 8}},
		Stream: &Stream{Warmup: 2, States: []State{
			{From: 2, To: 1, Initial: []uint8{3, 4, 5, 0, 1, 2}},
			{From: 5, To: 4, Initial: []uint8{3}},
			{From: 0, To: 8, Initial: []uint8{7}},
		}},
	}
	addSelfTests(p, 1, 2)
	return p
}
