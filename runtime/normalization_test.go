package runtime

import (
	"math"
	"testing"
)

func TestNormalization(t *testing.T) {
	for _, c := range []struct {
		n    Normalization
		says string
	}{
		{Normalization{Shape: []int{0, 10}, Length: 10, Inner: 1}, "Softmax over axis 1 of [N,10]"},
		{Normalization{Shape: []int{10}, Length: 10, Inner: 1, Log: true}, "LogSoftmax over axis 0 of [10]"},
		{Normalization{Shape: []int{0, 4, 6, 1}, Length: 4, Inner: 6}, "Softmax over axis 1 of [N,4,6,1]"},
		{Normalization{Shape: []int{0, 4, 6, 7}, Length: 7, Inner: 1}, "Softmax over axis 3 of [N,4,6,7]"},
		{Normalization{Shape: []int{0, 4, 6, 7}, Length: 42, Inner: 1}, "Softmax over axes 2 to 3 of [N,4,6,7]"},
		{Normalization{Shape: []int{1, 4, 6}, Length: 24, Inner: 1}, "Softmax over axes 1 to 2 of [1,4,6]"},
		{Normalization{Shape: []int{0, 4, 6}, Length: 8, Inner: 3}, "Softmax over lines of 8 elements of [N,4,6]"},
		{Normalization{Shape: []int{0}, Length: 1, Inner: 1}, "Softmax over lines of 1 elements of [N]"},
	} {
		if got := c.n.String(); got != c.says {
			t.Errorf("got %q, want %q", got, c.says)
		}
		size := 1
		for _, d := range c.n.Shape {
			size *= max(d, 1)
		}
		scores := make([]float64, size)
		for i := range scores {
			scores[i] = float64(i*i%17) * 100 // whose exponentials are beyond any float64
		}
		got := append([]float64{}, scores...)
		c.n.Apply(got)
		for i := range scores {
			start := i/(c.n.Length*c.n.Inner)*c.n.Length*c.n.Inner + i%c.n.Inner
			sum := 0.0
			for k := range c.n.Length {
				sum += math.Exp(scores[start+k*c.n.Inner] - scores[i])
			}
			want := 1 / sum
			if c.n.Log {
				want = -math.Log(sum)
			}
			if math.Abs(got[i]-want) > 1e-12*max(1, math.Abs(want)) && !(c.n.Log && math.IsInf(want, -1)) {
				t.Errorf("%v: element %d is %g, want %g", &c.n, i, got[i], want)
			}
		}
	}
}
