package finetune

import (
	"slices"
	"testing"
)

// TestStretches compares moves as stretches with the same moves element by element.
func TestStretches(t *testing.T) {
	long := append(counting(20)[5:], counting(9)...)
	cases := []struct {
		name string
		from []int32
		want int // stretches, 0 where the elements are moved one by one
	}{
		{"two stretches", toInt32(long), 2},
		{"fill between", slices.Concat(toInt32(long), slices.Repeat([]int32{-1}, 9), toInt32(counting(12))), 4},
		{"reversed", []int32{5, 4, 3, 2, 1, 0}, 0},
		{"one element many times", slices.Repeat([]int32{3}, 40), 1},
		{"each element many times", slices.Concat(slices.Repeat([]int32{0}, 8), slices.Repeat([]int32{1}, 8), slices.Repeat([]int32{2}, 8)), 3},
		{"repeated, then side by side", slices.Concat(slices.Repeat([]int32{3}, 8), []int32{4, 5, 6, 7, 8, 9, 10}), 2},
		{"all fill", slices.Repeat([]int32{-1}, 40), 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := gather{samples: 1, from: c.from, fill: 7}
			s := g.stretches()
			if s == nil {
				if c.want != 0 {
					t.Fatalf("got none, want %d", c.want)
				}
				return
			}
			if len(s.list) != c.want {
				t.Fatalf("got %d stretches, want %d: %v", len(s.list), c.want, s.list)
			}
			src := make([]float32, 20)
			for i := range src {
				src[i] = float32(i) + 0.5
			}
			moved, want := make([]float32, len(c.from)), make([]float32, len(c.from))
			back, wantBack := make([]float32, 20), make([]float32, 20)
			s.copy(moved, src)
			for i, k := range c.from {
				if want[i] = g.fill; k >= 0 {
					want[i] = src[k]
					wantBack[k] += want[i]
				}
			}
			s.add(back, moved)
			if !slices.Equal(moved, want) {
				t.Errorf("moved %v, want %v", moved, want)
			}
			if !slices.Equal(back, wantBack) {
				t.Errorf("added up %v, want %v", back, wantBack)
			}
		})
	}
}

func toInt32(v []int) []int32 {
	out := make([]int32, len(v))
	for i := range v {
		out[i] = int32(v[i])
	}
	return out
}

// counting is 0, 1, ..., n-1.
func counting(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
