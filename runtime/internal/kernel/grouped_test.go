package kernel

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
)

// multiples are the multiples of m by -top to top.
func multiples(m, top int32) []int32 {
	var list []int32
	for c := -top; c <= top; c++ {
		list = append(list, c*m)
	}
	return list
}

// TestGroupedFactor has a factor whose sums take several segments, beside a term without one.
func TestGroupedFactor(t *testing.T) {
	r := rand.New(rand.NewSource(8))
	for _, levels := range []int{32, 256} {
		s := spec{
			out:   [3]int{5, 4, 7},
			terms: []Term{term([3]int{20, 4, 7}, 3, 1, 1, levels, 1), term([3]int{3, 4, 7}, 1, 1, 0, levels, 0)},
			book:  multiples(299, 63), steps: "one", bias: 1 << 20, levels: 32,
		}
		l, src := s.make(r)
		other := &l.Terms[1]
		other.Centres = smallInts()
		for i := range other.Weights {
			other.Weights[i] = uint16(r.Intn(len(other.Centres)))
		}
		if f := chooseFactors(l); f[0].m != 299 || f[1].m != 0 {
			t.Fatalf("factors %d and %d, want 299 and none", f[0].m, f[1].m)
		}
		checkLayer(t, l, src, fmt.Sprintf("%d levels", levels))
	}
}

// TestGroupedStrips has rows of 8 and 16 columns, whole channels in a tile and several tiles, with
// one segment and several, and with all kinds of results.
func TestGroupedStrips(t *testing.T) {
	r := rand.New(rand.NewSource(9))
	used := 0
	for _, cols := range []int{8, 16} {
		for _, rows := range []int{2, 6, 8, 16} {
			for _, channels := range []int{1, 20} {
				for _, stride := range []int{1, 2, 3, 8} {
					for _, steps := range []string{"one", "channel", ""} {
						kernel := 3 + 2*r.Intn(2)
						s := spec{
							out:   [3]int{2 + r.Intn(4), rows, cols},
							terms: []Term{term([3]int{channels, rows * stride, cols * stride}, kernel, stride, kernel/2, 32, r.Intn(32))},
							book:  smallInts(), steps: steps, bias: 1000, levels: 32,
						}
						if r.Intn(2) == 0 {
							s.terms = append(s.terms, term([3]int{2, rows, cols}, 1, 1, 0, 32, 0))
						}
						if r.Intn(2) == 0 {
							s.book = arbitrary(r, 40, 10)
						}
						l, src := s.make(r)
						checkLayer(t, l, src, fmt.Sprintf("%d rows of %d, %d channels, stride %d, kernel %d, steps %q", rows, cols, channels, stride, kernel, steps))
						if k, err := NewGrouped(l, math.MaxInt, Best()); err == nil && k.grids[0].strips > 1 {
							used++
						}
					}
				}
			}
		}
	}
	if Best().has().rowStrips && used < 30 {
		t.Errorf("only %d layers have strips", used)
	}
}
