package runtime

import (
	"crypto/sha256"
	"math"
	"math/rand"
)

// tinyProgram is the worked example of FORMAT.md: a fully connected layer of two outputs
// over a picture of 2x2 pixels with 4 levels.
func tinyProgram() *Program {
	thresholds := make([]uint8, 256)
	for i := range thresholds {
		thresholds[i] = uint8(i >> 6)
	}
	p := &Program{
		Tensors: []Tensor{
			{Shape: [3]int{1, 2, 2}, Levels: 4, Zero: 0, Scale: ScaleOf(0.25)},
			{Shape: [3]int{2, 1, 1}, Scale: ScaleOf(0.25 * 0.5)},
		},
		Codebooks: []Codebook{{Centres: []int32{-2, 0, 3}}},
		Instrs: []Instr{
			&Linear{Out: 1, Bias: []int32{5, -7}, Terms: []Term{
				fullyConnected(0, 0, [2]int{2, 2}, PackWeights([]uint16{0, 1, 2, 0, 2, 2, 1, 0}, 3)),
			}},
		},
		Inputs:   []Input{{Tensor: 0, Tables: [][]uint8{thresholds}}},
		Outputs:  []Output{{Name: "y", Tensor: 1}},
		Labels:   []string{"no", "yes"},
		Source:   sha256.Sum256([]byte("model")),
		Producer: "qconv",
	}
	addSelfTests(p, 1)
	return p
}

// fullyConnected is a term with a kernel as large as its input.
func fullyConnected(in, codebook int, kernel [2]int, w Weights) Term {
	return Term{In: in, Codebook: codebook, Groups: 1, Kernel: kernel,
		Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Up: [2]int{1, 1}, Weights: w}
}

// addSelfTests adds one self-test for each seed.
func addSelfTests(p *Program, seeds ...uint32) {
	for _, seed := range seeds {
		var want []int32
		e := newEvaluation(p)
		inputs, states := p.GenerateStep(seed)
		e.set(states)
		for _, out := range e.step(inputs...) {
			want = append(want, out...)
		}
		p.SelfTests = append(p.SelfTests, SelfTest{Seed: seed, Want: want})
	}
}

// inputsProgram has two inputs: levels as they are, and pixels of two channels on steps of their own.
func inputsProgram() *Program {
	weights := func(n int) Weights {
		indices := make([]uint16, n)
		for i := range indices {
			indices[i] = uint16(i * 7 % 3)
		}
		return PackWeights(indices, 3)
	}
	table := make([]uint8, 256)
	for i := range table {
		table[i] = uint8(i % 7)
	}
	p := &Program{
		Tensors: []Tensor{
			{Shape: [3]int{3, 1, 1}, Levels: 11, Zero: 5, Scale: ScaleOf(0.5)},
			{Shape: [3]int{2, 2, 3}, Levels: 7, Zero: 1, Scale: ScaleOf(3)},
			{Shape: [3]int{4, 1, 1}, Scale: ScaleOf(0.125)},
		},
		Codebooks: []Codebook{{Centres: []int32{-2, 0, 3}}},
		Instrs: []Instr{
			&Linear{Out: 2, Bias: []int32{5, -7, 0, 1}, Terms: []Term{
				fullyConnected(0, 0, [2]int{1, 1}, weights(4*3)),
				fullyConnected(1, 0, [2]int{2, 3}, weights(4*12)),
			}},
		},
		Inputs: []Input{
			{Name: "speed", Tensor: 0},
			{Name: "picture", Tensor: 1, Interleaved: true, Tables: [][]uint8{table, table}, Shifts: []int8{0, -3}},
		},
		Outputs: []Output{{Name: "y", Tensor: 2}},
	}
	addSelfTests(p, 1, 2)
	return p
}

