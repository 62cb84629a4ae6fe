package kernel

import (
	"fmt"
	"math"
	"math/rand"
	"testing"

	"qconv/runtime/internal/coding"
)

// naive computes a layer from the formula of its documentation and nothing else.
func naive(l *Layer, src [][]byte) (levels []byte, acc []int32) {
	for o := range l.Out[0] {
		for y := range l.Out[1] {
			for x := range l.Out[2] {
				sum := int64(l.Bias[o])
				for i := range l.Terms {
					t := &l.Terms[i]
					cg := t.Shape[0] / t.Groups
					g := o / (l.Out[0] / t.Groups)
					for c := range cg {
						for ky := range t.Kernel[0] {
							for kx := range t.Kernel[1] {
								v := y*t.Stride[0] - t.Pad[0] + ky*t.Dilation[0]
								u := x*t.Stride[1] - t.Pad[1] + kx*t.Dilation[1]
								if v%t.Up[0] != 0 || u%t.Up[1] != 0 {
									continue
								}
								v, u = v/t.Up[0], u/t.Up[1]
								if v < 0 || u < 0 || v >= t.Shape[1] || u >= t.Shape[2] {
									continue
								}
								w := t.Weights[((o*cg+c)*t.Kernel[0]+ky)*t.Kernel[1]+kx]
								in := src[i][((g*cg+c)*t.Shape[1]+v)*t.Shape[2]+u]
								sum += int64(t.Centres[w]) * int64(int(in)-t.Zero)
							}
						}
					}
				}
				if int64(int32(sum)) != sum {
					panic(fmt.Sprintf("test layer overflows: %d", sum))
				}
				acc = append(acc, int32(sum))
				if len(l.Steps) > 0 {
					s := &l.Steps[0]
					if len(l.Steps) > 1 {
						s = &l.Steps[o]
					}
					n := 0
					for _, b := range s.Breaks {
						if int64(b) <= sum {
							n++
						}
					}
					levels = append(levels, s.Values[n])
				}
			}
		}
	}
	return levels, acc
}

// linear is what all kernels for linear layers have in common.
type linear interface {
	Need() Need
	Memory() (weights, tables int)
	Run(dst []byte, out []int32, src [][]byte, s *Scratch)
}

// implementations returns every kernel that can compute l, by name.
func implementations(l *Layer) map[string]linear {
	m := map[string]linear{"lookup": NewLookup(l)}
	for _, v := range Available() {
		if k, err := NewGrouped(l, math.MaxInt, v); err == nil {
			m["grouped "+v.String()] = k
		}
	}
	for _, v := range Available() {
		for _, rows := range []int{0, 1, 4096} {
			tight := *l
			tight.Rows = rows
			if k, err := NewExpanded(&tight, codedWeights(l), math.MaxInt, v); err == nil {
				m[fmt.Sprintf("expanded %v, %d", v, rows)] = k
			}
		}
	}
	for _, v := range Available() {
		if k, err := NewSorted(l, 8<<20, math.MaxInt, v); err == nil {
			m["sorted "+v.String()] = k
		}
	}
	for _, v := range Available() {
		if k, err := NewPatched(l, 8<<20, math.MaxInt, v); err == nil {
			m["patched "+v.String()] = k
		}
	}
	if k, err := NewProducts(l, math.MaxInt, Portable); err == nil {
		m["products"] = k
	}
	if k, err := NewPooled(l); err == nil {
		m["pooled"] = k
	}
	for _, v := range Available() {
		if k, err := NewDepthwise(l, math.MaxInt, v); err == nil {
			m["depthwise "+v.String()] = k
		}
	}
	return m
}

// codedWeights are those of l as a program has them.
func codedWeights(l *Layer) (list []Coded) {
	for i := range l.Terms {
		t := &l.Terms[i]
		kind, data := coding.Pack(t.Weights, len(t.Centres))
		list = append(list, Coded{Kind: kind, Data: data, Count: len(t.Weights), Size: len(t.Centres)})
	}
	return list
}

const guard = 0xA5

// guarded is a slice of n bytes inside a larger one.
func guarded(n, offset int) (s []byte, check func() bool) {
	all := make([]byte, n+64+offset)
	for i := range all {
		all[i] = guard
	}
	return all[32+offset : 32+offset+n : 32+offset+n], func() bool {
		for i, v := range all {
			if v != guard && (i < 32+offset || i >= 32+offset+n) {
				return false
			}
		}
		return true
	}
}

