package kernel

import (
	"math/rand"
	"testing"
)

// TestFillWords compares planes with their definition, for rows that lie partly or wholly outside the input, all
// strides, and several channels, and looks for writes outside of them.
func TestFillWords(t *testing.T) {
	if !LittleEndian {
		t.Skip("lanes need a little-endian machine")
	}
	r := rand.New(rand.NewSource(41))
	const guard = 0xA5
	moved, single := 0, 0
	for trial := range 3000 {
		kernel, stride, pad := 1+r.Intn(5), 1+r.Intn(3), r.Intn(4)
		if r.Intn(20) == 0 {
			pad = 10 + r.Intn(20) // too many columns outside for words
		}
		in := [3]int{1 + r.Intn(3), 1 + r.Intn(9), 1 + r.Intn(14)}
		groups := 1
		if r.Intn(2) == 0 {
			groups = in[0]
		}
		out := func(n int) int { return (n+2*pad-kernel)/stride + 1 }
		if in[1]+2*pad < kernel || in[2]+2*pad < kernel {
			continue
		}
		s := spec{
			out:   [3]int{groups * (1 + r.Intn(2)), out(in[1]), out(in[2])},
			terms: []Term{term(in, kernel, stride, pad, 32, r.Intn(32))},
			book:  smallInts(), steps: "one", levels: 32,
		}
		s.terms[0].Groups = groups
		l, src := s.make(r)
		k, err := NewGrouped(l, int(^uint(0)>>1), Portable)
		if err != nil {
			t.Fatalf("trial %d: %v", trial, err)
		}
		if m := k.grids[0].terms[0]; k.groupUnits == 0 || m.height != in[1] || m.width != in[2] {
			continue // rows were joined, or are no byte rows
		}
		g := k.grids[0]
		m := g.terms[0]
		if len(m.words) != 1 || len(m.planes) == 0 {
			continue
		}
		if m.wordJob.whole == 1 {
			moved++
		}
		buf := make([]byte, g.rowWords*wordBytes)
		for i := range buf {
			buf[i] = guard
		}
		margins := make([]byte, len(src[0])+2*Margin)
		copy(margins[Margin:], src[0])
		input := margins[Margin:][:len(src[0]):len(src[0])]
		for sec := range k.sections {
			m.fill(buf, input, sec, 0, 0, s.out[1], s.out[2])
			for c := range m.channels {
				channel := input[m.sectionIn[sec]+c*m.plane:]
				for _, p := range m.planes {
					for y := range s.out[1] + p.rows {
						row := p.first + y*stride
						for x := range s.out[2] {
							want := m.zero
							if at := p.cols[0].from + (x-p.cols[0].lo)*stride; row >= 0 && row < in[1] && x >= p.cols[0].lo && x < p.cols[0].hi {
								want = channel[row*in[2]+at]
							}
							if got := buf[m.base+c*m.chanBytes+p.off+y*m.pitch+x]; got != want {
								t.Fatalf("trial %d: input %v, kernel %d, stride %d, pad %d: section %d, channel %d, row %d of the plane, column %d is %d, want %d",
									trial, in, kernel, stride, pad, sec, c, y, x, got, want)
							}
						}
					}
				}
			}
		}
		if m.again != nil && k.sections > 1 {
			single++
		}
		end := m.base + m.channels*m.chanBytes
		for i, b := range buf {
			if (i < m.base || i >= end) && b != guard {
				t.Fatalf("trial %d: wrote byte %d, the planes are at %d..%d", trial, i, m.base, end-1)
			}
		}
	}
	if moved < 100 || single < 50 {
		t.Errorf("%d trials with rows of words, %d with sections that keep margins, want at least 100 and 50", moved, single)
	}
}