// positionsProgram finds positions of the largest and smallest scores and levels: what takes version 2.
func positionsProgram() *Program {
	weights := make([]uint16, 5*3)
	for i := range weights {
		weights[i] = uint16(i * i % 3)
	}
	one := [2]int{1, 1}
	p := &Program{
		Inputs: []Input{{}},
		Tensors: []Tensor{
			{Shape: [3]int{3, 4, 2}, Levels: 5, Zero: 2, Scale: ScaleOf(0.5)},
			{Shape: [3]int{5, 4, 2}, Scale: ScaleOf(0.125)},
			{Shape: [3]int{1, 4, 2}, Scale: ScaleOf(1)},
			{Shape: [3]int{3, 1, 2}, Scale: ScaleOf(1)},
		},
		Codebooks: []Codebook{{Centres: []int32{-3, 1, 2}}},
		Instrs: []Instr{
			&Linear{Out: 1, Bias: []int32{0, 1, 0, -1, 0}, Terms: []Term{
				{In: 0, Codebook: 0, Groups: 1, Kernel: one, Stride: one, Dilation: one, Up: one, Weights: PackWeights(weights, 3)},
			}},
			&ArgMax{Out: 2, In: 1, Length: 5, Inner: 8},
			&ArgMax{Out: 3, In: 0, Length: 4, Inner: 2, Last: true, Least: true},
		},
		Outputs: []Output{{Name: "class", Tensor: 2}, {Name: "lowest row", Tensor: 3}, {Name: "scores", Tensor: 1}, {Name: "logs", Tensor: 1}},
		Normalizations: []Normalization{
			{Output: 2, Shape: []int{0, 5, 4, 2}, Length: 5, Inner: 8},
			{Output: 3, Log: true, Shape: []int{5, 8}, Length: 40, Inner: 1},
		},
	}
	addSelfTests(p, 1)
	return p
}

// productsProgram multiplies two inputs, to levels and to accumulators: what takes version 3.
func productsProgram() *Program {
	p := &Program{
		Tensors: []Tensor{
			{Shape: [3]int{2, 4, 5}, Levels: 9, Zero: 4, Scale: ScaleOf(0.5)},
			{Shape: [3]int{2, 5, 3}, Levels: 256, Zero: 100, Scale: ScaleOf(0.25)},
			{Shape: [3]int{2, 4, 3}, Levels: 16, Zero: 8, Scale: ScaleOf(8)},
			{Shape: [3]int{2, 5, 3}, Scale: ScaleOf(2)},
			{Shape: [3]int{2, 5, 4}, Levels: 9, Zero: 4, Scale: ScaleOf(0.5)},
		},
		Steps: []Step{risingStep(16, -500, 60), risingStep(12, -900, 150)},
		Instrs: []Instr{
			&MatMul{Out: 2, A: 0, B: 1, Steps: []int{0, 1}},
			&Copy{Out: 4, Pieces: []Piece{{In: 0, Dims: [6]int{5, 4, 2, 1, 1, 1}, OutStride: [6]int{4, 1, 20}, InStride: [6]int{1, 5, 20}}}},
			&MatMul{Out: 3, A: 4, B: 2},
		},
		Inputs:  []Input{{Name: "a", Tensor: 0}, {Name: "b", Tensor: 1}},
		Outputs: []Output{{Name: "levels", Tensor: 2}, {Name: "sums", Tensor: 3}},
	}
	addSelfTests(p, 1, 2)
	return p
}

// risingStep has breaks from first on.
func risingStep(levels int, first, apart int32) Step {
	s := Step{Values: []uint8{0}}
	for i := 1; i < levels; i++ {
		s.Breaks, s.Values = append(s.Breaks, first), append(s.Values, uint8(i))
		first += apart
	}
	return s
}