// checkLayer demands that every kernel gives exactly what naive gives, leaves its
// surroundings alone, and does not depend on what the scratch held before.
func checkLayer(t *testing.T, l *Layer, src [][]byte, name string) {
	t.Helper()
	wantLevels, wantAcc := naive(l, src)
	for kind, k := range implementations(l) {
		s := NewScratch(k.Need())
		for i := range s.rows {
			s.rows[i] = ^word(0)
		}
		for i := range s.lanes {
			s.lanes[i] = ^word(0)
		}
		for i := range s.acc {
			s.acc[i] = -1
		}
		for pass := range 2 {
			if len(l.Steps) == 0 {
				out := make([]int32, len(wantAcc)+2)
				out[0], out[len(out)-1] = 12345, 54321
				k.Run(nil, out[1:len(out)-1:len(out)-1], src, s)
				for i, v := range wantAcc {
					if out[1+i] != v {
						t.Fatalf("%s: %s: run %d: accumulator %d is %d, want %d", name, kind, pass, i, out[1+i], v)
					}
				}
				if out[0] != 12345 || out[len(out)-1] != 54321 {
					t.Fatalf("%s: %s: wrote outside its output", name, kind)
				}
				continue
			}
			dst, intact := guarded(len(wantLevels), pass)
			k.Run(dst, nil, src, s)
			for i, v := range wantLevels {
				if dst[i] != v {
					t.Fatalf("%s: %s: run %d: level %d is %d, want %d (accumulator %d)", name, kind, pass, i, dst[i], v, wantAcc[i])
				}
			}
			if !intact() {
				t.Fatalf("%s: %s: wrote outside its output", name, kind)
			}
		}
	}
}

// spec is a layer without its random contents.
type spec struct {
	out    [3]int
	terms  []Term // Centres and Weights are filled in
	book   []int32
	steps  string // "", "one", "channel", "wild"
	bias   int32
	levels int // of the output
}

// input is memory for the n elements of an input, with all that may be read around it.
func input(n int) []byte {
	all := make([]byte, n+2*Margin)
	for i := range all {
		all[i] = 0xA5 // no index in range
	}
	in := all[Margin : Margin+n : Margin+n]
	clear(in)
	return in
}

// make fills in weights, biases, steps and inputs.
func (s spec) make(r *rand.Rand) (*Layer, [][]byte) {
	l := &Layer{Out: s.out, Terms: append([]Term(nil), s.terms...)}
	var src [][]byte
	for i := range l.Terms {
		t := &l.Terms[i]
		t.Centres = s.book
		t.Weights = make([]uint16, s.out[0]*t.taps())
		for j := range t.Weights {
			t.Weights[j] = uint16(r.Intn(len(s.book)))
		}
		in := input(t.Shape[0] * t.Shape[1] * t.Shape[2])
		mode := r.Intn(4)
		for j := range in {
			switch mode {
			case 0:
				in[j] = byte(t.Levels - 1)
			case 1:
				in[j] = byte(r.Intn(2) * (t.Levels - 1))
			default:
				in[j] = byte(r.Intn(t.Levels))
			}
		}
		src = append(src, in)
	}
	l.Bias = make([]int32, s.out[0])
	for o := range l.Bias {
		l.Bias[o] = int32(r.Int63n(2*int64(s.bias)+1) - int64(s.bias))
	}
	n := 0
	switch s.steps {
	case "one", "wild":
		n = 1
	case "channel":
		n = s.out[0]
	}
	low, high := l.Bounds()
	for o := range n {
		l.Steps = append(l.Steps, randomStep(r, low[o], high[o], s.levels, s.steps == "wild"))
	}
	return l, src
}

// randomStep has breaks in a random part of the range and a little outside it.
func randomStep(r *rand.Rand, lo, hi int32, levels int, wild bool) Step {
	span := int64(hi) - int64(lo)
	a := int64(lo) + r.Int63n(span/2+1) - 3
	width := r.Int63n(span/2+1) + int64(levels)*2
	var s Step
	at := a
	for i := range levels - 1 {
		if wild {
			at += 1 + r.Int63n(width/int64(levels)+1)*int64(r.Intn(3))
		} else {
			at = a + width*int64(i)/int64(levels)
		}
		if at < -1<<31 || at > 1<<31-1 || (len(s.Breaks) > 0 && int64(s.Breaks[len(s.Breaks)-1]) >= at) {
			continue
		}
		s.Breaks = append(s.Breaks, int32(at))
	}
	for i := range len(s.Breaks) + 1 {
		v := uint8(i)
		if wild {
			v = uint8(r.Intn(levels))
		}
		s.Values = append(s.Values, v)
	}
	return s
}

// term is a convolution of a square kernel; the fields that matter are set after.
func term(in [3]int, kernel, stride, pad, levels, zero int) Term {
	return Term{
		Shape: in, Levels: levels, Zero: zero, Groups: 1,
		Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride},
		Dilation: [2]int{1, 1}, Pad: [2]int{pad, pad}, Up: [2]int{1, 1},
	}
}

// Codebooks of the tests.
func smallInts() []int32 { return evenly(-8, 7) }

func evenly(lo, hi int32) (c []int32) {
	for v := lo; v <= hi; v++ {
		c = append(c, v)
	}
	return c
}

// arbitrary is n distinct centres of the given number of bits with a sign.
func arbitrary(r *rand.Rand, n, bits int) []int32 {
	limit := int32(1) << (bits - 1)
	seen := map[int32]bool{-limit: true, limit - 1: true}
	for len(seen) < n {
		seen[r.Int31n(2*limit)-limit] = true
	}
	var c []int32
	for v := -limit; v < limit; v++ {
		if seen[v] {
			c = append(c, v)
		}
	}
	return c[:n]
}
