package kernel

import (
	"math"
	"slices"

	"qconv/runtime/internal/coding"
)

// Layer describes a linear layer to the New functions; Run methods do not use it.
//
//	acc[o][y][x] = Bias[o] + sum over terms, c, ky, kx of C[w[o][c][ky][kx]] * (in[g*Cg+c][v][u] - zero)
//	v*Up[0] = y*Stride[0] - Pad[0] + ky*Dilation[0]   (u alike with index 1)
//	out = Steps[o](acc), or acc itself
//
// Every accumulator fits an int32 for every input in range; the caller has proved it.
type Layer struct {
	Out   [3]int // channels, rows, columns
	Terms []Term
	Bias  []int32 // one per output channel
	Steps []Step  // one for all channels, one per channel, or none: out holds accumulators

	// Rows is how many bytes of Scratch rows of inputs should take where memory is scarce; then tables are as
	// small as can be. 0: memory is no matter.
	Rows int
	// Tables says that there is room for tables all the same.
	Tables bool

	// Low and High are limits of the accumulators of every channel: no input in range leaves them. Those that [Layer.Bounds]
	// finds are used where they are nil.
	Low, High []int32
}

// Term is one linear map of a Layer.
type Term struct {
	Shape                             [3]int // of the input: channels, rows, columns
	Levels, Zero                      int    // of the input: indices in [0, Levels)
	Groups                            int
	Kernel, Stride, Dilation, Pad, Up [2]int
	Centres                           []int32
	Weights                           []uint16 // positions in Centres, [O][Cg][KH][KW]

	uses    []uint32 // of every centre, by weights
	counted []uint16 // the weights that were counted
}

// Counted notes how many weights are every centre; nil where that is not known.
func (t *Term) Counted(uses []uint32) {
	if uses != nil {
		t.uses, t.counted = uses, t.Weights
	}
}

// counts tells how many weights are every centre.
func (t *Term) counts() []uint32 {
	if len(t.counted) != len(t.Weights) || &t.counted[0] != &t.Weights[0] || len(t.uses) != len(t.Centres) {
		t.counted = t.Weights
		if len(t.Centres) <= 256 {
			var counts [256]uint32
			coding.Count(&counts, t.Weights)
			t.uses = slices.Clone(counts[:len(t.Centres)])
			return t.uses
		}
		t.uses = make([]uint32, len(t.Centres))
		for _, w := range t.Weights {
			t.uses[w]++
		}
	}
	return t.uses
}

// Step maps an accumulator to Values[number of Breaks <= acc]; Breaks ascend.
type Step struct {
	Breaks []int32
	Values []uint8
}

func (l *Layer) positions() int { return l.Out[1] * l.Out[2] }

// taps is the number of weights of one output channel.
func (t *Term) taps() int { return t.Shape[0] / t.Groups * t.Kernel[0] * t.Kernel[1] }

// fullyConnected says that t connects every input element, in order, with every
// output channel, which has one element.
func (l *Layer) fullyConnected(t *Term) bool {
	return l.positions() == 1 && t.Groups == 1 && t.covers()
}

// covers says that the kernel at the first position meets every input element of its
// channels, in order.
func (t *Term) covers() bool {
	return t.Kernel == [2]int(t.Shape[1:]) &&
		t.Dilation == [2]int{1, 1} && t.Pad == [2]int{} && t.Up == [2]int{1, 1}
}

// flattened is l with all positions in one row, where there are at most most of them and each
// meets just the same position of the inputs; otherwise l itself.
func (l *Layer) flattened(most int) *Layer {
	if l.positions() > most {
		return l
	}
	one := [2]int{1, 1}
	for i := range l.Terms {
		t := &l.Terms[i]
		if t.Kernel != one || t.Stride != one || t.Up != one || t.Pad != [2]int{} || [2]int(t.Shape[1:]) != [2]int(l.Out[1:]) {
			return l
		}
	}
	flat := *l
	flat.Out = [3]int{l.Out[0], 1, l.positions()}
	flat.Terms = slices.Clone(l.Terms)
	for i := range flat.Terms {
		t := &flat.Terms[i]
		t.Shape = [3]int{t.Shape[0], 1, l.positions()}
	}
	return &flat
}

