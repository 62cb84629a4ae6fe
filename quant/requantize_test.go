package quant

import (
	"math"
	"testing"

	"qconv/onnx"
)

// TestStepFunction compares the table with its definition at and around every break.
func TestStepFunction(t *testing.T) {
	levels := func(n int, lo, hi float64) Levels {
		l, err := NewLevels(n, lo, hi)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	cases := []struct {
		name   string
		funcs  []*function
		unit   float64
		levels Levels
		lo, hi int64
		rising bool
	}{
		{"relu", []*function{scalar(&onnx.Relu{})}, 1e-4, levels(32, 0, 3), -50000, 50000, true},
		{"tanh", []*function{scalar(&onnx.Tanh{})}, 1e-5, levels(32, -1, 1), -400000, 400000, true},
		{"sigmoid, int32 range", []*function{scalar(&onnx.Sigmoid{})}, 1e-8, levels(256, 0, 1), math.MinInt32, math.MaxInt32, true},
		{"linear pair", nil, 0.1, levels(2, -1, 1), -100, 100, true},
		{"negated", []*function{scalar(&onnx.Neg{})}, 0.01, levels(16, -1, 1), -300, 300, false},
		{"composition", []*function{scalar(&onnx.Relu{}), scalar(&onnx.Tanh{})}, 1e-3, levels(8, 0, 1), -3000, 3000, true},
		{"one accumulator", nil, 1, levels(4, 0, 3), 2, 2, true},
	}
	for _, c := range cases {
		step, err := stepFunction(c.funcs, 0, c.unit, 0, c.levels, c.lo, c.hi)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want := func(acc int64) uint8 {
			return uint8(c.levels.Index(evaluate(c.funcs, 0, float64(acc)*c.unit)))
		}
		probe := []int64{c.lo, c.hi, (c.lo + c.hi) / 2}
		for _, b := range step.Breaks {
			probe = append(probe, int64(b), int64(b)-1, int64(b)+1)
		}
		for _, acc := range probe {
			if acc >= c.lo && acc <= c.hi && step.Level(int32(acc)) != want(acc) {
				t.Errorf("%s: accumulator %d has level %d, want %d", c.name, acc, step.Level(int32(acc)), want(acc))
			}
		}
		if c.rising {
			for i := 1; i < len(step.Values); i++ {
				if step.Values[i] <= step.Values[i-1] {
					t.Errorf("%s: value %d does not rise", c.name, i)
				}
			}
		}
	}
}

func TestInputTables(t *testing.T) {
	p := Preprocess{Scale: []float64{1. / 255}, Mean: []float64{0.1307}, Std: []float64{0.3081}}
	l, err := InputLevels(p, 1, 256)
	if err != nil {
		t.Fatal(err)
	}
	tables := inputTables(p, l, 1, nil, nil)
	if len(tables) != 1 || len(tables[0]) != 256 {
		t.Fatalf("%d tables", len(tables))
	}
	for pixel, index := range tables[0] {
		if d := math.Abs(l.Value(int(index)) - p.Apply(0, float64(pixel))); d > l.Step/2*(1+1e-9) {
			t.Errorf("pixel %d is off by %g, more than half a step of %g", pixel, d, l.Step)
		}
	}
}

// scalar is an operator as a function.
func scalar(op onnx.Scalar) *function {
	return &function{steps: []step{{apply: onnx.ElementFunc(op), operands: []int{0}}}}
}
