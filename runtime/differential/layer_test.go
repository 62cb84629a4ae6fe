package differential

import (
	"math"
	"slices"

	"qconv/runtime/internal/kernel"
)

// workBound draws how many multiply-accumulates a layer may take: few, mostly.
func (s *source) workBound() int {
	switch k := s.intn(100); {
	case k < 70:
		return 1 << 14
	case k < 98:
		return 1 << 17
	}
	return 1 << 20
}

// inputBound is the largest number of elements of a channel of an input that is not given.
const inputBound = 1 << 14

// layer draws a layer. Terms are given as far as their Shape, Levels and Zero are: those of tensors that
// exist. Without any, everything is drawn.
func (s *source) layer(given []kernel.Term) *kernel.Layer {
	bound := s.workBound()
	l := &kernel.Layer{Out: [3]int{1, s.rows(), s.columns()}, Terms: slices.Clone(given)}
	single := given == nil && s.chance(35) // of a form that has kernels of its own
	switch {
	case single:
		s.form(l, bound)
	case given == nil:
		l.Terms = make([]kernel.Term, s.oneOf(1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5))
		for i := range l.Terms {
			s.geometry(l, &l.Terms[i])
		}
		s.fit(l, bound)
		s.channels(l, bound)
	default:
		for i := range l.Terms {
			t := &l.Terms[i]
			s.window(t)
			if i == 0 && s.chance(70) { // what the window yields
				for a := range 2 {
					l.Out[1+a] = min(max(1, ((t.Shape[1+a]-1)*t.Up[a]+2*t.Pad[a]-(t.Kernel[a]-1)*t.Dilation[a])/t.Stride[a]+1), 64)
				}
			}
		}
		s.fit(l, bound)
		s.channels(l, bound)
	}
	s.numbers(l)
	return l
}

// window draws how a term meets its input.
func (s *source) window(t *kernel.Term) {
	t.Kernel = pair(func() int { return s.oneOf(1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4, 5, 5, 6, 7) })
	t.Stride = pair(func() int { return s.oneOf(1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8) })
	t.Dilation = pair(func() int { return s.oneOf(1, 1, 1, 1, 1, 1, 2, 2, 3, 5) })
	t.Up = pair(func() int { return s.oneOf(1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4) })
	if s.chance(50) {
		t.Up = [2]int{1, 1}
	}
	for a := range 2 {
		reach := (t.Kernel[a] - 1) * t.Dilation[a]
		t.Pad[a] = s.oneOf(0, 0, reach/2, reach/2, reach, s.between(-3, reach+4))
	}
}

// geometry draws all of a term but its channels and weights. Sometimes it is a residual: its input is
// added as it is.
func (s *source) geometry(l *kernel.Layer, t *kernel.Term) {
	s.window(t)
	if s.chance(15) {
		one := [2]int{1, 1}
		*t = kernel.Term{Kernel: one, Stride: one, Dilation: one, Up: one}
	}
	t.Levels = s.levels()
	t.Zero = s.zero(t.Levels)
	for a := range 2 {
		t.Shape[1+a] = s.oneOf(0, 0, 0, 0, 0, 0, 0, -1, 1, s.between(-9, 20)) // beyond what is met; see size
	}
}

// size is the number of elements along axis a of an input that is met throughout, with what
// geometry has put there in addition.
func size(l *kernel.Layer, t *kernel.Term, a int) int {
	met := (l.Out[1+a]-1)*t.Stride[a] - t.Pad[a] + (t.Kernel[a]-1)*t.Dilation[a]
	return max(1, met/t.Up[a]+1+t.Shape[1+a])
}

// fit makes l smaller until one channel takes at most bound multiply-accumulates, and gives free
// terms the size of their inputs.
func (s *source) fit(l *kernel.Layer, bound int) {
	for {
		work, elems := 0, 0
		for i := range l.Terms {
			t := &l.Terms[i]
			work += l.Out[1] * l.Out[2] * t.Kernel[0] * t.Kernel[1]
			if t.Shape[0] == 0 {
				elems = max(elems, size(l, t, 0)*size(l, t, 1))
			}
		}
		if work <= bound && elems <= inputBound {
			break
		}
		switch {
		case l.Out[1] > 1:
			l.Out[1] /= 2
		case l.Out[2] > 1:
			l.Out[2] /= 2
		default:
			panic("BUG: one output takes more than any bound")
		}
	}
	for i := range l.Terms {
		if t := &l.Terms[i]; t.Shape[0] == 0 {
			t.Shape[1], t.Shape[2] = size(l, t, 0), size(l, t, 1)
		}
	}
}

