package quant

import (
	"math"
	"testing"
)

func TestNewLevels(t *testing.T) {
	cases := []struct {
		name   string
		count  int
		lo, hi float64
		want   Levels
	}{
		{"relu", 32, 0, 3.1, Levels{Count: 32, Step: 0.1, Zero: 0, Stride: 1}},
		{"pixels", 256, 0, 255, Levels{Count: 256, Step: 1, Zero: 0, Stride: 1}},
		{"tanh, odd", 3, -1, 1, Levels{Count: 3, Step: 1, Zero: 1, Stride: 1}},
		{"tanh, even", 32, -1, 1, Levels{Count: 32, Step: 2. / 31, Zero: 16, Stride: 1}},
		{"positive only", 2, 0.5, 2, Levels{Count: 2, Step: 2, Zero: 0, Stride: 1}},
		{"signed pair", 2, -0.5, 1, Levels{Count: 2, Step: 1, Zero: 1, Stride: 2}},
	}
	for _, c := range cases {
		got, err := NewLevels(c.count, c.lo, c.hi)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if math.Abs(got.Step-c.want.Step) > 1e-12 || got.Count != c.want.Count || got.Zero != c.want.Zero || got.Stride != c.want.Stride {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if got.Value(got.Zero) != 0 {
			t.Errorf("%s: zero is not a level", c.name)
		}
	}
	for _, bad := range []struct {
		count  int
		lo, hi float64
	}{{1, 0, 1}, {257, 0, 1}, {32, 0, 0}, {32, 0, math.Inf(1)}, {32, 0, math.NaN()}} {
		if _, err := NewLevels(bad.count, bad.lo, bad.hi); err == nil {
			t.Errorf("NewLevels(%d, %g, %g) succeeded", bad.count, bad.lo, bad.hi)
		}
	}
}

func TestLevelsIndex(t *testing.T) {
	relu := Levels{Count: 4, Step: 1, Zero: 0, Stride: 1}
	pair := Levels{Count: 2, Step: 1, Zero: 1, Stride: 2}
	cases := []struct {
		levels Levels
		v      float64
		want   int
	}{
		{relu, -5, 0}, {relu, 0.49, 0}, {relu, 0.5, 1}, {relu, 2.4, 2}, {relu, 99, 3},
		{relu, math.NaN(), 0}, {relu, math.Inf(1), 3}, {relu, math.Inf(-1), 0},
		{pair, -0.01, 0}, {pair, 0, 2}, {pair, 7, 2}, {pair, -7, 0},
	}
	for _, c := range cases {
		if got := c.levels.Index(c.v); got != c.want {
			t.Errorf("%+v.Index(%g) = %d, want %d", c.levels, c.v, got, c.want)
		}
	}
}