// shortRow is the number of elements below which rows are put one behind the other.
const shortRow = 64

// merged is l with all channels in one, where it treats the elements of all of them alike: sums of tensors, for example. Long
// rows take less time than many. Otherwise it is l itself.
func (l *Layer) merged() *Layer {
	channels := l.Out[0]
	if channels == 1 || len(l.Steps) > 1 || slices.ContainsFunc(l.Bias, func(b int32) bool { return b != l.Bias[0] }) {
		return l
	}
	one := [2]int{1, 1}
	for i := range l.Terms {
		t := &l.Terms[i]
		if t.Groups != channels || t.Shape != l.Out || t.Kernel != one || t.Stride != one || t.Up != one || t.Pad != [2]int{} ||
			slices.ContainsFunc(t.Weights, func(w uint16) bool { return t.Centres[w] != t.Centres[t.Weights[0]] }) {
			return l
		}
	}
	m := *l
	m.Out = [3]int{1, channels, l.positions()}
	if l.positions() < shortRow {
		m.Out = [3]int{1, 1, channels * l.positions()}
	}
	m.Bias = l.Bias[:1]
	if l.Low != nil {
		m.Low, m.High = l.Low[:1], l.High[:1]
	}
	m.Terms = slices.Clone(l.Terms)
	for i := range m.Terms {
		t := &m.Terms[i]
		t.Shape, t.Groups, t.Weights = m.Out, 1, t.Weights[:1]
	}
	return &m
}

// source is the input coordinate along axis a that output coordinate y meets with
// kernel coordinate k; ok is false where there is none.
func (t *Term) source(a, y, k int) (v int, ok bool) {
	n := y*t.Stride[a] - t.Pad[a] + k*t.Dilation[a]
	if n < 0 || n%t.Up[a] != 0 {
		return 0, false
	}
	n /= t.Up[a]
	return n, n < t.Shape[1+a]
}

// Bounds are the limits of the accumulators of every channel.
func (l *Layer) Bounds() (low, high []int32) {
	if l.Low != nil {
		return l.Low, l.High
	}
	for o := range l.Out[0] {
		a, b := int64(l.Bias[o]), int64(l.Bias[o])
		for i := range l.Terms {
			t := &l.Terms[i]
			n := t.taps()
			for _, w := range t.Weights[o*n : o*n+n] {
				c := int64(t.Centres[w])
				p, q := -c*int64(t.Zero), c*int64(t.Levels-1-t.Zero)
				a += min(p, q)
				b += max(p, q)
			}
		}
		low = append(low, int32(max(a, math.MinInt32)))
		high = append(high, int32(min(b, math.MaxInt32)))
	}
	return low, high
}

// connections calls f for every weight of t that connects an output element with an
// input element.
func (l *Layer) connections(t *Term, f func(out, in int, weight uint16)) {
	cg, area, plane := t.Shape[0]/t.Groups, t.Kernel[0]*t.Kernel[1], t.Shape[1]*t.Shape[2]
	outs := l.Out[0] / t.Groups
	type tap struct{ weight, in int } // of the first channel
	taps := make([]tap, 0, area)
	for y := range l.Out[1] {
		for x := range l.Out[2] {
			taps = taps[:0]
			for ky := range t.Kernel[0] {
				v, ok := t.source(0, y, ky)
				for kx := range t.Kernel[1] {
					if u, okU := t.source(1, x, kx); ok && okU {
						taps = append(taps, tap{ky*t.Kernel[1] + kx, v*t.Shape[2] + u})
					}
				}
			}
			for o := range l.Out[0] {
				out := (o*l.Out[1]+y)*l.Out[2] + x
				w, base := t.Weights[o*cg*area:], o/outs*cg*plane
				for range cg {
					for _, k := range taps {
						f(out, base+k.in, w[k.weight])
					}
					w, base = w[area:], base+plane
				}
			}
		}
	}
}
