package runtime

import "math/rand"

// netBuilder builds programs with random weights for tests and benchmarks.
type netBuilder struct {
	r *rand.Rand
	p *Program
}

// newNetBuilder starts a program with an input of 256 levels and one codebook.
func newNetBuilder(r *rand.Rand, input [3]int, levels int, centres []int32) *netBuilder {
	n := &netBuilder{r: r, p: &Program{Inputs: []Input{{}}}}
	n.p.Codebooks = []Codebook{{Centres: centres}}
	n.tensor(input, levels)
	return n
}

func (n *netBuilder) tensor(shape [3]int, levels int) int {
	n.p.Tensors = append(n.p.Tensors, Tensor{Shape: shape, Levels: levels, Scale: ScaleOf(1)})
	return len(n.p.Tensors) - 1
}

// linear adds a convolution; levels 0 keeps the accumulators.
func (n *netBuilder) linear(in int, out [3]int, kernel, stride, pad, groups, levels int) int {
	p := n.p
	from := p.Tensors[in].Shape
	w := make([]uint16, out[0]*from[0]/groups*kernel*kernel)
	size := len(p.Codebooks[0].Centres)
	for i := range w {
		// Bell-shaped, as weights are.
		w[i] = uint16((n.r.Intn(size) + n.r.Intn(size) + n.r.Intn(size)) / 3)
	}
	l := &Linear{
		Out: n.tensor(out, levels), Bias: make([]int32, out[0]),
		Terms: []Term{{
			In: in, Groups: groups, Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride},
			Dilation: [2]int{1, 1}, Pad: [2]int{pad, pad}, Up: [2]int{1, 1},
			Weights: PackWeights(w, size),
		}},
	}
	for i := range l.Bias {
		l.Bias[i] = int32(n.r.Intn(200) - 100)
	}
	if levels > 0 {
		lo, hi, err := p.AccRange(l)
		if err != nil {
			panic(err)
		}
		// A rectifier that reaches its top at an eighth of the range.
		_ = lo
		top := int64(hi[0])/8 + int64(levels)
		var s Step
		for i := range levels - 1 {
			s.Breaks = append(s.Breaks, int32(top*int64(i)/int64(levels)+1))
		}
		for i := range levels {
			s.Values = append(s.Values, uint8(i))
		}
		l.Steps = []int{len(p.Steps)}
		p.Steps = append(p.Steps, s)
	}
	p.Instrs = append(p.Instrs, l)
	return l.Out
}

func (n *netBuilder) maxPool(in int) int {
	s := n.p.Tensors[in].Shape
	m := &MaxPool{
		In: in, Out: n.tensor([3]int{s[0], s[1] / 2, s[2] / 2}, n.p.Tensors[in].Levels),
		Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1},
	}
	n.p.Instrs = append(n.p.Instrs, m)
	return m.Out
}

func (n *netBuilder) output(t int) *Program {
	n.p.Outputs = []Output{{Name: "output", Tensor: t}}
	return n.p
}

// lenetProgram has the layers of the LeNet that the project trains.
func lenetProgram(r *rand.Rand, levels int, centres []int32) *Program {
	n := newNetBuilder(r, [3]int{1, 28, 28}, 256, centres)
	t := n.linear(0, [3]int{16, 28, 28}, 5, 1, 2, 1, levels)
	t = n.maxPool(t)
	t = n.linear(t, [3]int{32, 10, 10}, 5, 1, 0, 1, levels)
	t = n.maxPool(t)
	t = n.linear(t, [3]int{128, 1, 1}, 5, 1, 0, 1, levels)
	t = n.linear(t, [3]int{10, 1, 1}, 1, 1, 0, 1, 0)
	return n.output(t)
}

// resnetProgram has the layers of the ResNet-8 for 32x32 pictures, with its additions
// and shortcuts as terms of the convolutions.
func resnetProgram(r *rand.Rand, levels int, centres []int32) *Program {
	n := newNetBuilder(r, [3]int{3, 32, 32}, 256, centres)
	t := n.linear(0, [3]int{16, 32, 32}, 3, 1, 1, 1, levels)
	for stack, out := range [][3]int{{16, 32, 32}, {32, 16, 16}, {64, 8, 8}} {
		stride := min(stack+1, 2)
		a := n.linear(t, out, 3, stride, 2-stride, 1, levels)
		b := n.linear(a, out, 3, 1, 1, 1, levels)
		last := n.p.Instrs[len(n.p.Instrs)-1].(*Linear)
		shortcut := last.Terms[0]
		shortcut.In, shortcut.Kernel, shortcut.Pad = t, [2]int{1, 1}, [2]int{}
		shortcut.Stride = [2]int{stride, stride}
		w := make([]uint16, out[0]*n.p.Tensors[t].Shape[0])
		for i := range w {
			w[i] = uint16(r.Intn(len(centres)))
		}
		shortcut.Weights = PackWeights(w, len(centres))
		last.Terms = append(last.Terms, shortcut)
		t = b
	}
	// Average pooling and classifier as one linear map.
	return n.output(n.linear(t, [3]int{10, 1, 1}, 8, 1, 0, 1, 0))
}

func evenCentres(lo, hi int32) (c []int32) {
	for v := lo; v <= hi; v++ {
		c = append(c, v)
	}
	return c
}