// channels draws the channels and groups of l for at most bound multiply-accumulates.
func (s *source) channels(l *kernel.Layer, bound int) {
	work, given := 0, 1 // of one output channel that meets one channel of every input; channels of inputs
	for i := range l.Terms {
		work += l.Out[1] * l.Out[2] * l.Terms[i].Kernel[0] * l.Terms[i].Kernel[1]
		given = max(given, l.Terms[i].Shape[0])
	}
	room := max(1, bound/(work*given))
	l.Out[0] = s.between(1, min(s.oneOf(2, 4, 8, 16, 80), room))
	for i := range l.Terms {
		t := &l.Terms[i]
		t.Groups = s.oneOf(1, 1, 1, l.Out[0], s.divisor(l.Out[0]))
		if t.Shape[0] == 0 {
			t.Shape[0] = t.Groups * s.between(1, min(s.oneOf(1, 2, 4, 8, 80), max(1, room/l.Out[0])))
			continue
		}
		for t.Shape[0]%t.Groups != 0 {
			t.Groups = s.divisor(t.Groups)
		}
	}
}

// form draws a layer of one of the forms that have kernels of their own: fully connected, depthwise, a mean of channels.
func (s *source) form(l *kernel.Layer, bound int) {
	l.Terms = make([]kernel.Term, 1)
	t := &l.Terms[0]
	s.geometry(l, t)
	switch s.intn(6) {
	case 0, 1: // fully connected
		l.Out = [3]int{s.oneOf(s.between(1, 20), 8*s.between(1, 8)+s.between(-1, 1), s.between(1, 200)), 1, 1}
		side := s.oneOf(1, 1, 2, 3, 4)
		*t = kernel.Term{Shape: [3]int{1, side, s.oneOf(side, s.between(1, 6))}, Levels: t.Levels, Zero: t.Zero, Groups: 1}
		t.Shape[0] = s.between(1, max(1, min(400, bound/(l.Out[0]*t.Shape[1]*t.Shape[2]))))
	case 2, 3: // the mean of channels
		n := s.between(1, 40)
		l.Out = [3]int{n, 1, 1}
		*t = kernel.Term{Shape: [3]int{n, s.between(1, 9), s.between(1, 9)}, Levels: t.Levels, Zero: t.Zero, Groups: n}
	default: // depthwise
		if s.chance(80) { // what vectors take
			t.Stride, t.Up, t.Levels = pair(func() int { return s.between(1, 2) }), [2]int{1, 1}, s.oneOf(2, 3, 16, 31, 32)
			t.Zero = s.zero(t.Levels)
		}
		s.fit(l, bound)
		t.Groups = s.between(1, max(1, min(20, bound/(l.Out[1]*l.Out[2]*t.Kernel[0]*t.Kernel[1]))))
		t.Shape[0], l.Out[0] = t.Groups, t.Groups*s.oneOf(1, 1, 1, 2, 3)
		return
	}
	t.Kernel = [2]int(t.Shape[1:])
	t.Stride, t.Dilation, t.Up = [2]int{s.between(1, 8), 1}, [2]int{1, 1}, [2]int{1, 1}
}

// numbers draws the weights, biases and step functions of l.
func (s *source) numbers(l *kernel.Layer) {
	span := 0 // of the accumulators, in units of the centres
	for i := range l.Terms {
		span += taps(&l.Terms[i]) * 255
	}
	for i := range l.Terms {
		t := &l.Terms[i]
		t.Centres = s.centres(math.MaxInt32 / 2 / span)
		t.Weights = make([]uint16, l.Out[0]*taps(t))
		s.weights(t)
	}
	l.Bias = make([]int32, l.Out[0])
	reach := s.oneOf(1, 100, 100, 10000, 1<<29)
	for o := range l.Bias {
		l.Bias[o] = int32(s.r.IntN(2*reach+1) - reach)
	}
	s.steps(l)
}

// taps is the number of weights of one output channel.
func taps(t *kernel.Term) int { return t.Shape[0] / t.Groups * t.Kernel[0] * t.Kernel[1] }
