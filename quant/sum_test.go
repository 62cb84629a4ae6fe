package quant

import (
	"math"
	"testing"

	"qconv/onnx"
	"qconv/runtime"
)

// TestMatchings checks the first common unit of terms: exact where that is possible, else near enough
// for the levels of the result, with few digits.
func TestMatchings(t *testing.T) {
	for _, tt := range []struct {
		name   string
		units  []float64
		levels int
		want   []float64 // multiples
	}{
		{"one term", []float64{0.3}, 32, []float64{1}},
		{"equal", []float64{0.3, 0.3}, 256, []float64{1, 1}},
		{"a power of two", []float64{0.3, 2.4}, 256, []float64{1, 8}},
		{"halves", []float64{0.2, 0.3}, 256, []float64{2, 3}},
		{"exact though it takes more digits", []float64{0.001, 0.107}, 32, []float64{1, 107}},
		{"fewer digits nearby", []float64{1, 511.3}, 32, []float64{1, 512}},
		{"too far for 256 levels", []float64{1, 511.3}, 256, []float64{4, 2045}},
	} {
		var terms []term
		for _, u := range tt.units {
			terms = append(terms, term{unit: u})
		}
		list := matchings(&sum{terms: terms}, tt.levels, useLevels, nil)
		for i, k := range list[0].multiples {
			if k[0] != tt.want[i] {
				t.Errorf("%s: multiples %v, want %v", tt.name, list[0].multiples, tt.want)
				break
			}
		}
		for n, m := range list {
			tolerance := 1e-9
			if n == 0 {
				tolerance = inaccuracy / float64(tt.levels)
			}
			for i, k := range m.multiples {
				if got := k[0] * m.units[0]; math.Abs(got-tt.units[i]) > tolerance*tt.units[i] {
					t.Errorf("%s: matching %d: unit %g became %g", tt.name, n, tt.units[i], got)
				}
			}
		}
	}
}

// TestRejectedUnits emits a sum whose finest units overflow: their codebooks must not stay in the program.
func TestRejectedUnits(t *testing.T) {
	c := &compiler{prog: &runtime.Program{}, books: map[string]int{}}
	shape := [3]int{2, 1, 1}
	in := c.tensor(onnx.Shape{onnx.Batch, 2}, Levels{Count: 256, Step: 1, Stride: 1})
	out := c.tensor(onnx.Shape{onnx.Batch, 2}, Levels{Count: 256, Step: 1e6, Stride: 1})
	small := identity(state{tensor: in, levels: Levels{Count: 256, Step: 1}}, shape)
	large := small.scaled(1.3e6 + 1.0/3)
	linear, _, err := c.emit(join(small, large), out, 256, useLevels)
	if err != nil {
		t.Fatal(err)
	}
	if want := 1.3e6 * 256; float64(c.prog.Codebooks[linear.Terms[1].Codebook].Centres[0]) >= want {
		t.Fatalf("centres %v: no unit was rejected, and the test shows nothing", c.prog.Codebooks)
	}
	used := map[int]bool{}
	for _, term := range linear.Terms {
		used[term.Codebook] = true
	}
	if len(c.prog.Codebooks) != len(used) {
		t.Errorf("%d codebooks in the program, %d are used", len(c.prog.Codebooks), len(used))
	}
}

// TestUnitsOfDeadChannels emits weights with a unit for each channel, one of which is next to nothing beside its bias: the others
// keep their codes.
func TestUnitsOfDeadChannels(t *testing.T) {
	for _, use := range []use{useLevels, useExact, useSums} {
		c := &compiler{prog: &runtime.Program{}, books: map[string]int{}}
		in := c.tensor(onnx.Shape{onnx.Batch, 2}, Levels{Count: 256, Step: 1, Stride: 1})
		out := c.tensor(onnx.Shape{onnx.Batch, 2}, Levels{Count: 256, Step: 1, Stride: 1})
		s := identity(state{tensor: in, levels: Levels{Count: 256, Step: 1}}, [3]int{2, 1, 1})
		term := &s.terms[0]
		term.Groups, term.centres, term.indices = 1, []int32{-7, 3, 100}, []uint16{0, 1, 2, 0}
		term.units = []float64{1e-14, 0.25}
		s.bias = []float64{5, 0.5}
		linear, m, err := c.emit(s, out, 256, use)
		if err != nil {
			t.Errorf("use %d: %v", use, err)
			continue
		}
		indices := make([]uint16, 4)
		if err := linear.Terms[0].Weights.Decode(indices); err != nil {
			t.Fatal(err)
		}
		centres := c.prog.Codebooks[linear.Terms[0].Codebook].Centres
		for i, want := range []float64{100 * 0.25, -7 * 0.25} {
			if got := float64(centres[indices[2+i]]) * m.unitOf(1); math.Abs(got-want) > m.unitOf(1) {
				t.Errorf("use %d: weight %d of the second channel is %g, want %g", use, i, got, want)
			}
		}
		bias := float64(linear.Bias[0]) * m.unitOf(0)
		if rest := s.rest(linear, m, use); rest != nil {
			bias += rest[0] // in the thresholds
		}
		if math.Abs(bias-5) > m.unitOf(0) {
			t.Errorf("use %d: the bias of the first channel is %g, want 5", use, bias)
		}
	}
}
