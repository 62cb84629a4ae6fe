// Package differential demands the same integers from everything that runs a program. Its tests draw
// single layers and whole networks of all kinds and compare quant.Simulate, the definition, with
// every kernel on every instruction set of the machine and with every way to run a program.
//
//	go test ./runtime/differential -v -differential.layers 20000 -differential.networks 2000
//
// A failure names its seed; -differential.seed SEED -differential.layers 1 draws that layer alone.
package differential

import "math/rand/v2"

// source draws what layers and networks are made of: from data as long as there is some, then from r.
type source struct {
	data []byte
	r    *rand.Rand
}

func newSource(seed uint64) *source { return &source{r: rand.New(rand.NewPCG(seed, 1))} }

// intn is a number in [0, n), n in 1..65536 while there is data.
func (s *source) intn(n int) int {
	switch {
	case len(s.data) >= 1 && n <= 256:
		v := int(s.data[0])
		s.data = s.data[1:]
		return v % n
	case len(s.data) >= 2:
		v := int(s.data[0]) | int(s.data[1])<<8
		s.data = s.data[2:]
		return v % n
	}
	return s.r.IntN(n)
}

// between is a number in [lo, hi].
func (s *source) between(lo, hi int) int { return lo + s.intn(hi-lo+1) }

// chance is true in that many of a hundred cases.
func (s *source) chance(percent int) bool { return s.intn(100) < percent }

// oneOf is an element of list.
func (s *source) oneOf(list ...int) int { return list[s.intn(len(list))] }

// pair draws one number for rows and one for columns.
func pair(draw func() int) [2]int { return [2]int{draw(), draw()} }

// divisor draws a divisor of n.
func (s *source) divisor(n int) int {
	d := s.between(1, n)
	for n%d != 0 {
		d--
	}
	return d
}

// levels draws the number of levels of a tensor: the usual ones and those next to where kernels change.
func (s *source) levels() int {
	if s.chance(20) {
		return s.between(2, 256)
	}
	return s.oneOf(2, 2, 3, 4, 5, 8, 15, 16, 16, 17, 31, 32, 32, 32, 32, 33, 51, 52, 63, 64, 64, 65, 85, 86, 127, 128, 129, 255, 256, 256)
}

// zero draws the level worth zero.
func (s *source) zero(levels int) int {
	if s.chance(60) {
		return s.oneOf(0, 0, levels/2, levels-1)
	}
	return s.intn(levels)
}

// columns draws the width of an output: often next to the sizes of vectors.
func (s *source) columns() int {
	switch k := s.intn(20); {
	case k < 5:
		return s.between(1, 7)
	case k < 8:
		return s.oneOf(8, 8, 16, 16, 24)
	case k < 15:
		return s.oneOf(16, 16, 32, 32, 48, 64, 64, 96, 128) + s.oneOf(-1, 0, 0, 1)
	case k < 19:
		return s.between(1, 80)
	}
	return s.between(80, 600)
}

// rows draws the height of an output.
func (s *source) rows() int {
	switch k := s.intn(10); {
	case k < 3:
		return s.between(1, 3)
	case k < 6:
		return s.oneOf(2, 4, 8, 16, 32)
	}
	return s.between(1, 20)
}

// table draws a function from size values to levels.
func (s *source) table(size, levels int) []uint8 {
	t := make([]uint8, size)
	shape := s.intn(4)
	for i := range t {
		switch shape {
		case 0:
			t[i] = uint8(i * levels / size)
		case 1:
			t[i] = uint8(min(i, levels-1))
		case 2:
			t[i] = uint8(levels - 1 - i*levels/size)
		default:
			t[i] = uint8(s.r.IntN(levels))
		}
	}
	return t
}
