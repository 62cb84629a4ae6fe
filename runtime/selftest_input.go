package runtime

import "math/bits"

// GenerateInput fills dst with the self-test input of seed: level indices in
// [0, levels), levels in 1..256 (FORMAT.md, "Self-test input").
//
//	x = seed xor 0x9E3779B9; if x == 0: x = 1
//	for each element: x ^= x<<13; x ^= x>>17; x ^= x<<5
//	                  i = (x>>24) & mask; if i >= levels: i -= levels
//
// where mask is the smallest 2^k-1 that is at least levels-1.
func GenerateInput(seed uint32, dst []byte, levels int) {
	if levels < 1 || levels > 256 {
		panic("runtime: GenerateInput: levels out of range 1..256")
	}
	generate(firstState(seed), dst, levels)
}

// GenerateInputs makes the self-test inputs of seed for p: level indices for every input, one after the other
// from the same generator.
func (p *Program) GenerateInputs(seed uint32) [][]byte {
	inputs, _ := p.GenerateStep(seed)
	return inputs
}

// GenerateStep makes the self-test inputs of seed for p and, of a stream, the states that the step begins with: level indices for
// every input, then for every state, one after the other from the same generator.
func (p *Program) GenerateStep(seed uint32) (inputs, states [][]byte) {
	x := firstState(seed)
	fill := func(tensor int) []byte {
		t := &p.Tensors[tensor]
		levels := make([]byte, t.Elems())
		x = generate(x, levels, t.Levels)
		return levels
	}
	for i := range p.Inputs {
		inputs = append(inputs, fill(p.Inputs[i].Tensor))
	}
	if p.Stream != nil {
		for i := range p.Stream.States {
			states = append(states, fill(p.Stream.States[i].To))
		}
	}
	return inputs, states
}

// firstState is the state of the generator before the first element.
func firstState(seed uint32) uint32 {
	if x := seed ^ 0x9E3779B9; x != 0 {
		return x
	}
	return 1
}

// generate fills dst from state x and returns the next state.
func generate(x uint32, dst []byte, levels int) uint32 {
	mask := uint32(1)<<uint(bits.Len(uint(levels-1))) - 1
	for k := range dst {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		i := x >> 24 & mask
		if i >= uint32(levels) {
			i -= uint32(levels)
		}
		dst[k] = byte(i)
	}
	return x
}