// allProgram uses every instruction, every form of table and list, and every coding of
// weights.
func allProgram() *Program {
	r := rand.New(rand.NewSource(7))
	weights := func(n, size int) Weights {
		w := make([]uint16, n)
		for i := range w {
			w[i] = uint16(min(max(size/2+int(math.Round(r.NormFloat64()*float64(size)/8)), 0), size-1))
		}
		return PackWeights(w, size)
	}
	one := [2]int{1, 1}
	relu := func(n, first, gap int) Step {
		var s Step
		for i := range n {
			s.Values = append(s.Values, uint8(i))
			if i > 0 {
				s.Breaks = append(s.Breaks, int32(first+gap*i+i%2))
			}
		}
		return s
	}
	input := make([][]uint8, 3)
	for c := range input {
		input[c] = make([]uint8, 256)
		for i := range input[c] {
			input[c][i] = uint8(max(i-10*c, 0) >> 3)
		}
	}
	noise := make([]uint8, 32)
	for i := range noise {
		noise[i] = uint8(i * i * 7 % 32)
	}
	product := make([]uint8, 32*16)
	for i := range product {
		product[i] = uint8((i / 16) * (i % 16) >> 5)
	}
	p := &Program{
		Tensors: []Tensor{
			{Shape: [3]int{3, 8, 8}, Levels: 32, Zero: 4, Scale: ScaleOf(1. / 31)},
			{Shape: [3]int{4, 8, 8}, Levels: 32, Zero: 0, Scale: ScaleOf(0.0417)},
			{Shape: [3]int{4, 4, 4}, Levels: 32, Zero: 0, Scale: ScaleOf(0.0417)},
			{Shape: [3]int{4, 4, 4}, Levels: 32, Zero: 15, Scale: ScaleOf(1e-6)},
			{Shape: [3]int{4, 1, 1}, Levels: 16, Zero: 0, Scale: ScaleOf(7)},
			{Shape: [3]int{4, 4, 4}, Levels: 32, Zero: 0, Scale: Scale{}},
			{Shape: [3]int{8, 2, 3}, Levels: 256, Zero: 128, Scale: ScaleOf(123456)},
			{Shape: [3]int{10, 1, 1}, Scale: ScaleOf(math.Ldexp(1, -20))},
			{Shape: [3]int{8, 4, 4}, Levels: 32, Zero: 0, Scale: ScaleOf(1)},
		},
		Codebooks: []Codebook{
			{Centres: []int32{-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}},
			{Centres: []int32{-30000, -100, -1, 0, 3, 700, 30001}},
			{Centres: []int32{1}},
		},
		Steps: []Step{
			relu(32, 3, 40),
			{Breaks: []int32{-900, -30, 0, 4, 1000}, Values: []uint8{31, 2, 2, 9, 0, 17}},
			relu(16, 0, 11),
			{Values: []uint8{128}},
			{Breaks: []int32{math.MinInt32, math.MaxInt32}, Values: []uint8{0, 1, 2}},
		},
		Inputs:   []Input{{Tensor: 0, Tables: input, Interleaved: true, Shifts: []int8{0, 64, -5}}},
		Outputs:  []Output{{Name: "logits", Tensor: 7}, {Name: "ünder", Tensor: 6}},
		Features: "mfcc:rate=16000", Labels: []string{"a", "", "third"},
		Producer: "",
	}
	p.Instrs = []Instr{
		&Linear{Out: 1, Steps: []int{0, 0, 1, 0}, Bias: []int32{-100, 7, 0, 65536}, Terms: []Term{
			{In: 0, Codebook: 0, Groups: 1, Kernel: [2]int{3, 3}, Stride: one, Dilation: one, Pad: one, Up: one, Weights: weights(4*3*9, 16)},
		}},
		&MaxPool{Out: 2, In: 1, Kernel: [2]int{3, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [2]int{1, 0}},
		&Map{Out: 3, In: 2, Tables: [][]uint8{noise, input[0][:32], input[1][:32], noise}},
		&Linear{Out: 4, Steps: []int{2}, Bias: make([]int32, 4), Terms: []Term{
			{In: 2, Codebook: 2, Groups: 4, Kernel: [2]int{4, 4}, Stride: one, Dilation: one, Up: one, Weights: PackWeights(make([]uint16, 4*16), 1)},
		}},
		&Map2{Out: 5, A: 3, B: 4, Table: product},
		&Copy{Out: 8, Fill: 31, Pieces: []Piece{
			{In: 5, Dims: [6]int{64, 1, 1, 1, 1, 1}, OutStride: [6]int{1}, InStride: [6]int{1}},
			{In: 2, Dims: [6]int{2, 4, 4, 1, 1, 1}, OutStart: 64, InStart: 3, OutStride: [6]int{16, 4, 1}, InStride: [6]int{16, 4, -1}},
		}},
		&Linear{Out: 6, Steps: []int{3, 4, 4, 0, 3, 3, 3, 2}, Bias: []int32{1, 2, 3, 4, 5, 6, 7, 8}, Terms: []Term{
			{In: 8, Codebook: 1, Groups: 2, Kernel: [2]int{2, 3}, Stride: one, Dilation: [2]int{1, 2}, Pad: [2]int{-1, 2}, Up: [2]int{2, 2}, Weights: weights(8*4*6, 7)},
			{In: 1, Codebook: 0, Groups: 4, Kernel: one, Stride: one, Dilation: one, Up: one, Weights: weights(8, 16)},
		}},
		&Linear{Out: 7, Bias: []int32{0, 1, -1, 100, 0, 0, 0, 0, math.MaxInt16, 0}, Terms: []Term{
			fullyConnected(5, 0, [2]int{4, 4}, weights(10*64, 16)),
		}},
	}
	addSelfTests(p, 1, 0xFFFFFFFF, 0x9E3779B9)
	return p
}
