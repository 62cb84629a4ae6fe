package quant

import (
	"math"
	"testing"
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
		list := matchings(terms, tt.levels)
		for i, k := range list[0].multiples {
			if k != tt.want[i] {
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
				if got := k * m.unit; math.Abs(got-tt.units[i]) > tolerance*tt.units[i] {
					t.Errorf("%s: matching %d: unit %g became %g", tt.name, n, tt.units[i], got)
				}
			}
		}
	}
}
