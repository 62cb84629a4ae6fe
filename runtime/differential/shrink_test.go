package differential

import (
	"slices"

	"qconv/runtime"
	"qconv/runtime/internal/kernel"
)

// shrink makes l smaller as long as the engine of m, or another, computes it wrongly.
func (l *single) shrink(m *mismatch) (*single, *mismatch) {
	for {
		found := false
		for _, smaller := range l.smaller() {
			if _, other := smaller.check(); other != nil {
				l, m, found = smaller, other, true
				break
			}
		}
		if !found {
			return l, m
		}
	}
}

// smaller lists layers that are a little less than l.
func (l *single) smaller() []*single {
	var list []*single
	add := func(change func(s *single) bool) {
		c := &kernel.Layer{Out: l.Out, Bias: l.Bias, Steps: l.Steps, Terms: slices.Clone(l.Terms)}
		if s := (&single{c, slices.Clone(l.from), l.skew, l.seed}); change(s) {
			list = append(list, s)
		}
	}
	for i := range l.Terms {
		add(func(s *single) bool { // without a term
			s.Terms = slices.Delete(s.Terms, i, i+1)
			s.from = slices.Delete(s.from, i, i+1)
			s.renumber()
			return len(s.Terms) > 0
		})
	}
	for a := range 2 {
		for _, less := range []func(int) int{func(n int) int { return n / 2 }, func(n int) int { return n - 1 }} {
			add(func(s *single) bool { // fewer rows or columns
				s.Out[1+a] = less(s.Out[1+a])
				return s.Out[1+a] > 0
			})
			for k := range l.skew {
				add(func(s *single) bool { // of an input
					n := 0
					for i := range s.Terms {
						if t := &s.Terms[i]; s.from[i] == k {
							t.Shape[1+a] = less(t.Shape[1+a])
							n = t.Shape[1+a]
						}
					}
					return n > 0
				})
			}
		}
	}
	for _, n := range []int{l.Out[0] / 2, l.Out[0] - 1} {
		add(func(s *single) bool { // fewer output channels
			for i := range s.Terms {
				t := &s.Terms[i]
				if t.Groups > 1 {
					return false
				}
				t.Weights = t.Weights[:n*taps(t)]
			}
			s.Out[0], s.Bias = n, s.Bias[:n]
			if len(s.Steps) > 1 {
				s.Steps = s.Steps[:max(n, 1)]
			}
			return n > 0
		})
	}
	for i := range l.Terms {
		add(func(s *single) bool { return s.narrow(i) })
	}
	return list
}

// renumber numbers the inputs of s anew, without those that no term reads.
func (s *single) renumber() {
	var skew []int
	number := map[int]int{}
	for i, k := range s.from {
		if _, known := number[k]; !known {
			number[k] = len(skew)
			skew = append(skew, s.skew[k])
		}
		s.from[i] = number[k]
	}
	s.skew = skew
}

// narrow halves the channels of the input of term i, which no other term reads.
func (s *single) narrow(i int) bool {
	t := &s.Terms[i]
	half := t.Shape[0] / 2
	shared := 0
	for _, k := range s.from {
		if k == s.from[i] {
			shared++
		}
	}
	if t.Groups > 1 || half == 0 || shared > 1 {
		return false
	}
	per, less := taps(t), half*t.Kernel[0]*t.Kernel[1]
	var weights []uint16
	for o := range s.Out[0] {
		weights = append(weights, t.Weights[o*per:][:less]...)
	}
	t.Shape[0], t.Weights = half, weights
	return true
}

// shrinkNetwork cuts instructions off the end of p as long as it is computed wrongly. Those with loops or states stay as they are.
func shrinkNetwork(p *runtime.Program, m *mismatch, seed uint32) (*runtime.Program, *mismatch) {
	if len(p.Loops) > 0 || p.Stream != nil {
		return p, m
	}
	for n := 1; n < len(p.Instrs); n++ {
		c := &runtime.Program{Codebooks: p.Codebooks, Steps: p.Steps, Instrs: p.Instrs[:n], Inputs: p.Inputs}
		for t := range p.Instrs[n-1].Dst() + 1 { // tensors are numbered in the order of instructions
			c.Tensors = append(c.Tensors, p.Tensors[t])
			c.Outputs = append(c.Outputs, runtime.Output{Name: string(rune('a' + t)), Tensor: t})
		}
		if _, other := checkNetwork(c, seed); other != nil {
			return c, other
		}
	}
	return p, m
}
